/* Any bytes as a data file, in the format that its content looks like. The first two bytes pick CSV options.
 */
#include "trainer/table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth)
{
    if (!truth)
        abort();
}

static int read_as_csv(const uint8_t *pick, const struct rung_file *file, struct rung_table *table,
                       struct rung_err *err)
{
    static const char separators[] = {0, ',', ';', ' '};
    struct rung_csv_options options = {.separator = separators[pick[0] & 3],
                                       .header = (pick[0] >> 2) % 3 - 1,
                                       .no_target = pick[1] & 1,
                                       .missing_is_error = pick[1] & 2};
    struct rung_csv *csv = rung_csv_new(&options);
    struct rung_table again = {0};
    int code = rung_csv_read(csv, "file", file, table, err);

    if (code == 0) { /* the columns come from this file, so it fits them */
        check(rung_csv_read(csv, "file", file, &again, err) == 0);
        check(again.rows == table->rows && again.features == table->features);
    }
    rung_table_free(&again);
    rung_csv_free(csv);
    return code;
}

static void check_table(const struct rung_table *table)
{
    check(table->rows > 0);
    if (table->storage != RUNG_STORE_SPARSE)
        return;
    check(table->start[0] == 0);
    for (int64_t row = 0; row < table->rows; row++)
        for (int64_t i = table->start[row]; i < table->start[row + 1]; i++)
            check(table->column[i] >= 0 && table->column[i] < table->features &&
                  (i == table->start[row] || table->column[i] > table->column[i - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_file file = {0};
    struct rung_table table = {0};
    struct rung_err err = {0};
    int code;

    if (size < 2)
        return 0;
    file.length = size - 2;
    file.text = malloc(file.length + 1);
    check(file.text != NULL);
    memcpy(file.text, data + 2, file.length);
    file.text[file.length] = '\0';
    switch (rung_file_format(&file)) {
    case RUNG_FORMAT_IDX:
        code = rung_idx_read("file", &file, &table, &err);
        break;
    case RUNG_FORMAT_LIBSVM:
        code = rung_libsvm_read("file", &file, 0, &table, &err);
        break;
    default:
        code = read_as_csv(data, &file, &table, &err);
        break;
    }
    if (code == 0)
        check_table(&table);
    else
        check(err.code == RUNG_EUSE && *err.text != '\0');
    rung_table_free(&table);
    free(file.text);
    return 0;
}
