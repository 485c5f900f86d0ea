/* rung retry DB [MODEL] */
#include "base/shell.h"
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/reading.h"
#include "cli/stored.h"
#include "dispatch/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct retry {
    struct rung_store *store;
    struct rung_record *record; /* NULL until the first model is retried */
    struct rung_stored stored;
    struct rung_decisions decisions;
    size_t retried, refused;
    struct rung_err why; /* of the last that was refused */
};

static int record_retry(struct retry *retry, const struct rung_event *event, struct rung_err *err)
{
    const struct rung_spec *spec = retry->stored.spec;
    struct rung_result_facts facts = rung_result_facts_at(retry->stored.row.elapsed, rung_clock_wall());
    int code = 0;

    facts.bracket = rung_search_model(retry->stored.search, event->model).bracket;
    if (!retry->record)
        code = rung_record_reopen(&retry->record, retry->store, &retry->stored.row, spec->space,
                                  spec->search.seed, err);
    return code < 0 ? code : rung_record_append(retry->record, event, &retry->decisions, &facts, err);
}

/* A refusal is kept and said; only what breaks the record is an error. */
static int retry_model(struct retry *retry, uint32_t model, struct rung_err *err)
{
    struct rung_event event = {.kind = RUNG_EVENT_RETRY,
                               .model = model,
                               .calls = rung_search_model(retry->stored.search, model).calls};

    rung_decisions_clear(&retry->decisions);
    if (rung_search_step(retry->stored.search, &event, &retry->decisions, &retry->why) < 0) {
        retry->refused++;
        fprintf(stderr, "rung: model %u: cannot be retried: %s\n", model, retry->why.text);
        return 0;
    }
    int code = record_retry(retry, &event, err);
    if (code == 0)
        retry->retried++;
    return code;
}

static int retry_failed(struct retry *retry, struct rung_err *err)
{
    const struct rung_search *search = retry->stored.search;
    int code = 0;

    for (uint32_t k = 0; k < rung_search_model_count(search) && code == 0; k++)
        if (rung_search_model(search, k).status == RUNG_MODEL_FAILED)
            code = retry_model(retry, k, err);
    return code;
}

/* Back to sleep: the next resume trains what was given another chance. */
static int commit(struct retry *retry, struct rung_err *err)
{
    int code = rung_record_status(retry->record, "interrupted", "models are waiting to be retried",
                                  retry->stored.row.elapsed, rung_clock_wall(), err);

    return code < 0 ? code : rung_store_commit(retry->store, err);
}

static void print_retried(const struct retry *retry, const char *name)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_human_count(&text, (int64_t)retry->retried, "model");
    rung_buf_text(&text, retry->retried == 1 ? " waits" : " wait");
    rung_buf_text(&text, " for another attempt: rung resume ");
    rung_shell_file(&text, rung_store_path(retry->store));
    if (name) {
        rung_buf_text(&text, " --search ");
        rung_shell_word(&text, name);
    }
    puts(rung_buf_cstr(&text));
    rung_buf_free(&text);
}

static int retry_all(struct retry *retry, const struct rung_arguments *arguments, int64_t model,
                     struct rung_err *err)
{
    const char *name = rung_options_value(arguments, "search");
    const struct rung_search_row *row = &retry->stored.row;
    int code;

    if ((code = rung_store_open(&retry->store, arguments->words[0], RUNG_STORE_WRITE, err)) < 0 ||
        (code = rung_stored_load(&retry->stored, retry->store, name, err)) < 0)
        return code;
    if (strcmp(row->status, "finished") == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s is finished: every rung is decided", arguments->words[0],
                            row->name);
    if ((code = rung_stored_replay(&retry->stored, retry->store, err)) < 0)
        return code;
    if (model >= (int64_t)rung_search_model_count(retry->stored.search))
        return rung_err_set(err, RUNG_EUSE, "%s: %s has no model %lld", arguments->words[0], row->name,
                            (long long)model);
    code = model == RUNG_QUERY_ANY ? retry_failed(retry, err) : retry_model(retry, (uint32_t)model, err);
    if (code == 0 && retry->retried > 0)
        code = commit(retry, err);
    if (code < 0)
        return code;
    if (retry->retried > 0)
        print_retried(retry, name);
    else if (retry->refused == 0)
        printf("%s: no model has failed\n", row->name);
    return retry->retried == 0 && retry->refused > 0 ? 2 : 0;
}

int rung_cmd_retry(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct retry retry = {0};
    int64_t model;
    int code = rung_reading_model(arguments, &model, err);

    if (code == 0)
        code = retry_all(&retry, arguments, model, err);
    if (code == RUNG_EUSE && !retry.store) {
        char *line = rung_options_line("retry", arguments);
        rung_asking_afterwards(err, arguments->words[0], line);
        free(line);
    }
    rung_decisions_free(&retry.decisions);
    rung_record_free(retry.record);
    rung_store_close(retry.store);
    rung_stored_free(&retry.stored);
    return code;
}
