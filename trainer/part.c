/* Owns giving out rows of a part as floats, whatever they are stored as. */
#include "table.h"

#include <string.h>

#define WIDE 16 /* a constant count lets the compiler use vector instructions at -O2 */

static void bytes_row(const struct rung_part *part, int64_t row, float *restrict out)
{
    const uint8_t *restrict bytes = part->bytes + row * part->features;
    const float *restrict scale = part->scale, *restrict shift = part->shift;
    int64_t j = 0;

    for (; j + WIDE <= part->features; j += WIDE)
        for (int k = 0; k < WIDE; k++)
            out[j + k] = (float)bytes[j + k] * scale[j + k] + shift[j + k];
    for (; j < part->features; j++)
        out[j] = (float)bytes[j] * scale[j] + shift[j];
}

static void sparse_row(const struct rung_part *part, int64_t row, float *out)
{
    memset(out, 0, (size_t)part->features * sizeof *out);
    for (int64_t i = part->start[row]; i < part->start[row + 1]; i++)
        out[part->column[i]] = part->value[i];
}

static void clean_row(const struct rung_part *part, int64_t row, float *out)
{
    switch (part->storage) {
    case RUNG_STORE_FLOATS:
        memcpy(out, part->floats + row * part->features, (size_t)part->features * sizeof *out);
        break;
    case RUNG_STORE_BYTES:
        bytes_row(part, part->noise ? row % part->images : row, out);
        break;
    case RUNG_STORE_SPARSE:
        sparse_row(part, row, out);
        break;
    }
}

static void input_row(const struct rung_part *part, int64_t row, float *out)
{
    clean_row(part, row, out);
    if (part->noise)
        rung_noise_add(part->noise, part->first_noisy + row, out, part->features);
}

void rung_part_inputs(const struct rung_part *part, const uint32_t *rows, int64_t count, float *out)
{
    if (part->storage == RUNG_STORE_FLOATS &&
        part->features <= 16) { /* a call of memcpy costs as much as the row */
        for (int64_t i = 0; i < count; i++) {
            const float *row = part->floats + (int64_t)rows[i] * part->features;

            for (int64_t j = 0; j < part->features; j++)
                *out++ = row[j];
        }
        return;
    }
    for (int64_t i = 0; i < count; i++)
        input_row(part, rows[i], out + i * part->features);
}

void rung_part_targets(const struct rung_part *part, const uint32_t *rows, int64_t count, float *out)
{
    if (part->target) {
        for (int64_t i = 0; i < count; i++)
            out[i] = part->target[rows[i]];
        return;
    }
    for (int64_t i = 0; i < count; i++)
        clean_row(part, rows[i], out + i * part->features);
}

const float *rung_part_block(const struct rung_part *part, int64_t first, int64_t count, float *scratch)
{
    if (part->storage == RUNG_STORE_FLOATS)
        return part->floats + first * part->features;
    for (int64_t i = 0; i < count; i++)
        input_row(part, first + i, scratch + i * part->features);
    return scratch;
}

const float *rung_part_target_block(const struct rung_part *part, int64_t first, int64_t count,
                                    float *scratch)
{
    if (part->target)
        return part->target + first;
    if (part->storage == RUNG_STORE_FLOATS)
        return part->floats + first * part->features;
    for (int64_t i = 0; i < count; i++)
        clean_row(part, first + i, scratch + i * part->features);
    return scratch;
}
