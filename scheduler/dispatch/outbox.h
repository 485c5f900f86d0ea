/* What waits for the commit: jobs to send, models to forget, dead state files, notes. */
#ifndef RUNG_DISPATCH_OUTBOX_H
#define RUNG_DISPATCH_OUTBOX_H

#include "dispatch/note.h"

#include <stddef.h>
#include <stdint.h>

struct rung_outbox_model {
    uint32_t model;
    int64_t calls; /* of the dead state; unused for forgetting */
    int slot;      /* that forgets; unused for states */
};

struct rung_outbox_note {
    struct rung_note note;
    char *reason; /* owned copy that note.reason points to, or NULL */
};

struct rung_outbox {
    int *sends;
    size_t send_count, send_capacity;
    struct rung_outbox_model *forgets;
    size_t forget_count, forget_capacity;
    struct rung_outbox_model *states;
    size_t state_count, state_capacity;
    struct rung_outbox_note *notes;
    size_t note_count, note_capacity;
};

void rung_outbox_free(struct rung_outbox *box);
void rung_outbox_send(struct rung_outbox *box, int slot);
void rung_outbox_forget(struct rung_outbox *box, int slot, uint32_t model);
void rung_outbox_state(struct rung_outbox *box, uint32_t model, int64_t calls);
/* Copies the note and its reason; other texts in it must outlive the pass. */
void rung_outbox_note(struct rung_outbox *box, const struct rung_note *note);
void rung_outbox_clear(struct rung_outbox *box);

#endif
