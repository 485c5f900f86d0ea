/* What Slurm is told, and how its answers are read. */
#include "dispatch/slurm_text.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rung_cluster_spec plain_cluster(void)
{
    return (struct rung_cluster_spec){.time = INFINITY, .cpus = 1, .trainers = 1};
}

static struct rung_slurm_job job_of(const struct rung_cluster_spec *cluster)
{
    return (struct rung_slurm_job){.cluster = cluster,
                                   .name = "rung-demo-1a2b3c",
                                   .program = "/opt/rung/bin/rung",
                                   .key = "/home/me/demo.db.key",
                                   .log_folder = "/home/me/demo.db.logs/demo",
                                   .host = "head",
                                   .port = 7700,
                                   .orphan_timeout = 60};
}

static char *script_of(const struct rung_slurm_job *job)
{
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_slurm_script(&out, job);
    return out.data;
}

static void the_script_becomes_the_worker(void **state)
{
    (void)state;
    struct rung_cluster_spec cluster = plain_cluster();
    struct rung_slurm_job job = job_of(&cluster);
    char *script = script_of(&job);
    assert_string_equal(script, "#!/bin/sh\n"
                                "exec /opt/rung/bin/rung worker head:7700 --key /home/me/demo.db.key "
                                "--trainers 1 --orphan-timeout 60\n");
    free(script);
}

static void the_script_begins_with_the_lines_of_the_spec(void **state)
{
    (void)state;
    char first[] = "module load cuda", second[] = "ulimit -c 0";
    char *setup[] = {first, second, NULL};
    struct rung_cluster_spec cluster = plain_cluster();
    struct rung_slurm_job job = job_of(&cluster);
    cluster.setup = setup;
    cluster.trainers = 4;
    job.host = "fe80::1";
    job.orphan_timeout = 1.5;
    char *script = script_of(&job);
    assert_string_equal(script, "#!/bin/sh\nmodule load cuda\nulimit -c 0\n"
                                "exec /opt/rung/bin/rung worker '[fe80::1]:7700' --key /home/me/demo.db.key "
                                "--trainers 4 --orphan-timeout 1.5\n");
    free(script);
}

/* A shell reads back each word as it was, whatever is in it. */
static void a_shell_understands_the_script_whatever_the_paths_are(void **state)
{
    (void)state;
    static const char strange[] = "/a b/it's $HOME `x` \"q\" \\ ! * ;&|<>\t\xc3\xa9#\n.key";
    struct rung_cluster_spec cluster = plain_cluster();
    struct rung_slurm_job job = job_of(&cluster);
    char command[2048], out[512];
    job.program = "/usr/bin/printf";
    job.key = strange;
    char *script = script_of(&job);
    char *exec = strstr(script, "worker head:7700");
    assert_non_null(exec);
    snprintf(command, sizeof command, "exec printf '%%s|' %s", exec);
    FILE *shell = popen(command, "r");
    assert_non_null(shell);
    size_t length = fread(out, 1, sizeof out - 1, shell);
    out[length] = '\0';
    assert_int_equal(pclose(shell), 0);
    char *wanted = rung_mem_printf("worker|head:7700|--key|%s|--trainers|1|--orphan-timeout|60|", strange);
    assert_string_equal(out, wanted);
    free(wanted);
    free(script);
}

static char *line_of(char **words)
{
    struct rung_buf line;
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    for (char **word = words; *word; word++)
        rung_buf_printf(&line, "%s%s", word == words ? "" : " ", *word);
    rung_slurm_free_words(words);
    return line.data;
}

static void assert_line(char **words, const char *wanted)
{
    char *line = line_of(words);
    assert_string_equal(line, wanted);
    free(line);
}

static void workers_are_asked_for_as_an_array(void **state)
{
    (void)state;
    struct rung_cluster_spec cluster = plain_cluster();
    struct rung_slurm_job job = job_of(&cluster);
    assert_line(
        rung_slurm_submit_words(&job, 4),
        "sbatch --nodes=1 --ntasks=1 --cpus-per-task=1 --output=/home/me/demo.db.logs/demo/slurm-%A_%a.log "
        "--signal=B:TERM@10 --parsable --no-requeue --job-name=rung-demo-1a2b3c --array=0-3");
}

static void all_of_the_cluster_is_asked_for(void **state)
{
    (void)state;
    char partition[] = "gpu", memory[] = "4G", gres[] = "--gres=gpu:1", name[] = "--job-name=mine";
    char *arguments[] = {gres, name, NULL};
    struct rung_cluster_spec cluster = {.partition = partition,
                                        .time = 5401,
                                        .memory = memory,
                                        .cpus = 8,
                                        .trainers = 2,
                                        .arguments = arguments};
    struct rung_slurm_job job = job_of(&cluster);
    job.log_folder = "/home/100%/logs";
    assert_line(
        rung_slurm_submit_words(&job, 1),
        "sbatch --nodes=1 --ntasks=1 --cpus-per-task=8 --output=/home/100%%/logs/slurm-%A_%a.log "
        "--signal=B:TERM@10 --partition=gpu --mem=4G --time=91 --gres=gpu:1 --job-name=mine --parsable "
        "--no-requeue --job-name=rung-demo-1a2b3c --array=0-0");
}

static void tasks_are_cancelled_by_number_and_all_by_name(void **state)
{
    (void)state;
    const struct rung_slurm_task tasks[] = {{12, 0}, {12, 3}, {14, 1}};
    char wanted[200];
    assert_line(rung_slurm_cancel_words("rung-x-1", tasks, 3, false), "scancel 12_0 12_3 14_1");
    snprintf(wanted, sizeof wanted, "scancel --user=%d --name=rung-x-1", (int)geteuid());
    assert_line(rung_slurm_cancel_words("rung-x-1", NULL, 0, false), wanted);
    snprintf(wanted, sizeof wanted, "scancel --user=%d --name=rung-x-1 --state=PENDING", (int)geteuid());
    assert_line(rung_slurm_cancel_words("rung-x-1", NULL, 0, true), wanted);
    snprintf(wanted, sizeof wanted,
             "squeue --noheader --array --states=all --format=%%F_%%K %%T --user=%d --name=rung-x-1",
             (int)geteuid());
    assert_line(rung_slurm_look_words("rung-x-1"), wanted);
}

static void the_number_of_a_job_is_read(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "\n", "0\n", "x", "-3\n", "12x\n", "Submitted batch job 12\n", "9999999999999999999\n"};
    int64_t job = 0;
    assert_true(rung_slurm_read_job("12\n", &job) && job == 12);
    assert_true(rung_slurm_read_job("4711;cluster\n", &job) && job == 4711);
    assert_true(rung_slurm_read_job("7", &job) && job == 7);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rung_slurm_read_job(wrong[i], &job));
}

static void lines_of_the_queue_are_read(void **state)
{
    (void)state;
    static const char *const alive[] = {"PENDING",   "RUNNING",  "CONFIGURING",
                                        "SUSPENDED", "REQUEUED", "STOPPED"};
    static const char *const over[] = {"COMPLETED", "CANCELLED", "FAILED",   "TIMEOUT",       "NODE_FAIL",
                                       "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY", "COMPLETING"};
    static const char *const wrong[] = {"",
                                        "12_N/A RUNNING",
                                        "12 RUNNING",
                                        "12_3",
                                        "12_3 ",
                                        "_3 RUNNING",
                                        "12_ RUNNING",
                                        "JOBID STATE",
                                        "12_[0-3] PENDING"};
    struct rung_slurm_task task;
    bool ended;
    char line[100];
    for (size_t i = 0; i < sizeof alive / sizeof *alive; i++) {
        snprintf(line, sizeof line, "12_3 %s\n13_0 FAILED\n", alive[i]);
        assert_true(rung_slurm_read_line(line, &task, &ended));
        assert_true(task.job == 12 && task.index == 3);
        assert_false(ended);
    }
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        snprintf(line, sizeof line, "1_0 %s", over[i]);
        assert_true(rung_slurm_read_line(line, &task, &ended));
        assert_true(ended);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rung_slurm_read_line(wrong[i], &task, &ended));
}

static void a_worker_says_which_task_it_is(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",          "slurm:",   "slurm:12",
                                        "slurm:12_", "slurm:_3", "slurm:12_3x",
                                        "pbs:12_3",  "12_3",     "slurm:99999999999999999999_1"};
    struct rung_slurm_task task;
    assert_true(rung_slurm_read_launched("slurm:12_3", &task));
    assert_true(task.job == 12 && task.index == 3);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(rung_slurm_read_launched(wrong[i], &task));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_script_becomes_the_worker),
        cmocka_unit_test(the_script_begins_with_the_lines_of_the_spec),
        cmocka_unit_test(a_shell_understands_the_script_whatever_the_paths_are),
        cmocka_unit_test(workers_are_asked_for_as_an_array),
        cmocka_unit_test(all_of_the_cluster_is_asked_for),
        cmocka_unit_test(tasks_are_cancelled_by_number_and_all_by_name),
        cmocka_unit_test(the_number_of_a_job_is_read),
        cmocka_unit_test(lines_of_the_queue_are_read),
        cmocka_unit_test(a_worker_says_which_task_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
