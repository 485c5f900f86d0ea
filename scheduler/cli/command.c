/* The table of commands, and what is done with it: dispatch, help, suggestions. */
#include "cli/command.h"

#include "base/suggest.h"
#include "cli/cmd.h"
#include "rung/version.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array)   (sizeof(array) / sizeof *(array))
#define OPTIONS(array) array, COUNT(array)

#define SEARCH                                                                                               \
    {                                                                                                        \
        "search", 0, "NAME", "which search of the database (default: the newest)"                            \
    }
#define FORMAT                                                                                               \
    {                                                                                                        \
        "format", 0, "FORMAT", "table (default), json or csv"                                                \
    }
#define SET                                                                                                  \
    {                                                                                                        \
        "set", 0, "KEY=VALUE", "override a value of the spec by its dotted path; repeatable"                 \
    }

#define SLURM                                                                                                \
    {                                                                                                        \
        "slurm", 0, "N", "have Slurm start up to N workers, as the spec's cluster says; no trainers here"    \
    }
#define ORPHAN_TIMEOUT                                                                                       \
    {                                                                                                        \
        "orphan-timeout", 0, "TIME",                                                                         \
            "workers from Slurm leave without a scheduler for so long (default: 60s)"                        \
    }

static const struct rung_option run_options[] = {
    {"db", 0, "FILE", "the database (default: NAME.db in the current directory)"},
    {"trainers", 0, "N", "trainers to start (default: trainer.count, else one per processor)"},
    SET,
    {"listen", 0, "ADDRESS", "take workers there, such as :7700 or [::1]:7700; needs --key"},
    {"key", 0, "FILE", "the key that workers must have, too (rung key makes one)"},
    {"heartbeat", 0, "TIME", "between life signs; a worker silent for three is gone (default: 5s)"},
    SLURM,
    ORPHAN_TIMEOUT,
    {"time-limit", 0, "TIME", "stop after TIME, such as 90, 10m or 2h; the search stays resumable"},
    {"events", 0, "FILE", "append every event to FILE as a JSON line (-: standard output)"},
    {"quiet", 0, NULL, "print nothing but errors"},
};

static const struct rung_option resume_options[] = {
    {"db", 0, "FILE", "the database, instead of the operand DB"},
    SEARCH,
    {"trainers", 0, "N", "trainers to start (default: trainer.count, else one per processor)"},
    {"set", 0, "KEY=VALUE",
     "change limits.*, search.priority, trainer.* or cluster.* of the stored spec; repeatable"},
    {"listen", 0, "ADDRESS", "take workers there, such as :7700 or [::1]:7700; needs --key"},
    {"key", 0, "FILE", "the key that workers must have, too (rung key makes one)"},
    {"heartbeat", 0, "TIME", "between life signs; a worker silent for three is gone (default: 5s)"},
    SLURM,
    ORPHAN_TIMEOUT,
    {"time-limit", 0, "TIME", "stop after TIME, counted from this start"},
    {"events", 0, "FILE", "append every event to FILE as a JSON line (-: standard output)"},
    {"quiet", 0, NULL, "print nothing but errors"},
};

#define DAEMON                                                                                               \
    {"db", 0, "FILE", "the daemon of this database, by its socket FILE.sock (default: rung.db)"},            \
        {"to", 0, "ADDRESS", "the daemon there, such as head-node:7700; needs --key"},                       \
    {                                                                                                        \
        "key", 0, "FILE", "the daemon's key, for --to"                                                       \
    }
#define ASKED                                                                                                \
    {"db", 0, "FILE", "ask the daemon of this database, by its socket FILE.sock, instead of DB"},            \
        {"to", 0, "ADDRESS", "ask the daemon there, such as head-node:7700; needs --key"},                   \
    {                                                                                                        \
        "key", 0, "FILE", "the daemon's key, for --to"                                                       \
    }

static const struct rung_option serve_options[] = {
    {"db", 0, "FILE", "the database, instead of the operand DB (default: rung.db)"},
    {"trainers", 0, "N", "trainers to start (default: one per processor)"},
    {"listen", 0, "ADDRESS", "take workers and commands there, such as :7700; needs --key"},
    {"key", 0, "FILE", "the key that they must have, too (rung key makes one)"},
    {"heartbeat", 0, "TIME", "between life signs; a worker silent for three is gone (default: 5s)"},
    {"quiet", 0, NULL, "print nothing but errors"},
};
static const struct rung_option submit_options[] = {
    DAEMON,
    {"set", 0, "KEY=VALUE", "override a value of the spec by its dotted path; repeatable"},
    {"resume", 0, "NAME", "go on with a search of the daemon's database, instead of SPEC"},
    {"wait", 0, NULL, "show progress until the search ends, and end as rung run does"},
    {"quiet", 0, NULL, "print nothing but errors"},
};
static const struct rung_option stop_options[] = {
    DAEMON,
    {"now", 0, NULL, "do not wait for the running jobs, which are then done again"},
    {"quiet", 0, NULL, "print nothing but errors"},
};

static const struct rung_option worker_options[] = {
    {"key", 0, "FILE", "the scheduler's key (rung key makes one)"},
    {"trainers", 0, "N", "trainers to keep (default: one per processor)"},
    {"orphan-timeout", 0, "TIME", "leave when there is no scheduler for so long (default: 60s)"},
    {"quiet", 0, NULL, "print nothing but errors"},
};

static const struct rung_option top_options[] = {
    {NULL, 'n', "N", "the first N models only, 0 for all (default: 20 in a table, else all)"},
    SEARCH,
    FORMAT,
    ASKED,
};
static const struct rung_option list_options[] = {FORMAT, ASKED};
static const struct rung_option show_options[] = {SEARCH, FORMAT, ASKED};
static const struct rung_option plan_options[] = {
    {"db", 0, "FILE", "the database with earlier searches (default: NAME.db, if it is there)"},
    {"probe", 0, NULL, "measure a few calls of a few models instead"},
    {"trainers", 0, "LIST", "forecast for these numbers of trainers, such as 4,16,64"},
    {"budget", 0, "CALLS", "propose the largest max_iter within so many calls"},
    {"deadline", 0, "TIME", "propose the largest max_iter that ends within TIME, such as 10m or 2h"},
    SET,
    FORMAT,
};
static const struct rung_option simulate_options[] = {
    {"trainers", 0, "LIST",
     "numbers of trainers, such as 8,16,24 (default: powers of two around the recorded one)"},
    {"priority", 0, "LIST", "score, fifo or critical, or several of them (default: the search's own)"},
    {"bracket-order", 0, "ORDER",
     "planned (default), reversed, or those first to start, such as 2,0,1; repeatable"},
    {"unit", 0, "UNIT", "job (default), or call: every call and score queued anew"},
    {"fit-seconds", 0, "TIME", "of every call (default: as recorded; of a spec: 1)"},
    {"score-seconds", 0, "TIME", "of every score (default: as recorded; of a spec: 0)"},
    {"overhead-seconds", 0, "TIME", "of every job beside these (default: as recorded, else 0)"},
    {"transfer-seconds", 0, "TIME", "of a job whose state its trainer does not hold (default: 0)"},
    {"start-seconds", 0, "TIME", "until trainers are ready (default: as recorded, else 0)"},
    {"slow", 0, "N:FACTOR", "N trainers take FACTOR times as long"},
    {"loss", 0, "SHARE", "of attempts that are lost, with their trainer, and done again"},
    {"model", 0, "NAME", "durations for a spec: synthetic (default), ernest:T0,T1,T2,T3 or lognormal:SD"},
    {"unknown", 0, "WHAT", "jobs that are not recorded: leave (default), or last: the model's last score"},
    {"seed", 0, "N", "of losses and of lognormal durations (default: 0)"},
    SEARCH,
    {"set", 0, "KEY=VALUE", "override a value of the spec; of a recorded search search.*; repeatable"},
    FORMAT,
    {"svg", 0, "FILE", "plot the best score against time"},
    {"svg-time", 0, "FILE", "plot the time against the number of trainers"},
};
static const struct rung_option predict_options[] = {
    {"metric", 0, "NAME", "a name in metrics (default: the objective)"},
    {"to", 0, "CALLS", "forecast up to CALLS (default: the last rung of the model's bracket)"},
    {"level", 0, "SHARE", "how often intervals are to hold (default: 0.8)"},
    SEARCH,
    FORMAT,
    {"svg", 0, "FILE", "plot the curve"},
};
static const struct rung_option advise_options[] = {
    {"goal", 0, "EPS", "come within EPS of the limit of the loss as soon as possible"},
    {"deadline", 0, "TIME", "have the lowest loss after TIME, such as 90, 10m or 2h"},
    {"machines", 0, "NAME",
     "the parameter that is the degree of parallelism (default: machines, workers, m, parallelism; else "
     "threads)"},
    {"algorithm", 0, "NAME",
     "the parameter that is the algorithm (default: algorithm; else the search's name)"},
    {"metric", 0, "NAME", "the loss: a name in metrics (default: the objective)"},
    {"maximize", 0, NULL, "the metric is better the larger it is (default: as the objective says)"},
    {"limit", 0, "VALUE", "the limit of the metric, where it is known (default: fitted)"},
    {"bound", 0, "NAME", "a name in metrics that bounds the limit, as dual objectives do"},
    {"candidates", 0, "LIST", "also these numbers of machines, such as 16,64, by the models alone"},
    {"search", 0, "NAME", "the searches of this name only (default: all)"},
    FORMAT,
};
static const struct rung_option check_options[] = {SET};

static const struct rung_option export_options[] = {
    {"what", 0, "VIEW",
     "history (default), leaderboard, models, calls, failures, brackets, searches or trainers"},
    SEARCH,
    {"format", 0, "FORMAT", "csv (default), json (an object a line) or table"},
};

static const struct rung_option best_options[] = {
    SEARCH,
    {"format", 0, "FORMAT", "its row of the leaderboard as table, json or csv"},
    {"state", 0, "FILE", "copy its trained state to FILE"},
};

static const struct rung_option logs_options[] = {
    {NULL, 'n', "N", "the last N lines of each log file (default: 20)"},
    SEARCH,
    {"format", 0, "FORMAT", "rows of the failures as table, json or csv, no log files"},
};
static const struct rung_option retry_options[] = {SEARCH};

static const struct rung_command table[] = {
    {"run", "SPEC", 1, 1, "start a search, show progress, end with the leaderboard", OPTIONS(run_options),
     "rung run four_circles.json --trainers 4 --set search.seed=7", rung_cmd_run},
    {"resume", "DB", 0, 1, "go on with an interrupted search", OPTIONS(resume_options),
     "rung resume four-circles.db --set limits.time=4h", rung_cmd_resume},
    {"top", "DB", 0, 1, "leaderboard", OPTIONS(top_options), "rung top four-circles.db -n 10", rung_cmd_top},
    {"list", "DB", 0, 1, "the searches in a database, a line each", OPTIONS(list_options),
     "rung list four-circles.db", rung_cmd_list},
    {"show", "DB [MODEL]", 0, 2, "one search, or one model with its whole history", OPTIONS(show_options),
     "rung show four-circles.db 17", rung_cmd_show},
    {"plan", "SPEC", 1, 1, "what the search will do and what it will cost, without doing it",
     OPTIONS(plan_options), "rung plan four_circles.json --set search.aggressiveness=3", rung_cmd_plan},
    {"simulate", "DB|SPEC", 1, 1, "a search on other numbers of trainers, on a virtual clock",
     OPTIONS(simulate_options), "rung simulate four-circles.db --trainers 8,16,24,32 --svg best.svg",
     rung_cmd_simulate},
    {"predict", "DB MODEL", 2, 2, "a model's learning curve, fitted and forecast", OPTIONS(predict_options),
     "rung predict four-circles.db 17 --svg curve.svg", rung_cmd_predict},
    {"advise", "DB...", 1, 1000, "which algorithm and degree of parallelism reaches a goal soonest",
     OPTIONS(advise_options), "rung advise cocoa.db sgd.db --goal 1e-4", rung_cmd_advise},
    {"check", "SPEC", 1, 1, "read the spec, say what is wrong with it", OPTIONS(check_options),
     "rung check four_circles.json", rung_cmd_check},
    {"export", "DB", 1, 1, "history as CSV or JSON lines", OPTIONS(export_options),
     "rung export four-circles.db --what models --format json", rung_cmd_export},
    {"best", "DB", 1, 1, "the best model's parameters", OPTIONS(best_options),
     "rung best four-circles.db --state best.state", rung_cmd_best},
    {"logs", "DB [MODEL]", 1, 2, "what the trainers printed, for a model or for the failures",
     OPTIONS(logs_options), "rung logs four-circles.db 17", rung_cmd_logs},
    {"retry", "DB [MODEL]", 1, 2, "give failed models another chance while their rung is undecided",
     OPTIONS(retry_options), "rung retry four-circles.db 17", rung_cmd_retry},
    {"delete", "DB SEARCH", 2, 2, "remove a search with its states and logs", NULL, 0,
     "rung delete four-circles.db four-circles-2", rung_cmd_delete},
    {"serve", "[DB]", 0, 1, "a daemon: many searches, one database, remote workers", OPTIONS(serve_options),
     "rung serve all.db --trainers 8 --listen :7700 --key rung.key", rung_cmd_serve},
    {"submit", "SPEC", 0, 1, "hand a spec to a daemon", OPTIONS(submit_options),
     "rung submit four_circles.json --db all.db --wait", rung_cmd_submit},
    {"stop", "NAME", 1, 1, "stop one of the daemon's searches (it stays resumable)", OPTIONS(stop_options),
     "rung stop four-circles --db all.db", rung_cmd_stop},
    {"key", "FILE", 1, 1, "make a secret key for workers", NULL, 0, "rung key rung.key", rung_cmd_key},
    {"worker", "ADDRESS", 1, 1, "keep trainers here for a scheduler elsewhere", OPTIONS(worker_options),
     "rung worker head-node:7700 --key rung.key --trainers 8", rung_cmd_worker},
    {"help", "[COMMAND]", 0, 1, "the commands, or the options of one", NULL, 0, "rung help run",
     rung_cmd_help},
};

const struct rung_command *rung_command_table(size_t *count)
{
    *count = COUNT(table);
    return table;
}

const struct rung_command *rung_command_find(const char *name, struct rung_err *err)
{
    const char *names[COUNT(table)];

    for (size_t i = 0; i < COUNT(table); i++) {
        names[i] = table[i].name;
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    const char *near = rung_suggest(name, names, COUNT(table));
    if (near)
        rung_err_set(err, RUNG_EUSE, "%s: unknown command (did you mean \"%s\"?)", name, near);
    else
        rung_err_set(err, RUNG_EUSE, "%s: unknown command", name);
    rung_err_way_out(err, "rung help");
    return NULL;
}

void rung_command_help(struct rung_buf *out, const struct rung_command *command)
{
    rung_buf_printf(out, "Usage: rung %s %s%s\n", command->name, command->operands,
                    command->option_count ? " [OPTION]..." : "");
    rung_buf_printf(out, "%c%s.\n\nOptions:\n",
                    command->summary[0] - ('a' <= command->summary[0] ? 'a' - 'A' : 0), command->summary + 1);
    rung_options_help(out, command->options, command->option_count);
    rung_buf_printf(out, "\nExample:\n  %s\n", command->example);
}

void rung_command_overview(struct rung_buf *out)
{
    rung_buf_text(out, "Usage: rung COMMAND ...\n"
                       "Search hyperparameters with trainers that are programs of your own.\n\nCommands:\n");
    for (size_t i = 0; i < COUNT(table); i++) {
        size_t start = out->length;
        rung_buf_printf(out, "  %s %s", table[i].name, table[i].operands);
        rung_buf_printf(out, "%*s%s\n", (int)(24 - (out->length - start)), "", table[i].summary);
    }
    rung_buf_text(out, "\nOptions:\n"
                       "  --version             show the version\n"
                       "  -h, --help            show this help; after a command: its options\n"
                       "\nExample:\n"
                       "  rung run four_circles.json\n");
}

static int print_and_free(struct rung_buf *text, FILE *file, int status)
{
    fputs(rung_buf_cstr(text), file);
    rung_buf_free(text);
    return status;
}

static int run_command(const struct rung_command *command, int argc, char **argv, struct rung_err *err)
{
    struct rung_arguments arguments;
    struct rung_buf help;
    int code = rung_options_parse(&arguments, command->options, command->option_count, argc, argv, err);

    if (code == 0 && arguments.help) {
        rung_buf_init(&help, RUNG_BUF_UNLIMITED);
        rung_command_help(&help, command);
        code = print_and_free(&help, stdout, 0);
        goto out;
    }
    if (code == 0 && arguments.word_count < command->words_min)
        code = rung_err_set(err, RUNG_EUSE, "an operand is missing: %s", command->operands);
    else if (code == 0 && arguments.word_count > command->words_max)
        code = rung_err_set(err, RUNG_EUSE, "\"%s\" is one operand too many",
                            arguments.words[command->words_max]);
    if (code < 0) {
        rung_err_prefix(err, "%s", command->name);
        rung_err_way_out(err, "rung %s --help", command->name);
    } else {
        code = command->run(&arguments, err);
    }
out:
    rung_options_free(&arguments);
    return code;
}

int rung_command_main(int argc, char **argv, struct rung_err *err)
{
    const char *word = argc > 1 ? argv[1] : NULL;

    if (word && strcmp(word, "--version") == 0) {
        printf("rung %s\n", RUNG_VERSION);
        return 0;
    }
    if (!word || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        struct rung_buf text;
        rung_buf_init(&text, RUNG_BUF_UNLIMITED);
        rung_command_overview(&text);
        return print_and_free(&text, word ? stdout : stderr, word ? 0 : 2);
    }
    if (word[0] == '-') {
        rung_err_set(err, RUNG_EUSE, "%s: unknown option", word);
        return rung_err_way_out(err, "rung help");
    }
    const struct rung_command *command = rung_command_find(word, err);
    return command ? run_command(command, argc - 2, argv + 2, err) : RUNG_EUSE;
}
