/* The job loop, driven over a socket pair: failures, damaged states, what is no message. */
#include "sdk_help.h"
#include "trainer/sdk.h"

static void failure_names_its_reason_and_whether_to_retry(void **state)
{
    (void)state;
    start(&numbers);
    unlink(in_folder("a"));
    job(1, 5, 0, 3, NULL, in_folder("a"), "{'fail_at':1,'how':'retry'}");
    hear("progress");
    hear("failure");
    assert_int_equal(number_of("job"), 1);
    assert_string_equal(text_of("reason"), "call 1?failed");
    assert_true(rung_json_bool(rung_json_get(answer, "retry")));
    assert_int_not_equal(access(in_folder("a"), F_OK), 0);
    job(2, 5, 0, 3, NULL, in_folder("a"), "{'fail_at':0,'how':'final'}");
    hear("failure");
    assert_false(rung_json_bool(rung_json_get(answer, "retry")));
    job(3, 5, 0, 3, NULL, in_folder("a"), "{'fail_at':0,'how':'silent'}");
    hear("failure");
    assert_string_equal(text_of("reason"), "train failed");
    job(4, 5, 0, 3, NULL, in_folder("a"), "{'bad':true}");
    hear("failure");
    assert_string_equal(text_of("reason"), "parameters.bad: must be \"false\"");
    assert_false(rung_json_bool(rung_json_get(answer, "retry")));
    assert_int_equal(end(), 0);
}

static void state_that_cannot_be_used_is_a_failure_to_retry(void **state)
{
    static const char other[] =
        "not a state at all, but long enough to hold a header: 0123456789abcdef0123456789";
    char *data;
    size_t length;

    (void)state;
    start(&numbers);
    job(1, 5, 0, 2, NULL, in_folder("good"), "{}");
    score_of(1, 2);
    length = read_bytes(in_folder("good"), &data);
    write_bytes(in_folder("short"), data, length - 1);
    data[length - 1] ^= 1;
    write_bytes(in_folder("flipped"), data, length);
    write_bytes(in_folder("other"), other, sizeof other);
    free(data);
    for (int i = 0; i < 4; i++) {
        static const char *const names[] = {"short", "flipped", "other", "missing"};
        static const char *const reasons[] = {"truncated", "checksum", "not a model state", "No such file"};

        job(10 + i, 6, 2, 3, in_folder(names[i]), in_folder("b"), "{}");
        hear("failure");
        assert_non_null(strstr(text_of("reason"), in_folder(names[i])));
        assert_non_null(strstr(text_of("reason"), reasons[i]));
        assert_true(rung_json_bool(rung_json_get(answer, "retry")));
    }
    job(20, 6, 3, 4, in_folder("good"), in_folder("b"), "{}"); /* it stands at 2 */
    hear("failure");
    assert_non_null(strstr(text_of("reason"), "expected call 3"));
    job(21, 6, 3, 4, NULL, in_folder("b"), "{}");
    hear("failure");
    assert_non_null(strstr(text_of("reason"), "no state"));
    assert_int_equal(end(), 0);
}

static void state_with_more_than_load_reads_is_a_failure(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 1, NULL, in_folder("a"), "{'add':5}");
    score_of(1, 1);
    say("{'type':'forget','model':5}");
    job(2, 5, 1, 2, in_folder("a"), in_folder("b"), "{'add':5}");
    hear("failure");
    assert_non_null(strstr(text_of("reason"), "7 bytes too many"));
    assert_int_equal(end(), 0);
}

static void state_that_cannot_be_written_is_a_failure(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 1, NULL, in_folder("no/such/folder"), "{}");
    hear("progress");
    hear("failure");
    assert_true(rung_json_bool(rung_json_get(answer, "retry")));
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(symlink("/dev/full", in_folder("full")), 0);
        job(2, 5, 0, 1, NULL, in_folder("full"), "{}");
        hear("progress");
        hear("failure");
        assert_non_null(strstr(text_of("reason"), "No space left"));
    }
    assert_int_equal(end(), 0);
}

static void score_that_is_not_finite_is_null(void **state)
{
    (void)state;
    start(&numbers);
    job(1, 5, 0, 1, NULL, in_folder("a"), "{'add':13}");
    hear("progress");
    hear("result");
    assert_true(rung_json_is(rung_json_get(answer, "score"), RUNG_JSON_NULL));
    assert_int_equal(end(), 0);
}

static void unknown_types_are_ignored(void **state)
{
    (void)state;
    start(&numbers);
    say("{'type':'weather','job':1}");
    say("{'no':'type'}");
    say("{'type':5}");
    job(1, 5, 0, 1, NULL, NULL, "{}");
    score_of(1, 1);
    assert_int_equal(end(), 0);
}

static void job_with_a_missing_field_fails_and_names_it(void **state)
{
    static const char *const jobs[] = {
        "{'type':'job','job':1,'seed':1,'parameters':{},'from':0,'to':1}",
        "{'type':'job','job':1,'model':1,'parameters':{},'from':0,'to':1}",
        "{'type':'job','job':1,'model':1,'seed':1,'from':0,'to':1}",
        "{'type':'job','job':1,'model':1,'seed':1,'parameters':{},'to':1}",
        "{'type':'job','job':1,'model':1,'seed':1,'parameters':{},'from':0}",
        "{'type':'job','job':1,'model':1,'seed':1,'parameters':{},'from':2,'to':2}",
    };
    static const char *const names[] = {"model", "seed", "parameters", "from", "to", "to"};

    (void)state;
    start(&numbers);
    for (int i = 0; i < 6; i++) {
        say("%s", jobs[i]);
        hear("failure");
        assert_string_equal(strrchr(text_of("reason"), ' ') + 1, names[i]);
    }
    assert_int_equal(end(), 0);
}

static void what_is_no_message_ends_the_trainer(void **state)
{
    static const char *const lines[] = {
        "hello",
        "{'type':'start','protocol':2,'seed':1}",
        "{'type':'start','seed':1}",
        "{'type':'job'}",
    };

    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(&numbers);
        say("%s", lines[i]);
        assert_int_equal(end(), 1);
    }
    start(&numbers);
    say("{'type':'start','protocol':1,'seed':1}");
    assert_int_equal(end(), 1);
}

static void line_over_a_mebibyte_ends_the_trainer(void **state)
{
    char *line = malloc(1 << 21);

    (void)state;
    memset(line, ' ', 1 << 21);
    begin(&numbers);
    signal(SIGPIPE, SIG_IGN);
    fwrite(line, 1, 1 << 21, to);
    fflush(to);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(end(), 1);
    free(line);
}

static void job_before_start_fails(void **state)
{
    (void)state;
    begin(&numbers);
    job(1, 5, 0, 1, NULL, NULL, "{}");
    hear("failure");
    say("{'type':'forget','model':5}");
    assert_int_equal(end(), 0);
}

static void setup_that_fails_ends_the_trainer(void **state)
{
    (void)state;
    begin(&numbers);
    say("{'type':'start','protocol':1,'seed':1,'settings':{'refuse':'why'}}");
    assert_int_equal(end(), 1);
}

static void main_without_descriptor_is_a_usage_error(void **state)
{
    (void)state;
    unsetenv("RUNG_FD");
    assert_int_equal(rung_trainer_main(&numbers), 2);
    setenv("RUNG_FD", "seven", 1);
    assert_int_equal(rung_trainer_main(&numbers), 2);
    setenv("RUNG_FD", "999999", 1);
    assert_int_equal(rung_trainer_main(&numbers), 2);
    unsetenv("RUNG_FD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_names_its_reason_and_whether_to_retry),
        cmocka_unit_test(state_that_cannot_be_used_is_a_failure_to_retry),
        cmocka_unit_test(state_with_more_than_load_reads_is_a_failure),
        cmocka_unit_test(state_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(score_that_is_not_finite_is_null),
        cmocka_unit_test(unknown_types_are_ignored),
        cmocka_unit_test(job_with_a_missing_field_fails_and_names_it),
        cmocka_unit_test(what_is_no_message_ends_the_trainer),
        cmocka_unit_test(line_over_a_mebibyte_ends_the_trainer),
        cmocka_unit_test(job_before_start_fails),
        cmocka_unit_test(setup_that_fails_ends_the_trainer),
        cmocka_unit_test(main_without_descriptor_is_a_usage_error),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
