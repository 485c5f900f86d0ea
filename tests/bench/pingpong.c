/* The machine's own limit for jobs handed from one process to another: a message there and one back over a
 * socket, one at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 100000, JOB_BYTES = 180, RESULT_BYTES = 70 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void pass_on(int fd, size_t in, size_t out, char *buffer)
{
    if (in && read(fd, buffer, in) != (ssize_t)in)
        exit(1);
    if (out && write(fd, buffer, out) != (ssize_t)out)
        exit(1);
}

int main(void)
{
    char buffer[JOB_BYTES] = {0};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < ROUNDS; i++)
            pass_on(pair[1], JOB_BYTES, RESULT_BYTES, buffer);
        _exit(0);
    }
    double start = now();
    for (int i = 0; i < ROUNDS; i++) {
        pass_on(pair[0], 0, JOB_BYTES, buffer);
        pass_on(pair[0], RESULT_BYTES, 0, buffer);
    }
    double seconds = now() - start;
    waitpid(child, NULL, 0);
    printf("%.0f\n", ROUNDS / seconds);
    return 0;
}
