/* rung key FILE */
#include "cli/cmd.h"
#include "dispatch/key.h"

#include <stdio.h>

int rung_cmd_key(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *path = arguments->words[0];
    int code = rung_key_make(path, err);

    if (code == 0)
        printf("%s: a new key; where trainers are to run:  rung worker ADDRESS --key %s\n", path, path);
    return code;
}
