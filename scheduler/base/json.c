/*
 * JSON values: cJSON's tree behind our own names, its keys checked for duplicates, and its output
 * done here. The only file that includes cJSON.h.
 */
#include "base/json.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/scan.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRWISE_MAX 16 /* members up to which comparing all pairs is faster than sorting */

static const cJSON *node(const struct rung_json *value)
{
    return (const cJSON *)(const void *)value;
}

static cJSON *node_rw(struct rung_json *value)
{
    return (cJSON *)(void *)value;
}

static struct rung_json *wrap(cJSON *value)
{
    return (struct rung_json *)(void *)value;
}

static const struct rung_json *wrap_const(const cJSON *value)
{
    return (const struct rung_json *)(const void *)value;
}

static struct rung_json *wrap_new(cJSON *value)
{
    if (!value)
        rung_mem_out();
    return wrap(value);
}

struct keyed {
    const cJSON *member;
    size_t index;
};

static int compare_keyed(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    int order = strcmp(x->member->string, y->member->string);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static const cJSON *duplicate_by_sorting(const cJSON *object, size_t count)
{
    struct keyed *all = rung_mem_zalloc(count, sizeof *all);
    size_t first = count, i = 0;
    const cJSON *found = NULL;
    for (const cJSON *member = object->child; member; member = member->next, i++)
        all[i] = (struct keyed){member, i};
    qsort(all, count, sizeof *all, compare_keyed);
    for (i = 1; i < count; i++)
        if (all[i].index < first && strcmp(all[i - 1].member->string, all[i].member->string) == 0) {
            first = all[i].index;
            found = all[i].member;
        }
    free(all);
    return found;
}

/* The first member whose key an earlier one has, or NULL. */
static const cJSON *duplicate_in_object(const cJSON *object)
{
    const cJSON *member, *earlier;
    size_t count = 0;
    for (member = object->child; member; member = member->next) {
        if (++count > PAIRWISE_MAX)
            return duplicate_by_sorting(object, rung_json_size(wrap_const(object)));
        for (earlier = object->child; earlier != member; earlier = earlier->next)
            if (strcmp(earlier->string, member->string) == 0)
                return member;
    }
    return NULL;
}

static const cJSON *find_duplicate(const cJSON *value)
{
    const cJSON *child, *found = cJSON_IsObject(value) ? duplicate_in_object(value) : NULL;
    for (child = value->child; child && !found; child = child->next)
        if (child->child)
            found = find_duplicate(child);
    return found;
}

/* Counts the keys that stand before `wanted` in the text; true once it was met. */
static bool count_keys(const cJSON *value, const cJSON *wanted, size_t *keys)
{
    const cJSON *child;
    for (child = value->child; child; child = child->next) {
        if (child == wanted)
            return true;
        if (child->string)
            ++*keys;
        if (count_keys(child, wanted, keys))
            return true;
    }
    return false;
}

struct rung_json *rung_json_parse(const char *text, size_t length, int flags, struct rung_err *err)
{
    struct rung_buf clean;
    cJSON *root = NULL;
    rung_buf_init(&clean, RUNG_BUF_UNLIMITED);
    if (rung_scan_check(text, length, flags, &clean, err) != 0)
        goto done;
    root = clean.length > 0 ? cJSON_ParseWithLength(clean.data, clean.length)
                            : cJSON_ParseWithLength(text, length);
    if (!root) { /* the check is stricter than cJSON is, so this should be memory */
        rung_err_set(err, RUNG_EUSE, "line 1, column 1: the text cannot be read into memory");
        goto done;
    }
    const cJSON *duplicate = find_duplicate(root);
    if (duplicate) {
        size_t keys = 0;
        count_keys(root, duplicate, &keys);
        rung_scan_duplicate(text, length, flags, keys, duplicate->string, err);
        cJSON_Delete(root);
        root = NULL;
    }
done:
    rung_buf_free(&clean);
    return wrap(root);
}

void rung_json_free(struct rung_json *root)
{
    cJSON_Delete(node_rw(root));
}

struct rung_json *rung_json_copy(const struct rung_json *value)
{
    return wrap_new(cJSON_Duplicate(node(value), true));
}

enum rung_json_type rung_json_type(const struct rung_json *value)
{
    switch (node(value)->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return RUNG_JSON_BOOL;
    case cJSON_Number:
        return RUNG_JSON_NUMBER;
    case cJSON_String:
        return RUNG_JSON_STRING;
    case cJSON_Array:
        return RUNG_JSON_ARRAY;
    case cJSON_Object:
        return RUNG_JSON_OBJECT;
    default:
        return RUNG_JSON_NULL;
    }
}

const char *rung_json_type_name(enum rung_json_type type)
{
    static const char *const NAMES[] = {"null",     "true or false", "a number",
                                        "a string", "an array",      "an object"};
    return NAMES[type];
}

bool rung_json_is(const struct rung_json *value, enum rung_json_type type)
{
    return value && rung_json_type(value) == type;
}

double rung_json_number(const struct rung_json *value)
{
    return node(value)->valuedouble;
}

bool rung_json_bool(const struct rung_json *value)
{
    return cJSON_IsTrue(node(value));
}

const char *rung_json_string(const struct rung_json *value)
{
    return node(value)->valuestring;
}

bool rung_json_integer(const struct rung_json *value, int64_t lo, int64_t hi, int64_t *out)
{
    if (!rung_json_is(value, RUNG_JSON_NUMBER))
        return false;
    double number = node(value)->valuedouble;
    if (!(number >= (double)lo && number <= (double)hi) || number != trunc(number))
        return false;
    *out = (int64_t)number;
    return true;
}

struct rung_json *rung_json_first(const struct rung_json *container)
{
    return wrap(node(container)->child);
}

struct rung_json *rung_json_next(const struct rung_json *value)
{
    return wrap(node(value)->next);
}

const char *rung_json_key(const struct rung_json *member)
{
    return node(member)->string;
}

size_t rung_json_size(const struct rung_json *container)
{
    size_t count = 0;
    for (const cJSON *child = node(container)->child; child; child = child->next)
        count++;
    return count;
}

struct rung_json *rung_json_get(const struct rung_json *object, const char *key)
{
    if (!rung_json_is(object, RUNG_JSON_OBJECT))
        return NULL;
    cJSON *child = node(object)->child;
    while (child && strcmp(child->string, key) != 0)
        child = child->next;
    return wrap(child);
}

struct rung_json *rung_json_at(const struct rung_json *array, size_t index)
{
    cJSON *child = node(array)->child;
    while (child && index-- > 0)
        child = child->next;
    return wrap(child);
}

static bool equal_arrays(const struct rung_json *a, const struct rung_json *b)
{
    const struct rung_json *x = rung_json_first(a), *y = rung_json_first(b);
    while (x && y && rung_json_equal(x, y)) {
        x = rung_json_next(x);
        y = rung_json_next(y);
    }
    return !x && !y;
}

/* Keys are unique, so it is enough that each of a's is in b and that their numbers agree. The
 * member at the same place is tried first: mostly the orders are the same. */
static bool equal_objects(const struct rung_json *a, const struct rung_json *b)
{
    const struct rung_json *x = rung_json_first(a), *y = rung_json_first(b);
    if (rung_json_size(a) != rung_json_size(b))
        return false;
    for (; x; x = rung_json_next(x), y = rung_json_next(y)) {
        bool same_place = strcmp(rung_json_key(x), rung_json_key(y)) == 0;
        const struct rung_json *other = same_place ? y : rung_json_get(b, rung_json_key(x));
        if (!other || !rung_json_equal(x, other))
            return false;
    }
    return true;
}

bool rung_json_equal(const struct rung_json *a, const struct rung_json *b)
{
    enum rung_json_type type = rung_json_type(a);
    if (type != rung_json_type(b))
        return false;
    switch (type) {
    case RUNG_JSON_NULL:
        return true;
    case RUNG_JSON_BOOL:
        return rung_json_bool(a) == rung_json_bool(b);
    case RUNG_JSON_NUMBER:
        return rung_json_number(a) == rung_json_number(b);
    case RUNG_JSON_STRING:
        return strcmp(rung_json_string(a), rung_json_string(b)) == 0;
    case RUNG_JSON_ARRAY:
        return equal_arrays(a, b);
    case RUNG_JSON_OBJECT:
        return equal_objects(a, b);
    }
    return false;
}

struct rung_json *rung_json_new_object(void)
{
    return wrap_new(cJSON_CreateObject());
}

struct rung_json *rung_json_new_array(void)
{
    return wrap_new(cJSON_CreateArray());
}

struct rung_json *rung_json_new_number(double number)
{
    return wrap_new(cJSON_CreateNumber(number));
}

struct rung_json *rung_json_new_string(const char *text)
{
    return wrap_new(cJSON_CreateString(text));
}

struct rung_json *rung_json_new_bool(bool value)
{
    return wrap_new(cJSON_CreateBool(value));
}

struct rung_json *rung_json_new_null(void)
{
    return wrap_new(cJSON_CreateNull());
}

void rung_json_set(struct rung_json *object, const char *key, struct rung_json *value)
{
    struct rung_json *old = rung_json_get(object, key);
    if (old)
        rung_json_replace(object, old, value);
    else if (!cJSON_AddItemToObject(node_rw(object), key, node_rw(value)))
        rung_mem_out();
}

void rung_json_push(struct rung_json *array, struct rung_json *value)
{
    cJSON_AddItemToArray(node_rw(array), node_rw(value));
}

void rung_json_replace(struct rung_json *parent, struct rung_json *old, struct rung_json *value)
{
    cJSON *from = node_rw(old), *to = node_rw(value);
    if (from == to)
        return;
    cJSON_free(to->string);
    to->string = from->string; /* cJSON would leave the new member without its key */
    from->string = NULL;
    cJSON_ReplaceItemViaPointer(node_rw(parent), from, to);
}

void rung_json_write_number(struct rung_buf *buf, double number)
{
    char text[RUNG_NUMBER_TEXT_MAX];
    if (isfinite(number))
        rung_buf_append(buf, text, rung_number_format(text, number));
    else
        rung_buf_append(buf, "null", 4);
}

void rung_json_write_integer(struct rung_buf *buf, int64_t number)
{
    char text[24], *p = text + sizeof text;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (number < 0)
        *--p = '-';
    rung_buf_append(buf, p, (size_t)(text + sizeof text - p));
}

/* A character that cannot stand in a string as it is. */
static void write_escape(struct rung_buf *buf, unsigned char c)
{
    static const char PLAIN[] = "\"\\\b\f\n\r\t", LETTERS[] = "\"\\bfnrt";
    const char *found = strchr(PLAIN, c);
    if (found) {
        char escape[2] = {'\\', LETTERS[found - PLAIN]};
        rung_buf_append(buf, escape, 2);
    } else if (c < 0x20) {
        rung_buf_printf(buf, "\\u%04x", c);
    } else {
        rung_buf_append(buf, "\xef\xbf\xbd", 3); /* a byte that is not UTF-8 */
    }
}

void rung_json_write_string(struct rung_buf *buf, const char *text)
{
    const char *end = text + strlen(text), *p = text, *written = text;
    rung_buf_char(buf, '"');
    while (p < end) {
        unsigned char c = (unsigned char)*p;
        bool plain = c >= 0x20 && c != '"' && c != '\\';
        size_t bytes = !plain ? 0 : c < 0x80 ? 1 : rung_scan_utf8(p, (size_t)(end - p));
        if (bytes > 0) {
            p += bytes;
            continue;
        }
        rung_buf_append(buf, written, (size_t)(p - written));
        write_escape(buf, c);
        written = ++p;
    }
    rung_buf_append(buf, written, (size_t)(p - written));
    rung_buf_char(buf, '"');
}

static void write_container(struct rung_buf *buf, const struct rung_json *container, char open, char close)
{
    const struct rung_json *first = rung_json_first(container), *child;
    rung_buf_char(buf, open);
    for (child = first; child; child = rung_json_next(child)) {
        if (child != first)
            rung_buf_char(buf, ',');
        if (open == '{') {
            rung_json_write_string(buf, rung_json_key(child));
            rung_buf_char(buf, ':');
        }
        rung_json_write(buf, child);
    }
    rung_buf_char(buf, close);
}

void rung_json_write(struct rung_buf *buf, const struct rung_json *value)
{
    switch (rung_json_type(value)) {
    case RUNG_JSON_NULL:
        rung_buf_append(buf, "null", 4);
        break;
    case RUNG_JSON_BOOL:
        rung_buf_text(buf, rung_json_bool(value) ? "true" : "false");
        break;
    case RUNG_JSON_NUMBER:
        rung_json_write_number(buf, rung_json_number(value));
        break;
    case RUNG_JSON_STRING:
        rung_json_write_string(buf, rung_json_string(value));
        break;
    case RUNG_JSON_ARRAY:
        write_container(buf, value, '[', ']');
        break;
    case RUNG_JSON_OBJECT:
        write_container(buf, value, '{', '}');
        break;
    }
}
