/* The events file: every note as one JSON line, appended. docs/protocol.md lists the fields per type. */
#ifndef RUNG_DISPATCH_EVENTS_H
#define RUNG_DISPATCH_EVENTS_H

#include "base/err.h"
#include "dispatch/note.h"

struct rung_events;

/* path "-": standard output. RUNG_EUSE when it cannot be opened for appending. */
int rung_events_open(struct rung_events **out, const char *path, struct rung_err *err) RUNG_CHECK_RESULT;
/* The watcher that writes to it; lives as long as `events`. A line that cannot be written is reported once on
 * standard error. */
struct rung_watcher rung_events_watcher(struct rung_events *events);
void rung_events_close(struct rung_events *events); /* NULL is allowed */

#endif
