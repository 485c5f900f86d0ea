/*
 * What the engine tells those who watch a search: the live display, the events file. Notes come after the
 * commit that recorded what they say.
 */
#ifndef RUNG_DISPATCH_NOTE_H
#define RUNG_DISPATCH_NOTE_H

#include "core/event.h"

#include <stdint.h>

enum rung_note_type {
    RUNG_NOTE_SEARCH,  /* status, reason */
    RUNG_NOTE_MODEL,   /* model, bracket, parameters */
    RUNG_NOTE_JOB,     /* a job was handed out: job, model, from, to, trainer */
    RUNG_NOTE_RESULT,  /* seq, model, bracket, rung, from, to, score, seconds, trainer */
    RUNG_NOTE_FAILURE, /* model (RUNG_NO_MODEL: no model concerned), kind, reason, trainer, final */
    RUNG_NOTE_STOP,    /* model; reason: halving, plateau, completed */
    RUNG_NOTE_RUNG,    /* bracket, rung, kept */
    RUNG_NOTE_BRACKET, /* bracket, model = winner or RUNG_NO_MODEL */
    RUNG_NOTE_TRAINER, /* trainer; status: ready, gone, given up; reason */
    RUNG_NOTE_WARNING  /* reason: something to tell the user, one line */
};

struct rung_note {
    enum rung_note_type type;
    double at; /* seconds since 1970 */
    int64_t seq, job;
    uint32_t model, bracket;
    int32_t rung;
    int64_t from, to, kept;
    int64_t trainer;                /* slot, or -1 */
    double score;                   /* as reported; NaN */
    double seconds;                 /* fit_seconds of the result */
    double score_seconds, examples; /* of the result; NaN: not told */
    const char *kind, *status, *reason, *parameters;
    int final; /* FAILURE: the model failed for good */
};

struct rung_watcher {
    void *context;
    void (*note)(void *context, const struct rung_note *note);
    void (*batch_end)(void *context); /* after the notes of one commit; may be NULL */
};

#endif
