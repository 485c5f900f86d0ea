/* Choosing the searches that count, and reading them. */
#include "cli/experience.h"

#include "base/json.h"
#include "base/mem.h"
#include "cli/recorded.h"
#include "cli/stored.h"
#include "core/plan.h"
#include "core/space.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rung_experience_init(struct rung_experience *experience)
{
    *experience = (struct rung_experience){0};
    rung_knowledge_init(&experience->knowledge);
}

void rung_experience_free(struct rung_experience *experience)
{
    rung_knowledge_free(&experience->knowledge);
}

/* ---- the same trainer ---- */

/* The stored command begins with an absolute path, that of a spec just read may not. */
static bool same_program(const char *a, const char *b)
{
    const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');

    if (a[0] == '/' && b[0] == '/')
        return strcmp(a, b) == 0;
    return strcmp(name_a ? name_a + 1 : a, name_b ? name_b + 1 : b) == 0;
}

static bool same_environment(const struct rung_trainer_spec *a, const struct rung_trainer_spec *b)
{
    if (a->env_count != b->env_count)
        return false;
    for (size_t i = 0; i < a->env_count; i++)
        if (strcmp(a->env_names[i], b->env_names[i]) != 0 || strcmp(a->env_values[i], b->env_values[i]) != 0)
            return false;
    return true;
}

static bool same_trainer(const struct rung_trainer_spec *a, const struct rung_trainer_spec *b)
{
    if (a->words != b->words || a->threads != b->threads || !same_program(a->command[0], b->command[0]) ||
        !rung_json_equal(a->settings, b->settings) || !same_environment(a, b))
        return false;
    for (size_t i = 1; i < a->words; i++)
        if (strcmp(a->command[i], b->command[i]) != 0)
            return false;
    return true;
}

/* ---- learning ---- */

struct names {
    char **items;
    size_t count, capacity;
};

static void keep_name(void *context, const char *name)
{
    struct names *names = context;

    names->items = rung_mem_grow(names->items, names->count, &names->capacity, sizeof *names->items);
    names->items[names->count++] = rung_mem_strdup(name);
}

static bool too_large(const struct rung_experience *experience, const struct rung_spec *spec)
{
    struct rung_plan plan;
    bool large = experience->largest > 0 && rung_plan_make(&plan, &spec->search, NULL) == 0 &&
                 plan.scores > experience->largest;

    if (experience->largest > 0)
        rung_plan_free(&plan);
    return large;
}

static void learn(struct rung_experience *experience, struct rung_store *store, const struct rung_spec *spec,
                  const struct rung_stored *stored)
{
    bool scores = strcmp(stored->spec->metric, spec->metric) == 0 &&
                  stored->spec->search.maximize == spec->search.maximize;
    struct rung_recording recording;

    if (rung_recorded_load(&recording, store, stored, NULL) == 0 && recording.job_count > 0) {
        rung_knowledge_learn(&experience->knowledge, &recording, scores);
        experience->jobs = rung_timefit_observations(experience->knowledge.time);
        experience->searches++;
    }
    rung_recording_free(&recording);
}

int rung_experience_load(struct rung_experience *experience, struct rung_store *store,
                         const struct rung_spec *spec, const char *except, size_t jobs_max,
                         struct rung_err *err)
{
    struct names names = {0};
    int code = rung_record_names(store, keep_name, &names, err);

    for (size_t i = 0; i < names.count && code == 0 && experience->jobs < jobs_max; i++) {
        struct rung_stored stored = {0};
        bool readable = (!except || strcmp(except, names.items[i]) != 0) &&
                        rung_stored_load(&stored, store, names.items[i], NULL) == 0 &&
                        !too_large(experience, stored.spec);
        if (readable && same_trainer(&stored.spec->trainer, &spec->trainer))
            learn(experience, store, spec, &stored);
        rung_stored_free(&stored);
    }
    for (size_t i = 0; i < names.count; i++)
        free(names.items[i]);
    free(names.items);
    return code;
}

/* ---- the models to come ---- */

size_t *rung_experience_cast(struct rung_experience *experience, const struct rung_spec *spec, size_t count,
                             size_t *cast_count)
{
    int64_t limit = rung_space_limit(spec->space);
    char host[256] = "";
    struct rung_buf text;

    if ((int64_t)count > limit)
        count = (size_t)limit;
    if (count == 0)
        count = 1;
    gethostname(host, sizeof host - 1);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    size_t *cast = rung_mem_zalloc(count, sizeof *cast);
    for (size_t k = 0; k < count; k++) {
        rung_buf_clear(&text);
        rung_space_draw(spec->space, spec->search.seed, (uint32_t)k, &text);
        struct rung_json *parameters = rung_json_parse(text.data, text.length, 0, NULL);
        cast[k] = rung_knowledge_model(&experience->knowledge, parameters, host);
        rung_json_free(parameters);
    }
    rung_buf_free(&text);
    *cast_count = count;
    return cast;
}
