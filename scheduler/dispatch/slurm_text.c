#include "dispatch/slurm_text.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/shell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Before a worker's time is over: it gives its jobs back at once, and what is done still gets here. Slurm may
 * send it up to a minute earlier. */
#define FAREWELL_SECONDS "10"

/* ---- the script ---- */

void rung_slurm_script(struct rung_buf *out, const struct rung_slurm_job *job)
{
    bool brackets = strchr(job->host, ':') != NULL;
    char *address =
        rung_mem_printf("%s%s%s:%d", brackets ? "[" : "", job->host, brackets ? "]" : "", job->port);

    rung_buf_text(out, "#!/bin/sh\n");
    for (char **line = job->cluster->setup; line && *line; line++)
        rung_buf_printf(out, "%s\n", *line);
    rung_buf_text(out, "exec ");
    rung_shell_word(out, job->program);
    rung_buf_text(out, " worker ");
    rung_shell_word(out, address);
    rung_buf_text(out, " --key ");
    rung_shell_word(out, job->key);
    rung_buf_printf(out, " --trainers %lld --orphan-timeout ", (long long)job->cluster->trainers);
    rung_json_write_number(out, job->orphan_timeout);
    rung_buf_char(out, '\n');
    free(address);
}

/* ---- command lines ---- */

struct words {
    char **list;
    size_t count, capacity;
};

/* word: the words' from now on; NULL ends them. */
static void add(struct words *words, char *word)
{
    words->list = rung_mem_grow(words->list, words->count, &words->capacity, sizeof *words->list);
    words->list[words->count++] = word;
}

static void add_text(struct words *words, const char *word)
{
    add(words, rung_mem_strdup(word));
}

/* What stands in it after a % would be replaced. */
static char *output_pattern(const char *folder)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_text(&text, "--output=");
    for (; *folder; folder++) {
        rung_buf_char(&text, *folder);
        if (*folder == '%')
            rung_buf_char(&text, '%');
    }
    rung_buf_text(&text, "/slurm-%A_%a.log");
    return text.data;
}

static char *time_word(double seconds)
{
    long long minutes = (long long)fmin(ceil(seconds / 60), 1e9);

    return rung_mem_printf("--time=%lld", minutes);
}

char **rung_slurm_submit_words(const struct rung_slurm_job *job, size_t count)
{
    const struct rung_cluster_spec *cluster = job->cluster;
    struct words words = {0};

    add_text(&words, "sbatch");
    add_text(&words, "--nodes=1");
    add_text(&words, "--ntasks=1");
    add(&words, rung_mem_printf("--cpus-per-task=%lld", (long long)cluster->cpus));
    add(&words, output_pattern(job->log_folder));
    add_text(&words, "--signal=B:TERM@" FAREWELL_SECONDS);
    if (cluster->partition)
        add(&words, rung_mem_printf("--partition=%s", cluster->partition));
    if (cluster->memory)
        add(&words, rung_mem_printf("--mem=%s", cluster->memory));
    if (isfinite(cluster->time))
        add(&words, time_word(cluster->time));
    for (char **argument = cluster->arguments; argument && *argument; argument++)
        add_text(&words, *argument);
    /* The last one counts: of what tells our workers apart nothing can be changed. */
    add_text(&words, "--parsable");
    add_text(&words, "--no-requeue");
    add(&words, rung_mem_printf("--job-name=%s", job->name));
    add(&words, rung_mem_printf("--array=0-%zu", count - 1));
    add(&words, NULL);
    return words.list;
}

char **rung_slurm_look_words(const char *name)
{
    struct words words = {0};

    add_text(&words, "squeue");
    add_text(&words, "--noheader");
    add_text(&words, "--array");
    add_text(&words, "--states=all");
    add_text(&words, "--format=%F_%K %T");
    add(&words, rung_mem_printf("--user=%lld", (long long)geteuid()));
    add(&words, rung_mem_printf("--name=%s", name));
    add(&words, NULL);
    return words.list;
}

char **rung_slurm_cancel_words(const char *name, const struct rung_slurm_task *tasks, size_t count,
                               bool pending_alone)
{
    struct words words = {0};

    add_text(&words, "scancel");
    if (!tasks) {
        add(&words, rung_mem_printf("--user=%lld", (long long)geteuid()));
        add(&words, rung_mem_printf("--name=%s", name));
    }
    if (!tasks && pending_alone)
        add_text(&words, "--state=PENDING");
    for (size_t i = 0; tasks && i < count; i++)
        add(&words, rung_mem_printf("%lld_%lld", (long long)tasks[i].job, (long long)tasks[i].index));
    add(&words, NULL);
    return words.list;
}

void rung_slurm_free_words(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

/* ---- answers ---- */

/* A number of at most 18 digits; *text is then behind it. */
static bool read_number(const char **text, int64_t *number)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 18)
        return false;
    *number = strtoll(*text, NULL, 10);
    *text += digits;
    return true;
}

bool rung_slurm_read_job(const char *text, int64_t *job)
{
    return read_number(&text, job) && *job > 0 && strchr(";\n", *text); /* ; and the cluster's name */
}

static bool read_task(const char **text, struct rung_slurm_task *task)
{
    if (!read_number(text, &task->job) || **text != '_')
        return false;
    ++*text;
    return read_number(text, &task->index);
}

bool rung_slurm_read_line(const char *line, struct rung_slurm_task *task, bool *ended)
{
    static const char *const over[] = {"BOOT_FAIL", "CANCELLED",     "COMPLETED", "COMPLETING",
                                       "DEADLINE",  "FAILED",        "NODE_FAIL", "PREEMPTED",
                                       "REVOKED",   "OUT_OF_MEMORY", "TIMEOUT"};

    if (!read_task(&line, task) || *line++ != ' ')
        return false;
    size_t length = strcspn(line, " \n");
    *ended = false;
    for (size_t i = 0; i < sizeof over / sizeof *over; i++)
        *ended |= strlen(over[i]) == length && strncmp(line, over[i], length) == 0;
    return length > 0;
}

bool rung_slurm_read_launched(const char *text, struct rung_slurm_task *task)
{
    if (strncmp(text, "slurm:", 6) != 0)
        return false;
    text += 6;
    return read_task(&text, task) && *text == '\0';
}
