/* Owns the messages of a trainer: their text, and when they are sent. */
#include "answer.h"
#include "base/json.h"
#include "rung/version.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A message costs both sides a system call and rung a wake-up; waiting this long cannot matter to a
 * job_timeout. */
#define PROGRESS_DELAY 0.02
#define PROGRESS_BYTES 16384

double rung_answer_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Sends what is in `out`. Where rung has gone, there is nobody to tell: the loop then ends. */
static void flush(struct rung_answer *answer)
{
    size_t done = 0;

    while (done < answer->out.length && !answer->gone) {
        ssize_t n = send(answer->fd, answer->out.data + done, answer->out.length - done, MSG_NOSIGNAL);

        if (n < 0 && errno == ENOTSOCK)
            n = write(answer->fd, answer->out.data + done, answer->out.length - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            answer->gone = true;
    }
    rung_buf_clear(&answer->out);
    answer->sent_at = rung_answer_clock();
}

static void put_metrics(struct rung_buf *out, const struct rung_trainer_report *report)
{
    rung_buf_text(out, ",\"metrics\":{");
    for (size_t i = 0; i < report->count; i++) {
        if (i > 0)
            rung_buf_char(out, ',');
        rung_json_write_string(out, report->metrics[i].name);
        rung_buf_char(out, ':');
        rung_json_write_number(out, report->metrics[i].value);
    }
    rung_buf_char(out, '}');
}

static void put_number(struct rung_buf *out, const char *key, double value)
{
    rung_buf_text(out, key);
    rung_json_write_number(out, value);
}

/* The microsecond is as fine as these clocks mean anything; fewer digits, shorter lines. */
static double rounded(double duration)
{
    return (double)(int64_t)(duration * 1e6 + 0.5) / 1e6;
}

void rung_answer_ready(struct rung_answer *answer, const struct rung_trainer *trainer)
{
    rung_buf_printf(&answer->out, "{\"type\":\"ready\",\"protocol\":%d,\"name\":", RUNG_PROTOCOL_VERSION);
    rung_json_write_string(&answer->out, trainer->name);
    rung_buf_printf(&answer->out, ",\"evaluate\":%s", trainer->evaluate ? "true" : "false");
    if (!trainer->save)
        rung_buf_text(&answer->out, ",\"state\":\"none\"");
    if (trainer->platform) {
        rung_buf_text(&answer->out, ",\"platform\":");
        rung_json_write_string(&answer->out, trainer->platform);
    }
    rung_buf_text(&answer->out, "}\n");
    flush(answer);
}

void rung_answer_progress(struct rung_answer *answer, int64_t job, int64_t call, double duration,
                          const struct rung_trainer_report *report)
{
    rung_buf_printf(&answer->out, "{\"type\":\"progress\",\"job\":%lld,\"call\":%lld", (long long)job,
                    (long long)call);
    put_number(&answer->out, ",\"fit_seconds\":", rounded(duration));
    if (report->count > 0)
        put_metrics(&answer->out, report);
    rung_buf_text(&answer->out, "}\n");
    if (answer->out.length >= PROGRESS_BYTES || rung_answer_clock() - answer->sent_at >= PROGRESS_DELAY)
        flush(answer);
}

void rung_answer_result(struct rung_answer *answer, int64_t job, const struct rung_outcome *outcome)
{
    rung_buf_printf(&answer->out, "{\"type\":\"result\",\"job\":%lld", (long long)job);
    put_number(&answer->out, ",\"score\":", outcome->score);
    put_metrics(&answer->out, &outcome->report);
    put_number(&answer->out, ",\"fit_seconds\":", rounded(outcome->fit_seconds));
    put_number(&answer->out, ",\"score_seconds\":", rounded(outcome->score_seconds));
    rung_buf_printf(&answer->out, ",\"examples\":%lld}\n", (long long)outcome->examples);
    flush(answer);
}

void rung_answer_evaluation(struct rung_answer *answer, int64_t job, const struct rung_trainer_report *report)
{
    rung_buf_printf(&answer->out, "{\"type\":\"result\",\"job\":%lld", (long long)job);
    put_metrics(&answer->out, report);
    rung_buf_text(&answer->out, "}\n");
    flush(answer);
}

void rung_answer_failure(struct rung_answer *answer, int64_t job, const struct rung_err *err)
{
    rung_buf_printf(&answer->out, "{\"type\":\"failure\",\"job\":%lld,\"reason\":", (long long)job);
    rung_json_write_string(&answer->out, *err->text ? err->text : "the trainer gave no reason");
    rung_buf_printf(&answer->out, ",\"retry\":%s}\n", err->code == RUNG_EUSE ? "false" : "true");
    flush(answer);
}
