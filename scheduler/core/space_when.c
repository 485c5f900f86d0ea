/*
 * Conditions: which parameters are there, given the values of others.
 */
#include "core/space_parts.h"

#include "base/mem.h"
#include "base/suggest.h"

#include <stdlib.h>
#include <string.h>

/* A value that the other parameter never has: its reader is told the ones that are near. */
static int impossible(const struct rung_parameter *other, const struct rung_json *value,
                      const struct rung_place *place, struct rung_err *err)
{
    struct rung_buf quote;
    const char *near = NULL;
    rung_buf_init(&quote, RUNG_BUF_UNLIMITED);
    rung_place_quote(&quote, value);
    if (other->form.kind == RUNG_FORM_CHOICE && rung_json_is(value, RUNG_JSON_STRING)) {
        const char **words = rung_mem_zalloc(other->form.element_count, sizeof *words);
        size_t count = 0;
        for (size_t i = 0; i < other->form.element_count; i++)
            if (rung_json_is(other->form.elements[i].literal, RUNG_JSON_STRING))
                words[count++] = rung_json_string(other->form.elements[i].literal);
        near = rung_suggest(rung_json_string(value), words, count);
        free(words);
    }
    if (near)
        rung_place_error(err, place, "\"%s\" is never %s (did you mean \"%s\"?)", other->name,
                         rung_buf_cstr(&quote), near);
    else
        rung_place_error(err, place, "\"%s\" is never %s", other->name, rung_buf_cstr(&quote));
    rung_buf_free(&quote);
    return RUNG_EUSE;
}

static int read_condition(struct rung_space *space, struct rung_condition *condition,
                          const struct rung_json *value, const struct rung_place *place, struct rung_err *err)
{
    condition->other = rung_space_find(space, place->key);
    if (condition->other == space->count) {
        const char *near = rung_suggest(place->key, space->names, space->count);
        if (near)
            return rung_place_error(err, place, "no such parameter (did you mean \"%s\"?)", near);
        return rung_place_error(err, place, "no such parameter");
    }
    struct rung_parameter *other = &space->parameters[condition->other];
    other->decides = true;
    bool list = rung_json_is(value, RUNG_JSON_ARRAY);
    if (list) {
        condition->values = rung_json_copy(value);
    } else {
        condition->values = rung_json_new_array();
        rung_json_push(condition->values, rung_json_copy(value));
    }
    if (rung_json_size(condition->values) == 0)
        return rung_place_expected(err, place, "a value or an array of values", value);
    struct rung_place element = {place, NULL, 0};
    for (struct rung_json *v = rung_json_first(condition->values); v; v = rung_json_next(v), element.index++)
        if (!rung_form_can_be(&other->form, v))
            return impossible(other, v, list ? &element : place, err);
    return 0;
}

int rung_space_read_when(struct rung_space *space, size_t index, const struct rung_json *when,
                         const struct rung_place *place, struct rung_err *err)
{
    struct rung_parameter *parameter = &space->parameters[index];
    if (!rung_json_is(when, RUNG_JSON_OBJECT) || rung_json_size(when) == 0)
        return rung_place_expected(err, place, "an object such as {\"other\": value}", when);
    parameter->conditions = rung_mem_zalloc(rung_json_size(when), sizeof *parameter->conditions);
    for (struct rung_json *v = rung_json_first(when); v; v = rung_json_next(v)) {
        struct rung_place at = {place, rung_json_key(v), 0};
        int status = read_condition(space, &parameter->conditions[parameter->condition_count++], v, &at, err);
        if (status != 0)
            return status;
    }
    return 0;
}

/* Depth-first search with the path that led to where it is. */
struct sorting {
    struct rung_space *space;
    enum { UNSEEN, ON_PATH, DONE } * marks;
    size_t *path;
    size_t depth, sorted;
};

static void name_cycle(const struct sorting *sorting, size_t index, const struct rung_place *place,
                       struct rung_err *err)
{
    const char **names = sorting->space->names;
    struct rung_buf text;
    size_t i = sorting->depth;
    rung_buf_init(&text, RUNG_ERR_TEXT_MAX / 2);
    while (i > 0 && sorting->path[i - 1] != index)
        i--;
    for (i = i > 0 ? i - 1 : 0; i < sorting->depth; i++)
        rung_buf_printf(&text, "\"%s\" needs ", names[sorting->path[i]]);
    rung_buf_printf(&text, "\"%s\"", names[index]);
    struct rung_place parameter = {place, names[index], 0}, when = {&parameter, "when", 0};
    rung_place_error(err, &when, "a cycle: %s", rung_buf_cstr(&text));
    rung_buf_free(&text);
}

static int visit(struct sorting *sorting, size_t index, const struct rung_place *place, struct rung_err *err)
{
    const struct rung_parameter *parameter = &sorting->space->parameters[index];
    if (sorting->marks[index] == DONE)
        return 0;
    if (sorting->marks[index] == ON_PATH) {
        name_cycle(sorting, index, place, err);
        return RUNG_EUSE;
    }
    sorting->marks[index] = ON_PATH;
    sorting->path[sorting->depth++] = index;
    for (size_t i = 0; i < parameter->condition_count; i++) {
        int status = visit(sorting, parameter->conditions[i].other, place, err);
        if (status != 0)
            return status;
    }
    sorting->depth--;
    sorting->marks[index] = DONE;
    sorting->space->order[sorting->sorted++] = index;
    return 0;
}

int rung_space_sort(struct rung_space *space, const struct rung_place *place, struct rung_err *err)
{
    struct sorting sorting = {.space = space};
    int status = 0;
    sorting.marks = rung_mem_zalloc(space->count, sizeof *sorting.marks);
    sorting.path = rung_mem_zalloc(space->count, sizeof *sorting.path);
    for (size_t i = 0; i < space->count && status == 0; i++)
        status = visit(&sorting, i, place, err);
    free(sorting.marks);
    free(sorting.path);
    return status;
}

bool rung_space_active(const struct rung_space *space, size_t index, const struct rung_value *values)
{
    const struct rung_parameter *parameter = &space->parameters[index];
    for (size_t i = 0; i < parameter->condition_count; i++) {
        const struct rung_condition *condition = &parameter->conditions[i];
        bool met = false;
        for (struct rung_json *v = rung_json_first(condition->values); v && !met; v = rung_json_next(v))
            met = rung_value_equals(&values[condition->other], v);
        if (!met)
            return false;
    }
    return true;
}
