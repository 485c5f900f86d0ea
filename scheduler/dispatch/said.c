#include "dispatch/said.h"

#include <stdio.h>
#include <sys/random.h>

int64_t rung_said_integer(const struct rung_json *message, const char *key, int64_t otherwise)
{
    int64_t value = otherwise;

    return rung_json_integer(rung_json_get(message, key), 0, RUNG_SAID_INTEGER_MAX, &value) ? value
                                                                                            : otherwise;
}

const char *rung_said_string(const struct rung_json *message, const char *key)
{
    const struct rung_json *value = rung_json_get(message, key);

    return rung_json_is(value, RUNG_JSON_STRING) ? rung_json_string(value) : "";
}

bool rung_said_flag(const struct rung_json *message, const char *key)
{
    const struct rung_json *value = rung_json_get(message, key);

    return rung_json_is(value, RUNG_JSON_BOOL) && rung_json_bool(value);
}

bool rung_said_id(char id[RUNG_SAID_ID_TEXT])
{
    unsigned char bytes[(RUNG_SAID_ID_TEXT - 1) / 2];

    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return true;
}
