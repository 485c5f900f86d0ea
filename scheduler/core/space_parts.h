/* The search space's struct, shared by the files of this module (space*.c) and nobody else. */
#ifndef RUNG_CORE_SPACE_PARTS_H
#define RUNG_CORE_SPACE_PARTS_H

#include "core/form.h"
#include "core/space.h"

struct rung_condition {
    size_t other;             /* index of the parameter that must have … */
    struct rung_json *values; /* … one of these; an array, owned */
};

struct rung_parameter {
    char *name;
    char *stream; /* the purpose that its random stream is named by */
    struct rung_form form;
    struct rung_condition *conditions; /* all must hold */
    size_t condition_count;
    bool decides;    /* others depend on it */
    int64_t options; /* grid: number of its values */
};

struct rung_space {
    struct rung_parameter *parameters;
    size_t count;
    size_t *order;                    /* indices, such that what a parameter depends on comes before it */
    const char **names;               /* of the parameters, borrowed */
    struct rung_json *first;          /* an array, or NULL */
    struct rung_json *configurations; /* an array, or NULL */
    const struct rung_json **configuration_list; /* its elements */
    bool grid;
    int64_t limit;
};

/* Index of the parameter of that name, or count. */
size_t rung_space_find(const struct rung_space *space, const char *name);

/* space_when.c. Reads the parameter's conditions (all parameters are known); sorts the parameters into
 * space->order; tells whether a parameter is there, given the values of those before it in the order. */
int rung_space_read_when(struct rung_space *space, size_t index, const struct rung_json *when,
                         const struct rung_place *place, struct rung_err *err) RUNG_CHECK_RESULT;
int rung_space_sort(struct rung_space *space, const struct rung_place *place,
                    struct rung_err *err) RUNG_CHECK_RESULT;
bool rung_space_active(const struct rung_space *space, size_t index, const struct rung_value *values);

/* space_grid.c. Counts the combinations into limit; gives the k-th, values[] by parameter. */
int rung_space_count_grid(struct rung_space *space, const struct rung_place *place,
                          struct rung_err *err) RUNG_CHECK_RESULT;
void rung_space_grid_point(const struct rung_space *space, int64_t k, struct rung_value *values);

#endif
