/*
 * A trainer that does nothing, as fast as a trainer can: what is left is the scheduler's own cost. With the
 * argument "states" it makes an empty state file per job, as a trainer that saves must.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int channel;

static void say(const char *text, int length)
{
    if (write(channel, text, (size_t)length) != length)
        exit(1);
}

static void make_state(const char *line)
{
    static const char key[] = "\"state_out\":\"";
    char path[4096];
    const char *start = strstr(line, key);
    if (!start)
        return;
    start += sizeof key - 1;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(start, "\""), start);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0666);
    if (fd >= 0)
        close(fd);
}

static void answer(const char *line, bool states)
{
    char reply[128];
    if (strncmp(line, "{\"type\":\"job\"", 13) == 0) {
        long long job = strtoll(strstr(line, "\"job\":") + 6, NULL, 10);
        if (states)
            make_state(line);
        say(reply, snprintf(reply, sizeof reply,
                            "{\"type\":\"result\",\"job\":%lld,\"score\":0.%03lld,\"fit_seconds\":1e-06}\n",
                            job, job % 997));
    } else if (strncmp(line, "{\"type\":\"start\"", 15) == 0) {
        say(reply, snprintf(reply, sizeof reply, "{\"type\":\"ready\",\"protocol\":1%s}\n",
                            states ? "" : ",\"state\":\"none\""));
    } else if (strncmp(line, "{\"type\":\"stop\"", 14) == 0) {
        exit(0);
    }
}

int main(int argc, char **argv)
{
    static char buffer[2 << 20];
    bool states = argc > 1 && strcmp(argv[1], "states") == 0;
    size_t length = 0;
    ssize_t got;
    channel = atoi(getenv("RUNG_FD"));
    while ((got = read(channel, buffer + length, sizeof buffer - length - 1)) > 0) {
        length += (size_t)got;
        buffer[length] = '\0';
        char *line = buffer, *end;
        while ((end = memchr(line, '\n', length - (size_t)(line - buffer)))) {
            *end = '\0';
            answer(line, states);
            line = end + 1;
        }
        length -= (size_t)(line - buffer);
        memmove(buffer, line, length);
    }
    return 0;
}
