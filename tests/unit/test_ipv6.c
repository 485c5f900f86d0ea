/* Numbers of IPv6, and what is none. */
#include "base/ipv6.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void numbers_are_known(void **state)
{
    static const char *const good[] = {"::", "::1", "fe80::1%eth0", "1:2:3:4:5:6:7:8", "::ffff:10.0.0.1"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!rung_ipv6_is(good[i]))
            fail_msg("%s", good[i]);
}

static void what_is_none_is_not(void **state)
{
    static const char *const bad[] = {
        "",        "host", "10.0.0.1", "[::1]",
        "a:1",     "1:2",  "::1%",     "%eth0",
        "1::2::3", ":1",   "::1 ",     "1:2:3:4:5:6:7:8:9",
        "::12345", "::g",  "::1.2.3",  "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rung_ipv6_is(bad[i]))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_known),
        cmocka_unit_test(what_is_none_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
