/* Drawing frames in place, and lines where there is no terminal. */
#include "cli/progress.h"

#include "base/mem.h"
#include "base/shell.h"
#include "cli/frame.h"
#include "cli/human.h"
#include "dispatch/clock.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FAILURES_SHOWN 10

struct rung_progress {
    int fd; /* -1: the screen is elsewhere */
    struct rung_progress_screen screen;
    enum rung_progress_mode mode;
    const char *name, *database;
    const struct rung_search *search;
    double started; /* wall clock */
    size_t failures;
    rung_progress_forecast_fn *forecast; /* NULL: nobody knows more */
    const void *forecast_context;
    struct rung_buf frame; /* what stands on the terminal, "" for nothing */
};

static bool environment_has(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

enum rung_progress_mode rung_progress_mode(int fd)
{
    const char *term = getenv("TERM");

    return isatty(fd) && term && strcmp(term, "dumb") != 0 ? RUNG_PROGRESS_LIVE : RUNG_PROGRESS_LINES;
}

void rung_progress_write(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, data, length);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        data += put;
        length -= (size_t)put;
    }
}

bool rung_progress_colour(void)
{
    return !environment_has("NO_COLOR");
}

struct rung_progress *rung_progress_create_elsewhere(const struct rung_progress_screen *screen,
                                                     enum rung_progress_mode mode, const char *name,
                                                     const char *database, const struct rung_search *search)
{
    struct rung_progress *progress = rung_mem_zalloc(1, sizeof *progress);

    *progress = (struct rung_progress){.fd = -1,
                                       .screen = *screen,
                                       .mode = mode,
                                       .name = name,
                                       .database = database,
                                       .search = search,
                                       .started = rung_clock_wall()};
    rung_buf_init(&progress->frame, RUNG_BUF_UNLIMITED);
    return progress;
}

struct rung_progress *rung_progress_create(int fd, enum rung_progress_mode mode, const char *name,
                                           const char *database, const struct rung_search *search)
{
    struct rung_progress_screen screen = {.colour = rung_progress_colour()};
    struct rung_progress *progress = rung_progress_create_elsewhere(&screen, mode, name, database, search);

    progress->fd = fd;
    return progress;
}

void rung_progress_resize(struct rung_progress *progress, size_t columns, size_t lines)
{
    progress->screen.columns = columns;
    progress->screen.lines = lines;
}

static void put(const struct rung_progress *progress, const char *data, size_t length)
{
    if (progress->fd >= 0)
        rung_progress_write(progress->fd, data, length);
    else
        progress->screen.write(progress->screen.context, data, length);
}

void rung_progress_forecasts(struct rung_progress *progress, rung_progress_forecast_fn *fill,
                             const void *context)
{
    progress->forecast = fill;
    progress->forecast_context = context;
}

void rung_progress_free(struct rung_progress *progress)
{
    if (!progress)
        return;
    if (progress->frame.length > 0)
        put(progress, "\n", 1); /* what follows is no part of the frame */
    rung_buf_free(&progress->frame);
    free(progress);
}

/* ---- the terminal ---- */

void rung_progress_size(int fd, size_t *columns, size_t *lines)
{
    struct winsize size;
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

    *columns = known ? size.ws_col : 0;
    *lines = known ? size.ws_row : 0;
}

static struct rung_frame_size terminal_size(const struct rung_progress *progress)
{
    size_t columns = progress->screen.columns, lines = progress->screen.lines;

    if (progress->fd >= 0)
        rung_progress_size(progress->fd, &columns, &lines);
    /* The last column and line stay free: writing there makes some terminals scroll. */
    return (struct rung_frame_size){columns > 1 ? columns - 1 : 79, lines > 1 ? lines - 1 : 23,
                                    progress->screen.colour};
}

/* To the beginning of what stands there, whatever width the terminal has now, and clear from there. */
static void erase(const struct rung_progress *progress, struct rung_buf *out,
                  const struct rung_frame_size *size)
{
    size_t lines = rung_frame_height(rung_buf_cstr(&progress->frame), size->width + 1);

    if (lines > size->height)
        lines = size->height;
    if (lines > 0)
        rung_buf_printf(out, "\033[%zuA", lines);
    rung_buf_text(out, "\r\033[J");
}

/* Puts text above the frame (NULL: nothing) and the frame below it, in one write. */
static void redraw(struct rung_progress *progress, const char *text, const struct rung_buf *frame,
                   const struct rung_frame_size *size)
{
    struct rung_buf out;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_buf_text(&out, "\033[?25l");
    erase(progress, &out, size);
    if (text)
        rung_buf_text(&out, text);
    rung_buf_append(&out, rung_buf_cstr(frame), frame->length);
    rung_buf_text(&out, "\033[?25h");
    put(progress, out.data, out.length);
    rung_buf_free(&out);
}

void rung_progress_display(void *context, const struct rung_session_view *view)
{
    struct rung_progress *progress = context;
    struct rung_frame_size size = terminal_size(progress);
    struct rung_session_view known = *view;
    struct rung_buf frame;

    if (progress->mode != RUNG_PROGRESS_LIVE)
        return;
    if (progress->fd < 0 && !progress->screen.keeps_up(progress->screen.context))
        return;
    if (progress->forecast)
        progress->forecast(progress->forecast_context, rung_clock_wall(), &known);
    rung_buf_init(&frame, RUNG_BUF_UNLIMITED);
    rung_frame_draw(&frame, progress->name, &known, &size);
    redraw(progress, NULL, &frame, &size);
    rung_buf_free(&progress->frame);
    progress->frame = frame;
}

/* ---- lines ---- */

static void say(struct rung_progress *progress, struct rung_buf *line)
{
    rung_buf_char(line, '\n');
    if (progress->mode == RUNG_PROGRESS_LIVE) {
        struct rung_frame_size size = terminal_size(progress);
        redraw(progress, rung_buf_cstr(line), &progress->frame, &size);
    } else {
        put(progress, line->data, line->length);
    }
    rung_buf_free(line);
}

static bool find_bracket(const struct rung_search *search, uint32_t number, struct rung_bracket_view *view)
{
    for (size_t i = 0; i < rung_search_bracket_count(search); i++) {
        *view = rung_search_bracket(search, i);
        if (view->bracket == number)
            return true;
    }
    return false;
}

/* What is left, where it has been forecast. */
static void left(const struct rung_progress *progress, uint32_t leader, double at, struct rung_buf *line)
{
    struct rung_session_view view = {.leader = leader, .remaining_low = NAN};

    if (progress->forecast)
        progress->forecast(progress->forecast_context, at, &view);
    if (!isfinite(view.remaining_low))
        return;
    rung_buf_text(line, ", left ");
    rung_human_duration(line, view.remaining);
    rung_buf_text(line, " (");
    rung_human_duration(line, view.remaining_low);
    rung_buf_text(line, " to ");
    rung_human_duration(line, view.remaining_high);
    rung_buf_char(line, ')');
}

static void rung_decided(struct rung_progress *progress, const struct rung_note *note)
{
    struct rung_bracket_view bracket;
    struct rung_buf line;

    if (progress->mode == RUNG_PROGRESS_LIVE || !find_bracket(progress->search, note->bracket, &bracket) ||
        note->rung < 0 || (size_t)note->rung >= bracket.plan->rung_count)
        return;
    const struct rung_plan_rung *rung = &bracket.plan->rungs[note->rung];
    uint32_t leader = rung_search_leader(progress->search);
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&line, "bracket %u rung %d: ", note->bracket, note->rung);
    rung_human_count(&line, rung->models, "model");
    rung_buf_text(&line, " at ");
    rung_human_count(&line, rung->calls, "call");
    if (note->kept > 0)
        rung_buf_printf(&line, ", %lld kept", (long long)note->kept);
    if (leader != RUNG_NO_MODEL && isfinite(rung_search_model(progress->search, leader).score)) {
        rung_buf_text(&line, ", best ");
        rung_human_number(&line, rung_search_model(progress->search, leader).score);
        rung_buf_printf(&line, " (model %u)", leader);
    }
    rung_buf_text(&line, ", after ");
    rung_human_duration(&line, fmax(0, note->at - progress->started));
    left(progress, leader, note->at, &line);
    say(progress, &line);
}

static void failed(struct rung_progress *progress, const struct rung_note *note)
{
    struct rung_buf line;

    if (progress->failures++ > FAILURES_SHOWN)
        return;
    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_buf_text(&line, "rung: note: ");
    if (progress->failures > FAILURES_SHOWN) {
        rung_buf_text(&line, "further failures are not shown here");
        if (progress->database) {
            rung_buf_text(&line, "; to see them: rung logs ");
            rung_shell_file(&line, progress->database);
        }
        say(progress, &line);
        return;
    }
    if (note->trainer >= 0)
        rung_buf_printf(&line, "trainer %lld: ", (long long)note->trainer);
    if (note->kind)
        rung_buf_printf(&line, "%s: ", note->kind);
    rung_human_text(&line, note->reason ? note->reason : "no reason given");
    if (note->model != RUNG_NO_MODEL)
        rung_buf_printf(&line, note->final ? "; model %u has failed" : "; model %u is tried again",
                        note->model);
    say(progress, &line);
}

static void told(struct rung_progress *progress, const struct rung_note *note)
{
    struct rung_buf line;

    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_buf_text(&line, "rung: note: ");
    if (note->type == RUNG_NOTE_TRAINER)
        rung_buf_printf(&line, "trainer %lld is given up: ", (long long)note->trainer);
    rung_human_text(&line, note->reason ? note->reason : "no reason given");
    say(progress, &line);
}

/* Called for every result: what is not said must cost nothing. */
static void noted(void *context, const struct rung_note *note)
{
    switch (note->type) {
    case RUNG_NOTE_RUNG:
        rung_decided(context, note);
        break;
    case RUNG_NOTE_FAILURE:
        failed(context, note);
        break;
    case RUNG_NOTE_TRAINER:
        if (note->status && strcmp(note->status, "given up") == 0)
            told(context, note);
        break;
    case RUNG_NOTE_WARNING:
        told(context, note);
        break;
    case RUNG_NOTE_SEARCH:
    case RUNG_NOTE_MODEL:
    case RUNG_NOTE_JOB:
    case RUNG_NOTE_RESULT:
    case RUNG_NOTE_STOP:
    case RUNG_NOTE_BRACKET:
        break;
    }
}

struct rung_watcher rung_progress_watcher(struct rung_progress *progress)
{
    return (struct rung_watcher){.context = progress, .note = noted};
}
