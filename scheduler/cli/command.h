/*
 * The table of commands: what each is called, takes and shows in its help, and the function that does it.
 * Help, documentation checks and shell completion all start from this table.
 */
#ifndef RUNG_CLI_COMMAND_H
#define RUNG_CLI_COMMAND_H

#include "base/err.h"
#include "cli/options.h"

#include <stddef.h>

struct rung_command {
    const char *name;
    const char *operands; /* as in the usage line, such as "DB [MODEL]" */
    size_t words_min, words_max;
    const char *summary; /* one line, no full stop */
    const struct rung_option *options;
    size_t option_count;
    const char *example; /* a command line that works */
    /* Returns the exit status, or a negative error code with err filled. */
    int (*run)(const struct rung_arguments *arguments, struct rung_err *err);
};

const struct rung_command *rung_command_table(size_t *count);
/* NULL with err filled, naming the nearest command, when there is none of that name. */
const struct rung_command *rung_command_find(const char *name, struct rung_err *err);
/* The help of one command, and of the program. */
void rung_command_help(struct rung_buf *out, const struct rung_command *command);
void rung_command_overview(struct rung_buf *out);
/* Does what argv (of main) says: the exit status, or a negative code. */
int rung_command_main(int argc, char **argv, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
