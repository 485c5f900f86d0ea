/*
 * The table reader: one function a type, all of the same shape.
 */
#include "core/fields.h"

#include "base/mem.h"
#include "core/spec.h"
#include "base/suggest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef int read_field(void *slot, const struct rung_field *field, const struct rung_json *value,
                       const struct rung_place *place, struct rung_err *err);

/* place_expected with a WHAT that the caller made; frees it. */
static int expected(struct rung_err *err, const struct rung_place *place, char *what,
                    const struct rung_json *found)
{
    rung_place_expected(err, place, what, found);
    free(what);
    return RUNG_EUSE;
}

static const char *or_null(const struct rung_field *field)
{
    return field->null ? " or null" : "";
}

static int read_integer(void *slot, const struct rung_field *field, const struct rung_json *value,
                        const struct rung_place *place, struct rung_err *err)
{
    if (rung_json_integer(value, field->lo, field->hi, slot))
        return 0;
    bool large = rung_json_is(value, RUNG_JSON_NUMBER) && rung_json_number(value) > (double)field->hi;
    return expected(err, place,
                    rung_mem_printf("an integer %s %lld%s", large ? "<=" : ">=",
                                    (long long)(large ? field->hi : field->lo), or_null(field)),
                    value);
}

static int read_number(void *slot, const struct rung_field *field, const struct rung_json *value,
                       const struct rung_place *place, struct rung_err *err)
{
    bool bounded = isfinite(field->least);
    if (rung_json_is(value, RUNG_JSON_NUMBER) && rung_json_number(value) >= field->least) {
        *(double *)slot = rung_json_number(value);
        return 0;
    }
    return expected(err, place,
                    bounded ? rung_mem_printf("a number >= %g%s", field->least, or_null(field))
                            : rung_mem_printf("a number%s", or_null(field)),
                    value);
}

static int read_duration(void *slot, const struct rung_field *field, const struct rung_json *value,
                         const struct rung_place *place, struct rung_err *err)
{
    double seconds;
    (void)field;
    if (!rung_spec_duration(value, &seconds) || !(seconds > 0))
        return rung_place_expected(err, place,
                                   "a time above 0 such as 90, \"90s\", \"10m\", \"2h\" or \"1d\"", value);
    *(double *)slot = seconds;
    return 0;
}

static int wrong_word(const struct rung_field *field, const struct rung_json *value,
                      const struct rung_place *place, struct rung_err *err)
{
    struct rung_buf list;
    rung_buf_init(&list, RUNG_ERR_TEXT_MAX);
    for (size_t i = 0; i < field->word_count; i++)
        rung_buf_printf(&list, "%s\"%s\"",
                        i == 0                      ? ""
                        : i + 1 < field->word_count ? ", "
                                                    : " or ",
                        field->words[i]);
    rung_place_expected(err, place, rung_buf_cstr(&list), value);
    rung_buf_free(&list);
    const char *near = rung_json_is(value, RUNG_JSON_STRING)
                           ? rung_suggest(rung_json_string(value), field->words, field->word_count)
                           : NULL;
    if (near) {
        char *text = err ? rung_mem_strdup(err->text) : NULL;
        rung_err_set(err, RUNG_EUSE, "%s (did you mean \"%s\"?)", text ? text : "", near);
        free(text);
    }
    return RUNG_EUSE;
}

static int read_word(void *slot, const struct rung_field *field, const struct rung_json *value,
                     const struct rung_place *place, struct rung_err *err)
{
    for (size_t i = 0; i < field->word_count && rung_json_is(value, RUNG_JSON_STRING); i++)
        if (strcmp(rung_json_string(value), field->words[i]) == 0) {
            *(int *)slot = (int)i;
            return 0;
        }
    return wrong_word(field, value, place, err);
}

static bool is_text(const struct rung_json *value)
{
    return rung_json_is(value, RUNG_JSON_STRING) && rung_json_string(value)[0] != '\0';
}

static int read_text(void *slot, const struct rung_field *field, const struct rung_json *value,
                     const struct rung_place *place, struct rung_err *err)
{
    if (!is_text(value))
        return expected(err, place, rung_mem_printf("a string that is not empty%s", or_null(field)), value);
    *(char **)slot = rung_mem_strdup(rung_json_string(value));
    return 0;
}

void rung_fields_free_argv(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++)
        free(argv[i]);
    free(argv);
}

static int read_list(char ***out, const struct rung_json *value, const struct rung_place *place,
                     struct rung_err *err)
{
    struct rung_place element = {place, NULL, 0};
    for (struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v), element.index++)
        if (!is_text(v))
            return rung_place_expected(err, &element, "a string that is not empty", v);
    char **argv = rung_mem_zalloc(element.index + 1, sizeof *argv);
    size_t i = 0;
    for (struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v))
        argv[i++] = rung_mem_strdup(rung_json_string(v));
    *out = argv;
    return 0;
}

int rung_fields_argv(char ***out, const struct rung_json *value, const struct rung_place *place,
                     struct rung_err *err)
{
    if (!rung_json_is(value, RUNG_JSON_ARRAY) || rung_json_size(value) == 0)
        return rung_place_expected(err, place, "an array of a program and its arguments", value);
    return read_list(out, value, place, err);
}

static int read_texts(void *slot, const struct rung_field *field, const struct rung_json *value,
                      const struct rung_place *place, struct rung_err *err)
{
    (void)field;
    if (!rung_json_is(value, RUNG_JSON_ARRAY))
        return rung_place_expected(err, place, "an array of strings", value);
    return read_list(slot, value, place, err);
}

static int read_argv(void *slot, const struct rung_field *field, const struct rung_json *value,
                     const struct rung_place *place, struct rung_err *err)
{
    (void)field;
    return rung_fields_argv(slot, value, place, err);
}

static int read_value(void *slot, const struct rung_field *field, const struct rung_json *value,
                      const struct rung_place *place, struct rung_err *err)
{
    (void)field;
    (void)place;
    (void)err;
    *(const struct rung_json **)slot = value;
    return 0;
}

static read_field *const READ[] = {
    [RUNG_FIELD_INTEGER] = read_integer,   [RUNG_FIELD_NUMBER] = read_number,
    [RUNG_FIELD_DURATION] = read_duration, [RUNG_FIELD_WORD] = read_word,
    [RUNG_FIELD_TEXT] = read_text,         [RUNG_FIELD_ARGV] = read_argv,
    [RUNG_FIELD_TEXTS] = read_texts,       [RUNG_FIELD_VALUE] = read_value,
};

static void set_default(void *slot, const struct rung_field *field)
{
    switch (field->type) {
    case RUNG_FIELD_INTEGER:
        *(int64_t *)slot = field->otherwise.integer;
        break;
    case RUNG_FIELD_NUMBER:
    case RUNG_FIELD_DURATION:
        *(double *)slot = field->otherwise.number;
        break;
    case RUNG_FIELD_WORD:
        *(int *)slot = field->otherwise.word;
        break;
    case RUNG_FIELD_TEXT:
        *(char **)slot = rung_mem_strdup(field->otherwise.text);
        break;
    case RUNG_FIELD_ARGV:
    case RUNG_FIELD_TEXTS:
        *(char ***)slot = NULL;
        break;
    case RUNG_FIELD_VALUE:
        *(const struct rung_json **)slot = NULL;
        break;
    }
}

const struct rung_field *rung_fields_find(const struct rung_fields *fields, const char *key)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->rows[i].key, key) == 0)
            return &fields->rows[i];
    return NULL;
}

static bool known(const struct rung_field *field, unsigned group)
{
    return field->groups == 0 || (field->groups & group) != 0;
}

static size_t keys_of(const struct rung_fields *fields, unsigned group, const char **keys)
{
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (group == 0 || known(&fields->rows[i], group))
            keys[count++] = fields->rows[i].key;
    return count;
}

static int check_keys(const struct rung_fields *fields, unsigned group, const struct rung_json *object,
                      const struct rung_place *place, struct rung_err *err)
{
    for (struct rung_json *v = rung_json_first(object); v; v = rung_json_next(v)) {
        struct rung_place at = {place, rung_json_key(v), 0};
        const struct rung_field *field = rung_fields_find(fields, at.key);
        if (field && known(field, group))
            continue;
        const char **keys = rung_mem_zalloc(2 * fields->count, sizeof *keys);
        size_t count = keys_of(fields, group, keys), all = keys_of(fields, 0, keys + count);
        if (!rung_suggest(at.key, keys, count) && rung_suggest(at.key, keys + count, all))
            count += all; /* another group's key is the nearest: its own error comes next */
        rung_place_unknown(err, &at, keys, count);
        free(keys);
        return RUNG_EUSE;
    }
    return 0;
}

static int read_row(void *target, const struct rung_field *field, const struct rung_json *object,
                    const struct rung_place *place, struct rung_err *err)
{
    struct rung_place at = {place, field->key, 0};
    void *slot = (char *)target + field->offset;
    const struct rung_json *value = object ? rung_json_get(object, field->key) : NULL;
    bool null = field->null && rung_json_is(value, RUNG_JSON_NULL);
    if (value && !null)
        return READ[field->type](slot, field, value, &at, err);
    if (field->required)
        return rung_place_error(err, &at, "missing");
    if (null && field->type == RUNG_FIELD_NUMBER)
        *(double *)slot = NAN;
    else
        set_default(slot, field);
    return 0;
}

int rung_fields_read_key(void *target, const struct rung_fields *fields, const char *key,
                         const struct rung_json *object, const struct rung_place *place, struct rung_err *err)
{
    return read_row(target, rung_fields_find(fields, key), object, place, err);
}

int rung_fields_read(void *target, const struct rung_fields *fields, unsigned group,
                     const struct rung_json *object, const struct rung_place *place, struct rung_err *err)
{
    for (size_t i = 0; i < fields->count; i++)
        if (fields->rows[i].type >= RUNG_FIELD_TEXT) /* so that the caller can free what it got */
            memset((char *)target + fields->rows[i].offset, 0, sizeof(void *));
    if (object && !rung_json_is(object, RUNG_JSON_OBJECT))
        return rung_place_expected(err, place, "an object", object);
    int status = object ? check_keys(fields, group, object, place, err) : 0;
    for (size_t i = 0; i < fields->count && status == 0; i++)
        status = read_row(target, &fields->rows[i], object, place,
                          err); /* keys of other groups are absent by now */
    return status;
}
