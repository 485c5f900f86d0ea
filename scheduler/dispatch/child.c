#include "dispatch/child.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES 16384
#define STREAMS    2

extern char **environ;

struct rung_child {
    void *context;
    void (*printed)(void *context, int stream, const char *data, size_t length);
    void (*ended)(void *context, struct rung_child *child, int status);
    pid_t pid;
    bool reaped, apart;
    int status;
    struct event *output[STREAMS]; /* NULL: at its end */
    struct event *reaping, *burying;
};

/* ---- starting ---- */

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
                  const struct rung_child_options *options, int out, int err)
{
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    rc = options->input ? posix_spawn_file_actions_adddup2(actions, options->input, STDIN_FILENO)
                        : posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc != 0 || (rc = posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO)) != 0 ||
        (rc = posix_spawn_file_actions_adddup2(actions, err, STDERR_FILENO)) != 0 ||
        (options->folder && (rc = posix_spawn_file_actions_addchdir_np(actions, options->folder)) != 0) ||
        (rc = posix_spawnattr_setsigdefault(attributes, &all)) != 0 ||
        (rc = posix_spawnattr_setsigmask(attributes, &none)) != 0)
        return rc;
    return posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                        (options->apart ? POSIX_SPAWN_SETSID : 0)));
}

int rung_child_spawn(pid_t *pid, const struct rung_child_options *options, int out, int err)
{
    char *const *environment = options->environment ? options->environment : environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int why = set_up(&actions, &attributes, options, out, err);
    if (why == 0)
        why = posix_spawnp(pid, options->argv[0], &actions, &attributes, options->argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

/* ---- its end ---- */

static void close_output(struct rung_child *child, int i)
{
    if (!child->output[i])
        return;
    int fd = event_get_fd(child->output[i]);
    event_free(child->output[i]);
    child->output[i] = NULL;
    close(fd);
}

static void release(struct rung_child *child)
{
    for (int i = 0; i < STREAMS; i++)
        close_output(child, i);
    if (child->reaping)
        event_free(child->reaping);
    if (child->burying)
        event_free(child->burying);
    free(child);
}

/* All that it printed has come, and it has been reaped, in either order. */
static void end_if_over(struct rung_child *child)
{
    if (child->reaped && !child->output[0] && !child->output[1])
        event_active(child->burying, EV_TIMEOUT, 0);
}

static void on_burying(evutil_socket_t fd, short what, void *context)
{
    struct rung_child *child = context;

    (void)fd, (void)what;
    child->ended(child->context, child, child->status);
    release(child);
}

static void on_signal(evutil_socket_t fd, short what, void *context)
{
    struct rung_child *child = context;

    (void)fd, (void)what;
    if (child->reaped || waitpid(child->pid, &child->status, WNOHANG) != child->pid)
        return;
    child->reaped = true;
    end_if_over(child);
}

void rung_child_free(struct rung_child *child)
{
    if (!child)
        return;
    if (child->apart && (!child->reaped || child->output[0] || child->output[1]))
        kill(-child->pid, SIGKILL);
    if (!child->reaped) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    release(child);
}

void rung_child_leave(struct rung_child *child)
{
    release(child);
}

/* ---- what it prints ---- */

static void on_output(evutil_socket_t fd, short what, void *context)
{
    struct rung_child *child = context;
    int i = child->output[0] && event_get_fd(child->output[0]) == fd ? 0 : 1;
    char data[READ_BYTES];
    ssize_t got = read(fd, data, sizeof data);

    (void)what;
    if (got > 0) {
        child->printed(child->context, i + 1, data, (size_t)got);
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
        close_output(child, i);
        end_if_over(child);
    }
}

/* ---- making one ---- */

static struct event *make_event(struct event_base *base, int fd, short what, event_callback_fn callback,
                                struct rung_child *child)
{
    struct event *event = event_new(base, fd, what, callback, child);

    if (!event)
        rung_mem_out();
    return event;
}

/* From the first stream that is to have one on. 0, or errno, with nothing left open. */
static int make_pipes(int pipes[STREAMS][2], int first)
{
    for (int i = first; i < STREAMS; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) == 0)
            continue;
        int why = errno;
        while (--i >= first) {
            close(pipes[i][0]);
            close(pipes[i][1]);
        }
        return why;
    }
    return 0;
}

static int spawn_with_pipes(struct rung_child *child, struct event_base *base,
                            const struct rung_child_options *options)
{
    int pipes[STREAMS][2], first = options->output ? 1 : 0;
    int why = make_pipes(pipes, first);

    if (why)
        return why;
    why = rung_child_spawn(&child->pid, options, first ? options->output : pipes[0][1], pipes[1][1]);
    for (int i = first; i < STREAMS; i++) {
        close(pipes[i][1]);
        if (why) {
            close(pipes[i][0]);
            continue;
        }
        fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
        child->output[i] = make_event(base, pipes[i][0], EV_READ | EV_PERSIST, on_output, child);
        event_add(child->output[i], NULL);
    }
    return why;
}

int rung_child_start(struct rung_child **out, struct event_base *base,
                     const struct rung_child_options *options, struct rung_err *err)
{
    struct rung_child *child = rung_mem_zalloc(1, sizeof *child);

    child->context = options->context;
    child->printed = options->printed;
    child->ended = options->ended;
    child->apart = options->apart;
    child->burying = make_event(base, -1, 0, on_burying, child);
    child->reaping = make_event(base, SIGCHLD, EV_SIGNAL | EV_PERSIST, on_signal, child);
    event_add(child->reaping, NULL); /* before there is a child: none ends unheard */
    int why = options->printed
                  ? spawn_with_pipes(child, base, options)
                  : rung_child_spawn(&child->pid, options, options->output ? options->output : STDERR_FILENO,
                                     STDERR_FILENO);
    if (why) {
        release(child);
        return rung_err_set(err, RUNG_EFAIL, "%s: %s", options->argv[0], strerror(why));
    }
    *out = child;
    return 0;
}
