/* Owns the small functions that a trainer calls: reasons, metrics, values of settings and parameters. */
#include "base/err.h"
#include "base/json.h"
#include "rung/trainer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int rung_trainer_fail(struct rung_err *err, bool retry, const char *format, ...)
{
    char text[RUNG_ERR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return rung_err_set(err, retry ? RUNG_EFAIL : RUNG_EUSE, "%s", text);
}

void rung_trainer_metric(struct rung_trainer_report *report, const char *name, double value)
{
    char key[RUNG_TRAINER_NAME_MAX];
    size_t i = 0;

    snprintf(key, sizeof key, "%s", name);
    while (i < report->count && strcmp(report->metrics[i].name, key) != 0)
        i++;
    if (i == RUNG_TRAINER_METRICS_MAX)
        return;
    if (i == report->count)
        report->count++;
    memcpy(report->metrics[i].name, key, sizeof key);
    report->metrics[i].value = value;
}

double rung_trainer_number(const struct rung_json *object, const char *key, double fallback)
{
    const struct rung_json *value = rung_json_get(object, key);

    return rung_json_is(value, RUNG_JSON_NUMBER) ? rung_json_number(value) : fallback;
}

const char *rung_trainer_text(const struct rung_json *object, const char *key, const char *fallback)
{
    const struct rung_json *value = rung_json_get(object, key);

    return rung_json_is(value, RUNG_JSON_STRING) ? rung_json_string(value) : fallback;
}

bool rung_trainer_bool(const struct rung_json *object, const char *key, bool fallback)
{
    const struct rung_json *value = rung_json_get(object, key);

    return rung_json_is(value, RUNG_JSON_BOOL) ? rung_json_bool(value) : fallback;
}

bool rung_trainer_has(const struct rung_json *object, const char *key)
{
    return rung_json_get(object, key) != NULL;
}
