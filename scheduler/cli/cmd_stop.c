/* rung stop NAME */
#include "cli/asking.h"
#include "cli/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who does not wait any more has not taken it back. */
static void leave(void *context, struct rung_client *client)
{
    (void)context;
    fprintf(stderr, "rung: interrupted: the search is being stopped all the same\n");
    rung_client_done(client, 130);
}

static void print_status(const struct rung_asking *asking)
{
    printf("%s is %s\n", asking->search, asking->status);
    if (strcmp(asking->status, "interrupted") == 0) {
        char *line = rung_asking_resume("--resume", asking->search, *asking->limit ? asking->limit : NULL,
                                        asking->way);
        printf("%s  # to go on\n", line);
        free(line);
    }
}

int rung_cmd_stop(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_asking asking;
    int code = rung_asking_open(&asking, arguments, "stop", err);

    if (code == 0) {
        rung_asking_add(&asking, "search", arguments->words[0]);
        rung_buf_printf(&asking.command, ",\"now\":%s",
                        rung_options_has(arguments, "now") ? "true" : "false");
        asking.interrupted = leave;
        code = rung_asking_give(&asking, err);
    }
    if (code == 0 && asking.search && !asking.quiet)
        print_status(&asking);
    rung_asking_close(&asking);
    return code;
}
