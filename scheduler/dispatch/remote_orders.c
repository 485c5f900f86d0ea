#include "dispatch/remote_private.h"

#include "base/mem.h"
#include "dispatch/trainer_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rung_remote_slot *rung_remote_slot_at(void *self, int slot)
{
    struct rung_remote *remote = self;
    return &remote->places[slot - remote->options.first_slot];
}

void rung_remote_clear_job(struct rung_remote_slot *place)
{
    free(place->state_in);
    free(place->state_out);
    place->state_in = place->state_out = NULL;
    place->job = -1;
}

static void tell_worker(struct rung_remote_slot *place, const char *type, const char *more)
{
    struct rung_buf *text = &place->worker->remote->text;

    rung_buf_clear(text);
    rung_buf_printf(text, "{\"type\":\"%s\",\"slot\":%d,\"life\":%lld%s}", type, place->index,
                    (long long)place->life, more);
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
    if (remote->line.length > RUNG_PEER_TEXT_MAX / 2)
        return rung_err_set(err, RUNG_EFAIL,
                            "trainer.settings do not fit into a message to a worker: %zu bytes",
                            remote->line.length);
    place->alive = true;
    place->life++;
    place->job = -1;
    place->metric = start->metric;
    place->log_folder = start->log_folder;
    free(place->log);
    place->log = NULL;
    line_member(remote, "start");
    rung_buf_text(&remote->line, ",\"identity\":");
    rung_json_write_string(&remote->line, start->identity);
    rung_buf_text(&remote->line, ",\"metric\":");
    rung_json_write_string(&remote->line, start->metric);
    rung_buf_text(&remote->line, ",\"trainer\":");
    rung_trainer_text_write(&remote->line, start->trainer);
    tell_worker(place, "start", rung_buf_cstr(&remote->line));
    return 0;
}

static void send_work(void *self, int slot, const struct rung_proto_job *job, const char *type)
{
    struct rung_remote *remote = self;
    struct rung_remote_slot *place = rung_remote_slot_at(self, slot);
    struct rung_proto_job bare = *job;

    rung_remote_clear_job(place);
    place->job = job->job;
    place->state_in = job->state_in ? rung_mem_strdup(job->state_in) : NULL;
    place->state_out = job->state_out ? rung_mem_strdup(job->state_out) : NULL;
    bare.state_in = bare.state_out = NULL;
    rung_buf_clear(&remote->line);
    rung_proto_write_job(&remote->line, &bare);
    line_member(remote, "job");
    rung_buf_printf(&remote->line, ",\"state\":%s,\"save\":%s", job->state_in ? "true" : "false",
                    job->state_out ? "true" : "false");
    tell_worker(place, type, rung_buf_cstr(&remote->line));
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
    const char *log = rung_remote_slot_at(self, slot)->log;
    size_t length = log ? strlen(log) : 0, from = length;

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
                                  .evaluate = send_evaluate,
                                  .forget = send_forget,
                                  .stop = stop_trainer,
                                  .kill = kill_trainer,
                                  .log_tail = log_tail};
}
