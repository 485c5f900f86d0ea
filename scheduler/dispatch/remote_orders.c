#include "dispatch/remote_private.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/logfile.h"
#include "dispatch/trainer_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_BYTES 256 /* of an order beside what is in it, at most */

struct rung_remote_slot *rung_remote_slot_at(void *self, int slot)
{
    struct rung_remote *remote = self;
    return &remote->places[slot - remote->options.first_slot];
}

struct rung_remote_job *rung_remote_job(const struct rung_remote_slot *place, int64_t number)
{
    for (size_t i = 0; i < place->job_count; i++)
        if (place->jobs[i].number == number)
            return (struct rung_remote_job *)&place->jobs[i];
    return NULL;
}

void rung_remote_clear_job(struct rung_remote_slot *place, struct rung_remote_job *job)
{
    size_t at = (size_t)(job - place->jobs);

    if (place->worker && at == 0) {
        place->worker->idle_since = rung_clock_monotonic();
        place->worker->busy_seconds += place->worker->idle_since - place->job_at;
        place->job_at = place->worker->idle_since;
    }
    free(job->state_in);
    free(job->state_out);
    place->job_count--;
    memmove(job, job + 1, (place->job_count - at) * sizeof *job);
}

static void integer_member(struct rung_buf *text, const char *name, int64_t value)
{
    rung_buf_text(text, name);
    rung_json_write_integer(text, value);
}

static void begin_order(struct rung_remote_slot *place, const char *type)
{
    struct rung_buf *text = &place->worker->remote->text;

    rung_buf_clear(text);
    rung_buf_text(text, "{\"type\":\"");
    rung_buf_text(text, type);
    integer_member(text, "\",\"slot\":", place->index);
    integer_member(text, ",\"life\":", place->life);
}

static void tell_worker(struct rung_remote_slot *place, const char *type, const char *more)
{
    struct rung_buf *text = &place->worker->remote->text;

    begin_order(place, type);
    rung_buf_text(text, more);
    rung_buf_char(text, '}');
    rung_peer_send(place->worker->peer, rung_buf_cstr(text));
}

/* As a member: ,"NAME":LINE without its newline. */
static const char *line_member(struct rung_remote *remote, const char *name)
{
    struct rung_buf whole;

    rung_buf_init(&whole, RUNG_BUF_UNLIMITED);
    if (remote->line.length > 0 && remote->line.data[remote->line.length - 1] == '\n')
        remote->line.data[--remote->line.length] = '\0';
    rung_buf_printf(&whole, ",\"%s\":", name);
    rung_buf_append(&whole, remote->line.data, remote->line.length);
    rung_buf_free(&remote->line);
    remote->line = whole;
    return rung_buf_cstr(&remote->line);
}

static int start_trainer(void *self, int slot, const struct rung_start *start, struct rung_err *err)
{
    struct rung_remote *remote = self;
    struct rung_remote_slot *place = rung_remote_slot_at(self, slot);

    rung_buf_clear(&remote->line);
    rung_proto_write_start(&remote->line, &start->line);
    line_member(remote, "start");
    rung_buf_text(&remote->line, ",\"identity\":");
    rung_json_write_string(&remote->line, start->identity);
    rung_buf_text(&remote->line, ",\"metric\":");
    rung_json_write_string(&remote->line, start->metric);
    rung_buf_text(&remote->line, ",\"trainer\":");
    rung_trainer_text_write(&remote->line, start->trainer);
    if (remote->line.length > RUNG_PEER_TEXT_MAX - ORDER_BYTES)
        return rung_err_set(err, RUNG_EFAIL, "the trainer does not fit into a message to a worker: %zu bytes",
                            remote->line.length);
    place->alive = true;
    place->ready = false;
    place->life++;
    place->metric = start->metric;
    place->log_folder = start->log_folder;
    place->log_start = -1;
    tell_worker(place, "start", rung_buf_cstr(&remote->line));
    return 0;
}

static void send_work(void *self, int slot, const struct rung_proto_job *job, const char *type)
{
    struct rung_remote_slot *place = rung_remote_slot_at(self, slot);
    struct rung_buf *text = &place->worker->remote->text;

    if (place->job_count == RUNG_EXECUTOR_JOBS) /* nobody waits for the first one any more */
        rung_remote_clear_job(place, place->jobs);
    if (place->job_count == 0)
        place->job_at = rung_clock_monotonic();
    place->jobs[place->job_count++] = (struct rung_remote_job){
        .number = job->job,
        .state_in = rung_mem_strdup(job->state_in),
        .state_out = rung_mem_strdup(job->state_out),
    };
    begin_order(place, type);
    integer_member(text, ",\"job\":{\"job\":", job->job);
    integer_member(text, ",\"model\":", job->model);
    integer_member(text, ",\"seed\":", job->seed);
    integer_member(text, ",\"from\":", job->from);
    integer_member(text, ",\"to\":", job->to);
    rung_buf_text(text, ",\"parameters\":");
    rung_buf_text(text, job->parameters);
    rung_buf_text(text, job->state_in ? "},\"state\":true" : "}");
    rung_buf_text(text, job->state_out ? ",\"save\":true}" : "}");
    rung_peer_send(place->worker->peer, rung_buf_cstr(text));
}

static bool takes_ahead(void *self, int slot)
{
    const struct rung_remote_slot *place = rung_remote_slot_at(self, slot);

    return place->alive && place->job_count < RUNG_EXECUTOR_JOBS;
}

static void send_job(void *self, int slot, const struct rung_proto_job *job)
{
    send_work(self, slot, job, "job");
}

static void send_evaluate(void *self, int slot, const struct rung_proto_job *job)
{
    send_work(self, slot, job, "evaluate");
}

static void send_forget(void *self, int slot, uint32_t model)
{
    char more[64];

    snprintf(more, sizeof more, ",\"model\":%u", model);
    tell_worker(rung_remote_slot_at(self, slot), "forget", more);
}

static void stop_trainer(void *self, int slot)
{
    if (rung_remote_slot_at(self, slot)->alive)
        tell_worker(rung_remote_slot_at(self, slot), "stop", "");
}

static void kill_trainer(void *self, int slot)
{
    if (rung_remote_slot_at(self, slot)->alive)
        tell_worker(rung_remote_slot_at(self, slot), "kill", "");
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    const struct rung_remote_slot *place = rung_remote_slot_at(self, slot);
    const char *log = place->log;
    size_t length = log ? strlen(log) : 0, from = length;

    if (!log && place->log_folder && place->log_start >= 0)
        rung_logfile_tail_of(place->log_folder, slot, place->log_start, lines, out);
    while (from > 0 && (log[from - 1] != '\n' || from == length || lines-- > 1))
        from--;
    rung_buf_append(out, log ? log + from : "", length - from);
}

static struct rung_place place_of(void *self, int slot)
{
    const struct rung_remote_slot *place = rung_remote_slot_at(self, slot);

    return (struct rung_place){place->worker ? place->worker->host : "", "remote"};
}

struct rung_executor rung_remote_orders(struct rung_remote *remote)
{
    return (struct rung_executor){.self = remote,
                                  .slots = RUNG_REMOTE_SLOTS,
                                  .absent = RUNG_REMOTE_SLOTS,
                                  .place = place_of,
                                  .start = start_trainer,
                                  .job = send_job,
                                  .takes_ahead = takes_ahead,
                                  .evaluate = send_evaluate,
                                  .forget = send_forget,
                                  .stop = stop_trainer,
                                  .kill = kill_trainer,
                                  .log_tail = log_tail};
}
