/* Owns the losses of linear models. */
#include "margin.h"

#include <math.h>

bool rung_margin_regresses(enum rung_margin kind)
{
    return kind >= RUNG_MARGIN_SQUARED;
}

/* log(1 + exp(-m)) and its derivative by m, without overflow at either end. */
static double logistic(double m)
{
    return m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m;
}

static double logistic_slope(double m)
{
    double e = exp(-fabs(m));

    return m > 0 ? -e / (1 + e) : -1 / (1 + e);
}

double rung_margin_loss(enum rung_margin kind, double epsilon, double z, double y)
{
    double m = z * y, r = z - y, over = fabs(r) - epsilon;

    switch (kind) {
    case RUNG_MARGIN_LOG:
        return logistic(m);
    case RUNG_MARGIN_HINGE:
        return m >= 1 ? 0 : 1 - m;
    case RUNG_MARGIN_SQUARED_HINGE:
        return m >= 1 ? 0 : (1 - m) * (1 - m);
    case RUNG_MARGIN_MODIFIED_HUBER:
        return m >= 1 ? 0 : m >= -1 ? (1 - m) * (1 - m) : -4 * m;
    case RUNG_MARGIN_PERCEPTRON:
        return m > 0 ? 0 : -m;
    case RUNG_MARGIN_SQUARED:
        return .5 * r * r;
    case RUNG_MARGIN_HUBER:
        return over <= 0 ? .5 * r * r : epsilon * fabs(r) - .5 * epsilon * epsilon;
    case RUNG_MARGIN_EPSILON:
        return over <= 0 ? 0 : over;
    case RUNG_MARGIN_SQUARED_EPSILON:
        return over <= 0 ? 0 : over * over;
    }
    return NAN;
}

double rung_margin_slope(enum rung_margin kind, double epsilon, double z, double y)
{
    double m = z * y, r = z - y, over = fabs(r) - epsilon;

    switch (kind) {
    case RUNG_MARGIN_LOG:
        return y * logistic_slope(m);
    case RUNG_MARGIN_HINGE:
        return m > 1 ? 0 : -y;
    case RUNG_MARGIN_SQUARED_HINGE:
        return m >= 1 ? 0 : -2 * y * (1 - m);
    case RUNG_MARGIN_MODIFIED_HUBER:
        return m >= 1 ? 0 : m >= -1 ? -2 * y * (1 - m) : -4 * y;
    case RUNG_MARGIN_PERCEPTRON:
        return m > 0 ? 0 : -y;
    case RUNG_MARGIN_SQUARED:
        return r;
    case RUNG_MARGIN_HUBER:
        return over <= 0 ? r : copysign(epsilon, r);
    case RUNG_MARGIN_EPSILON:
        return over <= 0 ? 0 : copysign(1, r);
    case RUNG_MARGIN_SQUARED_EPSILON:
        return over <= 0 ? 0 : copysign(2 * over, r);
    }
    return NAN;
}

double rung_margin_softmax(const double *z, int count, int label, double *slope)
{
    double top = z[0], sum = 0;

    for (int k = 1; k < count; k++)
        top = z[k] > top ? z[k] : top;
    for (int k = 0; k < count; k++) {
        double e = exp(z[k] - top);

        sum += e;
        if (slope)
            slope[k] = e;
    }
    for (int k = 0; slope && k < count; k++)
        slope[k] = slope[k] / sum - (k == label);
    return log(sum) + top - z[label];
}
