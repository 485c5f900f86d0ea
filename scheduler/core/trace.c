/* Events and decisions to text and back. */
#include "core/trace.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

/* What a text may expand to: ranges make a long list out of few bytes. */
#define DECISIONS_MAX ((size_t)1 << 24)
#define MODEL_MAX     2147483646 /* 2^31 - 2 */

static void put_number(struct rung_buf *buf, int64_t number)
{
    rung_buf_char(buf, ' ');
    rung_json_write_integer(buf, number);
}

void rung_trace_write_event(struct rung_buf *buf, const struct rung_event *event)
{
    static const char *const NAMES[] = {[RUNG_EVENT_START] = "start",
                                        [RUNG_EVENT_RESULT] = "result",
                                        [RUNG_EVENT_FAILURE] = "failure",
                                        [RUNG_EVENT_ASK] = "ask",
                                        [RUNG_EVENT_RETRY] = "retry"};
    rung_buf_text(buf, NAMES[event->kind]);
    if (event->kind == RUNG_EVENT_START || event->kind == RUNG_EVENT_ASK)
        return;
    put_number(buf, event->model);
    put_number(buf, event->calls);
    if (event->kind != RUNG_EVENT_RESULT)
        return;
    rung_buf_char(buf, ' ');
    if (isfinite(event->score))
        rung_json_write_number(buf, event->score);
    else
        rung_buf_text(buf, "nan");
}

static bool of_model(enum rung_decision_kind kind)
{
    return kind != RUNG_DECISION_RUNG && kind != RUNG_DECISION_BRACKET && kind != RUNG_DECISION_DONE;
}

/* True when b is the same decision as a about the next model. */
static bool continues(const struct rung_decision *a, const struct rung_decision *b)
{
    if (a->kind != b->kind || !of_model(a->kind) || a->model + 1 != b->model)
        return false;
    switch (a->kind) {
    case RUNG_DECISION_MODEL:
        return a->bracket == b->bracket;
    case RUNG_DECISION_TRAIN:
        return a->from == b->from && a->to == b->to && a->rung == b->rung;
    case RUNG_DECISION_STOP:
        return a->rung == b->rung;
    default:
        return true;
    }
}

static void put_model_or_none(struct rung_buf *buf, uint32_t model)
{
    if (model == RUNG_NO_MODEL)
        rung_buf_text(buf, " none");
    else
        put_number(buf, model);
}

static void put_rung(struct rung_buf *buf, int32_t rung)
{
    rung_buf_text(buf, " rung");
    put_number(buf, rung);
}

static const char *const DECISION_NAMES[] = {
    [RUNG_DECISION_MODEL] = "model",     [RUNG_DECISION_TRAIN] = "train",   [RUNG_DECISION_STOP] = "stop",
    [RUNG_DECISION_PLATEAU] = "plateau", [RUNG_DECISION_FINISH] = "finish", [RUNG_DECISION_RUNG] = "rung",
    [RUNG_DECISION_BRACKET] = "bracket", [RUNG_DECISION_DONE] = "done"};

static void put_rest(struct rung_buf *buf, const struct rung_decision *decision)
{
    switch (decision->kind) {
    case RUNG_DECISION_MODEL:
        rung_buf_text(buf, " bracket");
        put_number(buf, decision->bracket);
        break;
    case RUNG_DECISION_TRAIN:
        put_number(buf, decision->from);
        rung_buf_char(buf, '>');
        rung_json_write_integer(buf, decision->to);
        if (decision->rung != RUNG_NO_RUNG)
            put_rung(buf, decision->rung);
        break;
    case RUNG_DECISION_STOP:
        put_rung(buf, decision->rung);
        break;
    case RUNG_DECISION_RUNG:
        put_number(buf, decision->bracket);
        put_number(buf, decision->rung);
        rung_buf_text(buf, " kept");
        put_number(buf, decision->kept);
        break;
    case RUNG_DECISION_BRACKET:
        put_number(buf, decision->bracket);
        rung_buf_text(buf, " winner");
        put_model_or_none(buf, decision->model);
        break;
    case RUNG_DECISION_DONE:
        put_model_or_none(buf, decision->model);
        break;
    default:
        break;
    }
}

void rung_trace_write_decisions(struct rung_buf *buf, const struct rung_decisions *decisions)
{
    for (size_t i = 0, next; i < decisions->count; i = next) {
        const struct rung_decision *first = &decisions->items[i];
        for (next = i + 1; next < decisions->count; next++)
            if (!continues(&decisions->items[next - 1], &decisions->items[next]))
                break;
        if (i > 0)
            rung_buf_char(buf, '\n');
        rung_buf_text(buf, DECISION_NAMES[first->kind]);
        if (of_model(first->kind))
            put_number(buf, first->model);
        if (next > i + 1) {
            rung_buf_char(buf, '-');
            rung_json_write_integer(buf, decisions->items[next - 1].model);
        }
        put_rest(buf, first);
    }
}

/* Reading. Each take_… moves *at behind what it took, or returns false. */

static bool take_text(const char **at, const char *text)
{
    size_t length = strlen(text);
    if (strncmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

/* Digits without sign or leading zero, at most most. */
static bool take_digits(const char **at, int64_t most, int64_t *out)
{
    const char *p = *at;
    int64_t number = 0;
    if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        int digit = *p - '0';
        if (number > (most - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *at = p;
    *out = number;
    return true;
}

static bool take_number(const char **at, int64_t most, int64_t *out)
{
    return take_text(at, " ") && take_digits(at, most, out);
}

static bool at_end(const char *at)
{
    return *at == '\0' || *at == '\n';
}

static bool take_score(const char **at, double *score)
{
    if (!take_text(at, " "))
        return false;
    const char *text = *at;
    size_t length = strcspn(text, " \t\r\n");
    *at += length;
    *score = NAN;
    if (length == 3 && memcmp(text, "nan", 3) == 0)
        return true;
    struct rung_json *value = rung_json_parse(text, length, 0, NULL);
    bool number = value != NULL && rung_json_is(value, RUNG_JSON_NUMBER);
    if (number)
        *score = rung_json_number(value);
    rung_json_free(value);
    return number;
}

static bool take_event(const char **at, struct rung_event *event)
{
    int64_t model;
    *event = (struct rung_event){.kind = RUNG_EVENT_START};
    if (take_text(at, "start"))
        return true;
    event->kind = RUNG_EVENT_ASK;
    if (take_text(at, "ask"))
        return true;
    if (take_text(at, "result"))
        event->kind = RUNG_EVENT_RESULT;
    else if (take_text(at, "failure"))
        event->kind = RUNG_EVENT_FAILURE;
    else if (take_text(at, "retry"))
        event->kind = RUNG_EVENT_RETRY;
    else
        return false;
    if (!take_number(at, MODEL_MAX, &model) || !take_number(at, INT64_MAX, &event->calls))
        return false;
    event->model = (uint32_t)model;
    return event->kind != RUNG_EVENT_RESULT || take_score(at, &event->score);
}

int rung_trace_read_event(struct rung_event *event, const char *line, struct rung_err *err)
{
    const char *at = line;
    if (!take_event(&at, event) || *at != '\0')
        return rung_err_set(err, RUNG_EUSE, "\"%s\" is no event", line);
    return 0;
}

static bool take_model_or_none(const char **at, uint32_t *model)
{
    int64_t number;
    *model = RUNG_NO_MODEL;
    if (take_text(at, " none"))
        return true;
    if (!take_number(at, MODEL_MAX, &number))
        return false;
    *model = (uint32_t)number;
    return true;
}

static bool take_rung(const char **at, int32_t *rung)
{
    int64_t number;
    if (!take_text(at, " rung") || !take_number(at, INT32_MAX, &number))
        return false;
    *rung = (int32_t)number;
    return true;
}

static bool take_bracket(const char **at, uint32_t *bracket)
{
    int64_t number;
    if (!take_number(at, UINT32_MAX, &number))
        return false;
    *bracket = (uint32_t)number;
    return true;
}

/* What put_rest wrote. */
static bool take_rest(const char **at, struct rung_decision *decision)
{
    int64_t number;
    switch (decision->kind) {
    case RUNG_DECISION_MODEL:
        return take_text(at, " bracket") && take_bracket(at, &decision->bracket);
    case RUNG_DECISION_TRAIN:
        if (!take_number(at, INT64_MAX, &decision->from) || !take_text(at, ">") ||
            !take_digits(at, INT64_MAX, &decision->to))
            return false;
        return at_end(*at) || take_rung(at, &decision->rung);
    case RUNG_DECISION_STOP:
        return take_rung(at, &decision->rung);
    case RUNG_DECISION_RUNG:
        if (!take_bracket(at, &decision->bracket) || !take_number(at, INT32_MAX, &number))
            return false;
        decision->rung = (int32_t)number;
        return take_text(at, " kept") && take_number(at, INT64_MAX, &decision->kept);
    case RUNG_DECISION_BRACKET:
        return take_bracket(at, &decision->bracket) && take_text(at, " winner") &&
               take_model_or_none(at, &decision->model);
    case RUNG_DECISION_DONE:
        return take_model_or_none(at, &decision->model);
    default:
        return true;
    }
}

/* " 5" or " 5-9" */
static bool take_range(const char **at, int64_t *first, int64_t *last)
{
    if (!take_number(at, MODEL_MAX, first))
        return false;
    *last = *first;
    return !take_text(at, "-") || (take_digits(at, MODEL_MAX, last) && *last > *first);
}

static bool take_decisions(const char **at, struct rung_decisions *decisions)
{
    struct rung_decision decision = {.rung = RUNG_NO_RUNG, .model = RUNG_NO_MODEL};
    size_t kind = 0, kinds = sizeof DECISION_NAMES / sizeof *DECISION_NAMES;
    int64_t first = RUNG_NO_MODEL, last = RUNG_NO_MODEL;
    while (kind < kinds && !take_text(at, DECISION_NAMES[kind]))
        kind++;
    if (kind == kinds)
        return false;
    decision.kind = (enum rung_decision_kind)kind;
    if (of_model(decision.kind) && !take_range(at, &first, &last))
        return false;
    if (!take_rest(at, &decision) || !at_end(*at) ||
        (size_t)(last - first) >= DECISIONS_MAX - decisions->count)
        return false;
    for (int64_t model = first; model <= last; model++) {
        if (of_model(decision.kind))
            decision.model = (uint32_t)model;
        rung_decisions_add(decisions, &decision);
    }
    return true;
}

int rung_trace_read_decisions(struct rung_decisions *decisions, const char *text, struct rung_err *err)
{
    for (const char *at = text; *at != '\0';) {
        const char *line = at;
        bool taken = take_decisions(&at, decisions);
        if (!taken || (*at == '\n' && at[1] == '\0'))
            return rung_err_set(err, RUNG_EUSE, "\"%.*s\" is no decision", (int)strcspn(line, "\n"), line);
        at += *at == '\n';
    }
    return 0;
}
