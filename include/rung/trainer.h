/*
 * The trainer SDK: fill a struct rung_trainer with functions and give it to rung_trainer_main(),
 * which speaks the trainer protocol on $RUNG_FD, keeps models in memory, and reads and writes their
 * state files (with magic, version, sizes and a checksum).
 *
 *     cc my.c $(pkg-config --cflags --libs rung-trainer)
 *
 * A search trains many models in calls; one call is one unit of resource. A job is "take this model
 * from call `from` to call `to`, then score it", and it is pure: seed, parameters, state, from and
 * to give the result, whatever happened before in this process. So everything that later calls
 * depend on (weights, optimiser, generator) belongs into what `save` puts and `load` gets.
 */
#ifndef RUNG_TRAINER_H
#define RUNG_TRAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUNG_TRAINER_METRICS_MAX 16
#define RUNG_TRAINER_NAME_MAX    40

struct rung_json;  /* a JSON value: read it with the functions below */
struct rung_err;   /* why something failed: fill it with rung_trainer_fail() */
struct rung_state; /* a model's saved state */

/* What `start` said. All pointers live as long as the process. */
struct rung_trainer_start {
    const char *search;
    uint64_t seed;                    /* the search's: for data order and splits, the same for all models */
    int64_t trainer;                  /* this trainer's number */
    int64_t threads;                  /* 1 or more */
    int64_t examples_per_call;        /* 0: the trainer decides */
    const struct rung_json *settings; /* never NULL; an empty object where the spec has none */
};

/* The model that a function is called for. Pointers are valid during the call only. */
struct rung_trainer_task {
    int64_t model;
    uint64_t seed;                      /* the model's own */
    const struct rung_json *parameters; /* an object */
};

/* What a call, a score or an evaluation reports. It arrives empty. */
struct rung_trainer_report {
    int64_t examples; /* examples trained on in this call; read after `train` only */
    size_t count;
    struct {
        char name[RUNG_TRAINER_NAME_MAX];
        double value; /* not finite: sent as null */
    } metrics[RUNG_TRAINER_METRICS_MAX];
};

/*
 * Every int function returns 0, or the result of rung_trainer_fail(). `context` is what setup made,
 * NULL where there is no setup. Unset functions: see each.
 */
struct rung_trainer {
    const char *name;     /* told to rung, and stored in state files: at most 23 bytes */
    uint32_t version;     /* of what `save` puts: a state file of another version is refused */
    const char *platform; /* what the numbers depend on (kernel, library), or NULL */
    size_t memory;        /* bytes of models to keep in memory; 0: 256 MiB */

    /* Once, before any job: read settings and data. A failure ends the process, with the reason on
     * standard error. May be NULL. */
    int (*setup)(const struct rung_trainer_start *start, void **context, struct rung_err *err);
    void (*teardown)(void *context); /* at the end; may be NULL */

    /* A new model at call 0. The SDK owns *model from then on and gives it to `destroy`, also after a
     * failure where it was set. Needed. */
    int (*create)(void *context, const struct rung_trainer_task *task, void **model, struct rung_err *err);
    void (*destroy)(void *context, void *model); /* may be NULL */

    /* One call; `call` is the number of calls the model has behind it, from 0. Needed. */
    int (*train)(void *context, void *model, int64_t call, struct rung_trainer_report *report,
                 struct rung_err *err);

    /* Sets *score, which may be anything, also NaN: that counts as a score and ranks last. The
     * metrics in `report` go into the result. Needed. */
    int (*score)(void *context, void *model, double *score, struct rung_trainer_report *report,
                 struct rung_err *err);

    /* The final test of a finished model, in metrics ("test_score"). NULL: not offered. */
    int (*evaluate)(void *context, void *model, struct rung_trainer_report *report, struct rung_err *err);

    /* Saves the model with rung_state_put, or makes one again from rung_state_get, reading exactly
     * what was put. Both NULL: models cannot be saved, and every job starts at call 0. A `load` of
     * a state that does not fit fails; it must stand any bytes of the right version. */
    int (*save)(void *context, const void *model, struct rung_state *state, struct rung_err *err);
    int (*load)(void *context, const struct rung_trainer_task *task, struct rung_state *state, void **model,
                struct rung_err *err);
};

/* Serves jobs until `stop` or end of file. Returns the process's exit status: 0, 1 when the work
 * failed, 2 when $RUNG_FD is missing or rung speaks another protocol. */
int rung_trainer_main(const struct rung_trainer *trainer);

/* Fills err with a reason (one line) and returns what the calling function is to return. With
 * retry, rung tries the job again, elsewhere if it can; without, the model has failed for good
 * (parameters that cannot work). */
int rung_trainer_fail(struct rung_err *err, bool retry, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a metric, or changes it. A name over RUNG_TRAINER_NAME_MAX - 1 bytes is cut; more than
 * RUNG_TRAINER_METRICS_MAX names are dropped. */
void rung_trainer_metric(struct rung_trainer_report *report, const char *name, double value);

/* The value of a key of settings or parameters, or the fallback where it is absent or no number (no
 * text, no bool). The text lives as long as the object. */
double rung_trainer_number(const struct rung_json *object, const char *key, double fallback);
const char *rung_trainer_text(const struct rung_json *object, const char *key, const char *fallback);
bool rung_trainer_bool(const struct rung_json *object, const char *key, bool fallback);
bool rung_trainer_has(const struct rung_json *object, const char *key);

/* Appends length bytes. Blocks of 4 KiB and more are not copied: they must stay as they are until
 * `save` has returned and the SDK has written the file, that is, until the model's next function
 * is called. Do not put pointers or struct padding. */
void rung_state_put(struct rung_state *state, const void *data, size_t length);

/* Copies the next length bytes to data. False, and nothing copied, when fewer are left. */
bool rung_state_get(struct rung_state *state, void *data, size_t length);

/* Bytes not read yet: check sizes against it before allocating by them. */
size_t rung_state_left(const struct rung_state *state);

#endif
