/* Commands for the user: what a shell makes of them is what was meant. */
#include "base/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rung_buf out;

static const char *word(const char *text)
{
    rung_buf_clear(&out);
    rung_shell_word(&out, text);
    return rung_buf_cstr(&out);
}

static const char *file(const char *text)
{
    rung_buf_clear(&out);
    rung_shell_file(&out, text);
    return rung_buf_cstr(&out);
}

static void words_are_quoted_where_they_must_be(void **state)
{
    (void)state;
    assert_string_equal(word("four-circles.db"), "four-circles.db");
    assert_string_equal(word("my search.db"), "'my search.db'");
    assert_string_equal(word("it's"), "'it'\\''s'");
    assert_string_equal(word("$(x)"), "'$(x)'");
    assert_string_equal(word(""), "''");
    assert_string_equal(word("-x"), "-x"); /* the value of an option may look like one */
    rung_buf_free(&out);
}

static void files_are_no_options(void **state)
{
    (void)state;
    assert_string_equal(file("a.db"), "a.db");
    assert_string_equal(file("-a b.db"), "./'-a b.db'");
    assert_string_equal(file("./-a.db"), "./-a.db");
    rung_buf_free(&out);
}

static void command(const char *operand, const char *expected)
{
    char *line = rung_shell_command("stop", operand, "--db 'a b.db'");
    assert_string_equal(line, expected);
    free(line);
}

static void operands_are_no_options(void **state)
{
    (void)state;
    command("s1", "rung stop s1 --db 'a b.db'");
    command("s 1", "rung stop 's 1' --db 'a b.db'");
    command("-x", "rung stop --db 'a b.db' -- -x");
    command("--now", "rung stop --db 'a b.db' -- --now");
}

/* A shell is the judge. */
static void a_shell_reads_back_what_was_written(void **state)
{
    (void)state;
    static const char *const words[] = {"a",    "a b", "it's", "\"q\"",    "$HOME",
                                        "`id`", "*",   "a\\b", "\xc3\xa4", "-n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char line[200], read[100] = "";
        snprintf(line, sizeof line, "printf '%%s' %s", word(words[i]));
        FILE *shell = popen(line, "r");
        assert_non_null(shell);
        assert_true(fread(read, 1, sizeof read - 1, shell) > 0);
        pclose(shell);
        assert_string_equal(read, words[i]);
    }
    rung_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted_where_they_must_be),
        cmocka_unit_test(files_are_no_options),
        cmocka_unit_test(operands_are_no_options),
        cmocka_unit_test(a_shell_reads_back_what_was_written),
    };
    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
