/* The live display: what a frame shows, that it fits, that redrawing finds its beginning again; and the lines
 * without one. */
#include "cli/progress.h"

#include "base/mem.h"
#include "cli/frame.h"
#include "cli/human.h"

#include <fcntl.h>
#include <math.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a search on its way ---- */

static struct rung_search *make_search(int64_t max_iter, int64_t aggressiveness)
{
    struct rung_search_spec spec = {.algorithm = RUNG_HYPERBAND,
                                    .variant = RUNG_VARIANT_EXACT,
                                    .max_iter = max_iter,
                                    .aggressiveness = aggressiveness,
                                    .models = RUNG_UNSET,
                                    .first_calls = 1,
                                    .tol = NAN,
                                    .decay_rate = NAN,
                                    .examples_per_call = RUNG_UNSET,
                                    .maximize = true};
    struct rung_search *search;
    struct rung_err err;
    struct rung_decisions decisions = {0};
    assert_int_equal(rung_search_create(&search, &spec, &err), 0);
    assert_int_equal(
        rung_search_step(search, &(struct rung_event){.kind = RUNG_EVENT_START}, &decisions, &err), 0);
    rung_decisions_free(&decisions);
    return search;
}

/* Model k's open job is done, with the score k/1000. */
static void report(struct rung_search *search, uint32_t model)
{
    struct rung_decisions decisions = {0};
    struct rung_err err;
    struct rung_event event = {RUNG_EVENT_RESULT, model, rung_search_model(search, model).target,
                               model / 1000.0};
    assert_int_equal(rung_search_step(search, &event, &decisions, &err), 0);
    rung_decisions_free(&decisions);
}

static struct rung_session_view make_view(const struct rung_search *search)
{
    uint32_t leader = rung_search_leader(search);
    return (struct rung_session_view){.search = search,
                                      .trainers = 2,
                                      .busy = 1,
                                      .calls_done = 100,
                                      .calls_planned = 400,
                                      .leader = leader,
                                      .leader_score = leader == RUNG_NO_MODEL ? NAN : leader / 1000.0,
                                      .elapsed = 42,
                                      .remaining = 187};
}

static char *frame(const struct rung_search *search, size_t width, size_t height, bool colour)
{
    struct rung_session_view view = make_view(search);
    struct rung_frame_size size = {width, height, colour};
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_frame_draw(&out, "four-circles", &view, &size);
    return out.data;
}

/* ---- frames ---- */

static void test_frame(void **state)
{
    (void)state;
    struct rung_search *search = make_search(9, 3);
    for (uint32_t k = 0; k < 9; k++)
        report(search, k);
    report(search, 8);
    char *text = frame(search, 79, 20, false);
    assert_string_equal(text,
                        "four-circles  1 of 2 trainers busy  elapsed 42 s  remaining 3:07\n"
                        "best 0.008 (model 8)  calls 100 of 400, 25 % [########------------------------]\n"
                        "bracket 2  [##########][###-------][----------] rung 1: 1 of 3 at 3 calls\n"
                        "bracket 1  [----------][----------] rung 0: 0 of 5 at 3 calls\n"
                        "bracket 0  [----------] rung 0: 0 of 3 at 9 calls\n");
    free(text);
    rung_search_free(search);
}

static void test_asha_counts_models_past_each_rung(void **state)
{
    (void)state;
    struct rung_search_spec spec = {.algorithm = RUNG_ASHA,
                                    .max_iter = 9,
                                    .aggressiveness = 3,
                                    .models = 9,
                                    .first_calls = 1,
                                    .tol = NAN,
                                    .decay_rate = NAN,
                                    .examples_per_call = RUNG_UNSET,
                                    .maximize = true};
    struct rung_search *search;
    struct rung_err err;
    struct rung_decisions decisions = {0};
    assert_int_equal(rung_search_create(&search, &spec, &err), 0);
    assert_int_equal(
        rung_search_step(search, &(struct rung_event){.kind = RUNG_EVENT_START}, &decisions, &err), 0);
    for (int i = 0; i < 4; i++) {
        rung_decisions_clear(&decisions);
        assert_int_equal(
            rung_search_step(search, &(struct rung_event){.kind = RUNG_EVENT_ASK}, &decisions, &err), 0);
        for (size_t k = 0; k < decisions.count; k++)
            if (decisions.items[k].kind == RUNG_DECISION_TRAIN)
                report(search, decisions.items[k].model);
    }
    rung_decisions_free(&decisions);
    char *text = frame(search, 79, 20, false);
    assert_non_null(
        strstr(text, "bracket 0  [###-------][###-------][----------] models past each: 3 1 0\n"));
    free(text);
    rung_search_free(search);
}

static void test_nothing_known_yet(void **state)
{
    (void)state;
    struct rung_session_view view = {.leader = RUNG_NO_MODEL,
                                     .leader_score = NAN,
                                     .calls_planned = INT64_MAX,
                                     .remaining = NAN,
                                     .trainers = 1};
    struct rung_frame_size size = {79, 20, false};
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_frame_draw(&out, "x", &view, &size);
    assert_string_equal(rung_buf_cstr(&out), "x  0 of 1 trainer busy  elapsed 0.0 s\n"
                                             "best - (no score yet)  calls 0\n");
    rung_buf_free(&out);
}

static void test_frames_fit_any_terminal(void **state)
{
    (void)state;
    struct rung_search *search = make_search(6561, 3);
    for (size_t width = 1; width < 130; width += 3) {
        for (size_t height = 1; height < 16; height++) {
            char *text = frame(search, width, height, false);
            size_t lines = 0;
            for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
                assert_true(rung_human_width(line) <= width);
            assert_true(lines <= height);
            free(text);
        }
    }
    rung_search_free(search);
}

static void test_hidden_brackets_are_counted(void **state)
{
    (void)state;
    struct rung_search *search = make_search(6561, 3); /* nine brackets */
    char *text = frame(search, 79, 8, false);
    assert_non_null(strstr(text, "and 5 more brackets\n"));
    free(text);
    rung_search_free(search);
}

static void test_colours_take_no_columns(void **state)
{
    (void)state;
    struct rung_search *search = make_search(81, 3);
    char *plain = frame(search, 79, 20, false), *coloured = frame(search, 79, 20, true);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strchr(coloured, '\033'));
    char *to = coloured;
    for (char *from = coloured; *from; from++) {
        if (*from == '\033')
            from = strchr(from, 'm');
        else
            *to++ = *from;
    }
    *to = '\0';
    assert_string_equal(coloured, plain);
    free(plain);
    free(coloured);
    rung_search_free(search);
}

static void test_name_cannot_drive_the_terminal(void **state)
{
    (void)state;
    struct rung_session_view view = {.leader = RUNG_NO_MODEL, .remaining = NAN};
    struct rung_frame_size size = {79, 20, false};
    struct rung_buf out;
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_frame_draw(&out, "a\033[2Jb", &view, &size);
    assert_null(strchr(rung_buf_cstr(&out), '\033'));
    rung_buf_free(&out);
}

static void test_height_on_a_narrower_terminal(void **state)
{
    (void)state;
    assert_int_equal(rung_frame_height("", 80), 0);
    assert_int_equal(rung_frame_height("abc\n\nabcdef\n", 80), 3);
    assert_int_equal(rung_frame_height("abc\n\nabcdef\n", 3), 4);
    assert_int_equal(rung_frame_height("\033[32mabc\033[0m\n", 3), 1);
    assert_int_equal(rung_frame_height("äöü\n", 3), 1);
}

/* ---- on a terminal ---- */

struct terminal {
    int master, slave;
};

static struct terminal open_terminal(unsigned short columns)
{
    struct terminal terminal;
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    if (openpty(&terminal.master, &terminal.slave, NULL, NULL, &size) != 0) {
        print_message("no pseudo-terminal can be had here\n");
        skip();
    }
    assert_true(fcntl(terminal.master, F_SETFL, O_NONBLOCK) == 0);
    return terminal;
}

static void close_terminal(struct terminal *terminal)
{
    close(terminal->master);
    close(terminal->slave);
}

static char *drawn(struct terminal *terminal)
{
    char *text = rung_mem_zalloc(65536, 1);
    ssize_t length = read(terminal->master, text, 65535);
    assert_true(length >= 0);
    return text;
}

static void test_redraw_in_place(void **state)
{
    (void)state;
    struct rung_search *search = make_search(9, 3);
    struct terminal terminal = open_terminal(80);
    struct rung_session_view view = make_view(search);
    struct rung_progress *progress =
        rung_progress_create(terminal.slave, RUNG_PROGRESS_LIVE, "four-circles", "x.db", search);

    rung_progress_display(progress, &view);
    char *first = drawn(&terminal);
    assert_ptr_equal(strstr(first, "\033[?25l\r\033[J"), first);
    rung_progress_display(progress, &view);
    char *second = drawn(&terminal);
    assert_ptr_equal(strstr(second, "\033[?25l\033[5A\r\033[J"), second); /* five lines stand there */
    for (int i = 0; i < 2; i++) {
        const char *text = i ? second : first;
        assert_string_equal(text + strlen(text) - 6, "\033[?25h"); /* the cursor is back after every frame */
    }
    free(first);
    free(second);
    rung_progress_free(progress);
    close_terminal(&terminal);
    rung_search_free(search);
}

static void test_resize(void **state)
{
    (void)state;
    struct rung_search *search = make_search(9, 3);
    struct terminal terminal = open_terminal(80);
    struct rung_session_view view = make_view(search);
    struct rung_progress *progress =
        rung_progress_create(terminal.slave, RUNG_PROGRESS_LIVE, "four-circles", "x.db", search);
    struct winsize narrow = {.ws_row = 24, .ws_col = 40};

    rung_progress_display(progress, &view);
    free(drawn(&terminal));
    assert_int_equal(ioctl(terminal.slave, TIOCSWINSZ, &narrow), 0);
    rung_progress_display(progress, &view);
    char *text = drawn(&terminal);
    /* The old lines of more than 40 columns take two each now. */
    assert_ptr_equal(strstr(text, "\033[?25l\033[10A\r\033[J"), text);
    free(text);
    rung_progress_free(progress);
    close_terminal(&terminal);
    rung_search_free(search);
}

static void note(struct rung_progress *progress, const struct rung_note *said)
{
    struct rung_watcher watcher = rung_progress_watcher(progress);
    watcher.note(watcher.context, said);
}

/* ---- on a terminal elsewhere ---- */

struct elsewhere {
    struct rung_buf written;
    bool slow;
};

static void write_elsewhere(void *context, const char *data, size_t length)
{
    rung_buf_append(&((struct elsewhere *)context)->written, data, length);
}

static bool keeps_up(void *context)
{
    return !((struct elsewhere *)context)->slow;
}

static void test_a_terminal_elsewhere(void **state)
{
    (void)state;
    struct rung_search *search = make_search(9, 3);
    struct rung_session_view view = make_view(search);
    struct elsewhere there = {.slow = false};
    struct rung_progress_screen screen = {.context = &there,
                                          .write = write_elsewhere,
                                          .keeps_up = keeps_up,
                                          .columns = 80,
                                          .lines = 24,
                                          .colour = false};
    rung_buf_init(&there.written, RUNG_BUF_UNLIMITED);
    struct rung_progress *progress =
        rung_progress_create_elsewhere(&screen, RUNG_PROGRESS_LIVE, "four-circles", NULL, search);
    rung_progress_display(progress, &view);
    assert_ptr_equal(strstr(there.written.data, "\033[?25l\r\033[J"), there.written.data);
    assert_null(strstr(there.written.data, "\033[3")); /* no colours */
    there.slow = true;
    rung_buf_clear(&there.written);
    rung_progress_display(progress, &view);
    assert_int_equal(there.written.length, 0); /* left out, and not taken for drawn */
    there.slow = false;
    rung_progress_resize(progress, 40, 24);
    rung_progress_display(progress, &view);
    assert_ptr_equal(strstr(there.written.data, "\033[?25l\033[10A\r\033[J"), there.written.data);
    rung_buf_clear(&there.written);
    for (int i = 0; i < 12; i++)
        note(progress,
             &(struct rung_note){.type = RUNG_NOTE_FAILURE, .trainer = 1, .model = 2, .reason = "why"});
    assert_non_null(strstr(there.written.data, "further failures are not shown here\n")); /* no command */
    rung_buf_clear(&there.written);
    rung_progress_free(progress);
    assert_string_equal(there.written.data, "\n");
    rung_buf_free(&there.written);
    rung_search_free(search);
}

static void test_words_stay_above_the_frame(void **state)
{
    (void)state;
    struct rung_search *search = make_search(9, 3);
    struct terminal terminal = open_terminal(80);
    struct rung_session_view view = make_view(search);
    struct rung_progress *progress =
        rung_progress_create(terminal.slave, RUNG_PROGRESS_LIVE, "x", "x.db", search);

    rung_progress_display(progress, &view);
    free(drawn(&terminal));
    note(progress, &(struct rung_note){.type = RUNG_NOTE_WARNING, .reason = "mind\033 this"});
    char *text = drawn(&terminal);
    const char *word = strstr(text, "rung: note: mind? this\r\n");
    assert_non_null(word);
    assert_non_null(strstr(word, "bracket 0"));
    free(text);
    rung_progress_free(progress);
    close_terminal(&terminal);
    rung_search_free(search);
}

/* ---- lines ---- */

struct lines {
    int fds[2];
    struct rung_search *search;
    struct rung_progress *progress;
};

static struct lines open_lines(void)
{
    struct lines lines;
    assert_int_equal(pipe2(lines.fds, O_NONBLOCK), 0);
    lines.search = make_search(9, 3);
    lines.progress = rung_progress_create(lines.fds[1], RUNG_PROGRESS_LINES, "x", "my x.db", lines.search);
    return lines;
}

static void close_lines(struct lines *lines)
{
    rung_progress_free(lines->progress);
    rung_search_free(lines->search);
    close(lines->fds[0]);
    close(lines->fds[1]);
}

static const char *printed(struct lines *lines)
{
    static char text[8192];
    ssize_t length = read(lines->fds[0], text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void test_a_line_per_rung(void **state)
{
    (void)state;
    struct lines lines = open_lines();
    for (uint32_t k = 0; k < 9; k++)
        report(lines.search, k);
    note(lines.progress, &(struct rung_note){.type = RUNG_NOTE_RUNG, .bracket = 2, .rung = 0, .kept = 3});
    assert_string_equal(printed(&lines),
                        "bracket 2 rung 0: 9 models at 1 call, 3 kept, best 0.008 (model 8), after 0.0 s\n");
    note(lines.progress, &(struct rung_note){.type = RUNG_NOTE_RUNG, .bracket = 0, .rung = 0, .kept = 0});
    assert_string_equal(printed(&lines),
                        "bracket 0 rung 0: 3 models at 9 calls, best 0.008 (model 8), after 0.0 s\n");
    struct rung_session_view view = make_view(lines.search);
    rung_progress_display(lines.progress, &view);
    assert_string_equal(printed(&lines), "");
    close_lines(&lines);
}

static void test_failures_name_trainer_and_reason(void **state)
{
    (void)state;
    struct lines lines = open_lines();
    struct rung_note failure = {
        .type = RUNG_NOTE_FAILURE, .trainer = 1, .kind = "exit", .reason = "exit status 3", .model = 5};
    note(lines.progress, &failure);
    assert_string_equal(printed(&lines),
                        "rung: note: trainer 1: exit: exit status 3; model 5 is tried again\n");
    failure.final = 1;
    note(lines.progress, &failure);
    assert_string_equal(printed(&lines), "rung: note: trainer 1: exit: exit status 3; model 5 has failed\n");
    for (int i = 0; i < 8; i++)
        note(lines.progress, &failure);
    printed(&lines);
    note(lines.progress, &failure);
    assert_string_equal(
        printed(&lines),
        "rung: note: further failures are not shown here; to see them: rung logs 'my x.db'\n");
    note(lines.progress, &failure);
    assert_string_equal(printed(&lines), "");
    close_lines(&lines);
}

static void test_a_trainer_given_up(void **state)
{
    (void)state;
    struct lines lines = open_lines();
    struct rung_note said = {.type = RUNG_NOTE_TRAINER, .trainer = 3, .status = "ready"};
    note(lines.progress, &said);
    assert_string_equal(printed(&lines), "");
    said.status = "given up";
    said.reason = "not ready within 60 s";
    note(lines.progress, &said);
    assert_string_equal(printed(&lines), "rung: note: trainer 3 is given up: not ready within 60 s\n");
    close_lines(&lines);
}

static void test_mode(void **state)
{
    (void)state;
    struct terminal terminal = open_terminal(80);
    int null = open("/dev/null", O_WRONLY);
    setenv("TERM", "xterm", 1);
    assert_int_equal(rung_progress_mode(terminal.slave), RUNG_PROGRESS_LIVE);
    assert_int_equal(rung_progress_mode(null), RUNG_PROGRESS_LINES);
    setenv("TERM", "dumb", 1);
    assert_int_equal(rung_progress_mode(terminal.slave), RUNG_PROGRESS_LINES);
    unsetenv("TERM");
    assert_int_equal(rung_progress_mode(terminal.slave), RUNG_PROGRESS_LINES);
    close(null);
    close_terminal(&terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_asha_counts_models_past_each_rung),
        cmocka_unit_test(test_nothing_known_yet),
        cmocka_unit_test(test_frames_fit_any_terminal),
        cmocka_unit_test(test_hidden_brackets_are_counted),
        cmocka_unit_test(test_colours_take_no_columns),
        cmocka_unit_test(test_name_cannot_drive_the_terminal),
        cmocka_unit_test(test_height_on_a_narrower_terminal),
        cmocka_unit_test(test_redraw_in_place),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_a_terminal_elsewhere),
        cmocka_unit_test(test_words_stay_above_the_frame),
        cmocka_unit_test(test_a_line_per_rung),
        cmocka_unit_test(test_failures_name_trainer_and_reason),
        cmocka_unit_test(test_a_trainer_given_up),
        cmocka_unit_test(test_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
