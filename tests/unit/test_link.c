/* Messages that survive broken connections. */
#include "dispatch/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int dropped;

static void count_dropped(const struct rung_link_message *message)
{
    (void)message;
    dropped++;
}

static void send_all(struct rung_link *link, char *out)
{
    const struct rung_link_message *message;

    *out = '\0';
    while ((message = rung_link_peek(link)) != NULL) {
        strcat(out, message->text);
        rung_link_sent(link);
    }
}

static void what_has_not_arrived_is_sent_again(void **state)
{
    (void)state;
    struct rung_link link;
    char sent[64];

    rung_link_init(&link);
    rung_link_put(&link, "a", NULL, 0, false);
    rung_link_put(&link, "b", "file", 7, true);
    rung_link_put(&link, "c", NULL, 0, false);
    send_all(&link, sent);
    assert_string_equal(sent, "abc");
    dropped = 0;
    assert_true(rung_link_arrived(&link, 1, count_dropped));
    assert_int_equal(dropped, 1);
    rung_link_again(&link);
    assert_true(rung_link_peek(&link)->number == 2);
    assert_string_equal(rung_link_peek(&link)->file, "file");
    rung_link_put(&link, "d", NULL, 0, false);
    send_all(&link, sent);
    assert_string_equal(sent, "bcd");
    assert_true(rung_link_arrived(&link, 4, count_dropped));
    assert_null(rung_link_peek(&link));
    assert_int_equal(link.count, 0);
    rung_link_free(&link);
}

static void only_what_was_sent_can_arrive(void **state)
{
    (void)state;
    struct rung_link link;
    char sent[64];

    rung_link_init(&link);
    assert_false(rung_link_arrived(&link, 1, NULL));
    rung_link_put(&link, "a", NULL, 0, false);
    assert_false(rung_link_arrived(&link, 1, NULL));
    send_all(&link, sent);
    assert_false(rung_link_arrived(&link, 2, NULL));
    assert_true(rung_link_arrived(&link, 1, NULL));
    assert_true(rung_link_arrived(&link, 1, NULL)); /* said twice */
    assert_true(rung_link_arrived(&link, 0, NULL));
    rung_link_free(&link);
}

static void numbers_come_in_order(void **state)
{
    (void)state;
    struct rung_link link;

    rung_link_init(&link);
    assert_int_equal(rung_link_take(&link, 1), RUNG_LINK_NEW);
    assert_int_equal(rung_link_take(&link, 1), RUNG_LINK_SEEN);
    assert_int_equal(rung_link_take(&link, 3), RUNG_LINK_GAP);
    assert_int_equal(rung_link_take(&link, 2), RUNG_LINK_NEW);
    assert_true(link.received == 2);
    rung_link_free(&link);
}

/* Many messages, a break now and then: each arrives once and in order, and what has arrived takes no room. */
static void many_messages(void **state)
{
    (void)state;
    struct rung_link from, to;
    uint64_t next = 1;
    char text[32];

    rung_link_init(&from);
    rung_link_init(&to);
    srand(3);
    for (uint64_t round = 0; round < 5000; round++) {
        const struct rung_link_message *message;
        for (int i = rand() % 4; i > 0; i--) {
            snprintf(text, sizeof text, "%llu", (unsigned long long)from.next);
            rung_link_put(&from, text, NULL, 0, false);
        }
        for (int i = rand() % 6; i > 0 && (message = rung_link_peek(&from)) != NULL; i--) {
            if (rand() % 50 != 0 && rung_link_take(&to, message->number) == RUNG_LINK_NEW)
                assert_true(strtoull(message->text, NULL, 10) == next++);
            rung_link_sent(&from);
        }
        if (to.received + 1 < from.next - from.count + from.sent || rand() % 20 == 0) { /* some were lost */
            assert_true(rung_link_arrived(&from, to.received, NULL));
            rung_link_again(&from);
        } else if (rand() % 3 == 0) {
            assert_true(rung_link_arrived(&from, to.received, NULL));
        }
    }
    assert_true(next > 5000);
    assert_true(from.capacity < 5000);
    rung_link_free(&from);
    rung_link_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_not_arrived_is_sent_again),
        cmocka_unit_test(only_what_was_sent_can_arrive),
        cmocka_unit_test(numbers_come_in_order),
        cmocka_unit_test(many_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
