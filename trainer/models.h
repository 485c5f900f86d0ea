/*
 * Models kept in memory between jobs, so that one is continued without reading its state. Bounded
 * in bytes; the models not used for longest go first.
 */
#ifndef RUNG_TRAINER_MODELS_H
#define RUNG_TRAINER_MODELS_H

#include <stddef.h>
#include <stdint.h>

struct rung_models;

/* destroy (may be NULL) frees a model; context is passed to it. */
struct rung_models *rung_models_new(size_t bytes_max, void (*destroy)(void *context, void *model),
                                    void *context);
void rung_models_free(struct rung_models *models); /* with all models in it; NULL is fine */

/* Takes the model out when it stands at exactly `calls`: it is then the caller's. A model of that number
 * at other calls is destroyed: what comes back later would be another. NULL when there is none. */
void *rung_models_take(struct rung_models *models, int64_t number, int64_t calls);

/* Puts a model in, which is then owned here; destroys what does not fit any more, possibly the model itself.
 */
void rung_models_put(struct rung_models *models, int64_t number, int64_t calls, void *model, size_t bytes);

void rung_models_forget(struct rung_models *models, int64_t number);
size_t rung_models_count(const struct rung_models *models);

#endif
