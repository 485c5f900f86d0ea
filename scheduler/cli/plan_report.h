/* A plan and its cost as JSON, CSV and text. */
#ifndef RUNG_CLI_PLAN_REPORT_H
#define RUNG_CLI_PLAN_REPORT_H

#include "cli/costing.h"
#include "cli/rows.h"
#include "core/plan.h"
#include "core/spec.h"

struct rung_plan_report {
    const struct rung_spec *spec;
    const struct rung_plan *plan;
    const struct rung_costing *costing;
    bool costs;                           /* to programs, what is forecast is told; false: the plan alone */
    const struct rung_proposal *proposal; /* NULL: none was asked for */
    int64_t budget;                       /* of the proposal; 0: it is for a deadline */
    double deadline;
};

/* Prints to standard output. */
void rung_plan_report(const struct rung_plan_report *report, enum rung_format format);

#endif
