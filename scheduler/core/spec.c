/*
 * The spec as a whole and its sections but `search` and `cluster`: one table for each.
 *
 * To add a key: its row here (or in spec_search.c, spec_cluster.c), its member in the struct, its line in
 * docs/spec.md.
 */
#include "core/spec_parts.h"

#include "base/mem.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS(rows)                                                                                         \
    {                                                                                                        \
        rows, sizeof(rows) / sizeof *(rows)                                                                  \
    }
#define MANY 1000000

struct root_keys {
    char *name;
    const struct rung_json *trainer, *parameters, *first, *configurations, *search, *objective, *limits,
        *cluster;
    char **on_end;
};

static const struct rung_field ROOT_ROWS[] = {
    RUNG_FIELD(root_keys, name, TEXT),
    RUNG_FIELD(root_keys, trainer, VALUE),
    RUNG_FIELD(root_keys, parameters, VALUE),
    RUNG_FIELD(root_keys, first, VALUE),
    RUNG_FIELD(root_keys, configurations, VALUE),
    RUNG_FIELD(root_keys, search, VALUE),
    RUNG_FIELD(root_keys, objective, VALUE),
    RUNG_FIELD(root_keys, limits, VALUE),
    RUNG_FIELD(root_keys, cluster, VALUE),
    RUNG_FIELD(root_keys, on_end, ARGV),
};
static const struct rung_fields ROOT = FIELDS(ROOT_ROWS);

struct trainer_keys {
    char **command;
    const struct rung_json *settings, *env;
    int64_t count, threads;
};

static const struct rung_field TRAINER_ROWS[] = {
    RUNG_FIELD(trainer_keys, command, ARGV, .required = true),
    RUNG_FIELD(trainer_keys, settings, VALUE),
    RUNG_FIELD(trainer_keys, env, VALUE),
    RUNG_FIELD(trainer_keys, count, INTEGER, .lo = 0, .hi = RUNG_TRAINERS_MAX,
               .otherwise.integer = RUNG_UNSET),
    RUNG_FIELD(trainer_keys, threads, INTEGER, .lo = 1, .hi = MANY, .otherwise.integer = 1),
};
static const struct rung_fields TRAINER = FIELDS(TRAINER_ROWS);

struct objective_keys {
    char *metric;
    int goal;
};

static const char *const GOALS[] = {"maximize", "minimize"};

static const struct rung_field OBJECTIVE_ROWS[] = {
    RUNG_FIELD(objective_keys, metric, TEXT, .otherwise.text = "score"),
    RUNG_FIELD(objective_keys, goal, WORD, .words = GOALS, .word_count = 2),
};
static const struct rung_fields OBJECTIVE = FIELDS(OBJECTIVE_ROWS);

static const struct rung_field LIMITS_ROWS[] = {
    RUNG_FIELD(rung_limits, job_timeout, DURATION, .null = true, .otherwise.number = INFINITY),
    RUNG_FIELD(rung_limits, start_timeout, DURATION, .null = true, .otherwise.number = NAN),
    RUNG_FIELD(rung_limits, retries, INTEGER, .lo = 0, .hi = MANY, .otherwise.integer = 2),
    RUNG_FIELD(rung_limits, time, DURATION, .null = true, .otherwise.number = INFINITY),
    RUNG_FIELD(rung_limits, calls, INTEGER, .lo = 1, .hi = (int64_t)RUNG_JSON_INTEGER_MAX, .null = true,
               .otherwise.integer = INT64_MAX),
    RUNG_FIELD(rung_limits, score, NUMBER, .least = -INFINITY, .null = true, .otherwise.number = NAN),
    RUNG_FIELD(rung_limits, state_bytes, INTEGER, .lo = 1, .hi = (int64_t)RUNG_JSON_INTEGER_MAX, .null = true,
               .otherwise.integer = INT64_MAX),
};
static const struct rung_fields LIMITS = FIELDS(LIMITS_ROWS);

#define START_TIMEOUT_SECONDS 60

static const struct section {
    const char *name; /* "" for the spec itself */
    const struct rung_fields *fields;
} SECTIONS[] = {
    {"", &ROOT},
    {"trainer", &TRAINER},
    {"search", &rung_spec_search_fields},
    {"objective", &OBJECTIVE},
    {"limits", &LIMITS},
    {"cluster", &rung_spec_cluster_fields},
};
#define SECTION_COUNT (sizeof SECTIONS / sizeof *SECTIONS)

/* A key that is spelt right and stands in the wrong section. */
static int find_misplaced(const struct rung_json *object, size_t own, struct rung_err *err)
{
    struct rung_place section = {NULL, SECTIONS[own].name, 0};
    for (struct rung_json *v = rung_json_first(object); v; v = rung_json_next(v)) {
        struct rung_place at = {own ? &section : NULL, rung_json_key(v), 0};
        for (size_t i = 0; i < SECTION_COUNT && !rung_fields_find(SECTIONS[own].fields, at.key); i++)
            if (rung_fields_find(SECTIONS[i].fields, at.key))
                return rung_place_error(err, &at, "unknown key (did you mean \"%s%s%s\"?)", SECTIONS[i].name,
                                        i ? "." : "", at.key);
    }
    return 0;
}

static int check_sections(const struct rung_json *json, struct rung_err *err)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const struct rung_json *object = i ? rung_json_get(json, SECTIONS[i].name) : json;
        if (rung_json_is(object, RUNG_JSON_OBJECT) && find_misplaced(object, i, err) != 0)
            return RUNG_EUSE;
    }
    return 0;
}

static bool valid_name(const char *name)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);
    return length >= 1 && length <= 64 && name[0] != '.' && strspn(name, ALLOWED) == length;
}

static int settle_name(struct rung_spec *spec, char *name, const char *default_name, struct rung_err *err)
{
    static const char EXPECTED[] = "1 to 64 of A-Z a-z 0-9 . _ - and no dot in front";
    struct rung_place place = {NULL, "name", 0};
    spec->name = name ? name : rung_mem_strdup(default_name ? default_name : "");
    if (valid_name(spec->name))
        return 0;
    struct rung_json *found = rung_json_new_string(spec->name);
    rung_place_expected(err, &place, EXPECTED, found);
    rung_json_free(found);
    if (!name)
        rung_err_way_out(err, "the file's name stands for a name that is missing: give one");
    return RUNG_EUSE;
}

/* {slot} is the one placeholder; ${word} is left to the shells that such values may reach. */
static int check_placeholders(const char *value, const struct rung_place *place, struct rung_err *err)
{
    for (const char *open = strchr(value, '{'); open; open = strchr(open + 1, '{')) {
        size_t length = strspn(open + 1, "abcdefghijklmnopqrstuvwxyz_");
        if (length == 0 || open[1 + length] != '}' || (open > value && open[-1] == '$'))
            continue;
        if (length != 4 || strncmp(open + 1, "slot", 4) != 0)
            return rung_place_error(err, place, "unknown placeholder \"%.*s\" (the only one is \"{slot}\")",
                                    (int)(length < 60 ? length : 60) + 2, open);
    }
    return 0;
}

static int read_variable(const struct rung_json *value, const struct rung_place *place, struct rung_err *err)
{
    if (place->key[0] == '\0' || strchr(place->key, '=')) {
        struct rung_json *name = rung_json_new_string(place->key);
        rung_place_expected(err, place->in, "names without \"=\" and not empty", name);
        rung_json_free(name);
        return RUNG_EUSE;
    }
    if (strcmp(place->key, "RUNG_FD") == 0 || strcmp(place->key, "RUNG_SLOT") == 0)
        return rung_place_error(err, place, "rung sets this itself");
    if (!rung_json_is(value, RUNG_JSON_STRING))
        return rung_place_expected(err, place, "a string", value);
    return check_placeholders(rung_json_string(value), place, err);
}

static int read_env(struct rung_trainer_spec *trainer, const struct rung_json *env,
                    const struct rung_place *in, struct rung_err *err)
{
    struct rung_place place = {in, "env", 0};
    if (!rung_json_is(env, RUNG_JSON_OBJECT))
        return rung_place_expected(err, &place, "an object of strings", env);
    trainer->env_names = rung_mem_zalloc(rung_json_size(env), sizeof *trainer->env_names);
    trainer->env_values = rung_mem_zalloc(rung_json_size(env), sizeof *trainer->env_values);
    for (struct rung_json *v = rung_json_first(env); v; v = rung_json_next(v)) {
        struct rung_place at = {&place, rung_json_key(v), 0};
        int status = read_variable(v, &at, err);
        if (status != 0)
            return status;
        trainer->env_names[trainer->env_count] = rung_mem_strdup(at.key);
        trainer->env_values[trainer->env_count++] = rung_mem_strdup(rung_json_string(v));
    }
    return 0;
}

static int read_trainer(struct rung_trainer_spec *trainer, const struct rung_json *json, struct rung_err *err)
{
    struct rung_place place = {NULL, "trainer", 0};
    struct trainer_keys keys = {0};
    int status = rung_fields_read(&keys, &TRAINER, 0, json, &place, err);
    trainer->command = keys.command;
    if (status != 0)
        return status;
    while (keys.command[trainer->words])
        trainer->words++;
    trainer->settings = keys.settings ? rung_json_copy(keys.settings) : rung_json_new_object();
    trainer->count = keys.count;
    trainer->threads = keys.threads;
    return keys.env ? read_env(trainer, keys.env, &place, err) : 0;
}

static int read_objective(struct rung_spec *spec, const struct rung_json *json, struct rung_err *err)
{
    struct rung_place place = {NULL, "objective", 0};
    struct objective_keys keys = {0};
    int status = rung_fields_read(&keys, &OBJECTIVE, 0, json, &place, err);
    spec->metric = keys.metric;
    spec->search.maximize = keys.goal == 0;
    return status;
}

static int read_limits(struct rung_limits *limits, const struct rung_json *json, struct rung_err *err)
{
    struct rung_place place = {NULL, "limits", 0};
    int status = rung_fields_read(limits, &LIMITS, 0, json, &place, err);
    if (status == 0 && isnan(limits->start_timeout))
        limits->start_timeout = isinf(limits->job_timeout) ? START_TIMEOUT_SECONDS : limits->job_timeout;
    return status;
}

static int read_all(struct rung_spec *spec, const struct rung_json *json, const char *default_name,
                    struct rung_err *err)
{
    struct root_keys root = {0};
    struct rung_search_keys search;
    int status = check_sections(json, err);
    if (status == 0)
        status = rung_fields_read(&root, &ROOT, 0, json, NULL, err);
    spec->on_end = root.on_end;
    if (status != 0) {
        free(root.name);
        return status;
    }
    if ((status = settle_name(spec, root.name, default_name, err)) != 0 ||
        (status = read_trainer(&spec->trainer, root.trainer, err)) != 0 ||
        (status = rung_spec_read_search(&search, root.search, err)) != 0 ||
        (status = read_objective(spec, root.objective, err)) != 0 ||
        (status = read_limits(&spec->limits, root.limits, err)) != 0 ||
        (status = rung_spec_read_cluster(spec, root.cluster, err)) != 0 ||
        (status = rung_space_read(&spec->space, root.parameters, root.first, root.configurations,
                                  search.algorithm == RUNG_GRID, err)) != 0)
        return status;
    return rung_spec_settle_search(spec, &search, err);
}

int rung_spec_read(struct rung_spec **out, const struct rung_json *json, const char *default_name,
                   struct rung_err *err)
{
    struct rung_spec *spec = rung_mem_zalloc(1, sizeof *spec);
    *out = NULL;
    int status = read_all(spec, json, default_name, err);
    if (status == 0)
        *out = spec;
    else
        rung_spec_free(spec);
    return status;
}

void rung_spec_note(struct rung_spec *spec, char *line)
{
    spec->notes = rung_mem_resize(spec->notes, spec->note_count + 1, sizeof *spec->notes);
    spec->notes[spec->note_count++] = line;
}

static void free_trainer(struct rung_trainer_spec *trainer)
{
    rung_fields_free_argv(trainer->command);
    rung_json_free(trainer->settings);
    for (size_t i = 0; i < trainer->env_count; i++) {
        free(trainer->env_names[i]);
        free(trainer->env_values[i]);
    }
    free(trainer->env_names);
    free(trainer->env_values);
}

void rung_spec_free(struct rung_spec *spec)
{
    if (!spec)
        return;
    free_trainer(&spec->trainer);
    rung_spec_free_cluster(&spec->cluster);
    rung_space_free(spec->space);
    rung_fields_free_argv(spec->on_end);
    for (size_t i = 0; i < spec->note_count; i++)
        free(spec->notes[i]);
    free(spec->notes);
    free(spec->metric);
    free(spec->name);
    free(spec);
}
