/*
 * The spec reader fed with anything: a whole spec where the input begins with { or [, else lines of
 * KEY=VALUE, as --set takes them, over a good one. What is accepted must draw parameters that read back, the
 * same twice; what is refused must say why in one line.
 */
#include "core/spec.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_error(const struct rung_err *err)
{
    require(err->code == RUNG_EUSE && err->text[0] != '\0');
    require(!strchr(err->text, '\n') && strlen(err->text) < sizeof err->text);
}

static void check_draws(const struct rung_space *space, uint64_t seed)
{
    int64_t limit = rung_space_limit(space);
    const uint32_t last = limit <= INT32_MAX ? (uint32_t)limit - 1 : 1000000;
    const uint32_t models[] = {0, last / 2, last};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        struct rung_buf text, again;
        rung_buf_init(&text, RUNG_BUF_UNLIMITED);
        rung_buf_init(&again, RUNG_BUF_UNLIMITED);
        rung_space_draw(space, seed, models[i], &text);
        rung_space_draw(space, seed, models[i], &again);
        require(strcmp(rung_buf_cstr(&text), rung_buf_cstr(&again)) == 0);
        struct rung_json *value = rung_json_parse(text.data, text.length, 0, NULL);
        require(rung_json_is(value, RUNG_JSON_OBJECT));
        rung_json_free(value);
        rung_buf_free(&text);
        rung_buf_free(&again);
    }
}

static void check_spec(const struct rung_spec *spec)
{
    require(spec->trainer.words >= 1 && spec->trainer.settings && spec->metric && spec->space);
    require(spec->search.aggressiveness >= 2 && spec->search.patience != 1 && spec->search.patience >= 0);
    require(spec->search.max_iter >= 1 || spec->search.algorithm == RUNG_SUCCESSIVE_HALVING);
    require(spec->limits.start_timeout > 0 && spec->limits.time > 0);
    check_draws(spec->space, spec->search.seed);
}

/* A spec with something of everything, for the assignments to spoil. */
static const char BASE[] =
    "{\"trainer\":{\"command\":[\"t\"],\"env\":{\"GPU\":\"{slot}\"}},\"parameters\":{\"a\":{\"uniform\":[0,1]"
    "},"
    "\"b\":{\"choice\":[1,{\"int\":[2,9],\"step\":2}],\"weights\":[1,2]},\"c\":{\"log_int\":[1,8],\"when\":{"
    "\"b\":1}}},"
    "\"first\":[{\"a\":3}],\"search\":{\"max_iter\":9},\"objective\":{},\"limits\":{\"time\":\"1h\"}}";

static struct rung_json *base_with(char *assignments, struct rung_err *err)
{
    struct rung_json *json = rung_json_parse(BASE, sizeof BASE - 1, 0, err);
    require(json != NULL);
    for (char *line = assignments, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (rung_spec_override(json, line, err) != 0)
            check_error(err);
    }
    return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_err err = {0};
    struct rung_spec *spec = NULL;
    char *text = calloc(size + 1, 1);
    require(text != NULL);
    memcpy(text, data, size);
    struct rung_json *json = text[0] == '{' || text[0] == '['
                                 ? rung_json_parse(text, size, RUNG_JSON_COMMENTS, &err)
                                 : base_with(text, &err);
    if (!json)
        check_error(&err);
    else if (rung_spec_read(&spec, json, "fuzz", &err) == 0)
        check_spec(spec);
    else
        check_error(&err);
    rung_spec_free(spec);
    rung_json_free(json);
    free(text);
    return 0;
}
