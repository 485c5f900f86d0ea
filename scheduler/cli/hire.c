/* Workers from Slurm, before they are asked for. */
#include "cli/hire.h"

#include "base/mem.h"
#include "cli/program.h"
#include "dispatch/key.h"
#include "dispatch/remote.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORPHAN_TIMEOUT 60.0 /* seconds */

/* relative to folder, or to where we are where that is NULL */
static char *absolute(const char *path, const char *folder)
{
    if (path[0] == '/')
        return rung_mem_strdup(path);
    char *here = folder ? NULL : getcwd(NULL, 0);
    char *whole = rung_mem_printf("%s/%s", folder ? folder : here ? here : ".", path);
    free(here);
    return whole;
}

static int find_commands(struct rung_err *err)
{
    static const char *const commands[] = {"sbatch", "squeue", "scancel"};

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *path = NULL;
        int code = rung_program_resolve(&path, commands[i], ".", err);
        free(path);
        if (code == 0)
            continue;
        rung_err_set(err, RUNG_EUSE, "--slurm: there is no %s on PATH", commands[i]);
        return rung_err_way_out(
            err, "start it where Slurm's commands are, or workers by hand: rung run --listen, rung worker");
    }
    return 0;
}

static int find_program(struct rung_hire *hire, struct rung_err *err)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return rung_err_set(err, RUNG_EFAIL, "--slurm: rung's own path is not known: %s", strerror(errno));
    hire->program = rung_mem_strndup(self, (size_t)length);
    return 0;
}

static int find_folder(struct rung_hire *hire, const char *folder, const char *spec_folder,
                       struct rung_err *err)
{
    if (!folder)
        return 0;
    hire->folder = absolute(folder, spec_folder);
    if (access(hire->folder, W_OK | X_OK) < 0)
        return rung_err_set(err, RUNG_EUSE, "cluster.folder: %s: %s", hire->folder, strerror(errno));
    return 0;
}

static void choose_key(struct rung_hire *hire, const char *given, const char *database)
{
    char *beside =
        hire->folder ? rung_mem_printf("%s/rung.key", hire->folder) : rung_mem_printf("%s.key", database);

    hire->key = absolute(given ? given : beside, NULL);
    free(beside);
}

int rung_hire_read(struct rung_hire *hire, const struct rung_arguments *arguments, int64_t trainers,
                   struct rung_err *err)
{
    const char *orphan = rung_options_value(arguments, "orphan-timeout");
    int64_t most = 0;
    int code = rung_options_integer(arguments, "slurm", 1, RUNG_REMOTE_SLOTS / trainers, &most, err);

    if (code < 0)
        return code;
    if (orphan && most == 0)
        return rung_err_set(err, RUNG_EUSE, "--orphan-timeout: is for --slurm N");
    hire->slurm.most = (size_t)most;
    hire->slurm.orphan_timeout = ORPHAN_TIMEOUT;
    if (orphan &&
        (!rung_spec_duration_text(orphan, &hire->slurm.orphan_timeout) || !(hire->slurm.orphan_timeout > 0)))
        return rung_err_set(err, RUNG_EUSE, "--orphan-timeout: \"%s\" is no duration such as 90, 10m or 2h",
                            orphan);
    return 0;
}

int rung_hire_prepare(struct rung_hire *hire, const struct rung_arguments *arguments,
                      const struct rung_spec *spec, const char *database, const char *folder,
                      struct rung_err *err)
{
    const struct rung_cluster_spec *cluster = &spec->cluster;
    int code = rung_hire_read(hire, arguments, cluster->trainers, err);

    if (code < 0 || hire->slurm.most == 0)
        return code;
    if ((code = find_commands(err)) < 0 || (code = find_program(hire, err)) < 0 ||
        (code = find_folder(hire, cluster->folder, folder, err)) < 0)
        return code;
    choose_key(hire, rung_options_value(arguments, "key"), database);
    hire->host = rung_mem_strdup(cluster->address);
    return 0;
}

void rung_hire_listening(struct rung_hire *hire, const struct rung_address *listening)
{
    static const char *const any[] = {"", "0.0.0.0", "::"};
    char name[256] = "localhost";
    bool everywhere = false;

    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        everywhere |= strcmp(listening->host, any[i]) == 0;
    if (everywhere)
        gethostname(name, sizeof name - 1);
    if (!hire->host)
        hire->host = rung_mem_strdup(everywhere ? name : listening->host);
}

int rung_hire_key(struct rung_hire *hire, bool named, struct rung_err *err)
{
    if (!named && access(hire->key, F_OK) < 0) {
        int code = rung_key_make(hire->key, err);
        if (code < 0)
            return code;
        hire->key_made = true;
    }
    hire->slurm.program = hire->program;
    hire->slurm.key = hire->key;
    hire->slurm.folder = hire->folder;
    hire->slurm.host = hire->host;
    return 0;
}

void rung_hire_free(struct rung_hire *hire)
{
    free(hire->program);
    free(hire->key);
    free(hire->folder);
    free(hire->host);
    *hire = (struct rung_hire){0};
}

void rung_hire_cancel(struct rung_hire *hire)
{
    if (hire->key_made)
        unlink(hire->key);
    hire->key_made = false;
}
