#include "dispatch/cache.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MOST  (4LL << 30) /* of states; the oldest go first */
#define STATES_MOST 65536
#define NONE        UINT32_MAX

/* Found by a table of chains, and in a list by age. */
struct state {
    uint32_t search, model;
    int slot;
    int64_t calls, bytes;
    uint32_t chained;      /* the next one in its chain, or that is free */
    uint32_t older, newer; /* NONE at the ends */
};

struct rung_cache {
    char *folder, *logs, *work;
    char **searches; /* identities */
    size_t search_count, search_capacity;
    struct state *states;
    size_t places, capacity; /* of states, those included that are free */
    uint32_t *chains;        /* first of each; a power of two of them, or none */
    size_t chain_count;
    uint32_t free, oldest, newest;
    size_t count;
    int64_t bytes;
};

uint32_t rung_cache_search(struct rung_cache *cache, const char *identity)
{
    for (size_t i = 0; i < cache->search_count; i++)
        if (strcmp(cache->searches[i], identity) == 0)
            return (uint32_t)i;
    cache->searches =
        rung_mem_grow(cache->searches, cache->search_count, &cache->search_capacity, sizeof *cache->searches);
    cache->searches[cache->search_count] = rung_mem_strdup(identity);
    return (uint32_t)cache->search_count++;
}

static char *path_in(const struct rung_cache *cache, const char *kind, uint64_t number)
{
    return rung_mem_printf("%s/%s%llu", cache->folder, kind, (unsigned long long)number);
}

char *rung_cache_path(const struct rung_cache *cache, uint32_t search, uint32_t model, int64_t calls)
{
    return rung_mem_printf("%s/%u.%u.%lld", cache->folder, search, model, (long long)calls);
}

char *rung_cache_attempt_path(const struct rung_cache *cache, uint64_t stream)
{
    return path_in(cache, "out.", stream);
}

char *rung_cache_arrival_path(const struct rung_cache *cache, uint64_t stream)
{
    return path_in(cache, "in.", stream);
}

char *rung_cache_late_path(const struct rung_cache *cache, uint64_t number)
{
    return path_in(cache, "late.", number);
}

const char *rung_cache_log_folder(const struct rung_cache *cache)
{
    return cache->logs;
}

const char *rung_cache_work_folder(const struct rung_cache *cache)
{
    return cache->work;
}

/* ---- the table ---- */

static uint32_t *chain_of(const struct rung_cache *cache, uint32_t search, uint32_t model)
{
    uint64_t mixed = ((uint64_t)search << 32 | model) * 0x9e3779b97f4a7c15u; /* 2^64 by the golden ratio */
    return &cache->chains[(mixed >> 32) & (cache->chain_count - 1)];
}

static uint32_t find(const struct rung_cache *cache, uint32_t search, uint32_t model)
{
    uint32_t place = cache->chain_count > 0 ? *chain_of(cache, search, model) : NONE;

    while (place != NONE && (cache->states[place].model != model || cache->states[place].search != search))
        place = cache->states[place].chained;
    return place;
}

static void chain(struct rung_cache *cache, uint32_t place)
{
    struct state *state = &cache->states[place];
    uint32_t *first = chain_of(cache, state->search, state->model);

    state->chained = *first;
    *first = place;
}

static void make_chains(struct rung_cache *cache)
{
    if (cache->count < cache->chain_count)
        return;
    cache->chain_count = cache->chain_count > 0 ? 2 * cache->chain_count : 64;
    cache->chains = rung_mem_resize(cache->chains, cache->chain_count, sizeof *cache->chains);
    memset(cache->chains, 0xff, cache->chain_count * sizeof *cache->chains); /* NONE */
    for (uint32_t place = cache->oldest; place != NONE; place = cache->states[place].newer)
        chain(cache, place);
}

static void insert(struct rung_cache *cache, struct state state)
{
    uint32_t place = cache->free;

    make_chains(cache);
    if (place == NONE) {
        cache->states = rung_mem_grow(cache->states, cache->places, &cache->capacity, sizeof *cache->states);
        place = (uint32_t)cache->places++;
    } else {
        cache->free = cache->states[place].chained;
    }
    state.older = cache->newest;
    state.newer = NONE;
    cache->states[place] = state;
    *(cache->newest == NONE ? &cache->oldest : &cache->states[cache->newest].newer) = place;
    cache->newest = place;
    cache->count++;
    cache->bytes += state.bytes;
    chain(cache, place);
}

static void take_out(struct rung_cache *cache, uint32_t place)
{
    struct state *gone = &cache->states[place];
    uint32_t *at = chain_of(cache, gone->search, gone->model);

    while (*at != place)
        at = &cache->states[*at].chained;
    *at = gone->chained;
    *(gone->older == NONE ? &cache->oldest : &cache->states[gone->older].newer) = gone->newer;
    *(gone->newer == NONE ? &cache->newest : &cache->states[gone->newer].older) = gone->older;
    gone->chained = cache->free;
    cache->free = place;
    cache->count--;
    cache->bytes -= gone->bytes;
}

/* ---- states ---- */

static void drop(struct rung_cache *cache, uint32_t place)
{
    const struct state *gone = &cache->states[place];
    char *path = rung_cache_path(cache, gone->search, gone->model, gone->calls);

    unlink(path);
    free(path);
    take_out(cache, place);
}

bool rung_cache_has(const struct rung_cache *cache, uint32_t search, uint32_t model, int64_t calls)
{
    uint32_t place = find(cache, search, model);

    return place != NONE && cache->states[place].calls == calls;
}

void rung_cache_forget(struct rung_cache *cache, uint32_t search, uint32_t model, int slot)
{
    uint32_t place = find(cache, search, model);

    if (place != NONE && cache->states[place].slot == slot)
        drop(cache, place);
}

static bool add(struct rung_cache *cache, const char *path, struct state state,
                int (*move)(const char *, const char *))
{
    struct stat info;
    uint32_t before = find(cache, state.search, state.model);
    char *to = rung_cache_path(cache, state.search, state.model, state.calls);

    if (before != NONE)
        drop(cache, before);
    bool done = stat(path, &info) == 0 && move(path, to) == 0;
    free(to);
    if (!done)
        return false;
    state.bytes = info.st_size;
    insert(cache, state);
    while (cache->count > 1 && (cache->bytes > BYTES_MOST || cache->count > STATES_MOST))
        drop(cache, cache->oldest);
    return true;
}

bool rung_cache_take(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls, int slot)
{
    struct state state = {.search = search, .model = model, .calls = calls, .slot = slot};
    return add(cache, path, state, rename);
}

bool rung_cache_keep(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls, int slot)
{
    struct state state = {.search = search, .model = model, .calls = calls, .slot = slot};
    return add(cache, path, state, link);
}

void rung_cache_clear(struct rung_cache *cache)
{
    while (cache->count > 0)
        drop(cache, cache->newest);
}

/* ---- life ---- */

int rung_cache_create(struct rung_cache **out, const char *folder, struct rung_err *err)
{
    struct rung_cache *cache = rung_mem_zalloc(1, sizeof *cache);

    cache->free = cache->oldest = cache->newest = NONE;
    cache->folder = rung_mem_strdup(folder);
    cache->logs = rung_mem_printf("%s/logs", folder);
    cache->work = getcwd(NULL, 0);
    if (cache->work && mkdir(cache->logs, 0777) == 0) {
        *out = cache;
        return 0;
    }
    int code = rung_err_set(err, RUNG_EFAIL, "%s: %s", folder, strerror(errno));
    rung_cache_free(cache);
    return code;
}

void rung_cache_free(struct rung_cache *cache)
{
    if (!cache)
        return;
    rung_cache_clear(cache);
    free(cache->states);
    free(cache->chains);
    for (size_t i = 0; i < cache->search_count; i++)
        free(cache->searches[i]);
    free(cache->searches);
    free(cache->folder);
    free(cache->logs);
    free(cache->work);
    free(cache);
}
