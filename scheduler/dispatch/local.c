#include "dispatch/local.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/logfile.h"
#include "dispatch/oom.h"
#include "dispatch/spawn.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES        (64 * 1024)
#define OUT_MAX           (64 * 1024 * 1024) /* bytes that may wait for a trainer that does not read */
#define STOP_SECONDS      5                  /* from `stop` to SIGTERM */
#define TERM_SECONDS      2                  /* from SIGTERM to SIGKILL */
#define LINGER_SECONDS    1                  /* from the end of the process to the end of its socket */
#define TRIM_MICROSECONDS 250000             /* between looks at the lengths of logs */

/* One trainer. It has ended when its socket is at end of file and it has been reaped, in either order. */
struct trainer {
    struct rung_local *local;
    int slot;
    bool alive;              /* from start to gone */
    struct rung_start start; /* as which it was started */
    pid_t pid;
    int socket; /* -1 at end of file */
    bool reaped;
    int status;   /* of waitpid, once reaped */
    bool muted;   /* what it still says is dropped */
    bool leaving; /* `stop` is written: end of file follows when all is sent */
    bool unread;  /* it has closed its socket before it had read all */
    bool signaled_by_us;
    int next_signal;    /* of the escalation */
    int log;            /* stays open until the next start, for the tail; -1 before the first */
    off_t log_marks[2]; /* where its log begins, and up to where it was followed */
    off_t log_length;   /* when it was followed */
    struct rung_buf in, out;
    struct rung_buf forgets; /* for the next job: behind this one they would pass for a part of it, unread */
    size_t scanned;          /* bytes of `in` known to hold no newline */
    struct event *readable, *writable, *escalation;
};

struct rung_local {
    struct event_base *base;
    size_t slots;
    struct rung_executor executor;
    struct rung_executor_listener listener;
    struct trainer *trainers;
    struct event *child, *trim;
    struct rung_oom_watch memory;
    struct rlimit files; /* what we were started with, and trainers get */
    bool more_files;
    char host[256];
    char read_buffer[READ_BYTES];
};

static struct trainer *trainer_at(void *self, int slot)
{
    return &((struct rung_local *)self)->trainers[slot];
}

/* ---- the end of a trainer ---- */

static void close_socket(struct trainer *t)
{
    if (t->socket < 0)
        return;
    event_free(t->readable);
    event_free(t->writable);
    t->readable = t->writable = NULL;
    close(t->socket);
    t->socket = -1;
}

static void signal_session(struct trainer *t, int number)
{
    t->signaled_by_us |= !t->reaped; /* what is signalled after it are only children that it left behind */
    kill(-t->pid, number);           /* its session is its process group */
}

static void escalate_after(struct trainer *t, int signal_number, int seconds)
{
    struct timeval delay = {.tv_sec = seconds};
    t->next_signal = signal_number;
    evtimer_add(t->escalation, &delay);
}

static void end_if_over(struct trainer *t)
{
    if (!t->alive || !t->reaped || t->socket >= 0)
        return;
    struct rung_local *local = t->local;
    struct rung_exit how = {.signaled = WIFSIGNALED(t->status), .by_us = t->signaled_by_us};
    how.number = how.signaled ? WTERMSIG(t->status) : WEXITSTATUS(t->status);
    if (how.signaled && how.number == SIGKILL && !how.by_us)
        how.out_of_memory = rung_oom_explains(&local->memory, rung_oom_kills());
    rung_logfile_trim(t->log, t->log_marks, 2);
    event_free(t->escalation);
    t->escalation = NULL;
    rung_buf_free(&t->in);
    rung_buf_free(&t->out);
    rung_buf_free(&t->forgets);
    t->alive = false;
    local->listener.gone(local->listener.context, t->slot, &how, rung_clock_monotonic());
}

static void on_escalation(evutil_socket_t fd, short what, void *context)
{
    struct trainer *t = context;
    (void)fd;
    (void)what;
    signal_session(t, t->next_signal);
    if (t->reaped) { /* a child of its own still holds the socket */
        close_socket(t);
        end_if_over(t);
    } else if (t->next_signal == SIGTERM) {
        escalate_after(t, SIGKILL, TERM_SECONDS);
    }
}

static void on_child(evutil_socket_t fd, short what, void *context)
{
    struct rung_local *local = context;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < local->slots; i++) {
        struct trainer *t = &local->trainers[i];
        if (!t->alive || t->reaped || waitpid(t->pid, &t->status, WNOHANG) != t->pid)
            continue;
        t->reaped = true;
        if (t->socket >= 0)
            escalate_after(t, SIGKILL, LINGER_SECONDS);
        end_if_over(t);
    }
}

/* ---- what it says ---- */

static void violation(struct trainer *t, const char *reason)
{
    if (t->muted)
        return;
    t->muted = true;
    t->local->listener.violation(t->local->listener.context, t->slot, reason, rung_clock_monotonic());
}

static void handle_line(struct trainer *t, const char *line, size_t length, double now)
{
    struct rung_proto_message message;
    struct rung_err err;
    if (rung_proto_read(&message, line, length, t->start.metric, &err) == 0)
        t->local->listener.message(t->local->listener.context, t->slot, &message, now);
    else
        violation(t, err.text);
    rung_proto_free(&message);
}

static void handle_lines(struct trainer *t)
{
    double now = rung_clock_monotonic();
    size_t start = 0;
    while (!t->muted) {
        const char *newline = memchr(t->in.data + t->scanned, '\n', t->in.length - t->scanned);
        if (!newline)
            break;
        size_t end = (size_t)(newline - t->in.data);
        if (end - start >= RUNG_PROTO_LINE_MAX)
            break;
        t->scanned = end + 1;
        handle_line(t, t->in.data + start, end - start, now);
        start = end + 1;
    }
    rung_buf_consume(&t->in, start);
    t->scanned = t->in.length;
    if (t->in.length >= RUNG_PROTO_LINE_MAX)
        violation(t, "a line of more than 1 MiB");
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct trainer *t = context;
    (void)what;
    ssize_t got = read(fd, t->local->read_buffer, READ_BYTES);
    if (got > 0 && t->muted)
        return;
    if (got > 0) {
        rung_buf_append(&t->in, t->local->read_buffer, (size_t)got);
        handle_lines(t);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        /* The kernel resets the connection of who closes it with something unread in it. */
        t->unread |= (got < 0 && errno == ECONNRESET) || t->out.length > 0;
        close_socket(t);
        t->local->listener.closing(t->local->listener.context, t->slot, t->unread, rung_clock_monotonic());
        if (!t->reaped && !evtimer_pending(t->escalation, NULL))
            escalate_after(t, SIGTERM, STOP_SECONDS);
        end_if_over(t);
    }
}

/* ---- what it is told ---- */

static void flush(struct trainer *t)
{
    while (t->socket >= 0 && t->out.length > 0) {
        ssize_t sent = send(t->socket, t->out.data, t->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            event_add(t->writable, NULL);
            return;
        }
        if (sent < 0) { /* it has gone; the end of file says so */
            t->unread = true;
            rung_buf_clear(&t->out);
            return;
        }
        rung_buf_consume(&t->out, (size_t)sent);
    }
    if (t->leaving && t->socket >= 0)
        shutdown(t->socket, SHUT_WR);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    flush(context);
}

static void take_forgets(struct trainer *t)
{
    rung_buf_append(&t->out, t->forgets.data, t->forgets.length);
    rung_buf_clear(&t->forgets);
}

static void send_job(void *self, int slot, const struct rung_proto_job *job)
{
    struct trainer *t = trainer_at(self, slot);
    take_forgets(t);
    rung_proto_write_job(&t->out, job);
    flush(t);
}

static void send_evaluate(void *self, int slot, const struct rung_proto_job *job)
{
    struct trainer *t = trainer_at(self, slot);
    take_forgets(t);
    rung_proto_write_evaluate(&t->out, job);
    flush(t);
}

static void add_forget(void *self, int slot, uint32_t model)
{
    rung_proto_write_forget(&trainer_at(self, slot)->forgets, model);
}

static void stop_trainer(void *self, int slot)
{
    struct trainer *t = trainer_at(self, slot);
    if (!t->alive || t->leaving)
        return;
    t->leaving = true;
    take_forgets(t);
    rung_proto_write_stop(&t->out);
    flush(t);
    escalate_after(t, SIGTERM, STOP_SECONDS);
}

static void kill_trainer(void *self, int slot)
{
    struct trainer *t = trainer_at(self, slot);
    if (!t->alive)
        return;
    t->muted = true;
    signal_session(t, SIGKILL);
}

static struct rung_place place_of(void *self, int slot)
{
    (void)slot;
    return (struct rung_place){((struct rung_local *)self)->host, "local"};
}

static void log_tail(void *self, int slot, size_t lines, struct rung_buf *out)
{
    const struct trainer *t = trainer_at(self, slot);
    if (t->log >= 0)
        rung_logfile_tail(t->log, t->log_marks[0], lines, out);
}

/* ---- its beginning ---- */

static int open_log(struct trainer *t, struct rung_err *err)
{
    if (t->log >= 0)
        close(t->log);
    t->log = rung_logfile_open(t->start.log_folder, t->slot, &t->log_marks[0], err);
    t->log_marks[1] = t->log_length = t->log_marks[0];
    return t->log < 0 ? RUNG_EFAIL : 0;
}

static int fork_trainer(struct trainer *t, struct rung_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return rung_err_set(err, RUNG_EFAIL, "cannot make a socket: %s", strerror(errno));
    struct rung_spawn spawn = {.trainer = t->start.trainer,
                               .folder = t->start.folder,
                               .slot = t->slot,
                               .socket = pair[1],
                               .log = t->log,
                               .files = t->local->more_files ? &t->local->files : NULL};
    int rc = rung_spawn(&spawn, &t->pid, err);
    close(pair[1]);
    if (rc) {
        close(pair[0]);
        return rc;
    }
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    t->socket = pair[0];
    return 0;
}

static int start_trainer(void *self, int slot, const struct rung_start *start, struct rung_err *err)
{
    struct rung_local *local = self;
    struct trainer *t = trainer_at(self, slot);
    t->start = *start;
    int rc = open_log(t, err);
    if (rc == 0)
        rc = fork_trainer(t, err);
    if (rc)
        return rc;
    t->alive = true;
    t->reaped = t->muted = t->leaving = t->unread = t->signaled_by_us = false;
    t->scanned = 0;
    rung_buf_init(&t->in, RUNG_PROTO_LINE_MAX + READ_BYTES);
    rung_buf_init(&t->out, OUT_MAX);
    rung_buf_init(&t->forgets, OUT_MAX);
    t->readable = event_new(local->base, t->socket, EV_READ | EV_PERSIST, on_readable, t);
    t->writable = event_new(local->base, t->socket, EV_WRITE, on_writable, t);
    t->escalation = evtimer_new(local->base, on_escalation, t);
    event_add(t->readable, NULL);
    rung_proto_write_start(&t->out, &start->line);
    flush(t);
    return 0;
}

/* ---- the executor ---- */

static void on_trim(evutil_socket_t fd, short what, void *context)
{
    struct rung_local *local = context;
    (void)fd;
    (void)what;
    for (size_t i = 0; i < local->slots; i++)
        if (local->trainers[i].alive)
            rung_logfile_trim(local->trainers[i].log, local->trainers[i].log_marks, 2);
    rung_oom_look(&local->memory, rung_clock_monotonic());
}

/* Many trainers, and workers beside them, need more descriptors than a process is usually given. */
static void get_files(struct rung_local *local)
{
    if (getrlimit(RLIMIT_NOFILE, &local->files) != 0 || local->files.rlim_cur == local->files.rlim_max)
        return;
    struct rlimit most = {local->files.rlim_max, local->files.rlim_max};
    local->more_files = setrlimit(RLIMIT_NOFILE, &most) == 0;
}

struct rung_local *rung_local_create(struct event_base *base, size_t slots)
{
    struct rung_local *local = rung_mem_zalloc(1, sizeof *local);
    struct timeval trim = {.tv_usec = TRIM_MICROSECONDS};
    local->base = base;
    local->slots = slots;
    rung_oom_look(&local->memory, rung_clock_monotonic());
    get_files(local);
    if (gethostname(local->host, sizeof local->host - 1) != 0)
        strcpy(local->host, "localhost");
    local->trainers = rung_mem_zalloc(slots, sizeof *local->trainers);
    for (size_t i = 0; i < slots; i++) {
        local->trainers[i].local = local;
        local->trainers[i].slot = (int)i;
        local->trainers[i].socket = local->trainers[i].log = -1;
    }
    local->executor = (struct rung_executor){.self = local,
                                             .slots = slots,
                                             .place = place_of,
                                             .start = start_trainer,
                                             .job = send_job,
                                             .evaluate = send_evaluate,
                                             .forget = add_forget,
                                             .stop = stop_trainer,
                                             .kill = kill_trainer,
                                             .log_tail = log_tail};
    local->child = evsignal_new(base, SIGCHLD, on_child, local);
    local->trim = event_new(base, -1, EV_PERSIST, on_trim, local);
    evsignal_add(local->child, NULL);
    event_add(local->trim, &trim);
    return local;
}

void rung_local_free(struct rung_local *local)
{
    if (!local)
        return;
    for (size_t i = 0; i < local->slots; i++) {
        struct trainer *t = &local->trainers[i];
        if (t->alive && !t->reaped) {
            signal_session(t, SIGKILL);
            waitpid(t->pid, NULL, 0);
        }
        if (t->alive) {
            close_socket(t);
            event_free(t->escalation);
            rung_buf_free(&t->in);
            rung_buf_free(&t->out);
            rung_buf_free(&t->forgets);
        }
        if (t->log >= 0)
            close(t->log);
    }
    event_free(local->child);
    event_free(local->trim);
    if (local->more_files)
        setrlimit(RLIMIT_NOFILE, &local->files);
    free(local->trainers);
    free(local);
}

void rung_local_follow_log(struct rung_local *local, int slot, size_t most, struct rung_buf *out)
{
    struct trainer *t = trainer_at(local, slot);
    struct stat status;
    if (t->log < 0 || fstat(t->log, &status) < 0)
        return;
    bool still = status.st_size == t->log_length;
    t->log_length = status.st_size;
    rung_logfile_follow(t->log, &t->log_marks[1], most, still || !t->alive, out);
}

struct rung_executor *rung_local_executor(struct rung_local *local)
{
    return &local->executor;
}

void rung_local_listen(struct rung_local *local, struct rung_executor_listener listener)
{
    local->listener = listener;
}
