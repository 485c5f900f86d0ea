/*
 * The examples of docs/spec.md. A ```json block is a whole spec; a ```js block holds keys beside those of a
 * good spec; both are accepted, except where a ```text block follows at once, which is then the error.
 */
#include "spec_text.h"

#define PATH "docs/spec.md"

static char *read_page(void)
{
    FILE *file = fopen(PATH, "r");
    if (!file)
        return NULL;
    struct rung_buf text;
    char chunk[4096];
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        rung_buf_append(&text, chunk, n);
    fclose(file);
    return text.data;
}

/* The block that begins at `at` with ```KIND: its content, and what follows it. NULL when there is none. */
static char *block_at(const char *at, const char *kind, const char **rest)
{
    size_t length = strlen(kind);
    if (strncmp(at, "```", 3) != 0 || strncmp(at + 3, kind, length) != 0 || at[3 + length] != '\n')
        return NULL;
    const char *content = at + 4 + length, *end = strstr(content, "\n```");
    assert_non_null(end);
    *rest = strchr(end + 1, '\n') + 1;
    return rung_mem_strndup(content, (size_t)(end - content));
}

static struct rung_json *whole_or_fragment(const char *text, bool whole)
{
    struct rung_err err;
    struct rung_json *value = rung_json_parse(text, strlen(text), RUNG_JSON_COMMENTS, &err);
    if (!value)
        fail_msg("%s\n%s", err.text, text);
    if (whole)
        return value;
    struct rung_json *good = json(BASE), *base = rung_json_new_object();
    for (struct rung_json *v = rung_json_first(good); v; v = rung_json_next(v))
        if (strcmp(rung_json_key(v), "parameters") != 0 || !rung_json_get(value, "configurations"))
            rung_json_set(base, rung_json_key(v), rung_json_copy(v));
    for (struct rung_json *v = rung_json_first(value); v; v = rung_json_next(v))
        rung_json_set(base, rung_json_key(v), rung_json_copy(v));
    rung_json_free(good);
    rung_json_free(value);
    return base;
}

static void check_example(const char *text, bool whole, const char *error)
{
    struct rung_err err = {0};
    struct rung_spec *spec;
    struct rung_json *value = whole_or_fragment(text, whole);
    int status = rung_spec_read(&spec, value, "example", &err);
    if (error)
        assert_string_equal(err.text, error);
    else if (status != 0)
        fail_msg("%s\n%s", err.text, text);
    rung_spec_free(spec);
    rung_json_free(value);
}

static void test_every_example_is_as_the_page_says(void **state)
{
    (void)state;
    char *page = read_page();
    int examples = 0, errors = 0;
    if (!page) {
        print_message("SKIPPED: no %s below the current folder\n", PATH);
        skip();
    }
    for (const char *at = strstr(page, "```"); at; at = strstr(at, "```")) {
        const char *rest = NULL;
        char *whole = block_at(at, "json", &rest), *fragment = whole ? NULL : block_at(at, "js", &rest);
        if (!rest)
            fail_msg("a block of another kind: %.40s", at);
        char *error = block_at(rest, "text", &rest);
        check_example(whole ? whole : fragment, whole != NULL, error);
        examples++;
        errors += error != NULL;
        free(whole);
        free(fragment);
        free(error);
        at = rest;
    }
    assert_true(examples >= 20 && errors >= 5);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_example_is_as_the_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
