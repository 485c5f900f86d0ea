/* Values as people read them: shortened numbers, durations, JSON without its punctuation, text that cannot
 * harm a terminal. Never for programs: what they read keeps every digit. */
#ifndef RUNG_CLI_HUMAN_H
#define RUNG_CLI_HUMAN_H

#include "base/buf.h"
#include "base/json.h"

#include <stddef.h>

/* Each appends to out. */
void rung_human_number(struct rung_buf *out, double number); /* five digits; "-" when not finite */
void rung_human_duration(struct rung_buf *out,
                         double seconds); /* 0.25 s, 42 s, 3:07, 2:05:09; "-" when unknown */
/* The same for forecasts and simulations, which may be very short or very long: 0.066 s, 6.4e+14 s. */
void rung_human_seconds(struct rung_buf *out, double seconds);
void rung_human_count(struct rung_buf *out, int64_t count, const char *noun); /* 1 model, 2 models */
/* Objects as `a=1 b=x`, lists as [1 2], a plan's rungs as 81x1 27x3; text that is no JSON as it is. */
void rung_human_json(struct rung_buf *out, const char *json);
void rung_human_value(struct rung_buf *out, const struct rung_json *value);
/* Control characters, which could drive the terminal, become '?'. */
void rung_human_text(struct rung_buf *out, const char *text);
void rung_human_time(struct rung_buf *out, double at); /* 2026-11-20T09:30:00.123Z */

/* Columns that text takes on a terminal: one per UTF-8 character. */
size_t rung_human_width(const char *text);
/* Appends at most width columns of text, the last a '>' when something is cut. */
void rung_human_clip(struct rung_buf *out, const char *text, size_t width);

#endif
