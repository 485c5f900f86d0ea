/* rung logs DB [MODEL] */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_SHOWN 20

/* ---- failures ---- */

static struct rung_cell cell_of(const struct rung_query *query, const char *column)
{
    return rung_rows_cell(query, (size_t)rung_query_find(query, column));
}

/* What a trainer prints may hold anything: its lines are kept, indented, and other control characters are
 * not. */
static void print_excerpt(FILE *out, const char *log)
{
    while (*log) {
        size_t length = strcspn(log, "\n");
        char *line = rung_mem_strndup(log, length);
        struct rung_buf safe;
        for (char *c = line; *c; c++)
            if (*c == '\t')
                *c = ' ';
        rung_buf_init(&safe, RUNG_BUF_UNLIMITED);
        rung_human_text(&safe, line);
        fprintf(out, "    %s\n", rung_buf_cstr(&safe));
        rung_buf_free(&safe);
        free(line);
        log += length + (log[length] == '\n');
    }
}

static void print_failure(FILE *out, const struct rung_query *query)
{
    struct rung_cell model = cell_of(query, "model"), trainer = cell_of(query, "trainer"),
                     log = cell_of(query, "log");
    struct rung_cell reason = cell_of(query, "reason"), kind = cell_of(query, "kind"),
                     at = cell_of(query, "at");
    struct rung_buf line;

    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    if (at.text)
        rung_buf_printf(&line, "%s ", at.text);
    if (model.type == RUNG_CELL_INTEGER)
        rung_buf_printf(&line, "model %lld, calls %lld to %lld, attempt %lld, ", (long long)model.integer,
                        (long long)cell_of(query, "from_call").integer,
                        (long long)cell_of(query, "to_call").integer,
                        (long long)cell_of(query, "attempt").integer);
    if (trainer.type == RUNG_CELL_INTEGER)
        rung_buf_printf(&line, "trainer %lld: ", (long long)trainer.integer);
    rung_buf_printf(&line, "%s: ", kind.text ? kind.text : "failure");
    rung_human_text(&line, reason.text ? reason.text : "no reason given");
    fprintf(out, "%s\n", rung_buf_cstr(&line));
    rung_buf_free(&line);
    if (log.text)
        print_excerpt(out, log.text);
}

static int print_failures(const struct rung_reading *reading, size_t *count, struct rung_err *err)
{
    struct rung_query *query;
    int code = rung_query_open(&query, reading->store, RUNG_VIEW_FAILURES, &reading->filter, err);

    if (code < 0)
        return code;
    for (*count = 0; (code = rung_query_next(query, err)) == 1; (*count)++)
        print_failure(reading->out, query);
    rung_query_close(query);
    return code;
}

/* ---- log files ---- */

/* Where the last `lines` lines of text begin. */
static const char *last_lines(const char *text, size_t length, int64_t lines)
{
    const char *start = text + length;

    if (length > 0 && start[-1] == '\n')
        start--;
    while (start > text && !(start[-1] == '\n' && --lines == 0))
        start--;
    return start;
}

#define TAIL_BYTES_MAX ((size_t)1 << 20)

/* The end of a log file, as long as a mebibyte holds it. */
static void print_file(FILE *out, const char *path, int64_t lines)
{
    FILE *file = fopen(path, "re");
    char *text = rung_mem_zalloc(TAIL_BYTES_MAX, 1);
    size_t length = 0;

    fprintf(out, "==> %s <==\n", path);
    if (file) {
        if (fseek(file, -(long)TAIL_BYTES_MAX, SEEK_END) < 0)
            rewind(file);
        length = fread(text, 1, TAIL_BYTES_MAX - 1, file);
        fclose(file);
        for (size_t i = 0; i < length; i++)
            if (text[i] == '\0')
                text[i] = '?';
        if (lines > 0)
            print_excerpt(out, last_lines(text, length, lines));
    } else {
        fprintf(out, "    %s\n", errno == ENOENT ? "nothing was printed" : strerror(errno));
    }
    free(text);
}

/* The trainers that a model's results came from, each once, in order of their first. */
static int print_files(const struct rung_reading *reading, int64_t lines, struct rung_err *err)
{
    struct rung_query *query;
    int64_t *seen = NULL;
    size_t count = 0, capacity = 0;
    int code = rung_query_open(&query, reading->store, RUNG_VIEW_HISTORY, &reading->filter, err);

    if (code < 0)
        return code;
    while ((code = rung_query_next(query, err)) == 1) {
        struct rung_cell trainer = cell_of(query, "trainer");
        size_t i = 0;
        while (i < count && seen[i] != trainer.integer)
            i++;
        if (i < count || trainer.type != RUNG_CELL_INTEGER)
            continue;
        seen = rung_mem_grow(seen, count, &capacity, sizeof *seen);
        seen[count++] = trainer.integer;
        char *path = rung_mem_printf("%s.logs/%s/%lld.log", rung_store_path(reading->store),
                                     reading->row.name, (long long)trainer.integer);
        print_file(reading->out, path, lines);
        free(path);
    }
    free(seen);
    rung_query_close(query);
    return code;
}

/* ---- the command ---- */

static int print_logs(const struct rung_reading *reading, int64_t lines, struct rung_err *err)
{
    size_t failures;
    int code = print_failures(reading, &failures, err);

    if (code < 0)
        return code;
    if (reading->filter.model != RUNG_QUERY_ANY)
        return print_files(reading, lines, err);
    if (failures == 0)
        fprintf(reading->out, "%s: no failures; the trainers' own output lies in %s.logs/%s/\n",
                reading->row.name, rung_store_path(reading->store), reading->row.name);
    return 0;
}

int rung_cmd_logs(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_reading reading;
    int64_t lines = LINES_SHOWN;
    int code;

    if ((code = rung_reading_open(&reading, arguments, RUNG_FORMAT_TABLE, err)) == 0 &&
        (code = rung_options_integer(arguments, "n", 0, INT64_MAX, &lines, err)) == 0)
        code = rung_options_has(arguments, "format")
                   ? rung_reading_view(&reading, RUNG_VIEW_FAILURES, NULL, err)
                   : print_logs(&reading, lines, err);
    return rung_reading_end(&reading, code, err);
}
