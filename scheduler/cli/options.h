/*
 * Command lines the GNU way: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, flags, `--` ends options,
 * operands anywhere between. What a command accepts is a table, from which its help is printed too.
 */
#ifndef RUNG_CLI_OPTIONS_H
#define RUNG_CLI_OPTIONS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_option {
    const char *name;  /* without dashes; NULL: there is only the letter */
    char letter;       /* 0: there is only the name */
    const char *value; /* what the help calls its value; NULL: a flag */
    const char *help;
};

struct rung_given {
    const struct rung_option *option;
    const char *value; /* NULL of a flag */
};

/* What was given; all texts belong to argv, the options to their table. */
struct rung_arguments {
    struct rung_given *given; /* in the order of the command line */
    size_t given_count;
    const char **words; /* operands */
    size_t word_count;
    bool help; /* -h or --help, which every command has, came before any error */
};

/* Reads argv[0 … argc-1] (without program and command). RUNG_EUSE for an unknown option (naming the nearest),
 * a missing value, or a value for a flag. Free out with rung_options_free, also after a failure. */
int rung_options_parse(struct rung_arguments *out, const struct rung_option *options, size_t count, int argc,
                       char **argv, struct rung_err *err) RUNG_CHECK_RESULT;
void rung_options_free(struct rung_arguments *arguments);
/* The command line again, as it can be typed; the caller frees it. */
char *rung_options_line(const char *command, const struct rung_arguments *arguments);

/* Appends of the options with these names (NULL ends them) those that were given, each behind a blank, with
 * the value that holds, as they can be typed. */
void rung_options_again(struct rung_buf *out, const struct rung_arguments *arguments,
                        const char *const *names);

/* key: an option's name, or its letter as text where it has no name. */
bool rung_options_has(const struct rung_arguments *arguments, const char *key);
/* The last value given, or NULL. */
const char *rung_options_value(const struct rung_arguments *arguments, const char *key);
/* The values in order: start with *cursor 0; NULL at the end. */
const char *rung_options_each(const struct rung_arguments *arguments, const char *key, size_t *cursor);
/* Leaves *value alone when the option was not given. RUNG_EUSE when it is no whole number in [lo, hi]. */
int rung_options_integer(const struct rung_arguments *arguments, const char *key, int64_t lo, int64_t hi,
                         int64_t *value, struct rung_err *err) RUNG_CHECK_RESULT;
/* A whole number in [lo, hi], nothing around it; what names it in the error. */
int rung_options_number(const char *text, const char *what, int64_t lo, int64_t hi, int64_t *value,
                        struct rung_err *err) RUNG_CHECK_RESULT;

/* A list such as 4,16,64 of at most max whole numbers in [lo, hi]; leaves *count alone when the option was
 * not given. RUNG_EUSE. */
int rung_options_list(const struct rung_arguments *arguments, const char *key, int64_t lo, int64_t hi,
                      int64_t *values, size_t max, size_t *count, struct rung_err *err) RUNG_CHECK_RESULT;

/* Appends a line per option (two where the first is full), -h/--help last. */
void rung_options_help(struct rung_buf *out, const struct rung_option *options, size_t count);

#endif
