/* The folder of a worker: states that its trainers made or were sent, and their logs. */
#ifndef RUNG_DISPATCH_CACHE_H
#define RUNG_DISPATCH_CACHE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct rung_cache;

/* folder: absolute, there, its own. RUNG_EFAIL: nothing can be made in it. */
int rung_cache_create(struct rung_cache **out, const char *folder, struct rung_err *err) RUNG_CHECK_RESULT;
/* Leaves nothing in the folder. NULL is allowed. */
void rung_cache_free(struct rung_cache *cache);
void rung_cache_clear(struct rung_cache *cache); /* forgets all states */

const char *rung_cache_log_folder(const struct rung_cache *cache);
const char *rung_cache_work_folder(const struct rung_cache *cache); /* where this process was started */

/* Of the search's models, from now on; the same for the same identity. */
uint32_t rung_cache_search(struct rung_cache *cache, const char *identity);

/* Paths; the caller frees them. Of a state that is there, of one that a trainer makes, of one that is being
 * sent, of one that waits for a scheduler that wants it. */
char *rung_cache_path(const struct rung_cache *cache, uint32_t search, uint32_t model, int64_t calls);
char *rung_cache_attempt_path(const struct rung_cache *cache, uint64_t stream);
char *rung_cache_arrival_path(const struct rung_cache *cache, uint64_t stream);
char *rung_cache_late_path(const struct rung_cache *cache, uint64_t number);

bool rung_cache_has(const struct rung_cache *cache, uint32_t search, uint32_t model, int64_t calls);
/* path becomes the model's state, instead of the one before; take moves it, keep leaves it where it is, too.
 * slot: whose trainer made it, or is about to use it. */
bool rung_cache_take(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls, int slot);
bool rung_cache_keep(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls, int slot);
/* That slot's trainer need not know the model any more: its state goes, unless it has become another slot's.
 */
void rung_cache_forget(struct rung_cache *cache, uint32_t search, uint32_t model, int slot);

#endif
