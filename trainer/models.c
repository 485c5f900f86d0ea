/* Owns the models kept in memory: a hash table by model number, a list in order of use. */
#include "models.h"
#include "base/mem.h"

#include <stdlib.h>

#define BUCKETS_FIRST 64
#define ENTRY_COST    128 /* bytes an entry costs beside the model: table, allocator */

struct entry {
    int64_t number, calls;
    void *model;
    size_t bytes;
    struct entry *chain;         /* next in the same bucket */
    struct entry *older, *newer; /* order of use */
};

struct rung_models {
    struct entry **buckets;
    size_t bucket_count, count;
    struct entry *oldest, *newest;
    size_t bytes, bytes_max;
    void (*destroy)(void *context, void *model);
    void *context;
};

struct rung_models *rung_models_new(size_t bytes_max, void (*destroy)(void *context, void *model),
                                    void *context)
{
    struct rung_models *models = rung_mem_zalloc(1, sizeof *models);

    models->bucket_count = BUCKETS_FIRST;
    models->buckets = rung_mem_zalloc(models->bucket_count, sizeof(struct entry *));
    models->bytes_max = bytes_max;
    models->destroy = destroy;
    models->context = context;
    return models;
}

static size_t bucket_of(const struct rung_models *models, int64_t number)
{
    return ((uint64_t)number * 0x9e3779b97f4a7c15u >> 32) & (models->bucket_count - 1);
}

static struct entry *find(const struct rung_models *models, int64_t number)
{
    struct entry *entry = models->buckets[bucket_of(models, number)];

    while (entry && entry->number != number)
        entry = entry->chain;
    return entry;
}

/* Takes entry out of table and list; the model stays. */
static void *unlink_entry(struct rung_models *models, struct entry *entry)
{
    struct entry **place = &models->buckets[bucket_of(models, entry->number)];
    void *model = entry->model;

    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    *(entry->older ? &entry->older->newer : &models->oldest) = entry->newer;
    *(entry->newer ? &entry->newer->older : &models->newest) = entry->older;
    models->bytes -= entry->bytes;
    models->count--;
    free(entry);
    return model;
}

static void drop(struct rung_models *models, struct entry *entry)
{
    void *model = unlink_entry(models, entry);

    if (models->destroy)
        models->destroy(models->context, model);
}

void *rung_models_take(struct rung_models *models, int64_t number, int64_t calls)
{
    struct entry *entry = find(models, number);

    if (entry && entry->calls == calls)
        return unlink_entry(models, entry);
    if (entry)
        drop(models, entry);
    return NULL;
}

static void widen(struct rung_models *models)
{
    struct entry **old = models->buckets;
    size_t old_count = models->bucket_count;

    models->bucket_count *= 2;
    models->buckets = rung_mem_zalloc(models->bucket_count, sizeof(struct entry *));
    for (size_t i = 0; i < old_count; i++) {
        for (struct entry *entry = old[i], *next; entry; entry = next) {
            struct entry **place = &models->buckets[bucket_of(models, entry->number)];

            next = entry->chain;
            entry->chain = *place;
            *place = entry;
        }
    }
    free(old);
}

void rung_models_put(struct rung_models *models, int64_t number, int64_t calls, void *model, size_t bytes)
{
    struct entry *entry, **place;

    rung_models_forget(models, number);
    if (models->count >= models->bucket_count)
        widen(models);
    entry = rung_mem_zalloc(1, sizeof *entry);
    place = &models->buckets[bucket_of(models, number)];
    *entry = (struct entry){.number = number,
                            .calls = calls,
                            .model = model,
                            .bytes = bytes + ENTRY_COST,
                            .chain = *place,
                            .older = models->newest};
    *place = entry;
    *(models->newest ? &models->newest->newer : &models->oldest) = entry;
    models->newest = entry;
    models->bytes += entry->bytes;
    models->count++;
    while (models->bytes > models->bytes_max)
        drop(models, models->oldest);
}

void rung_models_forget(struct rung_models *models, int64_t number)
{
    struct entry *entry = find(models, number);

    if (entry)
        drop(models, entry);
}

size_t rung_models_count(const struct rung_models *models)
{
    return models->count;
}

void rung_models_free(struct rung_models *models)
{
    if (!models)
        return;
    while (models->oldest)
        drop(models, models->oldest);
    free(models->buckets);
    free(models);
}
