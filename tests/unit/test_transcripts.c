/*
 * Plays the transcripts in tests/trace against the core and compares every answer. A transcript reads:
 *
 *     # comment
 *     search algorithm=hyperband max_iter=9 aggressiveness=3      (the spec; what is left out is the default)
 *     > result 5 9 0.91                                           (an event, as core/trace.h writes it)
 *     stop 5 rung 0                                               (the decisions it must cause)
 *     ! retry of model 5: its rung is decided                     (or the reason for which it is refused)
 *
 * test_transcripts --print FILE shows a transcript with the answers that the core gives now.
 */
#include "core/search.h"

#include "../core_help.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FOLDER "tests/trace"

static bool set_word(struct rung_search_spec *spec, const char *key, const char *value)
{
    static const char *const ALGORITHMS[] = {
        [RUNG_HYPERBAND] = "hyperband", [RUNG_SUCCESSIVE_HALVING] = "successive_halving",
        [RUNG_ASHA] = "asha",           [RUNG_RANDOM] = "random",
        [RUNG_GRID] = "grid",           [RUNG_INCREMENTAL] = "incremental"};
    static const char *const VARIANTS[] = {"exact", "dask", "table"};
    for (size_t i = 0; strcmp(key, "algorithm") == 0 && i < sizeof ALGORITHMS / sizeof *ALGORITHMS; i++)
        if (strcmp(ALGORITHMS[i], value) == 0) {
            spec->algorithm = (enum rung_algorithm)i;
            return true;
        }
    for (size_t i = 0; strcmp(key, "variant") == 0 && i < 3; i++)
        if (strcmp(VARIANTS[i], value) == 0) {
            spec->variant = (enum rung_variant)i;
            return true;
        }
    spec->maximize = strcmp(value, "minimize") != 0;
    return strcmp(key, "goal") == 0 && (spec->maximize == false || strcmp(value, "maximize") == 0);
}

static bool set_number(struct rung_search_spec *spec, const char *key, const char *value)
{
    struct {
        const char *key;
        int64_t *integer;
        double *real;
    } rows[] = {{"max_iter", &spec->max_iter, NULL},
                {"aggressiveness", &spec->aggressiveness, NULL},
                {"models", &spec->models, NULL},
                {"first_calls", &spec->first_calls, NULL},
                {"fits_per_score", &spec->fits_per_score, NULL},
                {"patience", &spec->patience, NULL},
                {"tol", NULL, &spec->tol},
                {"decay_rate", NULL, &spec->decay_rate}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        char *end;
        if (rows[i].integer != NULL)
            *rows[i].integer = strtoll(value, &end, 10);
        else
            *rows[i].real = strtod(value, &end);
        return *value != '\0' && *end == '\0';
    }
    return false;
}

/* "search KEY=VALUE …"; NULL when it cannot be read or used. */
static struct rung_search *read_search(const char *line, struct rung_err *err)
{
    struct rung_search_spec spec = help_spec(RUNG_UNSET, 3);
    struct rung_search *search = NULL;
    char *copy = strdup(line), *rest = NULL;
    bool known = true, first = true;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && known; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (value == NULL) {
            known = first && strcmp(word, "search") == 0;
        } else {
            *value++ = '\0';
            known = set_number(&spec, word, value) || set_word(&spec, word, value);
        }
        if (!known)
            rung_err_set(err, RUNG_EUSE, "\"%s\" is not understood", word);
        first = false;
    }
    free(copy);
    if (known && rung_search_create(&search, &spec, err) != 0)
        return NULL;
    return search;
}

/* What the core answers to an event line, as a transcript shows it: each line with its newline. */
static bool answer(struct rung_search *search, const char *line, struct rung_buf *out)
{
    struct rung_decisions decisions = {0};
    struct rung_event event;
    struct rung_err err = {0};
    bool read = rung_trace_read_event(&event, line, &err) == 0;
    rung_buf_clear(out);
    if (read && rung_search_step(search, &event, &decisions, &err) == 0)
        rung_trace_write_decisions(out, &decisions);
    else
        rung_buf_printf(out, "! %s", err.text);
    if (out->length > 0)
        rung_buf_char(out, '\n');
    rung_decisions_free(&decisions);
    return read;
}

static char *read_file(const char *path)
{
    struct rung_buf buf;
    size_t length;
    char block[4096];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    rung_buf_init(&buf, RUNG_BUF_UNLIMITED);
    while ((length = fread(block, 1, sizeof block, file)) > 0)
        rung_buf_append(&buf, block, length);
    fclose(file);
    char *text = strdup(rung_buf_cstr(&buf));
    rung_buf_free(&buf);
    return text;
}

struct play {
    const char *path;
    bool print;
    struct rung_search *search;
    struct rung_buf got, wanted;
    size_t line, event_line, events, differences;
};

static void compare(struct play *play)
{
    if (!play->print && strcmp(rung_buf_cstr(&play->got), rung_buf_cstr(&play->wanted)) != 0) {
        fprintf(stderr, "%s:%zu: the core answers\n%sinstead of\n%s", play->path, play->event_line,
                rung_buf_cstr(&play->got), rung_buf_cstr(&play->wanted));
        play->differences++;
    }
    rung_buf_clear(&play->got);
    rung_buf_clear(&play->wanted);
}

static void play_line(struct play *play, const char *line)
{
    struct rung_err err = {0};
    bool event = strncmp(line, "> ", 2) == 0;
    bool kept = event || *line == '\0' || *line == '#' || strncmp(line, "search", 6) == 0;
    play->line++;
    if (play->print && kept)
        printf("%s\n", line);
    if (*line == '\0' || *line == '#')
        return;
    if (play->search == NULL) {
        play->search = read_search(line, &err);
        if (play->search == NULL)
            fail_msg("%s:%zu: %s", play->path, play->line, err.text);
        return;
    }
    if (!event) {
        rung_buf_printf(&play->wanted, "%s\n", line);
        return;
    }
    compare(play);
    play->event_line = play->line;
    play->events++;
    if (!answer(play->search, line + 2, &play->got))
        fail_msg("%s:%zu: \"%s\" is no event", play->path, play->line, line + 2);
    if (play->print)
        printf("%s", rung_buf_cstr(&play->got));
}

static void play_file(struct play *play)
{
    char *text = read_file(play->path), *next = text;
    assert_non_null(text);
    rung_buf_init(&play->got, RUNG_BUF_UNLIMITED);
    rung_buf_init(&play->wanted, RUNG_BUF_UNLIMITED);
    while (next != NULL && *next != '\0') {
        char *line = strsep(&next, "\n");
        play_line(play, line);
    }
    compare(play);
    rung_buf_free(&play->got);
    rung_buf_free(&play->wanted);
    rung_search_free(play->search);
    free(text);
}

static void test_transcript(void **state)
{
    struct play play = {.path = *state};
    play_file(&play);
    assert_int_not_equal(play.events, 0);
    assert_int_equal(play.differences, 0);
}

static int is_transcript(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".trace") == 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--print") == 0) {
        struct play play = {.path = argv[2], .print = true};
        play_file(&play);
        return 0;
    }
    struct dirent **entries;
    int count = scandir(FOLDER, &entries, is_transcript, alphasort);
    if (count <= 0) {
        fprintf(stderr, "no transcripts in " FOLDER ": run this in the repository's root\n");
        return 1;
    }
    struct CMUnitTest *tests = calloc((size_t)count, sizeof *tests);
    char **paths = calloc((size_t)count, sizeof *paths);
    for (int i = 0; i < count; i++) {
        if (asprintf(&paths[i], FOLDER "/%s", entries[i]->d_name) < 0)
            return 1;
        tests[i] =
            (struct CMUnitTest){.name = paths[i], .test_func = test_transcript, .initial_state = paths[i]};
        free(entries[i]);
    }
    int failed = _cmocka_run_group_tests("transcripts", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    free(tests);
    free(entries);
    return failed;
}
