/* Histories at several degrees of parallelism: losses per iteration and times of iterations, by algorithm and
 * number of machines, read from one or more databases. */
#ifndef RUNG_CLI_DEGREES_H
#define RUNG_CLI_DEGREES_H

#include "base/err.h"
#include "cost/hemingway.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>

/* Times of iterations on one number of machines. */
struct rung_degree {
    double machines;
    size_t timings; /* that were recorded, each of one iteration or more */
    double iterations, seconds;
    double squares; /* sum over iterations of their squared seconds */
};

struct rung_degrees_algorithm {
    char *name;
    struct rung_hemingway_row *rows; /* losses: a score to be maximised with its sign changed */
    size_t count, capacity;
    struct rung_degree *degrees; /* machines rising, once sorted */
    size_t degree_count, degree_capacity;
    double least; /* loss; INFINITY without rows */
    /* Of each model the parameters that are neither machines nor algorithm, as text; once sorted, how many
     * of them differ. */
    char **settings;
    size_t models, model_capacity, different;
};

struct rung_degrees {
    /* what is looked for; NULL: as the header says below */
    const char *machines_name, *algorithm_name, *metric_name, *bound_name;
    bool larger; /* values of metric_name are better the larger they are */
    /* what was found */
    struct rung_degrees_algorithm *algorithms;
    size_t count, capacity;
    char *metric; /* of the first search; all others must have the same */
    bool maximize;
    double bound;                     /* the largest lower bound of the loss; NaN: none */
    size_t runs;                      /* models so far */
    size_t not_finite;                /* losses left out */
    size_t left_out;                  /* models whose number of machines cannot be one */
    bool has_machines, has_algorithm; /* the parameters that were named were there */
    bool has_bound;                   /* so was a metric bound_name */
    char **seen;                      /* what tells the searches apart that were added */
    size_t seen_count, seen_capacity;
    size_t repeated;   /* searches that were there already, and are left out */
    char *repeated_in; /* the database of the first of them */
};

/* Adds the search called `search`. The machines of a model are its parameter machines_name, or the first of
 * machines, workers, m and parallelism that it has, or else trainer.threads of the search; its algorithm is
 * its parameter algorithm_name, or `algorithm`, or else the name in the search's spec; the loss is
 * metric_name, or else the search's objective. Losses and times are those of the single calls where those are
 * recorded, else of the history. A search that was added already, from a copy too, adds nothing. RUNG_EUSE: a
 * metric that differs from those before. */
int rung_degrees_add(struct rung_degrees *degrees, struct rung_store *store, const char *search,
                     struct rung_err *err) RUNG_CHECK_RESULT;
void rung_degrees_sort(struct rung_degrees *degrees); /* once all are added */
void rung_degrees_free(struct rung_degrees *degrees);

#endif
