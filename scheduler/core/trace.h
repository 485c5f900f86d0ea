/*
 * Events and decisions as text, one line each: what transcripts in tests are written in and what the
 * database keeps of each step to compare on replay. Numbers are canonical, so equal text means equal values.
 *
 *     start                          model 0-80 bracket 4
 *     result 5 9 0.91                train 0-80 0>1 rung 0        (consecutive models with the same rest are
 * one line) failure 5 3                    train 5 3>9                  (no rung: a score no halving uses)
 *     ask                            stop 8 rung 0
 *     retry 5 3                      plateau 5
 *                                    finish 5
 *                                    rung 4 0 kept 27             (bracket 4, rung 0)
 *                                    bracket 4 winner 17          (or: winner none)
 *                                    done 17                      (or: done none)
 */
#ifndef RUNG_CORE_TRACE_H
#define RUNG_CORE_TRACE_H

#include "base/buf.h"
#include "base/err.h"
#include "core/event.h"

/* Appends one line without newline; a score that is not finite is written "nan". */
void rung_trace_write_event(struct rung_buf *buf, const struct rung_event *event);
/* Appends the list, lines separated by '\n' (none at the end); nothing when it is empty. */
void rung_trace_write_decisions(struct rung_buf *buf, const struct rung_decisions *decisions);
int rung_trace_read_event(struct rung_event *event, const char *line, struct rung_err *err) RUNG_CHECK_RESULT;
/* Reads what rung_trace_write_decisions wrote; appends. */
int rung_trace_read_decisions(struct rung_decisions *decisions, const char *text,
                              struct rung_err *err) RUNG_CHECK_RESULT;

#endif
