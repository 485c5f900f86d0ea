/* Owns the IDX format of the MNIST files: big-endian, a type, dimensions, values. */
#include "base/mem.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define DIMENSIONS_MAX 8

struct idx {
    unsigned int type;
    size_t width; /* bytes of a value */
    int64_t rows, features;
    const unsigned char *values;
    size_t offset; /* of the values in the file */
};

static uint64_t big_endian(const unsigned char *p, size_t width)
{
    uint64_t x = 0;

    while (width-- > 0)
        x = x << 8 | *p++;
    return x;
}

static size_t width_of(unsigned int type)
{
    switch (type) {
    case 0x08:
    case 0x09:
        return 1;
    case 0x0b:
        return 2;
    case 0x0c:
    case 0x0d:
        return 4;
    case 0x0e:
        return 8;
    default:
        return 0;
    }
}

static int read_header(const char *path, const struct rung_file *file, struct idx *idx, struct rung_err *err)
{
    const unsigned char *p = (const unsigned char *)file->text;
    unsigned int dimensions;
    uint64_t values = 1;

    if (file->length < 4 || p[0] != 0 || p[1] != 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s", path, file->length == 0 ? "empty" : "not an IDX file");
    idx->type = p[2];
    idx->width = width_of(idx->type);
    dimensions = p[3];
    if (idx->width == 0 || dimensions < 1 || dimensions > DIMENSIONS_MAX)
        return rung_err_set(err, RUNG_EUSE, "%s: not an IDX file (type 0x%02x, %u dimensions)", path, p[2],
                            p[3]);
    idx->offset = 4 + 4 * (size_t)dimensions;
    if (file->length < idx->offset)
        return rung_err_set(err, RUNG_EUSE, "%s: truncated: %zu bytes", path, file->length);
    idx->rows = (int64_t)big_endian(p + 4, 4);
    idx->features = 1;
    for (unsigned int i = 0; i < dimensions; i++) {
        uint64_t size = big_endian(p + 4 + 4 * (size_t)i, 4);

        if (size == 0)
            return rung_err_set(err, RUNG_EUSE, "%s: no examples", path);
        if (values > (uint64_t)file->length / size)
            return rung_err_set(err, RUNG_EUSE, "%s: truncated: its sizes ask for more than its %zu bytes",
                                path, file->length);
        values *= size;
        idx->features *= i > 0 ? (int64_t)size : 1;
    }
    if (values * idx->width != file->length - idx->offset)
        return rung_err_set(err, RUNG_EUSE, "%s: %s: %llu bytes of values announced, %zu there", path,
                            values * idx->width > file->length - idx->offset ? "truncated" : "too long",
                            (unsigned long long)(values * idx->width), file->length - idx->offset);
    idx->values = p + idx->offset;
    return 0;
}

static double value_at(const struct idx *idx, int64_t i)
{
    uint64_t bits = big_endian(idx->values + (size_t)i * idx->width, idx->width);
    uint32_t half = (uint32_t)bits;
    float single;
    double number;

    switch (idx->type) {
    case 0x08:
        return (double)bits;
    case 0x09:
        return (int8_t)bits;
    case 0x0b:
        return (int16_t)bits;
    case 0x0c:
        return (int32_t)bits;
    case 0x0d:
        memcpy(&single, &half, sizeof single);
        return single;
    default:
        memcpy(&number, &bits, sizeof number);
        return number;
    }
}

int rung_idx_read(const char *path, struct rung_file *file, struct rung_table *table, struct rung_err *err)
{
    struct idx idx;
    int64_t count;

    if (read_header(path, file, &idx, err) < 0)
        return err->code;
    table->rows = idx.rows;
    table->features = idx.features;
    table->name = path;
    if (idx.type == 0x08) {
        table->storage = RUNG_STORE_BYTES;
        table->owner = file->text;
        table->bytes = (uint8_t *)file->text + idx.offset;
        memset(file, 0, sizeof *file);
        return 0;
    }
    count = idx.rows * idx.features;
    table->storage = RUNG_STORE_FLOATS;
    table->floats = rung_mem_resize(NULL, (size_t)count, sizeof *table->floats);
    for (int64_t i = 0; i < count; i++)
        table->floats[i] = (float)value_at(&idx, i);
    return 0;
}

int rung_idx_labels(const char *path, const struct rung_file *file, struct rung_table *table,
                    struct rung_err *err)
{
    struct idx idx;

    if (read_header(path, file, &idx, err) < 0)
        return err->code;
    if (idx.features != 1)
        return rung_err_set(err, RUNG_EUSE, "%s: labels need one value per example, not %lld", path,
                            (long long)idx.features);
    if (idx.rows != table->rows)
        return rung_err_set(err, RUNG_EUSE, "%s: %lld labels for the %lld examples of %s", path,
                            (long long)idx.rows, (long long)table->rows, table->name);
    free(table->answer);
    table->answer = rung_mem_zalloc((size_t)idx.rows, sizeof *table->answer);
    for (int64_t i = 0; i < idx.rows; i++)
        table->answer[i] = value_at(&idx, i);
    return 0;
}
