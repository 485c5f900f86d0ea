/* rung help [COMMAND] */
#include "cli/cmd.h"
#include "cli/command.h"

#include <stdio.h>

int rung_cmd_help(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (arguments->word_count == 0) {
        rung_command_overview(&text);
    } else {
        const struct rung_command *command = rung_command_find(arguments->words[0], err);
        if (!command)
            return RUNG_EUSE;
        rung_command_help(&text, command);
    }
    fputs(rung_buf_cstr(&text), stdout);
    rung_buf_free(&text);
    return 0;
}
