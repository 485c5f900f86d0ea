/*
 * Places written out, and the three sentences that most errors in a spec are.
 */
#include "core/place.h"

#include "base/suggest.h"

#include <string.h>

#define PLACE_MAX 400 /* leaves room for the reason in an error's text */
#define QUOTE_MAX 60

static void write_place(struct rung_buf *out, const struct rung_place *place)
{
    if (place->in) {
        write_place(out, place->in);
        rung_buf_char(out, '.');
    }
    if (place->key)
        rung_buf_text(out, place->key);
    else
        rung_buf_printf(out, "%zu", place->index);
}

/* What is left of a text cut at `length` bytes when no character may be cut in two. */
static size_t whole_characters(const char *text, size_t length)
{
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return length;
}

int rung_place_prefix(struct rung_err *err, const struct rung_place *place)
{
    struct rung_buf path;
    rung_buf_init(&path, RUNG_BUF_UNLIMITED);
    if (place)
        write_place(&path, place);
    if (path.length > PLACE_MAX) {
        path.length = whole_characters(path.data, PLACE_MAX);
        rung_buf_text(&path, "…");
    }
    rung_err_prefix(err, "%s", place ? rung_buf_cstr(&path) : "the spec");
    rung_buf_free(&path);
    return RUNG_EUSE;
}

void rung_place_quote(struct rung_buf *out, const struct rung_json *value)
{
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    enum rung_json_type type = rung_json_type(value);
    rung_json_write(&text, value);
    if (text.length <= QUOTE_MAX) {
        rung_buf_text(out, rung_buf_cstr(&text));
    } else if (type == RUNG_JSON_STRING) {
        rung_buf_append(out, text.data, whole_characters(text.data, QUOTE_MAX));
        rung_buf_text(out, "…\"");
    } else {
        rung_buf_printf(out, "%s of %zu", rung_json_type_name(type), rung_json_size(value));
    }
    rung_buf_free(&text);
}

int rung_place_expected(struct rung_err *err, const struct rung_place *place, const char *what,
                        const struct rung_json *found)
{
    struct rung_buf quote;
    rung_buf_init(&quote, RUNG_BUF_UNLIMITED);
    rung_place_quote(&quote, found);
    rung_place_error(err, place, "expected %s, found %s", what, rung_buf_cstr(&quote));
    rung_buf_free(&quote);
    return RUNG_EUSE;
}

int rung_place_unknown(struct rung_err *err, const struct rung_place *place, const char *const *known,
                       size_t count)
{
    const char *near = rung_suggest(place->key, known, count);
    if (near)
        return rung_place_error(err, place, "unknown key (did you mean \"%s\"?)", near);
    struct rung_buf list;
    rung_buf_init(&list, PLACE_MAX);
    for (size_t i = 0; i < count; i++)
        rung_buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
    rung_place_error(err, place, "unknown key (known here: %s)", rung_buf_cstr(&list));
    rung_buf_free(&list);
    return RUNG_EUSE;
}
