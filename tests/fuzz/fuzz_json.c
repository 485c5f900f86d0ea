/*
 * Any bytes as JSON: what is accepted can be written, and what was written reads as the same value
 * and is written the same again. The first byte picks the flags.
 */
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The whole of it: a part may also come from a key that an error names. */
#define UNREADABLE "line 1, column 1: the text cannot be read into memory"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth)
{
    if (!truth)
        abort();
}

static void round_trip(const struct rung_json *root)
{
    struct rung_buf first, second;
    struct rung_err err;
    rung_buf_init(&first, RUNG_BUF_UNLIMITED);
    rung_buf_init(&second, RUNG_BUF_UNLIMITED);
    rung_json_write(&first, root);
    struct rung_json *again = rung_json_parse(first.data, first.length, 0, &err),
                     *copy = rung_json_copy(root);
    check(again != NULL);
    check(rung_json_equal(root, again) && rung_json_equal(again, copy));
    rung_json_write(&second, again);
    check(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    rung_json_free(again);
    rung_json_free(copy);
    rung_buf_free(&first);
    rung_buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_err err = {0};
    if (size == 0)
        return 0;
    char *exact = malloc(size > 1 ? size - 1 : 1); /* the sanitizer sees reading beyond its end */
    check(exact != NULL);
    memcpy(exact, data + 1, size - 1);
    struct rung_json *root = rung_json_parse(exact, size - 1, data[0] & 3, &err);
    if (root) {
        round_trip(root);
    } else {
        check(err.code == RUNG_EUSE && strncmp(err.text, "line ", 5) == 0);
        check(strcmp(err.text, UNREADABLE) != 0); /* cJSON and the check agree */
    }
    rung_json_free(root);
    free(exact);
    return 0;
}
