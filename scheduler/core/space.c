/*
 * What model k gets: drawn, counted or listed. A draw is a pure function of (space, seed, k).
 */
#include "core/space_parts.h"

#include "base/mem.h"
#include "core/rng.h"

#include <stdlib.h>
#include <string.h>

static void free_parameter(struct rung_parameter *parameter)
{
    for (size_t i = 0; i < parameter->condition_count; i++)
        rung_json_free(parameter->conditions[i].values);
    free(parameter->conditions);
    rung_form_free(&parameter->form);
    free(parameter->name);
    free(parameter->stream);
}

void rung_space_free(struct rung_space *space)
{
    if (!space)
        return;
    for (size_t i = 0; i < space->count; i++)
        free_parameter(&space->parameters[i]);
    free(space->parameters);
    free(space->order);
    free(space->names);
    rung_json_free(space->first);
    rung_json_free(space->configurations);
    free(space->configuration_list);
    free(space);
}

size_t rung_space_find(const struct rung_space *space, const char *name)
{
    size_t i = 0;
    while (i < space->count && strcmp(space->parameters[i].name, name) != 0)
        i++;
    return i;
}

int64_t rung_space_limit(const struct rung_space *space)
{
    return space->limit;
}

int64_t rung_space_first_count(const struct rung_space *space)
{
    return space->first ? (int64_t)rung_json_size(space->first) : 0;
}

/* The object of `first` that model takes, or NULL. */
static const struct rung_json *given_to(const struct rung_space *space, uint32_t model)
{
    if (!space->first || model >= rung_json_size(space->first))
        return NULL;
    return rung_json_at(space->first, model);
}

/* What `first` names is taken as it is, whatever the parameter's form and conditions say. */
static void draw_values(const struct rung_space *space, uint64_t seed, uint32_t model,
                        struct rung_value *values)
{
    const struct rung_json *given = given_to(space, model);
    for (size_t i = 0; i < space->count; i++) {
        size_t index = space->order[i];
        const struct rung_parameter *parameter = &space->parameters[index];
        const struct rung_json *value = given ? rung_json_get(given, parameter->name) : NULL;
        if (value) {
            values[index] = (struct rung_value){.kind = RUNG_VALUE_JSON, .json = value};
        } else if (rung_space_active(space, index, values)) {
            struct rung_rng rng;
            rung_rng_init(&rng, seed, model, parameter->stream);
            values[index] = rung_form_draw(&parameter->form, &rng);
        }
    }
}

void rung_space_draw(const struct rung_space *space, uint64_t seed, uint32_t model, struct rung_buf *out)
{
    if (space->configuration_list) {
        rung_json_write(out, space->configuration_list[model]);
        return;
    }
    struct rung_value *values = rung_mem_zalloc(space->count, sizeof *values); /* all absent */
    if (space->grid)
        rung_space_grid_point(space, model, values);
    else
        draw_values(space, seed, model, values);
    const char *separator = "{";
    for (size_t i = 0; i < space->count; i++) {
        if (values[i].kind == RUNG_VALUE_ABSENT)
            continue;
        rung_buf_text(out, separator);
        rung_json_write_string(out, space->parameters[i].name);
        rung_buf_char(out, ':');
        rung_value_write(out, &values[i]);
        separator = ",";
    }
    rung_buf_text(out, *separator == '{' ? "{}" : "}");
    free(values);
}

uint32_t rung_space_model_seed(uint64_t seed, uint32_t model)
{
    struct rung_rng rng;
    rung_rng_init(&rng, seed, model, "seed");
    return (uint32_t)(rung_rng_next(&rng) >> 32);
}
