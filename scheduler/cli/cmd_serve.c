/* rung serve [DB] */
#include "cli/asking.h"
#include "cli/cmd.h"
#include "cli/launch.h"
#include "cli/serving.h"

#include <stdlib.h>
#include <string.h>

int rung_cmd_serve(const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *word = arguments->word_count ? arguments->words[0] : NULL;
    const char *option = rung_options_value(arguments, "db");
    struct rung_launch launch;
    int code;

    if (word && option && strcmp(word, option) != 0)
        return rung_err_set(err, RUNG_EUSE, "serve: two databases are named, %s and --db %s", word, option);
    if ((code = rung_launch_daemon(&launch, arguments, err)) < 0)
        return code;
    struct rung_serving_options options = {.database = word     ? word
                                                       : option ? option
                                                                : RUNG_ASKING_DATABASE,
                                           .trainers = launch.trainers,
                                           .listen = launch.listens ? &launch.listen : NULL,
                                           .quiet = launch.quiet};
    char *socket = rung_asking_socket(options.database);
    options.socket = socket;
    code = rung_serving_run(&options, err);
    free(socket);
    return code;
}
