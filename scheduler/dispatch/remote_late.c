#include "dispatch/remote_private.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AWAITED_MOST 4096 /* of one worker: no more than it keeps */

/* ---- states that were asked for ---- */

static void await(struct rung_remote_worker *worker, uint64_t number, const char *path)
{
    worker->awaited = rung_mem_grow(worker->awaited, worker->awaited_count, &worker->awaited_capacity,
                                    sizeof *worker->awaited);
    worker->awaited[worker->awaited_count++] =
        (struct rung_remote_awaited){.number = number, .path = rung_mem_strdup(path)};
}

/* Whether it was awaited. */
static bool await_no_more(struct rung_remote_worker *worker, uint64_t number)
{
    for (size_t i = 0; i < worker->awaited_count; i++)
        if (worker->awaited[i].number == number) {
            free(worker->awaited[i].path);
            worker->awaited[i] = worker->awaited[--worker->awaited_count];
            return true;
        }
    return false;
}

char *rung_remote_late_place(const struct rung_remote_worker *worker, uint64_t stream)
{
    uint64_t number = rung_stream_number(stream);

    for (size_t i = 0; i < worker->awaited_count; i++)
        if (worker->awaited[i].number == number)
            return rung_mem_printf("%s.part", worker->awaited[i].path);
    return NULL;
}

void rung_remote_free_awaited(struct rung_remote_worker *worker)
{
    for (size_t i = 0; i < worker->awaited_count; i++)
        free(worker->awaited[i].path);
    free(worker->awaited);
}

/* ---- offers ---- */

static bool read_late(struct rung_late *late, uint64_t *number, const struct rung_json *message)
{
    const struct rung_json *lines = rung_json_get(message, "lines");
    int64_t model = rung_said_integer(message, "model", -1);

    *number = (uint64_t)rung_said_integer(message, "late", -1);
    *late = (struct rung_late){.identity = rung_said_string(message, "search"),
                               .model = (uint32_t)model,
                               .job = rung_said_integer(message, "job", -1),
                               .from = rung_said_integer(message, "from", -1),
                               .to = rung_said_integer(message, "to", -1),
                               .trainer = rung_said_integer(message, "trainer", -1),
                               .has_state = rung_said_flag(message, "state")};
    return *number < (uint64_t)RUNG_SAID_INTEGER_MAX / (4 * RUNG_STREAM_TRAINERS) && model >= 0 &&
           model < UINT32_MAX && late->job >= 0 && late->from >= 0 && late->to > late->from &&
           late->trainer >= 0 && late->trainer <= INT32_MAX && rung_json_is(lines, RUNG_JSON_ARRAY) &&
           rung_json_size(lines) > 0;
}

static void answer(struct rung_remote_worker *worker, const char *what, uint64_t number)
{
    char text[80];

    snprintf(text, sizeof text, "{\"type\":\"%s\",\"late\":%llu}", what, (unsigned long long)number);
    rung_peer_send(worker->peer, text);
}

/* Its lines as messages; how many could be read. */
static size_t read_lines(struct rung_remote *remote, const struct rung_json *lines, const char *metric,
                         struct rung_proto_message *messages)
{
    size_t count = 0;
    struct rung_err err;

    for (const struct rung_json *line = rung_json_first(lines); line; line = rung_json_next(line)) {
        rung_buf_clear(&remote->line);
        rung_json_write(&remote->line, line);
        if (rung_proto_read(&messages[count], rung_buf_cstr(&remote->line), remote->line.length, metric,
                            &err) == 0)
            count++;
        else
            rung_proto_free(&messages[count]);
    }
    return count;
}

static void hand_over(struct rung_remote *remote, const struct rung_late *late, const struct rung_json *lines,
                      const char *metric)
{
    struct rung_proto_message *messages = rung_mem_zalloc(rung_json_size(lines), sizeof *messages);
    size_t count = read_lines(remote, lines, metric, messages);

    if (count > 0)
        remote->listener.late(remote->listener.context, late, messages, count, rung_clock_monotonic());
    for (size_t i = 0; i < count; i++)
        rung_proto_free(&messages[i]);
    free(messages);
}

void rung_remote_hear_late(struct rung_remote_worker *worker, const struct rung_json *message,
                           const char *file)
{
    struct rung_remote *remote = worker->remote;
    struct rung_late_wanted wanted = {.state = &remote->text};
    struct rung_late late;
    uint64_t number;

    if (!read_late(&late, &number, message))
        return;
    bool asked = await_no_more(worker, number);
    if (!remote->listener.wanted(remote->listener.context, &late, &wanted, rung_clock_monotonic())) {
        answer(worker, "drop", number);
        return;
    }
    /* Once: a state that cannot be read there, or written here, would not come the next time either. */
    if (late.has_state && !file && !asked && worker->awaited_count < AWAITED_MOST) {
        await(worker, number, rung_buf_cstr(wanted.state));
        answer(worker, "want", number);
        return;
    }
    if (!late.has_state || (file && rename(file, rung_buf_cstr(wanted.state)) == 0))
        hand_over(remote, &late, rung_json_get(message, "lines"), wanted.metric);
    answer(worker, "drop", number);
}
