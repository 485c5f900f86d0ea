/* Values as people read them. */
#include "cli/human.h"

#include <math.h>
#include <string.h>
#include <time.h>

void rung_human_number(struct rung_buf *out, double number)
{
    if (!isfinite(number))
        rung_buf_char(out, '-');
    else if (fabs(number) >= 1e5 && fabs(number) < 1e15)
        rung_buf_printf(out, "%.0f", number);
    else
        rung_buf_printf(out, "%.5g", number);
}

#define CLOCK_MAX 1e9 /* seconds; more of them say more without hours */

void rung_human_duration(struct rung_buf *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e12) {
        rung_buf_char(out, '-');
        return;
    }
    if (seconds < 9.95) {
        rung_buf_printf(out, "%.1f s", seconds);
        return;
    }
    long long whole = llround(seconds);
    if (whole < 60)
        rung_buf_printf(out, "%lld s", whole);
    else if (whole < 3600)
        rung_buf_printf(out, "%lld:%02lld", whole / 60, whole % 60);
    else
        rung_buf_printf(out, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
}

void rung_human_seconds(struct rung_buf *out, double seconds)
{
    if (seconds >= 0 && seconds < 0.95)
        rung_buf_printf(out, "%.2g s", seconds);
    else if (isfinite(seconds) && seconds > CLOCK_MAX)
        rung_buf_printf(out, "%.3g s", seconds);
    else
        rung_human_duration(out, seconds);
}

void rung_human_count(struct rung_buf *out, int64_t count, const char *noun)
{
    rung_buf_printf(out, "%lld %s%s", (long long)count, noun, count == 1 ? "" : "s");
}

/* U+0080 … U+009F are control characters too, in UTF-8 as 0xc2 and a second byte below 0xa0. */
static bool drives_terminal(const char *text)
{
    const unsigned char *c = (const unsigned char *)text;

    return c[0] < 0x20 || c[0] == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);
}

void rung_human_text(struct rung_buf *out, const char *text)
{
    for (; *text; text++) {
        bool drives = drives_terminal(text);
        rung_buf_char(out, drives ? '?' : *text);
        if (drives && (unsigned char)*text == 0xc2)
            text++;
    }
}

/* Its models are null where a limit ends the search, not a number of them. */
static bool is_rung(const struct rung_json *value)
{
    const struct rung_json *models = rung_json_get(value, "models");

    return rung_json_size(value) == 2 &&
           (rung_json_is(models, RUNG_JSON_NUMBER) || rung_json_is(models, RUNG_JSON_NULL)) &&
           rung_json_is(rung_json_get(value, "calls"), RUNG_JSON_NUMBER);
}

static void rung_text(struct rung_buf *out, const struct rung_json *rung)
{
    const struct rung_json *models = rung_json_get(rung, "models");

    if (rung_json_is(models, RUNG_JSON_NULL))
        rung_buf_char(out, '?');
    else
        rung_human_number(out, rung_json_number(models));
    rung_buf_char(out, 'x');
    rung_human_number(out, rung_json_number(rung_json_get(rung, "calls")));
}

static void container(struct rung_buf *out, const struct rung_json *value)
{
    bool object = rung_json_is(value, RUNG_JSON_OBJECT);
    const struct rung_json *child = rung_json_first(value);
    bool rungs = !object && child && rung_json_is(child, RUNG_JSON_OBJECT) && is_rung(child);

    if (!object && !rungs)
        rung_buf_char(out, '[');
    for (const char *gap = ""; child; child = rung_json_next(child), gap = " ") {
        rung_buf_text(out, gap);
        if (rungs && is_rung(child)) {
            rung_text(out, child);
            continue;
        }
        if (object) {
            rung_human_text(out, rung_json_key(child));
            rung_buf_char(out, '=');
        }
        bool nested = rung_json_is(child, RUNG_JSON_OBJECT);
        if (nested)
            rung_buf_char(out, '{');
        rung_human_value(out, child);
        if (nested)
            rung_buf_char(out, '}');
    }
    if (!object && !rungs)
        rung_buf_char(out, ']');
}

void rung_human_value(struct rung_buf *out, const struct rung_json *value)
{
    switch (rung_json_type(value)) {
    case RUNG_JSON_NULL:
        rung_buf_char(out, '-');
        break;
    case RUNG_JSON_BOOL:
        rung_buf_text(out, rung_json_bool(value) ? "true" : "false");
        break;
    case RUNG_JSON_NUMBER:
        rung_human_number(out, rung_json_number(value));
        break;
    case RUNG_JSON_STRING:
        rung_human_text(out, rung_json_string(value));
        break;
    case RUNG_JSON_ARRAY:
    case RUNG_JSON_OBJECT:
        container(out, value);
        break;
    }
}

void rung_human_json(struct rung_buf *out, const char *json)
{
    struct rung_json *value = rung_json_parse(json, strlen(json), 0, NULL);

    if (value)
        rung_human_value(out, value);
    else
        rung_human_text(out, json);
    rung_json_free(value);
}

void rung_human_time(struct rung_buf *out, double at)
{
    double whole = floor(at);
    int thousandths = (int)((at - whole) * 1000);
    time_t seconds = (time_t)whole;
    struct tm parts;
    char text[32];

    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    rung_buf_printf(out, "%s.%03dZ", text, thousandths);
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t rung_human_width(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += !continues(*text);
    return width;
}

void rung_human_clip(struct rung_buf *out, const char *text, size_t width)
{
    size_t columns = 0, kept = 0;

    if (rung_human_width(text) <= width) {
        rung_buf_text(out, text);
        return;
    }
    /* Up to the beginning of the character in the last column, which the mark takes. */
    while (columns + 1 < width || continues(text[kept])) {
        kept++;
        columns += !continues(text[kept]);
    }
    if (width > 0) {
        rung_buf_append(out, text, kept);
        rung_buf_char(out, '>');
    }
}
