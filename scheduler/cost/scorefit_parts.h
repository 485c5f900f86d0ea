/*
 * What the files of the model of scores share. scorefit.c: observations and draws. score_rows.c: what a fit
 * begins with. scorefit_fit.c: the fit. score_curve.c: the curve. Scores are scaled here: 0 to 1 from the
 * worst to the best, without the outer ones.
 */
#ifndef RUNG_COST_SCOREFIT_PARTS_H
#define RUNG_COST_SCOREFIT_PARTS_H

#include "cost/features.h"
#include "cost/luck.h"
#include "cost/ridge.h"
#include "cost/scorefit.h"

#include <stdbool.h>

/* ---- the curve ---- */

#define RUNG_SCORE_KNOTS 48

struct rung_score_knot {
    double value;  /* never falls */
    double spread; /* sd between models of the same progress, that stays with a model */
    double shake;  /* sd from score to score of a model, above 0 */
    double log_shake;
};

/* Linear between knots; before the first one as there, after the last one rising ever less. */
struct rung_score_curve {
    double from, step; /* progress at the first knot, and between knots */
    double rise;       /* per unit of progress, at the end */
    struct rung_score_knot knots[RUNG_SCORE_KNOTS];
};

struct rung_score_pair {
    double at, value, weight;
};

struct rung_score_knot rung_score_at(const struct rung_score_curve *curve, double progress);
double rung_score_slope(const struct rung_score_curve *curve, double progress);
/* Sets the values: the rising curve nearest to the pairs (progress, scaled score, weight). */
void rung_score_curve_fit(struct rung_score_curve *curve, const struct rung_score_pair *pairs, size_t count);
/* Sets spread from distances between scores and the curve, and shake from distances between consecutive
 * scores of a model, each with the progress at which it was seen. Both are sorted. */
void rung_score_curve_noise(struct rung_score_curve *curve, struct rung_score_pair *distances, size_t count,
                            struct rung_score_pair *changes, size_t change_count);

/* ---- all of it ---- */

/* A normal of which mean and standard deviation are known. */
struct rung_score_guess {
    double mean, sd;
};

struct rung_score_model {
    struct rung_json *parameters;
    struct rung_score_guess speed; /* of the last fit, as is all that follows */
    struct rung_score_guess luck;  /* its own distance from the curve, in units of the curve's spread */
    double still;                  /* chance that it does not learn at all */
    struct rung_score_guess level; /* its score in that case, scaled */
    double bad;                    /* chance that its next score is none */
    size_t not_finite;
};

struct rung_score_row {
    size_t model;
    double calls, score;
};

/* What hyperparameters say. */
struct rung_score_effect {
    struct rung_ridge ridge;
    double sd; /* of models around it */
};

struct rung_scorefit {
    struct rung_score_model *models;
    size_t model_count, model_capacity;
    struct rung_score_row *rows; /* finite ones */
    size_t row_count, row_capacity, added, not_finite;
    struct rung_luck_sample sample;
    bool minimize;          /* the goal */
    double low, range;      /* scaled 0, and from there to scaled 1: negative where scores fall with calls */
    double lowest, highest; /* that a draw can be, scaled */
    struct rung_score_curve curve;
    struct rung_features *features; /* of the last fit; NULL: there was none */
    struct rung_score_effect speed, luck;
    double still;                        /* share of models that do not learn at all */
    struct rung_score_guess still_level; /* their scores, scaled */
    double still_shake;                  /* sd from score to score of one of them */
    double bad;                          /* as a model's, for one of which nothing is known */
};

/* ---- a fit ---- */

#define RUNG_SCORE_SPEED_SD 1.5 /* of speeds, at first */

/* A fit that goes on. */
struct rung_score_work {
    struct rung_scorefit *fit;
    double *log_calls, *value; /* per row */
    size_t *first, *order;     /* rows by model: order[first[k]] … order[first[k + 1] - 1], as they came */
    size_t *chosen, count;     /* models that are learnt from */
    double *encoded;           /* models x columns */
    size_t columns;
    double *expected; /* speed by hyperparameters, per model */
    double *reach;    /* half-width of the points, per model */
    double *evidence; /* log of how much likelier its scores are when it stands still, per model */
    double between;   /* variance of speeds around what is expected */
    struct rung_score_pair *pairs, *changes; /* room for a pair per row */
    double *x, *y, *precision;               /* room for a regression over the chosen models */
};

/* Rows by model, thinned; which models are learnt from; all models' hyperparameters encoded. Room for these,
 * as large as fit's models and rows, is there and zero, but for what encoding needs. */
void rung_score_work_order(struct rung_score_work *work);
/* Values from 0 to 1, and first speeds. There is a row that counts. */
void rung_score_work_begin(struct rung_score_work *work);

static inline size_t rung_score_rows_of(const struct rung_score_work *work, size_t model)
{
    return work->first[model + 1] - work->first[model];
}

/* Columns of hyperparameters, after a fit: how many, and a model's. */
size_t rung_scorefit_columns(const struct rung_scorefit *fit);
void rung_scorefit_encode(const struct rung_scorefit *fit, const struct rung_json *parameters, double *out);

#endif
