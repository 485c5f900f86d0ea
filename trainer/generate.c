/* Owns the generated data: circles in noise, and the noise of images. */
#include "base/mem.h"
#include "table.h"

#include <math.h>
#include <stdlib.h>

#define PI 3.14159265358979323846

/* One ring of a pair: points at equal angles. */
static void ring(const struct rung_circles *circles, struct rung_random *random, struct rung_table *table,
                 int label, int64_t first, int64_t count)
{
    double radius = label % 2 == 0 ? 1 : circles->factor, shift = label / 2 * circles->shift;

    for (int64_t i = 0; i < count; i++) {
        float *row = table->floats + (first + i) * table->features;
        double angle = 2 * PI * (double)i / (double)count;

        row[0] = (float)(radius * cos(angle) + circles->noise * rung_random_normal(random) + shift);
        row[1] = (float)(radius * sin(angle) + circles->noise * rung_random_normal(random));
        for (int64_t j = 0; j < circles->distractors; j++)
            row[2 + j] = (float)(2 * rung_random_unit(random) - 1);
        table->answer[first + i] = label;
    }
}

void rung_circles_make(const struct rung_circles *circles, uint64_t seed, struct rung_table *table)
{
    struct rung_random random;
    int64_t first = 0;

    table->name = "four_circles";
    table->rows = circles->examples;
    table->features = 2 + circles->distractors;
    table->storage = RUNG_STORE_FLOATS;
    table->floats = rung_mem_zalloc((size_t)(table->rows * table->features), sizeof *table->floats);
    table->answer = rung_mem_zalloc((size_t)table->rows, sizeof *table->answer);
    rung_random_seed(&random, seed, "circles", 0);
    for (int label = 0; label < 4; label++) {
        int64_t last = circles->examples * (label + 1) / 4;

        ring(circles, &random, table, label, first, last - first);
        first = last;
    }
}

/* Normal numbers by the ziggurat of Marsaglia & Tsang (2000), 128 layers, with the layer and the
 * value from different bits (their use of the same ones is a known fault). */
#define LAYERS 128
#define TAIL   3.442619855899
#define AREA   9.91256303526217e-3

struct rung_noise {
    uint64_t seed;
    double lo, hi;
    uint32_t inside[LAYERS];
    float width[LAYERS], height[LAYERS];
};

struct rung_noise *rung_noise_new(uint64_t seed, double variance_lo, double variance_hi)
{
    struct rung_noise *noise = rung_mem_zalloc(1, sizeof *noise);
    const double scale = 2147483648.0;
    double x = TAIL, last = x, top = exp(-.5 * x * x), base = AREA / top;

    noise->seed = seed;
    noise->lo = variance_lo;
    noise->hi = variance_hi;
    noise->inside[0] = (uint32_t)(x / base * scale);
    noise->inside[1] = 0;
    noise->width[0] = (float)(base / scale);
    noise->width[LAYERS - 1] = (float)(x / scale);
    noise->height[0] = 1;
    noise->height[LAYERS - 1] = (float)top;
    for (int i = LAYERS - 2; i >= 1; i--) {
        x = sqrt(-2 * log(AREA / x + exp(-.5 * x * x)));
        noise->inside[i + 1] = (uint32_t)(x / last * scale);
        last = x;
        noise->height[i] = (float)exp(-.5 * x * x);
        noise->width[i] = (float)(x / scale);
    }
    return noise;
}

static double open_unit(struct rung_random *random)
{
    return 1 - rung_random_unit(random); /* in (0, 1], for logarithms */
}

/* Outside the layers' rectangles: the tail, or a wedge, or try again. */
static float edge(const struct rung_noise *noise, struct rung_random *random, int32_t value,
                  unsigned int layer)
{
    for (;;) {
        float x = (float)value * noise->width[layer];
        double u, v;
        uint64_t bits;

        if (layer == 0) {
            do {
                u = -log(open_unit(random)) / TAIL;
                v = -log(open_unit(random));
            } while (v + v < u * u);
            return (float)(value > 0 ? TAIL + u : -TAIL - u);
        }
        u = rung_random_unit(random);
        if (noise->height[layer] + u * (noise->height[layer - 1] - noise->height[layer]) <
            exp(-.5 * (double)x * x))
            return x;
        bits = rung_random_bits(random);
        value = (int32_t)(bits >> 32);
        layer = bits & (LAYERS - 1);
        if ((uint32_t)(value < 0 ? -(int64_t)value : value) < noise->inside[layer])
            return (float)value * noise->width[layer];
    }
}

void rung_noise_add(const struct rung_noise *noise, int64_t row, float *values, int64_t count)
{
    struct rung_random random;
    float sd;

    rung_random_seed(&random, noise->seed, "noise", (uint64_t)row);
    sd = (float)sqrt(noise->lo + (noise->hi - noise->lo) * rung_random_unit(&random));
    for (int64_t i = 0; i < count; i++) {
        uint64_t bits = rung_random_bits(&random);
        int32_t value = (int32_t)(bits >> 32);
        unsigned int layer = bits & (LAYERS - 1);
        float z;

        if ((uint32_t)(value < 0 ? -(int64_t)value : value) < noise->inside[layer])
            z = (float)value * noise->width[layer];
        else
            z = edge(noise, &random, value, layer);
        values[i] += sd * z;
    }
    for (int64_t i = 0; i < count; i++) { /* apart and without branches, as half of all values are clipped */
        float x = 0.5f * (values[i] + fabsf(values[i]));

        values[i] = x < 1 ? x : 1;
    }
}
