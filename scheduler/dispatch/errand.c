#include "dispatch/errand.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dispatch/child.h"

#include <errno.h>
#include <event2/event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT_BYTES 2000 /* of its standard error, the first ones */

struct rung_errand {
    struct rung_child *child; /* NULL: it has ended */
    struct event *impatience;
    void *context;
    void (*done)(void *context, const struct rung_errand_result *result);
    char *name;
    double patience;
    struct rung_buf out, complaint;
};

/* ---- how it ended ---- */

static void finish(struct rung_errand *errand, bool well, const char *why)
{
    struct rung_errand_result result = {.well = well, .out = rung_buf_cstr(&errand->out), .why = why};

    errand->done(errand->context, &result);
    rung_errand_free(errand);
}

/* The lines that it complained with, as one. */
static const char *complaint_of(struct rung_errand *errand)
{
    struct rung_buf *text = &errand->complaint;

    while (text->length > 0 && strchr("\n\r\t ", text->data[text->length - 1]))
        text->data[--text->length] = '\0';
    for (size_t i = 0; i < text->length; i++)
        if ((unsigned char)text->data[i] < ' ')
            text->data[i] = ' ';
    return rung_buf_cstr(text);
}

static void on_ended(void *context, struct rung_child *child, int status)
{
    struct rung_errand *errand = context;
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const char *complaint = complaint_of(errand);
    char why[COMPLAINT_BYTES + 100] = "";

    (void)child;
    errand->child = NULL;
    if (well && errand->out.overflow) {
        well = false;
        snprintf(why, sizeof why, "%s printed too much", errand->name);
    } else if (!well && complaint[0]) {
        snprintf(why, sizeof why, "%s", complaint);
    } else if (!well && WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "%s was killed by signal %d", errand->name, WTERMSIG(status));
    } else if (!well) {
        snprintf(why, sizeof why, "%s ended with exit status %d", errand->name, WEXITSTATUS(status));
    }
    finish(errand, well, why);
}

static void on_impatience(evutil_socket_t fd, short what, void *context)
{
    struct rung_errand *errand = context;
    char why[200];

    (void)fd, (void)what;
    snprintf(why, sizeof why, "%s did not end within %g s", errand->name, errand->patience);
    finish(errand, false, why);
}

static void on_printed(void *context, int stream, const char *data, size_t length)
{
    struct rung_errand *errand = context;
    struct rung_buf *to = stream == 1 ? &errand->out : &errand->complaint;
    size_t room = to->limit - to->length;

    if (length > room && to == &errand->complaint)
        length = room;
    rung_buf_append(to, data, length);
}

/* ---- its beginning ---- */

/* A file of its own, so that nobody has to wait until it is read. */
static int input_file(const char *text)
{
    size_t length = strlen(text), written = 0;
    int fd = memfd_create("input", MFD_CLOEXEC);

    while (fd >= 0 && written < length) {
        ssize_t got = write(fd, text + written, length - written);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            close(fd);
            return -1;
        }
        written += (size_t)got;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static int start_child(struct rung_errand *errand, struct event_base *base,
                       const struct rung_errand_options *options, struct rung_err *err)
{
    int input = options->input ? input_file(options->input) : 0;
    struct rung_child_options child = {.argv = options->argv,
                                       .input = input,
                                       .apart = true,
                                       .context = errand,
                                       .printed = on_printed,
                                       .ended = on_ended};

    if (input < 0)
        return rung_err_set(err, RUNG_EFAIL, "%s: its input: %s", options->argv[0], strerror(errno));
    int code = rung_child_start(&errand->child, base, &child, err);
    if (input > 0)
        close(input);
    return code;
}

int rung_errand_start(struct rung_errand **out, struct event_base *base,
                      const struct rung_errand_options *options, struct rung_err *err)
{
    struct rung_errand *errand = rung_mem_zalloc(1, sizeof *errand);
    struct timeval patience = {.tv_sec = (time_t)options->patience,
                               .tv_usec = (suseconds_t)(fmod(options->patience, 1) * 1e6)};

    errand->context = options->context;
    errand->done = options->done;
    errand->name = rung_mem_strdup(options->argv[0]);
    errand->patience = options->patience;
    rung_buf_init(&errand->out, options->most);
    rung_buf_init(&errand->complaint, COMPLAINT_BYTES);
    errand->impatience = evtimer_new(base, on_impatience, errand);
    if (!errand->impatience)
        rung_mem_out();
    evtimer_add(errand->impatience, &patience);
    int code = start_child(errand, base, options, err);
    if (code < 0) {
        rung_errand_free(errand);
        return code;
    }
    *out = errand;
    return 0;
}

void rung_errand_free(struct rung_errand *errand)
{
    if (!errand)
        return;
    rung_child_free(errand->child);
    event_free(errand->impatience);
    rung_buf_free(&errand->out);
    rung_buf_free(&errand->complaint);
    free(errand->name);
    free(errand);
}
