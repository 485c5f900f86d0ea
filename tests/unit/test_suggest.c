/*
 * Did you mean: near words are found, far ones are not.
 */
#include "base/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const WORDS[] = {"max_iter", "aggressiveness", "variant", "patience", "tol", "seed"};
#define COUNT (sizeof WORDS / sizeof *WORDS)

static void assert_suggestion(const char *word, const char *wanted)
{
    const char *found = rung_suggest(word, WORDS, COUNT);
    if (wanted)
        assert_string_equal(found ? found : "(none)", wanted);
    else
        assert_null(found);
}

static void test_one_edit_of_each_kind(void **state)
{
    (void)state;
    assert_suggestion("agressiveness", "aggressiveness");
    assert_suggestion("aggressivenesss", "aggressiveness");
    assert_suggestion("varient", "variant");
    assert_suggestion("vairant", "variant");
    assert_suggestion("seed", "seed");
}

static void test_a_swap_is_one_edit(void **state)
{
    (void)state;
    assert_suggestion("tlo", "tol"); /* two replacements would be too many for three letters */
    assert_suggestion("lot", NULL);
}

static void test_the_limit_is_a_third_of_the_longer_word(void **state)
{
    (void)state;
    assert_suggestion("max_ir", "max_iter"); /* 2 of 8 */
    assert_suggestion("m_ir", NULL);         /* 4 of 8 */
    assert_suggestion("patien", "patience"); /* 2 of 8 */
    assert_suggestion("patie", NULL);        /* 3 of 8: the limit is 2 */
    assert_suggestion("te", NULL);           /* 2 of 3: the limit is 1 */
    assert_suggestion("to", "tol");          /* 1 of 3 */
    assert_suggestion("sed", "seed");        /* 1 of 4: one edit is always allowed */
    assert_suggestion("", NULL);
    assert_null(rung_suggest("b", (const char *const[]){"a"}, 1)); /* nothing in common */
    assert_suggestion("temperature", NULL);
}

static void test_the_nearest_wins_and_then_the_first(void **state)
{
    (void)state;
    static const char *const near[] = {"abcdxx", "abcdex", "abcdey"};
    assert_string_equal(rung_suggest("abcdef", near, 3), "abcdex");
    assert_string_equal(rung_suggest("abcdxf", near, 3), "abcdxx");
    assert_null(rung_suggest("abcdef", near, 0));
}

static void test_words_too_long_to_be_names(void **state)
{
    (void)state;
    char longer[1001];
    memset(longer, 'a', 1000);
    longer[1000] = '\0';
    const char *const candidates[] = {longer, "seed"};
    assert_null(rung_suggest(longer, WORDS, COUNT));
    assert_null(rung_suggest(longer, candidates, 2));
    assert_string_equal(rung_suggest("seeds", candidates, 2), "seed");
    longer[255] = '\0';
    assert_string_equal(rung_suggest(longer, candidates, 2), longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_edit_of_each_kind),
        cmocka_unit_test(test_a_swap_is_one_edit),
        cmocka_unit_test(test_the_limit_is_a_third_of_the_longer_word),
        cmocka_unit_test(test_the_nearest_wins_and_then_the_first),
        cmocka_unit_test(test_words_too_long_to_be_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
