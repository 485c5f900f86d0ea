/* Owns the reading of settings and parameters by table, and the help made from it. */
#include "fields.h"

#include "base/suggest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX 64 /* fields of a table, choices of a field */

bool rung_fields_choice(const char *choices, int index, char *word, size_t size)
{
    for (; index > 0; index--) {
        choices = strchr(choices, '|');
        if (!choices)
            return false;
        choices++;
    }
    size_t length = strcspn(choices, "|");

    if (length >= size)
        length = size - 1;
    memcpy(word, choices, length);
    word[length] = '\0';
    return true;
}

int rung_fields_unknown(const struct rung_field *fields, const char *where, const char *key,
                        struct rung_err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;

    for (const struct rung_field *field = fields; field->name && count < NAMES_MAX; field++)
        names[count++] = field->name;
    const char *best = rung_suggest(key, names, count);
    if (best)
        return rung_err_set(err, RUNG_EUSE, "%s.%s: unknown key (did you mean \"%s\"?)", where, key, best);
    return rung_err_set(err, RUNG_EUSE, "%s.%s: unknown key", where, key);
}

/* "in [0, 1)", "> 0", "at least 2", … */
static void range_text(const struct rung_field *field, char *text, size_t size)
{
    bool lo = isfinite(field->lo), hi = isfinite(field->hi);
    bool lo_open = field->flags & RUNG_FIELD_LO_OPEN, hi_open = field->flags & RUNG_FIELD_HI_OPEN;

    if (lo && hi)
        snprintf(text, size, "in %c%.15g, %.15g%c", lo_open ? '(' : '[', field->lo, field->hi,
                 hi_open ? ')' : ']');
    else if (lo)
        snprintf(text, size, lo_open ? "over %.15g" : "at least %.15g", field->lo);
    else if (hi)
        snprintf(text, size, hi_open ? "under %.15g" : "at most %.15g", field->hi);
    else
        snprintf(text, size, "a number");
}

static bool in_range(const struct rung_field *field, double x)
{
    bool above = field->flags & RUNG_FIELD_LO_OPEN ? x > field->lo : x >= field->lo;
    bool below = field->flags & RUNG_FIELD_HI_OPEN ? x < field->hi : x <= field->hi;

    return above && below;
}

static const char *wanted(enum rung_field_type type)
{
    switch (type) {
    case RUNG_FIELD_NUMBER:
        return "a number";
    case RUNG_FIELD_INTEGER:
        return "an integer";
    case RUNG_FIELD_BOOL:
        return "true or false";
    case RUNG_FIELD_CHOICE:
        return "a string";
    case RUNG_FIELD_TEXT:
        return "a string";
    case RUNG_FIELD_SIZES:
        return "an integer or an array of integers";
    case RUNG_FIELD_VALUE:
        return "a value";
    }
    return "a value";
}

static int wrong_type(const struct rung_field *field, const char *where, const struct rung_json *value,
                      struct rung_err *err)
{
    return rung_err_set(err, RUNG_EUSE, "%s.%s: must be %s, not %s", where, field->name, wanted(field->type),
                        rung_json_type_name(rung_json_type(value)));
}

static int out_of_range(const struct rung_field *field, const char *where, double x, struct rung_err *err)
{
    char range[80];

    range_text(field, range, sizeof range);
    return rung_err_set(err, RUNG_EUSE, "%s.%s: must be %s, not %.15g", where, field->name, range, x);
}

static int read_number(const struct rung_field *field, const char *where, const struct rung_json *value,
                       void *place, struct rung_err *err)
{
    double x;

    if (!rung_json_is(value, RUNG_JSON_NUMBER))
        return wrong_type(field, where, value, err);
    x = rung_json_number(value);
    if (!isfinite(x) || !in_range(field, x))
        return out_of_range(field, where, x, err);
    memcpy(place, &x, sizeof x);
    return 0;
}

static int read_integer(const struct rung_field *field, const char *where, const struct rung_json *value,
                        int64_t *out, struct rung_err *err)
{
    const int64_t most = (int64_t)RUNG_JSON_INTEGER_MAX;

    if (!rung_json_is(value, RUNG_JSON_NUMBER))
        return wrong_type(field, where, value, err);
    if (!rung_json_integer(value, -most, most, out))
        return rung_err_set(err, RUNG_EUSE, "%s.%s: must be an integer, not %.15g", where, field->name,
                            rung_json_number(value));
    if (!in_range(field, (double)*out))
        return out_of_range(field, where, (double)*out, err);
    return 0;
}

static int read_choice(const struct rung_field *field, const char *where, const struct rung_json *value,
                       int *out, struct rung_err *err)
{
    char words[NAMES_MAX][64];
    const char *names[NAMES_MAX];
    int count = 0;

    if (!rung_json_is(value, RUNG_JSON_STRING))
        return wrong_type(field, where, value, err);
    for (; count < NAMES_MAX && rung_fields_choice(field->choices, count, words[count], sizeof words[count]);
         count++) {
        names[count] = words[count];
        if (strcmp(words[count], rung_json_string(value)) == 0) {
            *out = count;
            return 0;
        }
    }
    const char *best = rung_suggest(rung_json_string(value), names, (size_t)count);
    if (best)
        return rung_err_set(err, RUNG_EUSE, "%s.%s: unknown value \"%.200s\" (did you mean \"%s\"?)", where,
                            field->name, rung_json_string(value), best);
    return rung_err_set(err, RUNG_EUSE, "%s.%s: must be one of %s, not \"%.200s\"", where, field->name,
                        field->choices, rung_json_string(value));
}

static int read_sizes(const struct rung_field *field, const char *where, const struct rung_json *value,
                      struct rung_sizes *out, struct rung_err *err)
{
    int64_t item;

    out->count = 0;
    if (rung_json_is(value, RUNG_JSON_NUMBER)) {
        if (read_integer(field, where, value, &item, err) < 0)
            return err->code;
        out->items[out->count++] = (int32_t)item;
        return 0;
    }
    if (!rung_json_is(value, RUNG_JSON_ARRAY))
        return wrong_type(field, where, value, err);
    if (rung_json_size(value) > RUNG_SIZES_MAX)
        return rung_err_set(err, RUNG_EUSE, "%s.%s: more than %d entries", where, field->name,
                            RUNG_SIZES_MAX);
    for (const struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v)) {
        if (read_integer(field, where, v, &item, err) < 0)
            return err->code;
        out->items[out->count++] = (int32_t)item;
    }
    return 0;
}

static int read_value(const struct rung_field *field, const char *where, const struct rung_json *value,
                      char *place, struct rung_err *err)
{
    int64_t integer = 0;
    bool truth;
    const char *text;

    switch (field->type) {
    case RUNG_FIELD_NUMBER:
        return read_number(field, where, value, place, err);
    case RUNG_FIELD_INTEGER:
        if (read_integer(field, where, value, &integer, err) < 0)
            return err->code;
        memcpy(place, &integer, sizeof integer);
        return 0;
    case RUNG_FIELD_BOOL:
        if (!rung_json_is(value, RUNG_JSON_BOOL))
            return wrong_type(field, where, value, err);
        truth = rung_json_bool(value);
        memcpy(place, &truth, sizeof truth);
        return 0;
    case RUNG_FIELD_CHOICE:
        return read_choice(field, where, value, (int *)(void *)place, err);
    case RUNG_FIELD_TEXT:
        if (!rung_json_is(value, RUNG_JSON_STRING))
            return wrong_type(field, where, value, err);
        text = rung_json_string(value);
        memcpy(place, &text, sizeof text);
        return 0;
    case RUNG_FIELD_SIZES:
        return read_sizes(field, where, value, (struct rung_sizes *)(void *)place, err);
    case RUNG_FIELD_VALUE:
        memcpy(place, &value, sizeof value);
        return 0;
    }
    return rung_err_set(err, RUNG_EFAIL, "%s.%s: unknown field type", where, field->name);
}

static size_t value_size(enum rung_field_type type)
{
    switch (type) {
    case RUNG_FIELD_NUMBER:
        return sizeof(double);
    case RUNG_FIELD_INTEGER:
        return sizeof(int64_t);
    case RUNG_FIELD_BOOL:
        return sizeof(bool);
    case RUNG_FIELD_CHOICE:
        return sizeof(int);
    case RUNG_FIELD_TEXT:
        return sizeof(const char *);
    case RUNG_FIELD_SIZES:
        return sizeof(struct rung_sizes);
    case RUNG_FIELD_VALUE:
        return sizeof(const struct rung_json *);
    }
    return 0;
}

/* Defaults are JSON text, so that --help prints what is read. A text default would not outlive
 * this function: the two pointer types have none. */
static int take_fallback(const struct rung_field *field, const char *where, char *place, struct rung_err *err)
{
    struct rung_json *value;
    int code;

    memset(place, 0, value_size(field->type));
    if (field->flags & RUNG_FIELD_NEEDED)
        return rung_err_set(err, RUNG_EUSE, "%s.%s: missing", where, field->name);
    if (!field->fallback || field->type == RUNG_FIELD_TEXT || field->type == RUNG_FIELD_VALUE)
        return 0;
    value = rung_json_parse(field->fallback, strlen(field->fallback), 0, err);
    if (!value)
        return rung_err_prefix(err, "default of %s", field->name);
    code = read_value(field, where, value, place, err);
    rung_json_free(value);
    return code;
}

static bool has_name(const struct rung_field *fields, const char *key)
{
    for (const struct rung_field *field = fields; field->name; field++)
        if (strcmp(field->name, key) == 0)
            return true;
    return false;
}

int rung_fields_read(const struct rung_field *fields, const char *where, const struct rung_json *object,
                     void *out, struct rung_err *err)
{
    if (object && !rung_json_is(object, RUNG_JSON_OBJECT))
        return rung_err_set(err, RUNG_EUSE, "%s: must be an object, not %s", where,
                            rung_json_type_name(rung_json_type(object)));
    for (const struct rung_json *v = object ? rung_json_first(object) : NULL; v; v = rung_json_next(v))
        if (!has_name(fields, rung_json_key(v)))
            return rung_fields_unknown(fields, where, rung_json_key(v), err);
    for (const struct rung_field *field = fields; field->name; field++) {
        char *place = (char *)out + field->offset;
        const struct rung_json *value = object ? rung_json_get(object, field->name) : NULL;
        int code =
            value ? read_value(field, where, value, place, err) : take_fallback(field, where, place, err);

        if (code < 0)
            return code;
    }
    return 0;
}

void rung_fields_paragraph(const char *text, size_t indent, struct rung_buf *out)
{
    while (*text) {
        size_t room = 80 - indent, length = strlen(text);

        if (length > room) {
            length = room;
            while (length > 0 && text[length] != ' ')
                length--;
            if (length == 0)
                length = strcspn(text, " ");
        }
        rung_buf_printf(out, "%*s%.*s\n", (int)indent, "", (int)length, text);
        text += length;
        while (*text == ' ')
            text++;
    }
}

static void type_text(const struct rung_field *field, struct rung_buf *out)
{
    char range[80];

    range_text(field, range, sizeof range);
    switch (field->type) {
    case RUNG_FIELD_NUMBER:
        rung_buf_printf(out, strcmp(range, "a number") ? "a number %s" : "%s", range);
        break;
    case RUNG_FIELD_INTEGER:
        rung_buf_printf(out, "an integer %s", range);
        break;
    case RUNG_FIELD_SIZES:
        rung_buf_printf(out, "integers %s, one or an array", range);
        break;
    case RUNG_FIELD_CHOICE:
        for (const char *p = field->choices; *p; p++)
            rung_buf_append(out, *p == '|' ? " | " : p, *p == '|' ? 3 : 1);
        break;
    case RUNG_FIELD_BOOL:
    case RUNG_FIELD_TEXT:
        rung_buf_text(out, wanted(field->type));
        break;
    case RUNG_FIELD_VALUE:
        rung_buf_text(out, field->choices);
        break;
    }
}

void rung_fields_help(const struct rung_field *fields, struct rung_buf *out)
{
    for (const struct rung_field *field = fields; field->name; field++) {
        struct rung_buf line;

        rung_buf_init(&line, RUNG_BUF_UNLIMITED);
        type_text(field, &line);
        if (field->flags & RUNG_FIELD_NEEDED)
            rung_buf_text(&line, "; needed");
        else if (field->fallback)
            rung_buf_printf(&line, "; default %s", field->fallback);
        else if (field->type == RUNG_FIELD_NUMBER && in_range(field, 0))
            rung_buf_text(&line, "; default 0");
        rung_buf_printf(out, "  %s\n", field->name);
        rung_fields_paragraph(rung_buf_cstr(&line), 6, out);
        rung_fields_paragraph(field->help, 6, out);
        rung_buf_free(&line);
    }
}
