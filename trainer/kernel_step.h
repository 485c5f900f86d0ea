/*
 * Part of kernel_body.h: one step of each optimiser.
 */

/* Sutskever et al. 2013 in scikit-learn's form: the velocity holds the rate. s: velocity. */
static void sgd(float *w, const float *g, float *s, int64_t count, const struct rung_step *step)
{
    rung_lanes *weight = VECTORS(w), *speed = VECTORS(s);
    const rung_lanes *slopes = IN_VECTORS(g);
    for (int64_t i = 0; i < count / LANES_WIDTH; i++) {
        rung_lanes push = (slopes[i] + weight[i] * step->decay) * step->rate;
        speed[i] = speed[i] * step->momentum - push;
        if (step->nesterov)
            weight[i] += speed[i] * step->momentum - push;
        else
            weight[i] += speed[i];
    }
}

/* Duchi et al. 2011. s: sum of squares. */
static void adagrad(float *w, const float *g, float *s, int64_t count, const struct rung_step *step)
{
    rung_lanes *weight = VECTORS(w), *sum = VECTORS(s);
    const rung_lanes *slopes = IN_VECTORS(g);
    for (int64_t i = 0; i < count / LANES_WIDTH; i++) {
        rung_lanes push = slopes[i] + weight[i] * step->decay;
        sum[i] += push * push;
        weight[i] -= push * step->rate / (KERNEL_SQRT(sum[i]) + step->epsilon);
    }
}

/* Kingma & Ba 2015, Algorithm 1. s, u: first and second moment. */
static void adam(float *w, const float *g, float *s, float *u, int64_t count, const struct rung_step *step)
{
    rung_lanes *weight = VECTORS(w), *first = VECTORS(s), *second = VECTORS(u);
    const rung_lanes *slopes = IN_VECTORS(g);
    float rate = step->rate * step->correction_1;
    for (int64_t i = 0; i < count / LANES_WIDTH; i++) {
        rung_lanes push = slopes[i] + weight[i] * step->decay;
        first[i] = first[i] * step->beta_1 + push * step->rest_1;
        second[i] = second[i] * step->beta_2 + push * push * step->rest_2;
        weight[i] -= first[i] * rate / (KERNEL_SQRT(second[i] * step->correction_2) + step->epsilon);
    }
}

/* Zeiler 2012, Algorithm 1. s, u: running means of squared gradients and squared steps. */
static void adadelta(float *w, const float *g, float *s, float *u, int64_t count,
                     const struct rung_step *step)
{
    rung_lanes *weight = VECTORS(w), *square = VECTORS(s), *moved = VECTORS(u);
    const rung_lanes *slopes = IN_VECTORS(g);
    for (int64_t i = 0; i < count / LANES_WIDTH; i++) {
        rung_lanes push = slopes[i] + weight[i] * step->decay;
        square[i] = square[i] * step->rho + push * push * step->rest;
        rung_lanes move =
            KERNEL_SQRT(moved[i] + step->epsilon) / KERNEL_SQRT(square[i] + step->epsilon) * push;
        moved[i] = moved[i] * step->rho + move * move * step->rest;
        weight[i] -= move * step->rate;
    }
}
