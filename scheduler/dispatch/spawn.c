#include "dispatch/spawn.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* ---- environment ---- */

struct environment {
    char **entries;
    size_t count, capacity;
};

static void add_entry(struct environment *env, char *entry)
{
    env->entries = rung_mem_grow(env->entries, env->count, &env->capacity, sizeof *env->entries);
    env->entries[env->count++] = entry;
}

static void set_variable(struct environment *env, const char *name, const char *value)
{
    char *entry = rung_mem_printf("%s=%s", name, value);
    size_t name_length = strlen(name) + 1;
    for (size_t i = 0; i < env->count; i++)
        if (env->entries[i] && strncmp(env->entries[i], entry, name_length) == 0) {
            free(env->entries[i]);
            env->entries[i] = entry;
            return;
        }
    add_entry(env, entry);
}

/* The value with every {slot} replaced by the trainer's number. */
static char *with_slot(const char *value, const char *slot)
{
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    for (const char *hit; (hit = strstr(value, "{slot}")); value = hit + strlen("{slot}")) {
        rung_buf_append(&out, value, (size_t)(hit - value));
        rung_buf_text(&out, slot);
    }
    rung_buf_text(&out, value);
    return out.data ? out.data : rung_mem_strdup("");
}

static char **make_environment(const struct rung_spawn *spawn)
{
    struct environment env = {0};
    for (char **entry = environ; *entry; entry++)
        add_entry(&env, rung_mem_strdup(*entry));
    char *threads = rung_mem_printf("%lld", (long long)spawn->trainer->threads);
    char *slot = rung_mem_printf("%d", spawn->slot);
    char *fd = rung_mem_printf("%d", RUNG_SPAWN_FD);
    set_variable(&env, "OMP_NUM_THREADS", threads);
    set_variable(&env, "OPENBLAS_NUM_THREADS", threads);
    set_variable(&env, "MKL_NUM_THREADS", threads);
    for (size_t i = 0; i < spawn->trainer->env_count; i++) {
        char *value = with_slot(spawn->trainer->env_values[i], slot);
        set_variable(&env, spawn->trainer->env_names[i], value);
        free(value);
    }
    set_variable(&env, "RUNG_FD", fd);
    set_variable(&env, "RUNG_SLOT", slot);
    free(threads);
    free(slot);
    free(fd);
    add_entry(&env, NULL);
    return env.entries;
}

static void free_environment(char **environment)
{
    for (char **entry = environment; *entry; entry++)
        free(*entry);
    free(environment);
}

/* ---- process ---- */

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int rc = posix_spawnattr_setsigdefault(attributes, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attributes,
                                      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return rc;
}

/* glibc's posix_spawn refuses SCHED_BATCH, so it is set from here; whatever the trainer starts later inherits
 * it. */
static void yield_to_scheduler(pid_t pid)
{
    struct sched_param batch = {0};
    sched_setscheduler(pid, SCHED_BATCH, &batch);
}

static int set_descriptors(posix_spawn_file_actions_t *actions, const struct rung_spawn *spawn)
{
    int rc = posix_spawn_file_actions_addchdir_np(actions, spawn->folder);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, spawn->log, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, spawn->log, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, spawn->socket, RUNG_SPAWN_FD);
    return rc;
}

/* The limit is inherited, so it is ours for a moment. What file actions name may lie above it: that is
 * checked when they are made. */
static int spawn_with_limit(const struct rung_spawn *spawn, const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attributes, pid_t *pid)
{
    struct rlimit ours;
    bool change = spawn->files && getrlimit(RLIMIT_NOFILE, &ours) == 0;
    char **environment = make_environment(spawn);
    if (change)
        setrlimit(RLIMIT_NOFILE, spawn->files);
    int rc = posix_spawnp(pid, spawn->trainer->command[0], actions, attributes, spawn->trainer->command,
                          environment);
    if (change)
        setrlimit(RLIMIT_NOFILE, &ours);
    free_environment(environment);
    return rc;
}

int rung_spawn(const struct rung_spawn *spawn, pid_t *pid, struct rung_err *err)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    int rc = set_attributes(&attributes);
    if (rc == 0)
        rc = set_descriptors(&actions, spawn);
    if (rc == 0)
        rc = spawn_with_limit(spawn, &actions, &attributes, pid);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc == 0) {
        yield_to_scheduler(*pid);
        return 0;
    }
    if (rc == ENOENT && access(spawn->folder, X_OK) != 0)
        return rung_err_set(err, RUNG_EFAIL, "cannot enter its folder %s: %s", spawn->folder,
                            strerror(errno));
    return rung_err_set(err, RUNG_EFAIL, "cannot start %s: %s", spawn->trainer->command[0], strerror(rc));
}
