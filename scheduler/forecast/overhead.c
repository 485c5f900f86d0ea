#include "forecast/overhead.h"

#include "base/mem.h"
#include "cost/amounts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS       RUNG_OVERHEAD_COLUMNS
#define KEPT          1000
#define LEAST_SECONDS 1e-6 /* the model of amounts wants them above 0 */
#define SHORT_WORK    1e-3 /* seconds: differences between shorter jobs do not count */

void rung_overhead_free(struct rung_overhead *overhead)
{
    free(overhead->rows);
    free(overhead->seconds);
    *overhead = (struct rung_overhead){0};
}

static void thin(struct rung_overhead *overhead)
{
    size_t kept = 0;

    for (size_t i = 0; i < overhead->count; i++)
        if (rung_luck_keeps(&overhead->sample, i)) {
            memmove(overhead->rows + kept * COLUMNS, overhead->rows + i * COLUMNS,
                    COLUMNS * sizeof *overhead->rows);
            overhead->seconds[kept++] = overhead->seconds[i];
        }
    overhead->count = kept;
    rung_luck_halved(&overhead->sample);
}

static void row_of(double work, double sharing, double *row)
{
    row[0] = 1;
    row[1] = work > SHORT_WORK && isfinite(work) ? log(work) - log(SHORT_WORK) : 0;
    row[2] = sharing > 1 && isfinite(sharing) ? sharing - 1 : 0;
}

void rung_overhead_add(struct rung_overhead *overhead, double seconds, double work, double sharing)
{
    if (!isfinite(seconds) || seconds < 0 || !rung_luck_takes(&overhead->sample))
        return;
    if (overhead->count == KEPT)
        thin(overhead);
    size_t capacity = overhead->capacity;
    overhead->rows =
        rung_mem_grow(overhead->rows, overhead->count, &capacity, COLUMNS * sizeof *overhead->rows);
    overhead->seconds =
        rung_mem_grow(overhead->seconds, overhead->count, &overhead->capacity, sizeof *overhead->seconds);
    row_of(work, sharing, overhead->rows + overhead->count * COLUMNS);
    overhead->seconds[overhead->count++] = fmax(seconds, LEAST_SECONDS);
}

void rung_overhead_fit(struct rung_overhead *overhead)
{
    struct rung_amounts amounts;
    double theta[COLUMNS];

    memset(overhead->theta, 0, sizeof overhead->theta);
    if (overhead->count == 0)
        return;
    rung_amounts_init(&amounts, overhead->count, COLUMNS);
    for (size_t i = 0; i < overhead->count; i++)
        rung_amounts_add(&amounts, overhead->rows + i * COLUMNS, overhead->seconds[i]);
    if (rung_amounts_fit_doubtful(&amounts, COLUMNS - 1, theta, NULL) == 0)
        memcpy(overhead->theta, theta, sizeof theta);
    rung_amounts_free(&amounts);
}

double rung_overhead_at(const struct rung_overhead *overhead, double work, double sharing)
{
    double row[COLUMNS];

    row_of(work, sharing, row);
    return rung_amounts_dot(overhead->theta, row, COLUMNS);
}
