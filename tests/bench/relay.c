/*
 * The machine's own limit for jobs that pass through workers: messages of the sizes of jobs and results from
 * one process over TCP to others, from each over sockets to its own children, and back, with nothing done on
 * the way: no TLS, no JSON, no record. Two jobs are on the way to each child.
 *
 *     relay WORKERS TRAINERS     prints jobs a second
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS = 200000, JOB_BYTES = 180, RESULT_BYTES = 70, MOST = 1024, EVENTS = 64 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(bool done)
{
    if (!done) {
        perror("relay");
        exit(1);
    }
}

/* Messages of a fixed length, of which the first two bytes say whose they are. 0: the other side is gone. */
static size_t read_whole(int fd, char *data, size_t unit)
{
    size_t length = 0;
    do {
        ssize_t got = read(fd, data + length, unit * MOST - length);
        if (got <= 0)
            return 0;
        length += (size_t)got;
    } while (length % unit != 0);
    return length / unit;
}

static void watch(int epoll, int fd, int number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = number};
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void trainer(int fd)
{
    char job[JOB_BYTES];
    while (read(fd, job, sizeof job) == JOB_BYTES && write(fd, job, RESULT_BYTES) == RESULT_BYTES)
        ;
    _exit(0);
}

static void start_trainers(int *fds, int count, int epoll)
{
    for (int i = 0; i < count; i++) {
        int pair[2];
        must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        if (fork() == 0) {
            for (int fd = 3; fd <= pair[1]; fd++)
                if (fd != pair[1])
                    close(fd);
            trainer(pair[1]);
        }
        close(pair[1]);
        fds[i] = pair[0];
        watch(epoll, pair[0], i);
    }
}

static void worker(const struct sockaddr_in *address, int trainers)
{
    static char in[JOB_BYTES * MOST], out[RESULT_BYTES * MOST];
    int fds[MOST], held[MOST] = {0}, on = 1; /* held: jobs of each, of which the trainer has one */
    int far = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    must(connect(far, (const struct sockaddr *)address, sizeof *address) == 0);
    setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    start_trainers(fds, trainers, epoll);
    watch(epoll, far, -1);
    for (;;) {
        struct epoll_event events[EVENTS];
        size_t results = 0;
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int number = events[i].data.fd;
            if (number >= 0) {
                must(read(fds[number], out + RESULT_BYTES * results++, RESULT_BYTES) == RESULT_BYTES);
                if (--held[number] > 0)
                    must(write(fds[number], out + RESULT_BYTES * (results - 1), JOB_BYTES) == JOB_BYTES);
                continue;
            }
            size_t count = read_whole(far, in, JOB_BYTES);
            if (count == 0)
                _exit(0);
            for (size_t job = 0; job < count; job++) {
                short whose;
                memcpy(&whose, in + JOB_BYTES * job, sizeof whose);
                if (held[whose]++ == 0)
                    must(write(fds[whose], in + JOB_BYTES * job, JOB_BYTES) == JOB_BYTES);
            }
        }
        if (results > 0 && write(far, out, RESULT_BYTES * results) < 0)
            _exit(0);
    }
}

static double relay(int listener, int workers, int trainers)
{
    static char in[RESULT_BYTES * MOST], out[JOB_BYTES * MOST];
    int fds[MOST], on = 1, epoll = epoll_create1(0), done = 0;
    for (int i = 0; i < workers; i++) {
        must((fds[i] = accept(listener, NULL, NULL)) >= 0);
        setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fds[i], i);
    }
    for (int i = 0; i < workers; i++)
        for (short job = 0; job < 2 * trainers; job++) {
            short whose = (short)(job % trainers);
            memcpy(out, &whose, sizeof whose);
            must(write(fds[i], out, JOB_BYTES) == JOB_BYTES);
        }
    double start = 0;
    while (done < JOBS) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = fds[events[i].data.fd];
            size_t count = read_whole(fd, in, RESULT_BYTES);
            must(count > 0);
            for (size_t job = 0; job < count; job++)
                memcpy(out + JOB_BYTES * job, in + RESULT_BYTES * job, sizeof(short));
            must(write(fd, out, JOB_BYTES * count) == (ssize_t)(JOB_BYTES * count));
            done += (int)count;
        }
        if (start == 0 && done > JOBS / 10)
            start = now(), done = 0;
    }
    double rate = done / (now() - start);
    for (int i = 0; i < workers; i++)
        close(fds[i]);
    return rate;
}

int main(int argc, char **argv)
{
    int workers = argc > 2 ? atoi(argv[1]) : 0, trainers = argc > 2 ? atoi(argv[2]) : 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (workers < 1 || workers > MOST || trainers < 1 || trainers > MOST / 2)
        return 2;
    must(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, MOST) == 0);
    must(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    for (int i = 0; i < workers; i++)
        if (fork() == 0) {
            close(listener);
            worker(&address, trainers);
        }
    printf("%.0f\n", relay(listener, workers, trainers));
    while (wait(NULL) > 0)
        ;
    return 0;
}
