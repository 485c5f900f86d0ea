#include "dispatch/cache.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MOST (4LL << 30) /* of states; the oldest go first */

struct state {
    uint32_t search, model;
    int64_t calls, bytes;
};

struct rung_cache {
    char *folder, *logs, *work;
    char **searches; /* identities */
    size_t search_count, search_capacity;
    struct state *states; /* the oldest first */
    size_t count, capacity;
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

/* ---- states ---- */

static void drop(struct rung_cache *cache, size_t place)
{
    struct state gone = cache->states[place];
    char *path = rung_cache_path(cache, gone.search, gone.model, gone.calls);

    unlink(path);
    free(path);
    cache->bytes -= gone.bytes;
    cache->count--;
    memmove(cache->states + place, cache->states + place + 1, (cache->count - place) * sizeof *cache->states);
}

static size_t find(const struct rung_cache *cache, uint32_t search, uint32_t model)
{
    size_t place = 0;

    while (place < cache->count &&
           (cache->states[place].model != model || cache->states[place].search != search))
        place++;
    return place;
}

bool rung_cache_has(const struct rung_cache *cache, uint32_t search, uint32_t model, int64_t calls)
{
    size_t place = find(cache, search, model);

    return place < cache->count && cache->states[place].calls == calls;
}

static bool add(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model, int64_t calls,
                int (*move)(const char *, const char *))
{
    struct stat info;
    size_t before = find(cache, search, model);
    char *to = rung_cache_path(cache, search, model, calls);

    if (before < cache->count)
        drop(cache, before);
    bool done = stat(path, &info) == 0 && move(path, to) == 0;
    free(to);
    if (!done)
        return false;
    cache->states = rung_mem_grow(cache->states, cache->count, &cache->capacity, sizeof *cache->states);
    cache->states[cache->count++] = (struct state){search, model, calls, info.st_size};
    cache->bytes += info.st_size;
    while (cache->bytes > BYTES_MOST && cache->count > 1)
        drop(cache, 0);
    return true;
}

bool rung_cache_take(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls)
{
    return add(cache, path, search, model, calls, rename);
}

bool rung_cache_keep(struct rung_cache *cache, const char *path, uint32_t search, uint32_t model,
                     int64_t calls)
{
    return add(cache, path, search, model, calls, link);
}

void rung_cache_clear(struct rung_cache *cache)
{
    while (cache->count > 0)
        drop(cache, cache->count - 1);
}

/* ---- life ---- */

int rung_cache_create(struct rung_cache **out, const char *folder, struct rung_err *err)
{
    struct rung_cache *cache = rung_mem_zalloc(1, sizeof *cache);

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
    for (size_t i = 0; i < cache->search_count; i++)
        free(cache->searches[i]);
    free(cache->searches);
    free(cache->folder);
    free(cache->logs);
    free(cache->work);
    free(cache);
}
