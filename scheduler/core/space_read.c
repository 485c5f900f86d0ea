/*
 * Reading `parameters`, `first` and `configurations`.
 */
#include "core/space_parts.h"

#include "base/mem.h"

#include <stdlib.h>

static int read_parameters(struct rung_space *space, const struct rung_json *parameters,
                           const struct rung_place *place, struct rung_err *err)
{
    if (!rung_json_is(parameters, RUNG_JSON_OBJECT))
        return rung_place_expected(err, place, "an object", parameters);
    size_t room = rung_json_size(parameters);
    if (room == 0)
        return rung_place_expected(err, place, "at least one parameter", parameters);
    space->parameters = rung_mem_zalloc(room, sizeof *space->parameters);
    space->order = rung_mem_zalloc(room, sizeof *space->order);
    space->names = rung_mem_zalloc(room, sizeof *space->names);
    for (struct rung_json *v = rung_json_first(parameters); v; v = rung_json_next(v)) {
        struct rung_place at = {place, rung_json_key(v), 0};
        struct rung_parameter *parameter = &space->parameters[space->count];
        if (at.key[0] == '\0')
            return rung_place_error(err, place, "a parameter needs a name, found \"\"");
        parameter->name = rung_mem_strdup(at.key);
        parameter->stream = rung_mem_printf("parameter %s", at.key);
        space->names[space->count++] = parameter->name;
        int status = rung_form_read(&parameter->form, v, &at, true, space->grid, err);
        if (status != 0)
            return status;
    }
    return 0;
}

static int read_conditions(struct rung_space *space, const struct rung_json *parameters,
                           const struct rung_place *place, struct rung_err *err)
{
    size_t index = 0;
    for (struct rung_json *v = rung_json_first(parameters); v; v = rung_json_next(v), index++) {
        struct rung_place at = {place, rung_json_key(v), 0}, inner = {&at, "when", 0};
        const struct rung_json *when = rung_json_get(v, "when");
        int status = when ? rung_space_read_when(space, index, when, &inner, err) : 0;
        if (status != 0)
            return status;
    }
    return rung_space_sort(space, place, err);
}

static int read_given(const struct rung_space *space, const struct rung_json *given,
                      const struct rung_place *place, struct rung_err *err)
{
    if (!rung_json_is(given, RUNG_JSON_OBJECT))
        return rung_place_expected(err, place, "an object", given);
    for (struct rung_json *v = rung_json_first(given); v; v = rung_json_next(v)) {
        struct rung_place at = {place, rung_json_key(v), 0};
        if (rung_space_find(space, at.key) == space->count)
            return rung_place_unknown(err, &at, space->names, space->count);
        if (rung_json_is(v, RUNG_JSON_OBJECT))
            return rung_place_expected(err, &at, "a value, not a distribution", v);
    }
    return 0;
}

static int read_first(struct rung_space *space, const struct rung_json *first, struct rung_err *err)
{
    struct rung_place place = {NULL, "first", 0}, element = {&place, NULL, 0};
    if (space->grid)
        return rung_place_error(err, &place, "a grid tries every combination already");
    if (!rung_json_is(first, RUNG_JSON_ARRAY))
        return rung_place_expected(err, &place, "an array of objects", first);
    for (struct rung_json *v = rung_json_first(first); v; v = rung_json_next(v), element.index++) {
        int status = read_given(space, v, &element, err);
        if (status != 0)
            return status;
    }
    space->first = rung_json_copy(first);
    return 0;
}

static int read_configurations(struct rung_space *space, const struct rung_json *configurations,
                               struct rung_err *err)
{
    struct rung_place place = {NULL, "configurations", 0}, element = {&place, NULL, 0};
    if (space->grid)
        return rung_place_error(err, &place,
                                "a grid is made of parameters (the algorithm \"random\" tries a list)");
    if (!rung_json_is(configurations, RUNG_JSON_ARRAY) || rung_json_size(configurations) == 0)
        return rung_place_expected(err, &place, "an array of at least one object", configurations);
    space->limit = (int64_t)rung_json_size(configurations);
    space->configurations = rung_json_copy(configurations);
    space->configuration_list = rung_mem_zalloc((size_t)space->limit, sizeof *space->configuration_list);
    for (struct rung_json *v = rung_json_first(space->configurations); v; v = rung_json_next(v)) {
        if (!rung_json_is(v, RUNG_JSON_OBJECT))
            return rung_place_expected(err, &element, "an object", v);
        space->configuration_list[element.index++] = v;
    }
    return 0;
}

/* One of the two sources, and `first` only where models are drawn. */
static int check_sources(const struct rung_json *parameters, const struct rung_json *first,
                         const struct rung_json *configurations, struct rung_err *err)
{
    if (!parameters && !configurations)
        return rung_err_set(err, RUNG_EUSE, "parameters: missing (or configurations)");
    if (parameters && configurations)
        return rung_err_set(err, RUNG_EUSE, "configurations: contradicts parameters (give one of them)");
    if (first && configurations)
        return rung_err_set(err, RUNG_EUSE, "first: configurations name all models already");
    return 0;
}

int rung_space_read(struct rung_space **out, const struct rung_json *parameters,
                    const struct rung_json *first, const struct rung_json *configurations, bool grid,
                    struct rung_err *err)
{
    struct rung_place place = {NULL, "parameters", 0};
    *out = NULL;
    int status = check_sources(parameters, first, configurations, err);
    if (status != 0)
        return status;
    struct rung_space *space = rung_mem_zalloc(1, sizeof *space);
    space->grid = grid;
    space->limit = INT64_MAX;
    if (configurations) {
        status = read_configurations(space, configurations, err);
    } else {
        status = read_parameters(space, parameters, &place, err);
        if (status == 0)
            status = read_conditions(space, parameters, &place, err);
        if (status == 0 && first)
            status = read_first(space, first, err);
        if (status == 0 && grid)
            status = rung_space_count_grid(space, &place, err);
    }
    if (status == 0)
        *out = space;
    else
        rung_space_free(space);
    return status;
}
