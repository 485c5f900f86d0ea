/* The picture of a running search: a line of facts, a bar for the calls, and per bracket a bar for each rung.
 */
#include "cli/frame.h"

#include "cli/human.h"

#include <math.h>
#include <string.h>

#define GREEN "\033[32m"
#define CYAN  "\033[36m"
#define DIM   "\033[2m"
#define BOLD  "\033[1m"

/* A line under construction: what goes over the width is dropped, escapes take no columns. */
struct line {
    struct rung_buf *out;
    size_t left;
    bool colour;
};

static void put(struct line *line, const char *style, const char *text)
{
    struct rung_buf safe, clipped;

    if (line->left == 0 || !*text)
        return;
    rung_buf_init(&safe, RUNG_BUF_UNLIMITED);
    rung_buf_init(&clipped, RUNG_BUF_UNLIMITED);
    rung_human_text(&safe, text);
    rung_human_clip(&clipped, rung_buf_cstr(&safe), line->left);
    line->left -= rung_human_width(rung_buf_cstr(&clipped));
    bool styled = style && line->colour;
    rung_buf_printf(line->out, "%s%s%s", styled ? style : "", rung_buf_cstr(&clipped),
                    styled ? "\033[0m" : "");
    rung_buf_free(&safe);
    rung_buf_free(&clipped);
}

static void put_buf(struct line *line, const char *style, struct rung_buf *text)
{
    put(line, style, rung_buf_cstr(text));
    rung_buf_free(text);
}

static void repeat(struct line *line, const char *style, char c, size_t count)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++)
        rung_buf_char(&text, c);
    put_buf(line, style, &text);
}

/* [####----]: width columns inside; the last one is filled only when all is done. */
static void bar(struct line *line, const char *style, double share, size_t width)
{
    size_t full = share >= 1 ? width : share > 0 ? (size_t)(share * (double)width) : 0;

    put(line, NULL, "[");
    repeat(line, style, '#', full);
    repeat(line, DIM, '-', width - full);
    put(line, NULL, "]");
}

static void end_line(struct line *line, size_t width)
{
    rung_buf_char(line->out, '\n');
    line->left = width;
}

/* ---- the lines ---- */

/* " (LOW to HIGH)", where there are forecasts. */
static void interval(struct rung_buf *out, void (*write)(struct rung_buf *, double), double low, double high)
{
    if (!isfinite(low) || !isfinite(high) || low == high)
        return;
    rung_buf_text(out, " (");
    write(out, low);
    rung_buf_text(out, " to ");
    write(out, high);
    rung_buf_char(out, ')');
}

static void facts_line(struct line *line, const char *name, const struct rung_session_view *view)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    put(line, BOLD, name);
    if (view->trainers > 0) {
        rung_buf_printf(&text, "  %zu of ", view->busy);
        rung_human_count(&text, (int64_t)view->trainers, "trainer");
        rung_buf_text(&text, " busy");
    }
    rung_buf_text(&text, "  elapsed ");
    rung_human_duration(&text, view->elapsed);
    if (isfinite(view->remaining)) {
        rung_buf_text(&text, "  remaining ");
        rung_human_duration(&text, view->remaining);
        interval(&text, rung_human_duration, view->remaining_low, view->remaining_high);
    }
    put_buf(line, NULL, &text);
}

static void best_line(struct line *line, const struct rung_session_view *view)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    put(line, NULL, "best ");
    if (view->leader == RUNG_NO_MODEL || !isfinite(view->leader_score)) {
        put(line, NULL, "- (no score yet)");
        return;
    }
    rung_human_number(&text, view->leader_score);
    put_buf(line, GREEN, &text);
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, " (model %u)", view->leader);
    if (isfinite(view->final_score) && view->final_calls > 0) {
        rung_buf_printf(&text, ", at call %lld ", (long long)view->final_calls);
        rung_human_number(&text, view->final_score);
        interval(&text, rung_human_number, view->final_low, view->final_high);
    }
    put_buf(line, NULL, &text);
}

static void calls_line(struct line *line, const struct rung_session_view *view)
{
    struct rung_buf text;
    bool bounded = view->calls_planned != INT64_MAX && view->calls_planned > 0;
    double share = bounded ? (double)view->calls_done / (double)view->calls_planned : 0;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "calls %lld", (long long)view->calls_done);
    if (bounded)
        rung_buf_printf(&text, " of %lld, %.0f %% ", (long long)view->calls_planned, floor(100 * share));
    put_buf(line, NULL, &text);
    if (bounded && line->left >= 8)
        bar(line, CYAN, share, line->left - 2 < 40 ? line->left - 2 : 40);
}

/* Models that have been trained to the end of a rung: where nobody waits at rungs (asha), what there is to
 * show. */
static int64_t models_past(const struct rung_search *search, const struct rung_plan_rung *rung)
{
    int64_t past = 0;

    for (uint32_t k = 0; k < rung_search_model_count(search); k++)
        past += rung_search_model(search, k).calls >= rung->calls;
    return past;
}

static double rung_share(const struct rung_search *search, const struct rung_bracket_view *bracket,
                         size_t rung)
{
    const struct rung_plan_rung *plan = &bracket->plan->rungs[rung];

    if (rung_search_spec(search)->algorithm == RUNG_ASHA && !bracket->ended)
        return plan->models > 0 ? (double)models_past(search, plan) / (double)plan->models : 0;
    if (bracket->ended || rung < bracket->rung)
        return 1;
    if (rung > bracket->rung || bracket->rung_models <= 0)
        return 0;
    return (double)bracket->rung_reported / (double)bracket->rung_models;
}

static void bracket_tail(struct line *line, const struct rung_search *search,
                         const struct rung_bracket_view *bracket)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (!bracket->ended && rung_search_spec(search)->algorithm == RUNG_ASHA) {
        rung_buf_text(&text, " models past each:");
        for (size_t i = 0; i < bracket->plan->rung_count; i++)
            rung_buf_printf(&text, " %lld", (long long)models_past(search, &bracket->plan->rungs[i]));
    } else if (!bracket->ended) {
        rung_buf_printf(&text, " rung %zu: %lld of %lld at ", bracket->rung,
                        (long long)bracket->rung_reported, (long long)bracket->rung_models);
        rung_human_count(&text, bracket->plan->rungs[bracket->rung].calls, "call");
    } else if (bracket->winner == RUNG_NO_MODEL) {
        rung_buf_text(&text, " no winner");
    } else {
        rung_buf_printf(&text, " model %u: ", bracket->winner);
        rung_human_number(&text, rung_search_model(search, bracket->winner).score);
    }
    put_buf(line, NULL, &text);
}

#define TAIL_COLUMNS 32 /* " rung 3: 81 of 243 at 2187 calls" */

static void bracket_line(struct line *line, const struct rung_search *search, size_t index)
{
    struct rung_bracket_view bracket = rung_search_bracket(search, index);
    size_t rungs = bracket.plan->rung_count;
    struct rung_buf label;

    rung_buf_init(&label, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&label, "bracket %-2u ", bracket.bracket);
    put_buf(line, NULL, &label);
    size_t room = line->left > TAIL_COLUMNS ? line->left - TAIL_COLUMNS : 0;
    size_t first = 0, shown = rungs, each = room / rungs;
    if (each < 3 && room >= 3) {
        /* No room for all: the one that is being trained. */
        shown = 1;
        first = bracket.rung < rungs ? bracket.rung : rungs - 1;
        each = room;
    } else if (each < 3) {
        shown = 0;
    }
    for (size_t i = first; i < first + shown; i++) {
        double share = rung_share(search, &bracket, i);
        bar(line, share >= 1 ? GREEN : CYAN, share, (each < 12 ? each : 12) - 2);
    }
    bracket_tail(line, search, &bracket);
}

/* ---- the frame ---- */

/* Brackets that have ended make room for those that have not, oldest first. */
static size_t brackets_to_skip(const struct rung_search *search, size_t room)
{
    size_t count = rung_search_bracket_count(search), ended = 0;

    for (size_t i = 0; i < count; i++)
        ended += rung_search_bracket(search, i).ended;
    size_t over = count > room ? count - room : 0;
    return over < ended ? over : ended;
}

static void bracket_lines(struct line *line, const struct rung_search *search, size_t room, size_t width)
{
    size_t count = rung_search_bracket_count(search), skip = brackets_to_skip(search, room), hidden = skip;

    for (size_t i = 0; i < count && room > 0; i++) {
        if (skip > 0 && rung_search_bracket(search, i).ended) {
            skip--;
            continue;
        }
        bool more = room == 1 && count - i > 1;
        if (more) {
            struct rung_buf text;
            rung_buf_init(&text, RUNG_BUF_UNLIMITED);
            rung_buf_printf(&text, "and %zu more brackets", count - i + hidden);
            put_buf(line, DIM, &text);
        } else {
            bracket_line(line, search, i);
        }
        end_line(line, width);
        room--;
    }
}

void rung_frame_draw(struct rung_buf *out, const char *name, const struct rung_session_view *view,
                     const struct rung_frame_size *size)
{
    struct line line = {out, size->width, size->colour};
    size_t room = size->height > 3 ? size->height - 3 : 0;

    facts_line(&line, name, view);
    end_line(&line, size->width);
    if (size->height > 1) {
        best_line(&line, view);
        put(&line, NULL, "  ");
        calls_line(&line, view);
        end_line(&line, size->width);
    }
    if (view->search)
        bracket_lines(&line, view->search, room, size->width);
}

size_t rung_frame_height(const char *frame, size_t width)
{
    size_t lines = 0, columns = 0;

    for (const char *c = frame; *c; c++) {
        if (*c == '\033') {
            while (*c && *c != 'm')
                c++;
            if (!*c)
                break;
        } else if (*c == '\n') {
            lines += columns > width ? (columns + width - 1) / width : 1;
            columns = 0;
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            columns++;
        }
    }
    return lines;
}
