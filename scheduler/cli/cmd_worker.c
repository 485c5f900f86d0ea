/* rung worker ADDRESS */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/processors.h"
#include "cli/scratch.h"
#include "core/spec.h"
#include "dispatch/worker.h"

#include <stdio.h>
#include <stdlib.h>

#define TRAINERS_MAX   1024
#define ORPHAN_TIMEOUT 60.0

static void say(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "rung: note: %s\n", text);
}

static int read_options(struct rung_worker_options *options, const struct rung_arguments *arguments,
                        struct rung_err *err)
{
    const char *key = rung_options_value(arguments, "key");
    const char *orphan = rung_options_value(arguments, "orphan-timeout");
    int64_t trainers = (int64_t)rung_processors();
    int code;

    *options = (struct rung_worker_options){.orphan_timeout = ORPHAN_TIMEOUT};
    if (!rung_options_has(arguments, "quiet"))
        options->tell = say;
    if (!key) {
        rung_err_set(err, RUNG_EUSE, "worker: needs --key FILE, which the scheduler must have, too");
        return rung_err_way_out(err, "rung key FILE makes one; copy it here");
    }
    if ((code = rung_address_read(&options->address, arguments->words[0], err)) < 0 ||
        (code = rung_key_read(&options->key, key, err)) < 0 ||
        (code = rung_options_integer(arguments, "trainers", 1, TRAINERS_MAX, &trainers, err)) < 0)
        return code;
    if (options->address.port == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: a worker needs the port of its scheduler",
                            arguments->words[0]);
    if (orphan &&
        (!rung_spec_duration_text(orphan, &options->orphan_timeout) || !(options->orphan_timeout > 0)))
        return rung_err_set(err, RUNG_EUSE, "--orphan-timeout: \"%s\" is no duration such as 90, 10m or 2h",
                            orphan);
    options->trainers = (size_t)trainers;
    return 0;
}

/* What it is to Slurm, where that started it: its owner frees it. */
static char *launched_by_slurm(void)
{
    const char *array = getenv("SLURM_ARRAY_JOB_ID"), *index = getenv("SLURM_ARRAY_TASK_ID");
    const char *job = getenv("SLURM_JOB_ID");

    if (array && index)
        return rung_mem_printf("slurm:%s_%s", array, index);
    return job ? rung_mem_printf("slurm:%s", job) : NULL;
}

int rung_cmd_worker(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_worker_options options;
    char *folder = NULL, *launched = launched_by_slurm();
    int code;

    if ((code = read_options(&options, arguments, err)) == 0 &&
        (code = rung_scratch_make(&folder, NULL, "rung-worker", err)) == 0) {
        options.folder = folder;
        options.launched = launched;
        code = rung_worker_run(&options, err);
    }
    rung_scratch_remove(folder);
    free(launched);
    return code;
}
