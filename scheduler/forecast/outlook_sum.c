/* Summing up plans. */
#include "forecast/outlook_sum.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define CAST_ASKED 500 /* models whose mean stands for all */

/* ---- what is ahead ---- */

static void take_done(struct rung_outlook_ahead *ahead, const struct rung_search *search)
{
    for (size_t b = 0; b < ahead->plan.bracket_count && b < rung_search_bracket_count(search); b++)
        for (size_t r = 0; rung_search_bracket(search, b).ended && r < ahead->plan.brackets[b].rung_count;
             r++)
            ahead->jobs[b][r] = 0;
    for (uint32_t k = 0; k < rung_search_model_count(search); k++) {
        struct rung_model_view model = rung_search_model(search, k);
        const struct rung_plan_bracket *bracket = &ahead->plan.brackets[model.bracket_index];
        for (size_t r = 0; r < bracket->rung_count && bracket->rungs[r].calls <= model.calls; r++)
            ahead->jobs[model.bracket_index][r] = fmax(0, ahead->jobs[model.bracket_index][r] - 1);
    }
}

int rung_outlook_look_ahead(struct rung_outlook_ahead *ahead, const struct rung_outlook_options *options,
                            struct rung_err *err)
{
    *ahead = (struct rung_outlook_ahead){0};
    if (options->search)
        ahead->plan = rung_plan_copy(rung_search_plan(options->search));
    else if (rung_plan_make(&ahead->plan, options->spec, err) < 0)
        return err ? err->code : RUNG_EUSE;
    ahead->jobs = rung_mem_zalloc(ahead->plan.bracket_count + 1, sizeof *ahead->jobs);
    for (size_t b = 0; b < ahead->plan.bracket_count; b++) {
        const struct rung_plan_bracket *bracket = &ahead->plan.brackets[b];
        ahead->jobs[b] = rung_mem_zalloc(bracket->rung_count + 1, sizeof **ahead->jobs);
        for (size_t r = 0; r < bracket->rung_count; r++)
            ahead->jobs[b][r] = (double)bracket->rungs[r].models;
    }
    if (options->search)
        take_done(ahead, options->search);
    for (size_t b = 0; b < ahead->plan.bracket_count; b++)
        for (size_t r = 0; r < ahead->plan.brackets[b].rung_count; r++)
            ahead->count += ahead->jobs[b][r];
    return 0;
}

void rung_outlook_ahead_free(struct rung_outlook_ahead *ahead)
{
    for (size_t b = 0; ahead->jobs && b < ahead->plan.bracket_count; b++)
        free(ahead->jobs[b]);
    free(ahead->jobs);
    rung_plan_free(&ahead->plan);
}

/* ---- what it costs ---- */

static double mean_job(const struct rung_outlook_options *options, int64_t calls, double sharing)
{
    const struct rung_timefit *time = options->knowledge->time;
    size_t step = options->cast_count / CAST_ASKED + 1, asked = 0;
    double sum = 0;

    for (size_t i = 0; i < options->cast_count; i += step, asked++)
        sum += rung_timefit_train(time, options->cast[i], (double)calls, NAN, sharing).seconds +
               rung_timefit_score(time, options->cast[i], sharing).seconds;
    return sum / (double)asked;
}

static struct rung_amount amount(double low, double high, double common)
{
    double width = exp(RUNG_OUTLOOK_HALF_WIDTH * common);

    return (struct rung_amount){(low + high) / 2, low / width, high * width};
}

struct total {
    double work;            /* trainer-seconds */
    double occupied, chain; /* with what comes beside training and scoring; chain: the longest of a bracket */
};

static void add_bracket(struct rung_outlook *out, const struct rung_outlook_options *options,
                        const struct rung_outlook_ahead *ahead, size_t b, struct total *total)
{
    const struct rung_plan_bracket *bracket = &ahead->plan.brackets[b];
    size_t processors = options->processors, trainers = options->trainers;
    double sharing = (double)(processors > 0 && trainers > processors ? processors : trainers);
    double work = 0, chain = 0;

    for (size_t r = 0; r < bracket->rung_count; r++) {
        int64_t calls = bracket->rungs[r].calls - (r > 0 ? bracket->rungs[r - 1].calls : 0);
        double jobs = ahead->jobs[b][r], job = jobs > 0 ? mean_job(options, calls, sharing) : 0;
        double overhead = rung_overhead_at(&options->knowledge->overhead, job, sharing);
        work += jobs * job;
        chain += jobs > 0 ? job + overhead : 0;
        total->occupied += jobs * (job + overhead);
        out->bracket_calls[b] += jobs * (double)calls;
        out->scores += jobs;
    }
    out->brackets[b] = amount(work, work, rung_timefit_spread(options->knowledge->time).common);
    out->calls += out->bracket_calls[b];
    total->work += work;
    total->chain = fmax(total->chain, chain);
}

void rung_outlook_sum_up(struct rung_outlook *out, const struct rung_outlook_options *options,
                         const struct rung_outlook_ahead *ahead)
{
    const struct rung_knowledge *knowledge = options->knowledge;
    double common = rung_timefit_spread(knowledge->time).common, trainers = (double)options->trainers;
    double around = options->jobs_only
                        ? 0
                        : rung_knowledge_mean(&knowledge->start, 0) + rung_knowledge_mean(&knowledge->end, 0);
    struct total total = {0};

    *out = (struct rung_outlook){.idle_barrier = NAN, .idle_no_work = NAN, .states_peak = NAN};
    out->bracket_count = ahead->plan.bracket_count;
    out->brackets = rung_mem_zalloc(out->bracket_count + 1, sizeof *out->brackets);
    out->bracket_calls = rung_mem_zalloc(out->bracket_count + 1, sizeof *out->bracket_calls);
    for (size_t b = 0; b < out->bracket_count; b++)
        add_bracket(out, options, ahead, b, &total);
    double divided = total.occupied / trainers;
    out->seconds = amount(around + fmax(divided, total.chain),
                          around + divided + (1 - 1 / trainers) * total.chain, common);
    out->trainer_seconds = amount(total.work, total.work, common);
    out->overhead = total.occupied - total.work;
    out->utilisation = total.work / (trainers * out->seconds.value);
    out->observations = rung_timefit_observations(knowledge->time);
}
