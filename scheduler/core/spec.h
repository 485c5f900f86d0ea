/*
 * A checked spec: what the user wrote, with defaults filled in and everything that contradicts
 * itself refused. Pure: files are read by the caller, who also resolves the trainer's command and puts
 * the content of a `configurations` file in the place of its path.
 */
#ifndef RUNG_CORE_SPEC_H
#define RUNG_CORE_SPEC_H

#include "base/err.h"
#include "base/json.h"
#include "core/space.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rung_algorithm {
    RUNG_HYPERBAND,
    RUNG_SUCCESSIVE_HALVING,
    RUNG_ASHA,
    RUNG_RANDOM,
    RUNG_GRID,
    RUNG_INCREMENTAL
};
enum rung_variant { RUNG_VARIANT_EXACT, RUNG_VARIANT_DASK, RUNG_VARIANT_TABLE };
enum rung_priority { RUNG_PRIORITY_SCORE, RUNG_PRIORITY_FIFO, RUNG_PRIORITY_CRITICAL };

#define RUNG_UNSET               (-1)
#define RUNG_TRAINERS_MAX        65536 /* of one search, on this machine */
#define RUNG_WORKER_TRAINERS_MAX 1024

/* What the bracket arithmetic and the algorithms need; no pointer in it, copied freely. */
struct rung_search_spec {
    enum rung_algorithm algorithm;
    enum rung_variant variant;
    enum rung_priority priority;
    int64_t max_iter; /* R, calls of the longest-trained model; RUNG_UNSET: successive_halving without cap */
    int64_t aggressiveness;    /* eta >= 2 */
    int64_t models;            /* successive_halving, random, incremental; asha or RUNG_UNSET; grid: number of
                                  combinations */
    int64_t first_calls;       /* successive_halving, asha */
    int64_t fits_per_score;    /* incremental */
    double decay_rate;         /* incremental; NaN when null */
    int64_t patience;          /* calls >= 2, or 0: off (true is resolved here) */
    double tol;                /* NaN when null: split jobs, never stop */
    int64_t examples_per_call; /* from n_examples / n_params, or RUNG_UNSET */
    uint64_t seed;             /* 0 … 2^53-1 */
    bool maximize;             /* objective.goal */
};

struct rung_limits {
    double job_timeout;   /* seconds of silence; INFINITY: none */
    double start_timeout; /* seconds; resolved: job_timeout, else 60 */
    int64_t retries;      /* attempts after the first that failed */
    double time;          /* seconds of running time over all starts; INFINITY: none */
    int64_t calls;        /* recorded calls; INT64_MAX: none */
    double score;         /* as reported; NaN: none */
    int64_t state_bytes;  /* INT64_MAX: none */
};

/* What a worker is that a cluster is asked for. */
struct rung_cluster_spec {
    char *partition;  /* NULL: the cluster's own choice */
    double time;      /* seconds that it may run; INFINITY: as the cluster has it */
    char *memory;     /* of it in all, as the cluster writes it ("4G"); NULL: the cluster's own choice */
    int64_t cpus;     /* of it in all; resolved: trainers times trainer.threads */
    int64_t trainers; /* that it keeps, >= 1 */
    double idle;      /* seconds without a job until it is given back */
    char *address;    /* how it reaches this machine: a host's name or address; NULL: by this host's name */
    char *folder;     /* of the key and the workers' logs, as written; NULL: beside the database */
    char **arguments; /* more of them for the command that asks, NULL-terminated; NULL: none */
    char **setup;     /* lines of shell before the worker starts, likewise */
};

struct rung_trainer_spec {
    char **command; /* argv, NULL-terminated */
    size_t words;
    struct rung_json *settings;     /* never NULL: {} when absent */
    char **env_names, **env_values; /* env_count each; values may hold {slot} */
    size_t env_count;
    int64_t count;   /* local trainers; RUNG_UNSET: as many as processors */
    int64_t threads; /* >= 1 */
};

struct rung_spec {
    char *name;
    struct rung_trainer_spec trainer;
    struct rung_space *space;
    struct rung_search_spec search;
    char *metric; /* objective.metric, "score" by default */
    struct rung_limits limits;
    struct rung_cluster_spec cluster;
    char **on_end; /* argv, NULL-terminated; NULL when absent */
    char *
        *notes; /* things to tell the user that are no errors, one line each ("search.patience: … is off") */
    size_t note_count;
};

/* Checks json (the whole spec). default_name is used where it has no name. On failure returns RUNG_EUSE,
 * *out NULL and err.text "PATH: WHY"; unknown keys name the nearest known one. Frees nothing of json. */
int rung_spec_read(struct rung_spec **out, const struct rung_json *json, const char *default_name,
                   struct rung_err *err) RUNG_CHECK_RESULT;
void rung_spec_free(struct rung_spec *spec);

/* Applies "KEY=VALUE": KEY a dotted path (array elements by number), VALUE JSON or else a string. Objects on
 * the way that are missing are created. Errors: RUNG_EUSE, text "--set KEY: WHY". */
int rung_spec_override(struct rung_json *json, const char *assignment,
                       struct rung_err *err) RUNG_CHECK_RESULT;

/* 90, "90s", "10m", "2h", "1d", also "1.5h": seconds >= 0 into *seconds; false when it is no duration. */
bool rung_spec_duration(const struct rung_json *value, double *seconds);
bool rung_spec_duration_text(const char *text,
                             double *seconds); /* for command-line options; "90" is seconds */

const char *rung_algorithm_name(enum rung_algorithm algorithm); /* "hyperband", … */
const char *rung_variant_name(enum rung_variant variant);
const char *rung_priority_name(enum rung_priority priority);

#endif
