/* Reads command lines by a table of options and prints the help of that table. */
#include "cli/options.h"

#include "base/mem.h"
#include "base/shell.h"
#include "base/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rung_option help_option = {"help", 'h', NULL, "show this help"};

#define OPTIONS_MAX 32

/* ---- looking an option up ---- */

static const struct rung_option *find_name(const struct rung_option *options, size_t count, const char *name,
                                           size_t length)
{
    for (size_t i = 0; i < count; i++) {
        const char *known = options[i].name;
        if (known && strlen(known) == length && memcmp(known, name, length) == 0)
            return &options[i];
    }
    if (length == strlen(help_option.name) && memcmp(help_option.name, name, length) == 0)
        return &help_option;
    return NULL;
}

static const struct rung_option *find_letter(const struct rung_option *options, size_t count, char letter)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].letter == letter)
            return &options[i];
    return letter == help_option.letter ? &help_option : NULL;
}

static int unknown_name(const struct rung_option *options, size_t count, const char *name, size_t length,
                        struct rung_err *err)
{
    const char *names[OPTIONS_MAX];
    size_t known = 0;

    for (size_t i = 0; i < count && known < OPTIONS_MAX - 1; i++)
        if (options[i].name)
            names[known++] = options[i].name;
    names[known++] = help_option.name;

    char *word = rung_mem_strndup(name, length);
    const char *near = rung_suggest(word, names, known);
    int code = near
                   ? rung_err_set(err, RUNG_EUSE, "--%s: unknown option (did you mean \"--%s\"?)", word, near)
                   : rung_err_set(err, RUNG_EUSE, "--%s: unknown option", word);
    free(word);
    return code;
}

/* ---- reading ---- */

struct reader {
    struct rung_arguments *out;
    const struct rung_option *options;
    size_t count;
    int argc, next;
    char **argv;
};

static void give(struct rung_arguments *out, const struct rung_option *option, const char *value)
{
    if (option == &help_option)
        out->help = true;
    else
        out->given[out->given_count++] = (struct rung_given){option, value};
}

static int read_long(struct reader *reader, const char *text, struct rung_err *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    const struct rung_option *option = find_name(reader->options, reader->count, text, length);

    if (!option)
        return unknown_name(reader->options, reader->count, text, length, err);
    const char *value = equals ? equals + 1 : NULL;
    if (!option->value && value)
        return rung_err_set(err, RUNG_EUSE, "--%s: takes no value", option->name);
    if (option->value && !value) {
        if (reader->next == reader->argc)
            return rung_err_set(err, RUNG_EUSE, "--%s: needs a value (%s)", option->name, option->value);
        value = reader->argv[reader->next++];
    }
    give(reader->out, option, value);
    return 0;
}

/* -n5, -n 5, and flags bundled as in -abc. */
static int read_letters(struct reader *reader, const char *text, struct rung_err *err)
{
    for (; *text; text++) {
        const struct rung_option *option = find_letter(reader->options, reader->count, *text);
        const char *value = NULL;

        if (!option)
            return rung_err_set(err, RUNG_EUSE, "-%c: unknown option", *text);
        if (option->value && text[1])
            value = text + 1;
        else if (option->value && reader->next < reader->argc)
            value = reader->argv[reader->next++];
        else if (option->value)
            return rung_err_set(err, RUNG_EUSE, "-%c: needs a value (%s)", *text, option->value);
        give(reader->out, option, value);
        if (option->value)
            break;
    }
    return 0;
}

int rung_options_parse(struct rung_arguments *out, const struct rung_option *options, size_t count, int argc,
                       char **argv, struct rung_err *err)
{
    struct reader reader = {out, options, count, argc, 0, argv};
    bool ended = false;
    /* An argument gives one option, or as many flags as it has letters. */
    size_t most = 1;

    for (int i = 0; i < argc; i++)
        most += strlen(argv[i]) + 1;
    *out = (struct rung_arguments){0};
    out->given = rung_mem_zalloc(most, sizeof *out->given);
    out->words = rung_mem_zalloc((size_t)argc + 1, sizeof *out->words);
    while (reader.next < argc) {
        const char *text = argv[reader.next++];
        int code = 0;

        if (ended || text[0] != '-' || text[1] == '\0')
            out->words[out->word_count++] = text;
        else if (strcmp(text, "--") == 0)
            ended = true;
        else if (text[1] == '-')
            code = read_long(&reader, text + 2, err);
        else
            code = read_letters(&reader, text + 1, err);
        if (code < 0)
            return code;
    }
    return 0;
}

void rung_options_free(struct rung_arguments *arguments)
{
    free(arguments->given);
    free(arguments->words);
    *arguments = (struct rung_arguments){0};
}

static void add_given(struct rung_buf *out, const struct rung_given *given)
{
    if (given->option->name)
        rung_buf_printf(out, " --%s", given->option->name);
    else
        rung_buf_printf(out, " -%c", given->option->letter);
    if (given->value) {
        rung_buf_char(out, ' ');
        rung_shell_word(out, given->value);
    }
}

char *rung_options_line(const char *command, const struct rung_arguments *arguments)
{
    struct rung_buf line;
    bool dashes = false;

    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&line, "rung %s", command);
    for (size_t i = 0; i < arguments->given_count; i++)
        add_given(&line, &arguments->given[i]);
    for (size_t i = 0; i < arguments->word_count; i++)
        dashes |= arguments->words[i][0] == '-';
    rung_buf_text(&line, dashes ? " --" : "");
    for (size_t i = 0; i < arguments->word_count; i++) {
        rung_buf_char(&line, ' ');
        rung_shell_word(&line, arguments->words[i]);
    }
    return line.data;
}

/* ---- asking ---- */

static bool is_key(const struct rung_option *option, const char *key)
{
    if (option->name)
        return strcmp(option->name, key) == 0;
    return key[0] == option->letter && key[1] == '\0';
}

const char *rung_options_each(const struct rung_arguments *arguments, const char *key, size_t *cursor)
{
    while (*cursor < arguments->given_count) {
        const struct rung_given *given = &arguments->given[(*cursor)++];
        if (is_key(given->option, key))
            return given->value;
    }
    return NULL;
}

const char *rung_options_value(const struct rung_arguments *arguments, const char *key)
{
    const char *last = NULL, *value;

    for (size_t cursor = 0; (value = rung_options_each(arguments, key, &cursor)) != NULL;)
        last = value;
    return last;
}

bool rung_options_has(const struct rung_arguments *arguments, const char *key)
{
    for (size_t i = 0; i < arguments->given_count; i++)
        if (is_key(arguments->given[i].option, key))
            return true;
    return false;
}

int rung_options_number(const char *text, const char *what, int64_t lo, int64_t hi, int64_t *value,
                        struct rung_err *err)
{
    char *end;

    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool digits = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9');
    if (!digits || *end != '\0')
        return rung_err_set(err, RUNG_EUSE, "%s: \"%s\" is no whole number", what, text);
    if (errno == ERANGE || number < lo || number > hi) {
        if (hi == INT64_MAX)
            return rung_err_set(err, RUNG_EUSE, "%s: %s is less than %lld", what, text, (long long)lo);
        return rung_err_set(err, RUNG_EUSE, "%s: %s is not from %lld to %lld", what, text, (long long)lo,
                            (long long)hi);
    }
    *value = number;
    return 0;
}

int rung_options_integer(const struct rung_arguments *arguments, const char *key, int64_t lo, int64_t hi,
                         int64_t *value, struct rung_err *err)
{
    const char *text = rung_options_value(arguments, key);
    char what[64] = "-";

    if (!text)
        return 0;
    if (strlen(key) > 1)
        strcat(what, "-");
    strncat(what, key, sizeof what - 3);
    return rung_options_number(text, what, lo, hi, value, err);
}

int rung_options_list(const struct rung_arguments *arguments, const char *key, int64_t lo, int64_t hi,
                      int64_t *values, size_t max, size_t *count, struct rung_err *err)
{
    const char *text = rung_options_value(arguments, key);
    char what[64];
    int code = 0;

    if (!text)
        return 0;
    snprintf(what, sizeof what, "--%s", key);
    *count = 0;
    for (const char *part = text; code == 0 && part;
         part = strchr(part, ',') ? strchr(part, ',') + 1 : NULL) {
        char *number = rung_mem_strndup(part, strcspn(part, ","));
        if (*count == max)
            code = rung_err_set(err, RUNG_EUSE, "%s: more than %zu numbers", what, max);
        else
            code = rung_options_number(number, what, lo, hi, &values[*count], err);
        (*count)++;
        free(number);
    }
    return code;
}

void rung_options_again(struct rung_buf *out, const struct rung_arguments *arguments,
                        const char *const *names)
{
    for (; *names; names++) {
        const struct rung_given *last = NULL;
        for (size_t i = 0; i < arguments->given_count; i++)
            if (is_key(arguments->given[i].option, *names))
                last = &arguments->given[i];
        if (last)
            add_given(out, last);
    }
}

/* ---- help ---- */

#define HELP_COLUMN 24
#define HELP_WIDTH  79

/* Text from the help column on, broken between words. */
static void help_text(struct rung_buf *out, const char *text)
{
    while (strlen(text) > HELP_WIDTH - HELP_COLUMN) {
        size_t cut = HELP_WIDTH - HELP_COLUMN;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            break;
        rung_buf_append(out, text, cut);
        rung_buf_printf(out, "\n%*s", HELP_COLUMN, "");
        text += cut + 1;
    }
    rung_buf_printf(out, "%s\n", text);
}

static void help_line(struct rung_buf *out, const struct rung_option *option)
{
    size_t start = out->length;

    rung_buf_text(out, "  ");
    if (option->letter)
        rung_buf_printf(out, "-%c", option->letter);
    if (option->letter && option->name)
        rung_buf_text(out, ", ");
    if (option->name)
        rung_buf_printf(out, "--%s", option->name);
    if (option->value)
        rung_buf_printf(out, " %s", option->value);
    if (out->length - start + 2 > HELP_COLUMN) {
        rung_buf_char(out, '\n');
        start = out->length;
    }
    rung_buf_printf(out, "%*s", (int)(HELP_COLUMN - (out->length - start)), "");
    help_text(out, option->help);
}

void rung_options_help(struct rung_buf *out, const struct rung_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        help_line(out, &options[i]);
    help_line(out, &help_option);
}
