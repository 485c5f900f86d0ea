/* Owns the LIBSVM format: "LABEL INDEX:VALUE INDEX:VALUE …", indices from 1, rising. */
#include "base/mem.h"
#include "table.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *path;
    const char *p;
    int64_t line;
    int64_t features_max;
    struct rung_table *table;
    size_t entries, column_room, value_room, start_room, answer_room;
    struct rung_err *err;
};

static void skip_blanks(struct reader *r)
{
    while (*r->p == ' ' || *r->p == '\t')
        r->p++;
}

static bool at_end(const struct reader *r)
{
    return *r->p == '\0' || *r->p == '\n' || *r->p == '\r' || *r->p == '#';
}

/* What stands at r->p, for messages: up to the next blank. */
static int word_length(const struct reader *r)
{
    size_t length = strcspn(r->p, " \t\r\n");

    return length > 40 ? 40 : (int)length;
}

static int wrong(struct reader *r, const char *what)
{
    return rung_err_set(r->err, RUNG_EUSE, "%s:%lld: %s, not \"%.*s\"", r->path, (long long)r->line, what,
                        word_length(r), r->p);
}

static int read_entry(struct reader *r, int64_t *last)
{
    struct rung_table *table = r->table;
    const char *word = r->p;
    int64_t index = 0;
    double value;

    while (isdigit((unsigned char)*r->p) && index <= INT32_MAX)
        index = index * 10 + (*r->p++ - '0');
    if (r->p == word || *r->p != ':') {
        r->p = word;
        return wrong(r, "expected INDEX:VALUE");
    }
    r->p++;
    if (!rung_text_number(&r->p, &value) || !(at_end(r) || *r->p == ' ' || *r->p == '\t')) {
        r->p = word;
        return wrong(r, "expected INDEX:VALUE");
    }
    if (index < 1 || index > INT32_MAX || (r->features_max > 0 && index > r->features_max))
        return rung_err_set(r->err, RUNG_EUSE, "%s:%lld: index %lld (must be 1 to %lld)", r->path,
                            (long long)r->line, (long long)index,
                            (long long)(r->features_max > 0 ? r->features_max : INT32_MAX));
    if (index <= *last)
        return rung_err_set(r->err, RUNG_EUSE, "%s:%lld: index %lld after %lld (indices must rise)", r->path,
                            (long long)r->line, (long long)index, (long long)*last);
    *last = index;
    table->column = rung_mem_grow(table->column, r->entries, &r->column_room, sizeof *table->column);
    table->value = rung_mem_grow(table->value, r->entries, &r->value_room, sizeof *table->value);
    table->column[r->entries] = (int32_t)(index - 1);
    table->value[r->entries++] = (float)value;
    if (index > table->features)
        table->features = index;
    return 0;
}

static int read_line(struct reader *r)
{
    struct rung_table *table = r->table;
    int64_t last = 0;
    double label;

    skip_blanks(r);
    if (at_end(r))
        return 0;
    if (!rung_text_number(&r->p, &label) || !(at_end(r) || *r->p == ' ' || *r->p == '\t'))
        return wrong(r, "expected a label");
    table->answer = rung_mem_grow(table->answer, (size_t)table->rows, &r->answer_room, sizeof *table->answer);
    table->answer[table->rows] = label;
    table->start = rung_mem_grow(table->start, (size_t)table->rows, &r->start_room, sizeof *table->start);
    table->start[table->rows] = (int64_t)r->entries;
    if (table->rows++ == RUNG_TABLE_ROWS_MAX)
        return rung_err_set(r->err, RUNG_EUSE, "%s: more than 2^32 examples", r->path);
    for (skip_blanks(r); !at_end(r); skip_blanks(r))
        if (read_entry(r, &last) < 0)
            return r->err->code;
    return 0;
}

int rung_libsvm_read(const char *path, const struct rung_file *file, int64_t features_max,
                     struct rung_table *table, struct rung_err *err)
{
    struct reader r = {
        .path = path, .p = file->text, .line = 1, .features_max = features_max, .table = table, .err = err};
    const char *stop = file->text + file->length;

    table->storage = RUNG_STORE_SPARSE;
    table->name = path;
    for (; r.p < stop; r.line++) {
        if (read_line(&r) < 0)
            return err->code;
        r.p += strcspn(r.p, "\n"); /* a comment, a carriage return */
        if (r.p < stop && *r.p == '\0')
            return rung_err_set(err, RUNG_EUSE, "%s:%lld: a NUL byte", path, (long long)r.line);
        r.p++;
    }
    if (table->rows == 0)
        return rung_err_set(err, RUNG_EUSE, "%s: no examples", path);
    table->start = rung_mem_grow(table->start, (size_t)table->rows, &r.start_room, sizeof *table->start);
    table->start[table->rows] = (int64_t)r.entries;
    if (features_max > 0)
        table->features = features_max;
    return 0;
}

void rung_table_densify(struct rung_table *table)
{
    table->floats = rung_mem_zalloc((size_t)(table->rows * table->features), sizeof *table->floats);
    for (int64_t row = 0; row < table->rows; row++)
        for (int64_t i = table->start[row]; i < table->start[row + 1]; i++)
            table->floats[row * table->features + table->column[i]] = table->value[i];
    free(table->start);
    free(table->column);
    free(table->value);
    table->start = NULL;
    table->column = NULL;
    table->value = NULL;
    table->storage = RUNG_STORE_FLOATS;
}
