/* Commands for a daemon. */
#include "cli/asking.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/shell.h"
#include "cli/progress.h"
#include "cli/rows.h"
#include "cli/spool.h"
#include "dispatch/control.h"
#include "dispatch/said.h"
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where ---- */

/* Beside the file itself, where database is a link to it. */
char *rung_asking_socket(const char *database)
{
    char real[PATH_MAX];
    struct stat info;

    if (lstat(database, &info) == 0 && S_ISLNK(info.st_mode) && realpath(database, real))
        database = real;
    return rung_mem_printf("%s.sock", database);
}

static char *shell_words(const char *option, const char *word, const char *second, const char *word2)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "%s ", option);
    rung_shell_word(&text, word);
    if (second) {
        rung_buf_printf(&text, " %s ", second);
        rung_shell_word(&text, word2);
    }
    return text.data;
}

char *rung_asking_way(const char *database)
{
    return shell_words("--db", database, NULL, NULL);
}

char *rung_asking_resume(const char *options, const char *name, const char *key, const char *way)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "rung submit %s ", options);
    rung_shell_word(&text, name);
    if (key)
        rung_buf_printf(&text, " --set %s=null", key);
    rung_buf_printf(&text, " %s", way);
    return text.data;
}

static bool is_served(const char *database)
{
    char *socket = rung_asking_socket(database);
    bool answers = rung_client_answers(socket);

    free(socket);
    return answers;
}

void rung_asking_instead(struct rung_err *err, const char *database, const char *command)
{
    if (is_served(database))
        rung_err_way_out(err, "%s", command);
}

void rung_asking_afterwards(struct rung_err *err, const char *database, const char *command)
{
    struct rung_store *store = NULL;
    char end[40] = "Ctrl-C";

    if (!is_served(database) || rung_store_open(&store, database, RUNG_STORE_READ, NULL) < 0)
        return;
    long long owner = rung_store_owner(store);
    if (owner > 0)
        snprintf(end, sizeof end, "kill -INT %lld", owner);
    rung_store_close(store);
    rung_err_way_out(err, "%s ends the daemon, whose searches go on with the next rung serve; then: %s", end,
                     command);
}

static int read_address(struct rung_asking *asking, const struct rung_arguments *arguments, const char *to,
                        struct rung_err *err)
{
    const char *key = rung_options_value(arguments, "key");
    int code;

    if (rung_options_has(arguments, "db"))
        return rung_err_set(err, RUNG_EUSE, "--to and --db: both say where the daemon is");
    if (!key)
        return rung_err_set(err, RUNG_EUSE, "--to: needs --key FILE, which the daemon must have, too");
    if ((code = rung_address_read(&asking->address, to, err)) < 0)
        return rung_err_prefix(err, "--to"), code;
    if (asking->address.port == 0)
        return rung_err_set(err, RUNG_EUSE, "--to: %s: the daemon's port is missing", to);
    if ((code = rung_key_read(&asking->key, key, err)) < 0)
        return rung_err_prefix(err, "--key"), code;
    asking->way = shell_words("--to", to, "--key", key);
    return 0;
}

static int key_without_address(struct rung_err *err)
{
    return rung_err_set(err, RUNG_EUSE, "--key: is for --to ADDRESS");
}

static int read_where(struct rung_asking *asking, const struct rung_arguments *arguments,
                      struct rung_err *err)
{
    const char *to = rung_options_value(arguments, "to"), *database = rung_options_value(arguments, "db");

    if (to)
        return read_address(asking, arguments, to, err);
    if (rung_options_has(arguments, "key"))
        return key_without_address(err);
    asking->database = database ? database : RUNG_ASKING_DATABASE;
    asking->socket = rung_asking_socket(asking->database);
    asking->way = rung_asking_way(asking->database);
    return 0;
}

/* ---- the command ---- */

void rung_asking_add(struct rung_asking *asking, const char *key, const char *value)
{
    rung_buf_printf(&asking->command, ",\"%s\":", key);
    rung_json_write_string(&asking->command, value);
}

int rung_asking_open(struct rung_asking *asking, const struct rung_arguments *arguments, const char *command,
                     struct rung_err *err)
{
    *asking = (struct rung_asking){.quiet = rung_options_has(arguments, "quiet")};
    rung_buf_init(&asking->command, RUNG_BUF_UNLIMITED);
    int code = read_where(asking, arguments, err);
    if (code < 0)
        return code;
    rung_buf_printf(&asking->command, "{\"type\":\"command\",\"protocol\":%d,\"quiet\":%s,\"table\":%zu",
                    RUNG_CONTROL_PROTOCOL, asking->quiet ? "true" : "false", rung_rows_width(stdout));
    rung_asking_add(asking, "command", command);
    rung_asking_add(asking, "way", asking->way);
    if (asking->database)
        rung_asking_add(asking, "database", asking->database);
    return 0;
}

void rung_asking_close(struct rung_asking *asking)
{
    rung_buf_free(&asking->command);
    free(asking->socket);
    free(asking->way);
    free(asking->search);
    free(asking->status);
    free(asking->limit);
    explicit_bzero(&asking->key, sizeof asking->key);
}

/* ---- the answer ---- */

static void keep(struct rung_asking *asking, const struct rung_json *message)
{
    free(asking->search);
    free(asking->status);
    free(asking->limit);
    asking->search = rung_mem_strdup(rung_said_string(message, "search"));
    asking->status = rung_mem_strdup(rung_said_string(message, "status"));
    asking->limit = rung_mem_strdup(rung_said_string(message, "limit"));
}

static void hear_end(struct rung_client *client, const struct rung_json *message)
{
    const char *text = rung_said_string(message, "text"), *way_out = rung_said_string(message, "way_out");

    fflush(stdout); /* what was printed before the error comes before it */
    if (*text)
        fprintf(stderr, "rung: %s\n", text);
    if (*way_out)
        fprintf(stderr, "%s\n", way_out);
    rung_client_done(client, (int)rung_said_integer(message, "status", 1));
}

static void on_said(void *context, struct rung_client *client, const struct rung_json *message)
{
    struct rung_asking *asking = context;
    const char *type = rung_said_string(message, "type");

    if (strcmp(type, "note") == 0 && !asking->quiet)
        fprintf(stderr, "rung: note: %s\n", rung_said_string(message, "text"));
    else if (strcmp(type, "accepted") == 0 || strcmp(type, "stopped") == 0)
        keep(asking, message);
    else if (strcmp(type, "end") == 0)
        hear_end(client, message);
}

static void on_poured(void *context, struct rung_client *client, uint64_t stream, const void *data,
                      size_t length)
{
    struct rung_asking *asking = context;
    FILE *out = asking->spool ? rung_spool_stream(asking->spool) : stdout;

    if (stream == STDERR_FILENO) {
        asking->shown = true;
        rung_progress_write(STDERR_FILENO, data, length);
    } else if (fwrite(data, 1, length, out) < length || fflush(out) != 0) {
        rung_client_done(client, 0); /* it takes no more, which its end reports */
    }
}

static void on_begun(void *context, struct rung_client *client)
{
    struct rung_asking *asking = context;

    asking->begun(asking->context, client);
}

static void on_interrupted(void *context, struct rung_client *client)
{
    struct rung_asking *asking = context;

    asking->interrupted(asking->context, client);
}

static void on_resized(void *context, struct rung_client *client)
{
    struct rung_asking *asking = context;

    asking->resized(asking->context, client);
}

/* The way to a daemon that is not there. */
static void explain(const struct rung_asking *asking, struct rung_err *err)
{
    bool lost = err->code == RUNG_EFAIL && asking->search;

    if (err->way_out[0])
        return;
    if (lost)
        rung_err_prefix(err, "%s: the daemon is gone, and goes on with it when it is started again",
                        asking->search);
    else if (err->code == RUNG_EUSE && asking->database)
        rung_err_prefix(err, "no daemon serves %s", asking->database);
    if (asking->database)
        rung_err_way_out(err, "rung serve %s", asking->way);
}

int rung_asking_give(struct rung_asking *asking, struct rung_err *err)
{
    int status = 0;

    rung_buf_char(&asking->command, '}');
    struct rung_client_options options = {.socket = asking->socket,
                                          .address = &asking->address,
                                          .key = &asking->key,
                                          .command = rung_buf_cstr(&asking->command),
                                          .context = asking,
                                          .begun = asking->begun ? on_begun : NULL,
                                          .said = on_said,
                                          .poured = on_poured,
                                          .interrupted = asking->interrupted ? on_interrupted : NULL,
                                          .resized = asking->resized ? on_resized : NULL};
    int code = rung_client_run(&options, &status, err);
    if (code < 0)
        explain(asking, err);
    return code < 0 ? code : status;
}

/* ---- questions ---- */

/* Whatever options of the command there are; the daemon knows which are its own. */
static void add_options(struct rung_asking *asking, const struct rung_arguments *arguments)
{
    const char *gap = "";

    rung_buf_text(&asking->command, ",\"options\":{");
    for (size_t i = 0; i < arguments->given_count; i++) {
        const struct rung_option *option = arguments->given[i].option;
        char letter[2] = {option->letter, '\0'};
        const char *name = option->name ? option->name : letter;
        if (strcmp(name, "db") == 0 || strcmp(name, "to") == 0 || strcmp(name, "key") == 0 ||
            rung_options_value(arguments, name) != arguments->given[i].value)
            continue;
        rung_buf_text(&asking->command, gap);
        rung_json_write_string(&asking->command, name);
        rung_buf_char(&asking->command, ':');
        rung_json_write_string(&asking->command, arguments->given[i].value);
        gap = ",";
    }
    rung_buf_char(&asking->command, '}');
}

int rung_asking_question(const char *command, const struct rung_arguments *arguments, bool *asked,
                         struct rung_err *err)
{
    size_t words = strcmp(command, "show") == 0 ? 1 : 0;
    struct rung_asking asking = {0};
    int code;

    *asked = rung_options_has(arguments, "db") || rung_options_has(arguments, "to");
    if (!*asked && rung_options_has(arguments, "key"))
        return key_without_address(err);
    if (!*asked && arguments->word_count > 0)
        return 0;
    if (!*asked) {
        rung_err_set(err, RUNG_EUSE, "%s: an operand is missing: %s", command, words ? "DB [MODEL]" : "DB");
        return rung_err_way_out(err, "rung %s --help", command);
    }
    if (arguments->word_count > words)
        return rung_err_set(err, RUNG_EUSE, "%s: a database is named, and a daemon: %s", command,
                            arguments->words[0]);
    if ((code = rung_asking_open(&asking, arguments, command, err)) == 0) {
        add_options(&asking, arguments);
        if (arguments->word_count > 0)
            rung_asking_add(&asking, "model", arguments->words[0]);
        asking.spool = rung_spool_create(); /* a daemon waits for nobody who reads a page now and then */
        code = rung_asking_give(&asking, err);
        code = rung_spool_end(asking.spool, code, err);
    }
    rung_asking_close(&asking);
    return code;
}
