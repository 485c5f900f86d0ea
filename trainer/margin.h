/*
 * The losses of linear models, of one prediction z at a time: loss and derivative by z. The names
 * and definitions are those of scikit-learn's SGDClassifier and SGDRegressor; y is -1 or 1 for the losses
 * of classes, any number for the others.
 */
#ifndef RUNG_TRAINER_MARGIN_H
#define RUNG_TRAINER_MARGIN_H

#include <stdbool.h>

enum rung_margin {
    RUNG_MARGIN_LOG,
    RUNG_MARGIN_HINGE,
    RUNG_MARGIN_SQUARED_HINGE,
    RUNG_MARGIN_MODIFIED_HUBER,
    RUNG_MARGIN_PERCEPTRON,
    RUNG_MARGIN_SQUARED, /* from here on also for regression */
    RUNG_MARGIN_HUBER,
    RUNG_MARGIN_EPSILON,
    RUNG_MARGIN_SQUARED_EPSILON
};

#define RUNG_MARGIN_NAMES                                                                                    \
    "log_loss|hinge|squared_hinge|modified_huber|perceptron|squared_error|huber|epsilon_insensitive|"        \
    "squared_epsilon_insensitive"

bool rung_margin_regresses(enum rung_margin kind);

/* epsilon: the threshold of the last but for squared_error. */
double rung_margin_loss(enum rung_margin kind, double epsilon, double z, double y);
double rung_margin_slope(enum rung_margin kind, double epsilon, double z, double y);

/* Multinomial logistic loss of count outputs: returns -log softmax(z)[label]; slope (may be NULL)
 * gets its derivatives by z. */
double rung_margin_softmax(const double *z, int count, int label, double *slope);

#endif
