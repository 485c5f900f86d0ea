/*
 * rung: finds the command, runs it, turns errors into lines on standard error and exit codes.
 */
#include "cli/command.h"
#include "cli/one_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A database opened as descriptor 1 would get what is printed: fill the places of closed standard
 * streams first. Output ones are opened for reading, so that printing there is still an error. */
static void hold_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDONLY) != fd)
            _exit(1);
}

static bool reader_left(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/* What was printed counts only once it is out; a reader that has had enough (`| head`) is no error. */
static int close_output(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    int why = errno;
    if (reader_left())
        return status;
    fprintf(stderr, "rung: standard output: cannot be written%s%s\n", why ? ": " : "",
            why ? strerror(why) : "");
    return status == 0 ? 1 : status;
}

static int report(const struct rung_err *err)
{
    fflush(stdout); /* what was printed before the error comes before it */
    fprintf(stderr, "rung: %s\n", err->text);
    if (err->way_out[0])
        fprintf(stderr, "%s\n", err->way_out);
    return rung_err_exit_status(err->code);
}

int main(int argc, char **argv)
{
    struct rung_err err = {0};

    rung_one_thread(argv);
    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a trainer, or a reader of ours, that leaves must not end the search */
    int status = rung_command_main(argc, argv, &err);
    if (status < 0)
        status = report(&err);
    return close_output(status);
}
