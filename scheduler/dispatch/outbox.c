#include "dispatch/outbox.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void rung_outbox_send(struct rung_outbox *box, int slot)
{
    box->sends = rung_mem_grow(box->sends, box->send_count, &box->send_capacity, sizeof *box->sends);
    box->sends[box->send_count++] = slot;
}

void rung_outbox_forget(struct rung_outbox *box, int slot, uint32_t model)
{
    box->forgets =
        rung_mem_grow(box->forgets, box->forget_count, &box->forget_capacity, sizeof *box->forgets);
    box->forgets[box->forget_count++] = (struct rung_outbox_model){.slot = slot, .model = model};
}

void rung_outbox_state(struct rung_outbox *box, uint32_t model, int64_t calls)
{
    box->states = rung_mem_grow(box->states, box->state_count, &box->state_capacity, sizeof *box->states);
    box->states[box->state_count++] = (struct rung_outbox_model){.model = model, .calls = calls};
}

void rung_outbox_note(struct rung_outbox *box, const struct rung_note *note)
{
    box->notes = rung_mem_grow(box->notes, box->note_count, &box->note_capacity, sizeof *box->notes);
    struct rung_outbox_note *entry = &box->notes[box->note_count++];
    entry->note = *note;
    entry->reason = rung_mem_strdup(note->reason);
    entry->note.reason = entry->reason;
}

void rung_outbox_clear(struct rung_outbox *box)
{
    for (size_t i = 0; i < box->note_count; i++)
        free(box->notes[i].reason);
    box->send_count = box->forget_count = box->state_count = box->note_count = 0;
}

void rung_outbox_free(struct rung_outbox *box)
{
    rung_outbox_clear(box);
    free(box->sends);
    free(box->forgets);
    free(box->states);
    free(box->notes);
    memset(box, 0, sizeof *box);
}
