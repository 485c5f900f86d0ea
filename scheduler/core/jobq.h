/*
 * Which ready job runs next. It changes when a job runs, never what is decided.
 *
 * `critical`: while more jobs are ready than there are trainers, those of the most adaptive bracket first: it
 * has the most rungs ahead. Else every job gets a trainer soon, and the one first whose model has the longest
 * way to the end of its bracket: its job and what the later rungs would take, in expected seconds.
 * `fifo`: in the order of becoming ready. `score`: a model's last score, larger first; per bracket, at each
 * of its decision points, the P worst scores (P = trainers present; ties at the threshold included) share
 * their median; a model without a finite score ranks below every scored one; equal priority is FIFO. A job is
 * named by its model: a model has at most one open TRAIN.
 */
#ifndef RUNG_CORE_JOBQ_H
#define RUNG_CORE_JOBQ_H

#include "core/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_jobq;

/* Expected seconds of training model from `from` to `to` calls and scoring it. */
typedef double rung_jobq_expect(void *context, uint32_t model, int64_t from, int64_t to);

struct rung_jobq *rung_jobq_create(const struct rung_search *search,
                                   enum rung_priority priority); /* keeps the pointer */
void rung_jobq_free(struct rung_jobq *queue);
/* For `critical`, of ready jobs and those to come; without it, or with NULL, a second per call. To be called
 * again when it answers otherwise. */
void rung_jobq_predict(struct rung_jobq *queue, rung_jobq_expect *expect, void *context);

/* Takes the step's decisions: every TRAIN becomes ready, in order; brackets with a decision point in them
 * (a TRAIN or RUNG decision) get new priorities for P trainers (>= 1). */
void rung_jobq_apply(struct rung_jobq *queue, const struct rung_decisions *decisions, size_t trainers);
/* Puts a model's job back (its attempt failed or was lost) at its former place. */
void rung_jobq_return(struct rung_jobq *queue, uint32_t model);
/* Puts it behind the others of its priority, as if it became ready now. */
void rung_jobq_requeue(struct rung_jobq *queue, uint32_t model);
/* Of two jobs that were ready, the one that became so first has the smaller number. */
uint64_t rung_jobq_order(const struct rung_jobq *queue, uint32_t model);
size_t rung_jobq_count(const struct rung_jobq *queue);
bool rung_jobq_has(const struct rung_jobq *queue, uint32_t model);
/* The model whose job is next, or RUNG_NO_MODEL. */
uint32_t rung_jobq_peek(const struct rung_jobq *queue);
/* True when model's job is ready with the same priority as the next one: running it first costs nothing. */
bool rung_jobq_ties_next(const struct rung_jobq *queue, uint32_t model);
void rung_jobq_remove(struct rung_jobq *queue, uint32_t model); /* it was handed out */

#endif
