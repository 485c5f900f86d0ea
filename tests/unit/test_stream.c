/* The numbers under which states travel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dispatch/stream.h"

static void a_stream_tells_whose_it_is(void **state)
{
    (void)state;
    assert_int_equal(rung_stream_index(rung_stream_of_job(0, 0)), 0);
    assert_int_equal(rung_stream_index(rung_stream_of_job(1023, 17)), 1023);
    assert_int_equal(rung_stream_number(rung_stream_of_job(1023, 17)), 17);
    assert_int_equal(rung_stream_index(rung_stream_of_late(17)), -1);
    assert_int_equal(rung_stream_number(rung_stream_of_late(17)), 17);
    assert_int_equal(rung_stream_number(rung_stream_of_job(5, (int64_t)1 << 41)), (uint64_t)1 << 41);
    assert_true(rung_stream_of_job(3, 7) != rung_stream_of_job(7, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_stream_tells_whose_it_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
