#include "dispatch/trainer_text.h"

#include "base/mem.h"
#include "dispatch/said.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rung_trainer_text_write(struct rung_buf *out, const struct rung_trainer_spec *trainer)
{
    rung_buf_text(out, "{\"command\":[");
    for (size_t i = 0; i < trainer->words; i++) {
        rung_buf_text(out, i ? "," : "");
        rung_json_write_string(out, trainer->command[i]);
    }
    rung_buf_text(out, "],\"env\":{");
    for (size_t i = 0; i < trainer->env_count; i++) {
        rung_buf_text(out, i ? "," : "");
        rung_json_write_string(out, trainer->env_names[i]);
        rung_buf_char(out, ':');
        rung_json_write_string(out, trainer->env_values[i]);
    }
    rung_buf_printf(out, "},\"threads\":%lld}", (long long)trainer->threads);
}

void rung_trainer_text_free(struct rung_trainer_spec *trainer)
{
    for (size_t i = 0; i < trainer->words; i++)
        free(trainer->command[i]);
    for (size_t i = 0; i < trainer->env_count; i++) {
        free(trainer->env_names[i]);
        free(trainer->env_values[i]);
    }
    free(trainer->command);
    free(trainer->env_names);
    free(trainer->env_values);
    *trainer = (struct rung_trainer_spec){0};
}

/* Programs may lie elsewhere here: beside this one, if not where the scheduler has it. */
static char *program_here(const char *path)
{
    char own[4096];
    const char *slash = strrchr(path, '/');
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

    if (!slash || access(path, X_OK) == 0 || length <= 0)
        return rung_mem_strdup(path);
    own[length] = '\0';
    char *beside = rung_mem_printf("%.*s%s", (int)(strrchr(own, '/') - own), own, slash);
    if (access(beside, X_OK) == 0)
        return beside;
    free(beside);
    return rung_mem_strdup(path);
}

bool rung_trainer_text_read(struct rung_trainer_spec *trainer, const struct rung_json *json)
{
    const struct rung_json *command = rung_json_get(json, "command"), *env = rung_json_get(json, "env");

    *trainer = (struct rung_trainer_spec){.threads = rung_said_integer(json, "threads", 1)};
    if (!rung_json_is(command, RUNG_JSON_ARRAY) || rung_json_size(command) == 0 ||
        !rung_json_is(env, RUNG_JSON_OBJECT))
        return false;
    trainer->command = rung_mem_zalloc(rung_json_size(command) + 1, sizeof *trainer->command);
    for (const struct rung_json *word = rung_json_first(command); word; word = rung_json_next(word))
        trainer->command[trainer->words++] =
            rung_mem_strdup(rung_json_is(word, RUNG_JSON_STRING) ? rung_json_string(word) : "");
    char *program = program_here(trainer->command[0]);
    free(trainer->command[0]);
    trainer->command[0] = program;
    trainer->env_names = rung_mem_zalloc(rung_json_size(env) + 1, sizeof *trainer->env_names);
    trainer->env_values = rung_mem_zalloc(rung_json_size(env) + 1, sizeof *trainer->env_values);
    for (const struct rung_json *value = rung_json_first(env); value; value = rung_json_next(value)) {
        trainer->env_names[trainer->env_count] = rung_mem_strdup(rung_json_key(value));
        trainer->env_values[trainer->env_count++] =
            rung_mem_strdup(rung_json_is(value, RUNG_JSON_STRING) ? rung_json_string(value) : "");
    }
    return true;
}
