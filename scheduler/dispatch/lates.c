#include "dispatch/lates.h"

#include "base/mem.h"
#include "dispatch/said.h"
#include "dispatch/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_MOST      4096
#define PROGRESS_BYTES (RUNG_PEER_TEXT_MAX / 4) /* said before a result; over it, none is kept */

struct rung_lates_kept {
    uint64_t number;
    char *text; /* the offer */
    char *file; /* NULL: no state */
};

struct collection {
    struct rung_lates *lates;
    const struct rung_cache *cache;
    rung_lates_trainer_fn *trainer;
    void *context;
    struct rung_buf *progress; /* per slot: lines of the job that runs, a comma after each */
};

static void free_kept(struct rung_lates_kept *kept)
{
    if (kept->file)
        unlink(kept->file);
    free(kept->file);
    free(kept->text);
}

/* ---- collecting ---- */

static void write_offer(struct rung_buf *out, const struct rung_lates_kept *kept,
                        const struct rung_lates_trainer *trainer, const struct rung_json *message,
                        const struct rung_buf *progress)
{
    rung_buf_printf(out, "{\"type\":\"late\",\"late\":%llu,\"search\":", (unsigned long long)kept->number);
    rung_json_write_string(out, trainer->identity);
    rung_buf_printf(out, ",\"trainer\":%lld,\"job\":%lld", (long long)trainer->number,
                    (long long)rung_said_integer(rung_json_get(message, "line"), "job", 0));
    for (const char *const *key = (const char *const[]){"model", "from", "to", NULL}; *key; key++)
        rung_buf_printf(out, ",\"%s\":%lld", *key, (long long)rung_said_integer(message, *key, 0));
    rung_buf_printf(out, ",\"state\":%s,\"lines\":[", kept->file ? "true" : "false");
    if (progress->length <= PROGRESS_BYTES)
        rung_buf_append(out, progress->data, progress->length);
    rung_json_write(out, rung_json_get(message, "line"));
    rung_buf_text(out, "]}");
}

static void keep(struct collection *collection, const struct rung_lates_trainer *trainer,
                 const struct rung_json *message, const char *file, const struct rung_buf *progress)
{
    struct rung_lates *lates = collection->lates;
    struct rung_lates_kept kept = {.number = lates->next++};
    struct rung_buf text;

    kept.file = file ? rung_cache_late_path(collection->cache, kept.number) : NULL;
    if (file && rename(file, kept.file) != 0) {
        free_kept(&kept);
        return;
    }
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    write_offer(&text, &kept, trainer, message, progress);
    kept.text = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
    if (lates->count == KEPT_MOST)
        rung_lates_drop(lates, lates->kept[0].number);
    lates->kept = rung_mem_grow(lates->kept, lates->count, &lates->capacity, sizeof *lates->kept);
    lates->kept[lates->count++] = kept;
}

static void collect_one(void *context, const struct rung_json *message, const char *file)
{
    struct collection *collection = context;
    const struct rung_json *line = rung_json_get(message, "line");
    const char *said = rung_said_string(line, "type");
    int64_t slot = rung_said_integer(message, "slot", RUNG_STREAM_TRAINERS);
    struct rung_lates_trainer trainer;

    if (strcmp(rung_said_string(message, "type"), "said") != 0 || slot >= RUNG_STREAM_TRAINERS)
        return;
    struct rung_buf *progress = &collection->progress[slot];
    if (strcmp(said, "progress") == 0) {
        if (progress->length <= PROGRESS_BYTES) {
            rung_json_write(progress, line);
            rung_buf_char(progress, ',');
        }
        return;
    }
    if (strcmp(said, "result") == 0 && rung_json_get(message, "to") &&
        collection->trainer(collection->context, slot, rung_said_integer(message, "life", -1), &trainer))
        keep(collection, &trainer, message, file, progress);
    else if (file)
        unlink(file);
    rung_buf_clear(progress);
}

void rung_lates_collect(struct rung_lates *lates, const struct rung_peer *peer,
                        const struct rung_cache *cache, rung_lates_trainer_fn *trainer, void *context)
{
    struct collection collection = {.lates = lates, .cache = cache, .trainer = trainer, .context = context};

    collection.progress = rung_mem_zalloc(RUNG_STREAM_TRAINERS, sizeof *collection.progress);
    for (size_t i = 0; i < RUNG_STREAM_TRAINERS; i++)
        rung_buf_init(&collection.progress[i], RUNG_BUF_UNLIMITED);
    rung_peer_each_waiting(peer, collect_one, &collection);
    for (size_t i = 0; i < RUNG_STREAM_TRAINERS; i++)
        rung_buf_free(&collection.progress[i]);
    free(collection.progress);
}

/* ---- offering ---- */

void rung_lates_offer(const struct rung_lates *lates, struct rung_peer *peer)
{
    for (size_t i = 0; i < lates->count; i++)
        rung_peer_send(peer, lates->kept[i].text);
}

void rung_lates_send(const struct rung_lates *lates, uint64_t number, struct rung_peer *peer)
{
    for (size_t i = 0; i < lates->count; i++)
        if (lates->kept[i].number == number && lates->kept[i].file)
            rung_peer_send_file(peer, lates->kept[i].text, lates->kept[i].file, rung_stream_of_late(number),
                                false);
}

void rung_lates_drop(struct rung_lates *lates, uint64_t number)
{
    for (size_t i = 0; i < lates->count; i++)
        if (lates->kept[i].number == number) {
            free_kept(&lates->kept[i]);
            lates->count--;
            memmove(lates->kept + i, lates->kept + i + 1, (lates->count - i) * sizeof *lates->kept);
            return;
        }
}

void rung_lates_free(struct rung_lates *lates)
{
    for (size_t i = 0; i < lates->count; i++)
        free_kept(&lates->kept[i]);
    free(lates->kept);
    *lates = (struct rung_lates){0};
}
