/* What the tests of the trainers share: folders, files, JSON from text. */
#ifndef RUNG_TESTS_TRAINER_HELP_H
#define RUNG_TESTS_TRAINER_HELP_H

#include "base/err.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

static char folder[200];

static UNUSED int make_folder(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof folder, "%s/rung-XXXXXX", top ? top : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static UNUSED int remove_folder(void **state)
{
    char command[260];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* Up to eight paths are good at the same time. */
static UNUSED const char *in_folder(const char *name)
{
    static char paths[8][320];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static UNUSED void write_bytes(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static UNUSED void write_gzip(const char *path, const void *data, size_t length)
{
    gzFile file = gzopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(gzwrite(file, data, (unsigned int)length), length);
    assert_int_equal(gzclose(file), Z_OK);
}

static UNUSED const char *write_text(const char *name, const char *text)
{
    const char *path = in_folder(name);

    write_bytes(path, text, strlen(text));
    return path;
}

static UNUSED size_t read_bytes(const char *path, char **data)
{
    FILE *file = fopen(path, "rb");
    long length;

    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    *data = malloc((size_t)length + 1);
    assert_int_equal(fread(*data, 1, (size_t)length, file), length);
    fclose(file);
    return (size_t)length;
}

/* ' stands for ", which C would want escaped. */
static UNUSED struct rung_json *json(const char *text)
{
    char *copy = strdup(text);
    struct rung_err err;
    struct rung_json *value;

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    value = rung_json_parse(copy, strlen(copy), 0, &err);
    if (!value)
        fail_msg("%s: %s", text, err.text);
    free(copy);
    return value;
}

#endif
