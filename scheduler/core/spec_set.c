/*
 * Single values of a spec: --set KEY=VALUE, and durations.
 */
#include "core/spec.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool rung_spec_duration_text(const char *text, double *seconds)
{
    static const struct {
        char letter;
        double seconds;
    } UNITS[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t length = strlen(text);
    double unit = 1;
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS && length > 0; i++)
        if (text[length - 1] == UNITS[i].letter) {
            unit = UNITS[i].seconds;
            length--;
            break;
        }
    /* JSON's numbers, which no locale changes; blanks around them are not for us */
    if (length == 0 || strspn(text, "0123456789.eE+-") < length || text[0] == '-')
        return false;
    struct rung_json *number = rung_json_parse(text, length, 0, NULL);
    bool valid = rung_json_is(number, RUNG_JSON_NUMBER) && isfinite(rung_json_number(number) * unit);
    if (valid)
        *seconds = rung_json_number(number) * unit;
    rung_json_free(number);
    return valid;
}

bool rung_spec_duration(const struct rung_json *value, double *seconds)
{
    if (rung_json_is(value, RUNG_JSON_STRING))
        return rung_spec_duration_text(rung_json_string(value), seconds);
    if (!rung_json_is(value, RUNG_JSON_NUMBER) || rung_json_number(value) < 0)
        return false;
    *seconds = rung_json_number(value);
    return true;
}

/* The rest of a path: its next key is the longest member that it begins with (a parameter's name may hold
 * dots), else what stands before the next dot. */
static size_t key_length(const struct rung_json *object, const char *rest)
{
    size_t longest = 0;
    for (struct rung_json *v = rung_json_first(object); v; v = rung_json_next(v)) {
        size_t length = strlen(rung_json_key(v));
        if (length > longest && strncmp(rest, rung_json_key(v), length) == 0 &&
            (rest[length] == '.' || rest[length] == '\0'))
            longest = length;
    }
    return longest > 0 ? longest : strcspn(rest, ".");
}

struct override {
    const char *path; /* the whole KEY, for errors */
    struct rung_err *err;
};

static int refuse(const struct override *override, char *why)
{
    rung_err_set(override->err, RUNG_EUSE, "--set %s: %s", override->path, why);
    free(why);
    return RUNG_EUSE;
}

static int find_element(const struct override *override, const struct rung_json *array, const char *key,
                        struct rung_json **out)
{
    int64_t index;
    struct rung_json *number = rung_json_parse(key, strlen(key), 0, NULL);
    size_t size = rung_json_size(array);
    bool valid = strspn(key, "0123456789") == strlen(key) &&
                 rung_json_integer(number, 0, INT32_MAX, &index) && (size_t)index < size;
    rung_json_free(number);
    if (!valid)
        return refuse(override, size
                                    ? rung_mem_printf("no element \"%s\" (there are 0 to %zu)", key, size - 1)
                                    : rung_mem_printf("no element \"%s\" (the array is empty)", key));
    *out = rung_json_at(array, (size_t)index);
    return 0;
}

static int depth(const struct rung_json *value)
{
    int deepest = 0;
    if (!rung_json_is(value, RUNG_JSON_ARRAY) && !rung_json_is(value, RUNG_JSON_OBJECT))
        return 0;
    for (struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v)) {
        int below = depth(v);
        deepest = below > deepest ? below : deepest;
    }
    return deepest + 1;
}

/* Puts *value (which becomes NULL) where rest leads from container. */
static int place_value(const struct override *override, struct rung_json *container, const char *rest,
                       struct rung_json **value, int level)
{
    struct rung_json *child = NULL;
    bool array = rung_json_is(container, RUNG_JSON_ARRAY);
    if (!array && !rung_json_is(container, RUNG_JSON_OBJECT))
        return refuse(override, rung_mem_printf("\"%s\" is inside %s", rest,
                                                rung_json_type_name(rung_json_type(container))));
    size_t length = array ? strcspn(rest, ".") : key_length(container, rest);
    bool last = rest[length] == '\0';
    int status = 0;
    if (length == 0)
        return refuse(override, rung_mem_printf("expected a path such as search.max_iter"));
    if (level + depth(*value) >= RUNG_JSON_DEPTH_MAX)
        return refuse(override, rung_mem_printf("nested too deep"));
    char *key = rung_mem_strndup(rest, length);
    if (array)
        status = find_element(override, container, key, &child);
    else
        child = rung_json_get(container, key);
    if (status == 0 && last) {
        if (array)
            rung_json_replace(container, child, *value);
        else
            rung_json_set(container, key, *value);
        *value = NULL;
    } else if (status == 0) {
        if (!child) {
            child = rung_json_new_object();
            rung_json_set(container, key, child);
        }
        status = place_value(override, child, rest + length + 1, value, level + 1);
    }
    free(key);
    return status;
}

int rung_spec_override(struct rung_json *json, const char *assignment, struct rung_err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return rung_err_set(err, RUNG_EUSE, "--set %s: expected KEY=VALUE", assignment);
    char *path = rung_mem_strndup(assignment, (size_t)(equals - assignment));
    struct override override = {path, err};
    struct rung_json *value = rung_json_parse(equals + 1, strlen(equals + 1), 0, NULL);
    if (!value)
        value = rung_json_new_string(equals + 1);
    int status = place_value(&override, json, path, &value, 1);
    rung_json_free(value);
    free(path);
    return status;
}
