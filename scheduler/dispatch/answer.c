#include "dispatch/answer.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/control.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOKS 16   /* at the caller while its patience lasts */
#define SOON  0.02 /* seconds: nothing says when the last of it has left */

struct rung_answer {
    struct rung_answer_options options;
    struct event *timer;
    char *piece;
    off_t sent, taken; /* taken: of sent, by the kernel, at the last look */
    double moved_at;   /* of the monotonic clock, when the caller last took something */
    bool whole;        /* all was sent */
    int why;           /* errno of the file */
};

static void look_in(struct rung_answer *answer, double seconds)
{
    struct timeval wait = {.tv_sec = (time_t)seconds};

    wait.tv_usec = (suseconds_t)((seconds - (double)wait.tv_sec) * 1e6);
    event_add(answer->timer, &wait);
}

/* One piece at a time: the loop has others to serve. */
static void send_piece(struct rung_answer *answer)
{
    ssize_t got = pread(answer->options.file, answer->piece, RUNG_WIRE_PIECE_MAX, answer->sent);

    if (got > 0) {
        answer->sent += got;
        rung_caller_pour(answer->options.caller, answer->options.stream, answer->piece, (size_t)got);
        return;
    }
    answer->why = got < 0 ? errno : 0;
    answer->whole = true;
    look_in(answer, 0);
}

static void on_drained(void *context)
{
    struct rung_answer *answer = context;

    if (!answer->whole)
        send_piece(answer);
}

static void end(struct rung_answer *answer, int why)
{
    rung_caller_on_drained(answer->options.caller, NULL, NULL);
    answer->options.ended(answer->options.context, why);
    rung_answer_free(answer);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct rung_answer *answer = context;
    double now = rung_clock_monotonic();
    size_t waits = rung_caller_backlog(answer->options.caller);
    off_t taken = answer->sent - (off_t)waits;

    (void)fd, (void)what;
    if (taken != answer->taken)
        answer->moved_at = now;
    answer->taken = taken;
    if (answer->why != 0 || (answer->whole && waits == 0))
        end(answer, answer->why);
    else if (now - answer->moved_at >= answer->options.patience)
        end(answer, ETIMEDOUT);
    else
        look_in(answer, answer->whole ? SOON : answer->options.patience / LOOKS);
}

struct rung_answer *rung_answer_send(struct event_base *base, const struct rung_answer_options *options)
{
    struct rung_answer *answer = rung_mem_zalloc(1, sizeof *answer);

    answer->options = *options;
    answer->piece = rung_mem_zalloc(RUNG_WIRE_PIECE_MAX, 1);
    answer->moved_at = rung_clock_monotonic();
    answer->timer = event_new(base, -1, 0, on_timer, answer);
    if (!answer->timer)
        rung_mem_out();
    rung_caller_on_drained(options->caller, on_drained, answer);
    look_in(answer, options->patience / LOOKS);
    send_piece(answer);
    return answer;
}

void rung_answer_free(struct rung_answer *answer)
{
    if (!answer)
        return;
    rung_caller_on_drained(answer->options.caller, NULL, NULL);
    event_free(answer->timer);
    close(answer->options.file);
    free(answer->piece);
    free(answer);
}
