#include "dispatch/link.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void rung_link_init(struct rung_link *link)
{
    *link = (struct rung_link){.next = 1};
}

static void free_message(struct rung_link_message *message)
{
    free(message->text);
    free(message->file);
}

void rung_link_free(struct rung_link *link)
{
    for (size_t i = 0; i < link->count; i++)
        free_message(&link->messages[link->first + i]);
    free(link->messages);
    *link = (struct rung_link){.next = 1};
}

/* The places of those that have arrived are used again. */
static void make_room(struct rung_link *link)
{
    if (link->first > 0 && link->first + link->count == link->capacity) {
        memmove(link->messages, link->messages + link->first, link->count * sizeof *link->messages);
        link->first = 0;
    }
    link->messages =
        rung_mem_grow(link->messages, link->first + link->count, &link->capacity, sizeof *link->messages);
}

void rung_link_put(struct rung_link *link, const char *text, const char *file, uint64_t stream, bool remove)
{
    make_room(link);
    link->messages[link->first + link->count++] =
        (struct rung_link_message){.number = link->next++,
                                   .text = rung_mem_strdup(text),
                                   .file = file ? rung_mem_strdup(file) : NULL,
                                   .stream = stream,
                                   .remove = remove};
}

const struct rung_link_message *rung_link_peek(const struct rung_link *link)
{
    return link->sent < link->count ? &link->messages[link->first + link->sent] : NULL;
}

void rung_link_sent(struct rung_link *link)
{
    link->sent++;
}

bool rung_link_arrived(struct rung_link *link, uint64_t number,
                       void (*gone)(const struct rung_link_message *message))
{
    if (number >= link->next - link->count + link->sent)
        return false;
    while (link->count > 0 && link->messages[link->first].number <= number) {
        if (gone)
            gone(&link->messages[link->first]);
        free_message(&link->messages[link->first]);
        link->first++;
        link->count--;
        link->sent -= link->sent > 0;
    }
    if (link->count == 0)
        link->first = 0;
    return true;
}

void rung_link_again(struct rung_link *link)
{
    link->sent = 0;
}

enum rung_link_order rung_link_take(struct rung_link *link, uint64_t number)
{
    if (number <= link->received)
        return RUNG_LINK_SEEN;
    if (number > link->received + 1)
        return RUNG_LINK_GAP;
    link->received = number;
    return RUNG_LINK_NEW;
}
