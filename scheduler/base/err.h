/*
 * Errors: a code that decides the exit status, and a reason made where it is known.
 *
 * A function that can fail returns 0 or a negative code and fills the error it was given.
 * Callers pass it up and put their own context in front of it. main() prints it once:
 *
 *     rung: WHAT: WHY
 *     WAY OUT                      (only where there is one)
 */
#ifndef RUNG_BASE_ERR_H
#define RUNG_BASE_ERR_H

#include <stdbool.h>

#define RUNG_ERR_TEXT_MAX 1024

enum rung_code {
    RUNG_OK = 0,
    RUNG_EFAIL = -1, /* the work failed: exit 1, resumable where there is anything to resume */
    RUNG_EUSE = -2,  /* usage, or a spec, database or address that cannot be used: exit 2 */
    RUNG_EINT = -3   /* interrupted by the user: exit 130 */
};

struct rung_err {
    int code;                        /* enum rung_code */
    char text[RUNG_ERR_TEXT_MAX];    /* "WHAT: WHY", one line, no newline at the end */
    char way_out[RUNG_ERR_TEXT_MAX]; /* empty, or what the user can do */
    bool remedy;                     /* the way out is what is to be done before the work can go on */
};

#define RUNG_CHECK_RESULT        __attribute__((warn_unused_result))
#define RUNG_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* Fills err (which may be NULL) with code and text, clears the way out. Returns code, so that
 * `return rung_err_set(err, RUNG_EUSE, "…")` reads as one step. Control characters in the
 * formatted text are replaced by '?', so that an error stays one line whatever a peer sent. */
int rung_err_set(struct rung_err *err, int code, const char *format, ...) RUNG_PRINTF(3, 4);

/* Puts "PREFIX: " in front of the text; returns err->code. */
int rung_err_prefix(struct rung_err *err, const char *format, ...) RUNG_PRINTF(2, 3);

/* Sets the way out; returns err->code. */
int rung_err_way_out(struct rung_err *err, const char *format, ...) RUNG_PRINTF(2, 3);

/* Sets the way out to what must be done first, by who does not know with which command the work goes on;
 * returns err->code. */
int rung_err_remedy(struct rung_err *err, const char *format, ...) RUNG_PRINTF(2, 3);
/* By who knows that command: it is the way out where there is none, and comes behind a remedy ("REMEDY, then:
 * COMMAND"). Any other way out stays. Returns err->code. */
int rung_err_then(struct rung_err *err, const char *command);

/* The exit status that a code stands for: 0, 1, 2 or 130. */
int rung_err_exit_status(int code);

#endif
