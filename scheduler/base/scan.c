/*
 * The strict pass over JSON text. It only moves forward and keeps nothing but its place: line and
 * column are counted when there is an error to report. cJSON reads the text itself unless something
 * in it has to be put differently, so that a usual message is neither copied nor allocated for.
 */
#include "base/scan.h"

#include "base/json.h"
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CJSON_NUMBER_MAX 63 /* cJSON cuts longer ones */
#define NO_KEY           ((size_t)-1)

struct scan {
    const char *text, *end, *p;
    int flags;
    struct rung_buf *clean; /* NULL: nothing is put differently */
    const char *copied;     /* everything before it is in clean, once clean is in use */
    size_t keys;            /* seen so far */
    size_t stop_key;        /* key at which to stop as if it were an error */
    const char *at, *why;   /* the error */
    const char *expected;   /* or what should have been there instead */
};

static bool scan_value(struct scan *s, int depth);

static bool fail(struct scan *s, const char *at, const char *why)
{
    s->at = at;
    s->why = why;
    return false;
}

static bool unexpected(struct scan *s, const char *expected)
{
    s->expected = expected;
    return fail(s, s->p, NULL);
}

/* Lets cJSON see `replacement` instead of what lies between start and p. */
static void put_differently(struct scan *s, const char *start, const char *replacement)
{
    if (!s->clean)
        return;
    rung_buf_append(s->clean, s->copied, (size_t)(start - s->copied));
    rung_buf_text(s->clean, replacement);
    s->copied = s->p;
}

static bool scan_comment(struct scan *s)
{
    const char *start = s->p;
    if (s->end - start >= 2 && start[1] == '/') {
        const char *newline = memchr(start, '\n', (size_t)(s->end - start));
        s->p = newline ? newline : s->end;
    } else if (s->end - start >= 2 && start[1] == '*') {
        const char *close = memmem(start + 2, (size_t)(s->end - start - 2), "*/", 2);
        if (!close)
            return fail(s, start, "the comment is not closed");
        s->p = close + 2;
    } else {
        return fail(s, start, "unexpected '/'");
    }
    put_differently(s, start, " ");
    return true;
}

static bool skip_space(struct scan *s)
{
    for (;;) {
        while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
            s->p++;
        if (s->p == s->end || *s->p != '/' || !(s->flags & RUNG_JSON_COMMENTS))
            return true;
        if (!scan_comment(s))
            return false;
    }
}

size_t rung_scan_utf8(const char *text, size_t length)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < 0x80)
        return 1;
    size_t count = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || count > length)
        return 0;
    /* the second byte's range excludes overlong forms, surrogates and what is over U+10FFFF */
    unsigned char lo = c[0] == 0xe0 ? 0xa0 : c[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = c[0] == 0xed ? 0x9f : c[0] == 0xf4 ? 0x8f : 0xbf;
    if (c[1] < lo || c[1] > hi)
        return 0;
    for (size_t i = 2; i < count; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    return count;
}

/* The four digits of a \u escape, or -1. */
static int hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool scan_escape(struct scan *s)
{
    const char *start = s->p;
    if (s->end - start < 2)
        return fail(s, start, "the string is not closed");
    s->p += 2;
    if (start[1] != 'u')
        return start[1] != '\0' && strchr("\"\\/bfnrt", start[1])
                   ? true
                   : fail(s, start, "no such escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    int unit = hex4(s->p, s->end);
    if (unit < 0)
        return fail(s, start, "\\u needs four hexadecimal digits");
    s->p += 4;
    if (unit == 0)
        return fail(s, start, "a string may not hold NUL");
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    bool pair = unit <= 0xdbff && s->end - s->p >= 6 && s->p[0] == '\\' && s->p[1] == 'u';
    int low = pair ? hex4(s->p + 2, s->end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(s, start, "half of a surrogate pair");
    s->p += 6;
    return true;
}

/* Skips characters that need no look, eight at a time. A byte of `special` is not zero where the
 * byte of the word is below 0x20, a quote, a backslash or not ASCII (false alarms only cost time). */
static void skip_plain(struct scan *s)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    while (s->end - s->p >= 8) {
        uint64_t word;
        memcpy(&word, s->p, 8);
        uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        uint64_t special = (word - ones * 0x20) | (quote - ones) | (backslash - ones) | word;
        if ((special & highs) != 0)
            return;
        s->p += 8;
    }
}

/* p is at the opening quote. */
static bool scan_string(struct scan *s)
{
    const char *open = s->p++;
    for (;;) {
        skip_plain(s);
        if (s->p == s->end)
            return fail(s, open, "the string is not closed");
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            s->p++;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape(s))
                return false;
        } else if (c < 0x20) {
            return fail(s, s->p,
                        c == '\n' ? "the string is not closed on its line"
                                  : "a control character in a string must be escaped");
        } else {
            size_t bytes = rung_scan_utf8(s->p, (size_t)(s->end - s->p));
            if (bytes == 0)
                return fail(s, s->p, "not UTF-8");
            s->p += bytes;
        }
    }
}

static bool skip_digits(struct scan *s)
{
    const char *start = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > start;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(s->end - s->p) < length || memcmp(s->p, word, length) != 0)
        return unexpected(s, "a value");
    s->p += length;
    return true;
}

static bool scan_nonfinite(struct scan *s, const char *start, const char *word)
{
    if (!(s->flags & RUNG_JSON_NONFINITE))
        return unexpected(s, "a value");
    if (!scan_word(s, word))
        return false;
    put_differently(s, start, "null");
    return true;
}

/* What cJSON would cut, or a double cannot hold. */
static bool check_number(struct scan *s, const char *start)
{
    char text[RUNG_NUMBER_TEXT_MAX];
    size_t length = (size_t)(s->p - start);
    double number = rung_number_parse(start, length);
    if (!isfinite(number))
        return fail(s, start, "the number is too large");
    if (length > CJSON_NUMBER_MAX) {
        rung_number_format(text, number);
        put_differently(s, start, text);
    }
    return true;
}

static bool scan_number(struct scan *s)
{
    const char *start = s->p;
    bool exponent = false;
    if (*s->p == '-' && ++s->p < s->end && *s->p == 'I')
        return scan_nonfinite(s, start, "Infinity");
    const char *first = s->p;
    if (!skip_digits(s))
        return unexpected(s, "a digit");
    if (*first == '0' && s->p - first > 1)
        return fail(s, start, "a number may not begin with 0");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!skip_digits(s))
            return unexpected(s, "a digit");
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        exponent = true;
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!skip_digits(s))
            return unexpected(s, "a digit");
    }
    return exponent || s->p - start > CJSON_NUMBER_MAX ? check_number(s, start) : true;
}

static bool scan_member(struct scan *s, int depth)
{
    if (s->p == s->end || *s->p != '"')
        return unexpected(s, "a key in double quotes");
    if (s->keys++ == s->stop_key)
        return fail(s, s->p, "");
    if (!scan_string(s) || !skip_space(s))
        return false;
    if (s->p == s->end || *s->p != ':')
        return unexpected(s, "':'");
    s->p++;
    return scan_value(s, depth);
}

/* An array or an object; p is at its bracket. */
static bool scan_container(struct scan *s, char close, int depth)
{
    bool object = close == '}';
    if (depth > RUNG_JSON_DEPTH_MAX + (s->flags & RUNG_JSON_DEEPER ? 8 : 0))
        return fail(s, s->p, "nested too deeply");
    s->p++;
    if (!skip_space(s))
        return false;
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return true;
    }
    for (;;) {
        if (!(object ? scan_member(s, depth) : scan_value(s, depth)) || !skip_space(s))
            return false;
        if (s->p == s->end || (*s->p != ',' && *s->p != close))
            return unexpected(s, object ? "',' or '}'" : "',' or ']'");
        const char *comma = s->p;
        if (*s->p++ == close)
            return true;
        if (!skip_space(s))
            return false;
        if (s->p < s->end && *s->p == close)
            return fail(s, comma, "a comma after the last element");
    }
}

static bool scan_value(struct scan *s, int depth)
{
    if (!skip_space(s))
        return false;
    if (s->p == s->end)
        return unexpected(s, "a value");
    switch (*s->p) {
    case '{':
        return scan_container(s, '}', depth + 1);
    case '[':
        return scan_container(s, ']', depth + 1);
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    case 'N':
        return scan_nonfinite(s, s->p, "NaN");
    case 'I':
        return scan_nonfinite(s, s->p, "Infinity");
    default:
        return *s->p == '-' || (*s->p >= '0' && *s->p <= '9') ? scan_number(s) : unexpected(s, "a value");
    }
}

static bool scan_text(struct scan *s)
{
    if (!scan_value(s, 0) || !skip_space(s))
        return false;
    return s->p == s->end ? true : unexpected(s, "the end of the text");
}

static void find_place(const struct scan *s, size_t *line, size_t *column)
{
    const char *start = s->text, *newline;
    *line = 1;
    while ((newline = memchr(start, '\n', (size_t)(s->at - start)))) {
        ++*line;
        start = newline + 1;
    }
    *column = (size_t)(s->at - start) + 1;
}

static int report(const struct scan *s, struct rung_err *err)
{
    char found[32] = "the end of the text";
    size_t line, column;
    find_place(s, &line, &column);
    if (s->why)
        return rung_err_set(err, RUNG_EUSE, "line %zu, column %zu: %s", line, column, s->why);
    if (s->at < s->end) {
        unsigned char c = (unsigned char)*s->at;
        snprintf(found, sizeof found, c >= 0x20 && c < 0x7f ? "'%c'" : "byte 0x%02x", c);
    }
    return rung_err_set(err, RUNG_EUSE, "line %zu, column %zu: expected %s, found %s", line, column,
                        s->expected, found);
}

int rung_scan_check(const char *text, size_t length, int flags, struct rung_buf *clean, struct rung_err *err)
{
    struct scan s = {.text = text,
                     .end = text + length,
                     .p = text,
                     .flags = flags,
                     .clean = clean,
                     .copied = text,
                     .stop_key = NO_KEY};
    if (!scan_text(&s))
        return report(&s, err);
    if (s.copied > text)
        rung_buf_append(clean, s.copied, (size_t)(s.end - s.copied));
    return 0;
}

int rung_scan_duplicate(const char *text, size_t length, int flags, size_t n, const char *name,
                        struct rung_err *err)
{
    struct scan s = {
        .text = text, .end = text + length, .p = text, .flags = flags, .copied = text, .stop_key = n};
    size_t line, column;
    scan_text(&s);
    find_place(&s, &line, &column);
    return rung_err_set(err, RUNG_EUSE, "line %zu, column %zu: duplicate key \"%s\"", line, column, name);
}
