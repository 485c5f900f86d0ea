/*
 * What a user sees while a search runs, on standard error: on a terminal a display that is redrawn in place,
 * elsewhere a line per decided rung; warnings and failures in both.
 *
 * A frame is one write that hides the cursor, draws, and shows it again: however the process ends, the
 * terminal is as it was.
 */
#ifndef RUNG_CLI_PROGRESS_H
#define RUNG_CLI_PROGRESS_H

#include "dispatch/note.h"
#include "dispatch/session.h"

#include <stdbool.h>
#include <stddef.h>

enum rung_progress_mode { RUNG_PROGRESS_LINES, RUNG_PROGRESS_LIVE };

struct rung_progress;

/* All of it, as a frame is to be written whole. A terminal that takes nothing must not end a search: what cannot
 * be shown is lost. */
void rung_progress_write(int fd, const char *data, size_t length);
/* LIVE when fd is a terminal that can move its cursor. */
enum rung_progress_mode rung_progress_mode(int fd);

/* Everything is borrowed while it lives. database: for the commands that it tells. */
struct rung_progress *rung_progress_create(int fd, enum rung_progress_mode mode, const char *name,
                                           const char *database, const struct rung_search *search);
void rung_progress_free(
    struct rung_progress *progress); /* NULL is allowed; leaves the last frame where it is */

/* A terminal elsewhere. */
struct rung_progress_screen {
    void *context;
    void (*write)(void *context, const char *data, size_t length);
    bool (*keeps_up)(void *context); /* frames are left out while it does not */
    size_t columns, lines;           /* 0: not known */
    bool colour;
};
/* database: NULL where no command can name it. */
struct rung_progress *rung_progress_create_elsewhere(const struct rung_progress_screen *screen,
                                                     enum rung_progress_mode mode, const char *name,
                                                     const char *database, const struct rung_search *search);
void rung_progress_resize(struct rung_progress *progress, size_t columns, size_t lines);
/* Columns and lines of the terminal that fd is, 0 where they are not known. */
void rung_progress_size(int fd, size_t *columns, size_t *lines);
/* Whether the user wants colours. */
bool rung_progress_colour(void);

/* Who knows more of the time left and the score to come than the view it is given. */
typedef void rung_progress_forecast_fn(const void *context, double at, struct rung_session_view *view);
void rung_progress_forecasts(struct rung_progress *progress, rung_progress_forecast_fn *fill,
                             const void *context);

struct rung_watcher rung_progress_watcher(struct rung_progress *progress);
/* For rung_session_options.display; context is the progress. */
void rung_progress_display(void *context, const struct rung_session_view *view);

#endif
