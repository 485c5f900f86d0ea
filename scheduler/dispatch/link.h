/*
 * Messages that arrive once and in order although connections break: numbered from 1, kept until the other
 * side has said that it has them, and sent again after a break. A message may carry a file. Pure.
 */
#ifndef RUNG_DISPATCH_LINK_H
#define RUNG_DISPATCH_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rung_link_message {
    uint64_t number;
    char *text; /* a JSON object without its first brace: what is known when it is sent goes before it */
    char *file; /* path of what goes before it, or NULL */
    uint64_t stream;
    bool remove; /* the file, when it has arrived */
};

struct rung_link {
    struct rung_link_message *messages; /* that are not known to have arrived, in order */
    size_t first, count, capacity;      /* of messages[first] … */
    size_t sent;                        /* of these, over the present connection */
    uint64_t next;                      /* number of the next message */
    uint64_t received;                  /* number of the last one that came */
};

void rung_link_init(struct rung_link *link);
/* Files that were to be removed are left. */
void rung_link_free(struct rung_link *link);

/* text and file (NULL: none) are copied. */
void rung_link_put(struct rung_link *link, const char *text, const char *file, uint64_t stream, bool remove);
/* The next one to be sent, or NULL; valid until the next put or arrived. rung_link_sent: it was. */
const struct rung_link_message *rung_link_peek(const struct rung_link *link);
void rung_link_sent(struct rung_link *link);
/* The other side has all up to that number. gone: called for each that is dropped; may be NULL. False: a
 * number that was never sent. */
bool rung_link_arrived(struct rung_link *link, uint64_t number,
                       void (*gone)(const struct rung_link_message *message));
/* A new connection, after `arrived` for what the other side says of the last one: what is kept is sent again.
 */
void rung_link_again(struct rung_link *link);

enum rung_link_order { RUNG_LINK_NEW, RUNG_LINK_SEEN, RUNG_LINK_GAP };
/* A message with that number came. Of a gap nothing can be made: the connection is to be given up. */
enum rung_link_order rung_link_take(struct rung_link *link, uint64_t number);

#endif
