/*
 * The `search` section against the rest: budgets, patience, and how many models there are.
 */
#include "core/spec.h"

#include "base/mem.h"
#include "spec_text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wrong_spec WRONG_SEARCH[] = {
    {.set = {"search.time=60"}, .error = "search.time: unknown key (did you mean 'limits.time'?)"},
    {.set = {"search.algorithm=hyperbandit"},
     .error = "search.algorithm: expected 'hyperband', 'successive_halving', 'asha', 'random', 'grid' or "
              "'incremental', found 'hyperbandit' (did you mean 'hyperband'?)"},
    {.set = {"search.algorithm=Hyperband"},
     .error = "search.algorithm: expected 'hyperband', 'successive_halving', 'asha', 'random', 'grid' or "
              "'incremental', found 'Hyperband' (did you mean 'hyperband'?)"},
    {.set = {"search.algorithm=bayes"},
     .error = "search.algorithm: expected 'hyperband', 'successive_halving', 'asha', 'random', 'grid' or "
              "'incremental', found 'bayes'"},
    {.set = {"search.algorithm=3"},
     .error = "search.algorithm: expected 'hyperband', 'successive_halving', 'asha', 'random', 'grid' or "
              "'incremental', found 3"},
    {.set = {"search.algorithm=null"},
     .error = "search.algorithm: expected 'hyperband', 'successive_halving', 'asha', 'random', 'grid' or "
              "'incremental', found null"},
    {.set = {"search.agressiveness=4"},
     .error = "search.agressiveness: unknown key (did you mean 'aggressiveness'?)"},
    {.set = {"search.max_iters=4"}, .error = "search.max_iters: unknown key (did you mean 'max_iter'?)"},
    {.set = {"search.maxiter=4"}, .error = "search.maxiter: unknown key (did you mean 'max_iter'?)"},
    {.set = {"search.eta=4"},
     .error = "search.eta: unknown key (known here: algorithm, max_iter, n_params, n_examples, "
              "aggressiveness, variant, patience, tol, priority, seed)"},
    {.set = {"search.nparams=4"}, .error = "search.nparams: unknown key (did you mean 'n_params'?)"},
    {.set = {"search.toll=4"}, .error = "search.toll: unknown key (did you mean 'tol'?)"},
    {.set = {"search.sed=4"}, .error = "search.sed: unknown key (did you mean 'seed'?)"},
    {.set = {"search.paitence=true"}, .error = "search.paitence: unknown key (did you mean 'patience'?)"},
    {.set = {"search.modles=3"}, .error = "search.modles: unknown key (did you mean 'models'?)"},
    {.set = {"search.max_iter=0"}, .error = "search.max_iter: expected an integer >= 1, found 0"},
    {.set = {"search.max_iter=-3"}, .error = "search.max_iter: expected an integer >= 1, found -3"},
    {.set = {"search.max_iter=2.5"}, .error = "search.max_iter: expected an integer >= 1, found 2.5"},
    {.set = {"search.max_iter='81'"}, .error = "search.max_iter: expected an integer >= 1, found '81'"},
    {.set = {"search.max_iter=1e10"},
     .error = "search.max_iter: expected an integer <= 2147483647, found 10000000000"},
    {.set = {"search.max_iter=null"}, .error = "search.max_iter: expected an integer >= 1, found null"},
    {.set = {"search.aggressiveness=1"}, .error = "search.aggressiveness: expected an integer >= 2, found 1"},
    {.set = {"search.aggressiveness=1.5"},
     .error = "search.aggressiveness: expected an integer >= 2, found 1.5"},
    {.set = {"search.aggressiveness='3'"},
     .error = "search.aggressiveness: expected an integer >= 2, found '3'"},
    {.set = {"search.aggressiveness=true"},
     .error = "search.aggressiveness: expected an integer >= 2, found true"},
    {.set = {"search.variant=exakt"},
     .error = "search.variant: expected 'exact', 'dask' or 'table', found 'exakt' (did you mean 'exact'?)"},
    {.set = {"search.variant=paper"},
     .error = "search.variant: expected 'exact', 'dask' or 'table', found 'paper'"},
    {.set = {"search.priority=scores"},
     .error =
         "search.priority: expected 'score', 'fifo' or 'critical', found 'scores' (did you mean 'score'?)"},
    {.set = {"search.priority=lifo"},
     .error = "search.priority: expected 'score', 'fifo' or 'critical', found 'lifo' (did you mean 'fifo'?)"},
    {.set = {"search.priority=1"},
     .error = "search.priority: expected 'score', 'fifo' or 'critical', found 1"},
    {.set = {"search.patience=1"},
     .error = "search.patience: expected false, true or an integer >= 2, found 1"},
    {.set = {"search.patience=0"},
     .error = "search.patience: expected false, true or an integer >= 2, found 0"},
    {.set = {"search.patience=-5"},
     .error = "search.patience: expected false, true or an integer >= 2, found -5"},
    {.set = {"search.patience=2.5"},
     .error = "search.patience: expected false, true or an integer >= 2, found 2.5"},
    {.set = {"search.patience=yes"},
     .error = "search.patience: expected false, true or an integer >= 2, found 'yes'"},
    {.set = {"search.patience=null"},
     .error = "search.patience: expected false, true or an integer >= 2, found null"},
    {.set = {"search.tol=-0.1"}, .error = "search.tol: expected a number >= 0 or null, found -0.1"},
    {.set = {"search.tol=small"}, .error = "search.tol: expected a number >= 0 or null, found 'small'"},
    {.set = {"search.tol=false"}, .error = "search.tol: expected a number >= 0 or null, found false"},
    {.set = {"search.seed=-1"}, .error = "search.seed: expected an integer >= 0, found -1"},
    {.set = {"search.seed=0.5"}, .error = "search.seed: expected an integer >= 0, found 0.5"},
    {.set = {"search.seed=9007199254740992"},
     .error = "search.seed: expected an integer <= 9007199254740991, found 9007199254740992"},
    {.set = {"search.seed='1'"}, .error = "search.seed: expected an integer >= 0, found '1'"},
    {.set = {"search={'n_params':0,'n_examples':100}"},
     .error = "search.n_params: expected an integer >= 1, found 0"},
    {.set = {"search={'n_params':10,'n_examples':'1e6'}"},
     .error = "search.n_examples: expected an integer >= 1, found '1e6'"},
    {.set = {"search.algorithm=random", "search.models=0"},
     .error = "search.models: expected an integer >= 1, found 0"},
    {.set = {"search.algorithm=random", "search.models=2.5"},
     .error = "search.models: expected an integer >= 1, found 2.5"},
    {.set = {"search.algorithm=random", "search.models=1e10"},
     .error = "search.models: expected an integer <= 2147483647, found 10000000000"},
    {.set = {"search.algorithm=incremental", "search.models=9", "search.decay_rate=-1"},
     .error = "search.decay_rate: expected a number >= 0 or null, found -1"},
};

static void test_wrong_search(void **state)
{
    (void)state;
    ASSERT_WRONG(WRONG_SEARCH);
}

static void test_wrong_search_that_contradicts_itself(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"search.variant=dask", "search.max_iter=729"},
         .error = "search.variant: rung 0 of bracket 6 would have 0 calls"},
        {.set = {"search.n_params=299"}, .error = "search.n_examples: missing (n_params needs it)"},
        {.set = {"search={'n_params':299}"}, .error = "search.n_examples: missing (n_params needs it)"},
        {.set = {"search={'n_examples':1000}"}, .error = "search.n_params: missing (n_examples needs it)"},
        {.set = {"search={'n_params':299,'n_examples':100}"},
         .error =
             "search.n_examples: expected at least n_params = 299, found 100: a call would see no example"},
        {.set = {"search={'n_params':10,'n_examples':100,'max_iter':10}"},
         .error = "search.max_iter: contradicts n_params (give one of them)"},
        {.set = {"search.models=10"},
         .error = "search.models: 'hyperband' has no such key (successive_halving, asha, random and "
                  "incremental have it)"},
        {.set = {"search.first_calls=2"},
         .error = "search.first_calls: 'hyperband' has no such key (successive_halving and asha have it)"},
        {.set = {"search.fits_per_score=2"},
         .error = "search.fits_per_score: 'hyperband' has no such key (incremental has it)"},
        {.set = {"search.decay_rate=1"},
         .error = "search.decay_rate: 'hyperband' has no such key (incremental has it)"},
        {.set = {"search.algorithm=random", "search.models=3", "search.aggressiveness=3"},
         .error = "search.aggressiveness: 'random' has no such key (hyperband, successive_halving and asha "
                  "have it)"},
        {.set = {"search.algorithm=random", "search.models=3", "search.variant=dask"},
         .error = "search.variant: 'random' has no such key (hyperband has it)"},
        {.set = {"search.algorithm=asha", "search.models=3", "search.variant=dask"},
         .error = "search.variant: 'asha' has no such key (hyperband has it)"},
        {.set = {"search.algorithm=grid", "search.models=3"},
         .error = "search.models: 'grid' has no such key (successive_halving, asha, random and incremental "
                  "have it)"},
        {.set = {"search.algorithm=incremental", "search.models=3", "search.first_calls=3"},
         .error = "search.first_calls: 'incremental' has no such key (successive_halving and asha have it)"},
        {.set = {"search.algorithm=random"}, .error = "search.models: missing"},
        {.set = {"search={'algorithm':'random','models':3}"},
         .error = "search.max_iter: missing (or n_params and n_examples)"},
        {.set = {"search={'algorithm':'successive_halving'}"}, .error = "search.models: missing"},
        {.set = {"search.algorithm=incremental"}, .error = "search.models: missing"},
        {.set = {"search.algorithm=asha"},
         .error = "search.models: missing (asha needs it, or limits.time, limits.calls or limits.score)"},
        {.set = {"search={'algorithm':'asha','models':3}"},
         .error = "search.max_iter: missing (or n_params and n_examples)"},
        {.set = {"search={'algorithm':'grid'}"},
         .error = "parameters.a.uniform: a grid needs values that can be counted (choice, int, log_int, "
                  "uniform with a step)"},
        {.set = {"search.algorithm=successive_halving", "search.models=9", "search.first_calls=100"},
         .error = "search.first_calls: expected at most max_iter = 81, found 100"},
        {.set = {"search.algorithm=asha", "search.models=9", "search.first_calls=82"},
         .error = "search.first_calls: expected at most max_iter = 81, found 82"},
        {.set = {"search.algorithm=incremental", "search.models=9", "search.fits_per_score=82"},
         .error = "search.fits_per_score: expected at most max_iter = 81, found 82"},
        {.set = {"search.algorithm=grid"},
         .error = "parameters.a.uniform: a grid needs values that can be counted (choice, int, log_int, "
                  "uniform with a step)"},
    };
    ASSERT_WRONG(CASES);
}

static void test_more_models_than_a_search_can_have(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"search={'max_iter':2147483647,'aggressiveness':2}"},
         .error = "search: a plan of 2224630924 models (at most 2147483647)"},
    };
    ASSERT_WRONG(CASES);
}

/* 50 epochs of 50,000 examples for 299 models, and 16 chunks of the denoising set. */
static void test_rule_of_thumb(void **state)
{
    (void)state;
    struct rung_spec *spec =
        WITH("search={'n_params':299,'n_examples':2500000,'aggressiveness':4,'patience':true}");
    assert_int_equal(spec->search.max_iter, 299);
    assert_int_equal(spec->search.examples_per_call, 8361);
    assert_int_equal(spec->search.patience, 74);
    rung_spec_free(spec);
    spec = WITH("search={'n_params':16,'n_examples':332500}");
    assert_int_equal(spec->search.examples_per_call, 20781);
    rung_spec_free(spec);
    spec = WITH("search={'n_params':7,'n_examples':7}");
    assert_int_equal(spec->search.examples_per_call, 1);
    rung_spec_free(spec);
}

static void assert_patience(const char *search, int64_t patience, const char *note)
{
    char *set = rung_mem_printf("search=%s", search);
    struct rung_spec *spec = WITH(set);
    assert_int_equal(spec->search.patience, patience);
    assert_int_equal(spec->note_count, note ? 1 : 0);
    if (note)
        assert_string_equal(spec->notes[0], note);
    rung_spec_free(spec);
    free(set);
}

static void test_patience_is_resolved(void **state)
{
    (void)state;
    assert_patience("{'max_iter':81,'patience':false}", 0, NULL);
    assert_patience("{'max_iter':81,'patience':true}", 27, NULL);
    assert_patience("{'max_iter':243,'patience':true}", 81, NULL);
    assert_patience("{'max_iter':81,'patience':27}", 27, NULL);
    assert_patience("{'max_iter':81,'patience':26}", 26,
                    "search.patience: 26 is below max_iter / aggressiveness = 27: models that improve slowly "
                    "may be stopped");
    assert_patience("{'max_iter':5,'patience':true}", 0,
                    "search.patience: 5 calls / aggressiveness 3 is below 2, so it is off");
    assert_patience("{'max_iter':6,'patience':true}", 2, NULL);
    assert_patience("{'algorithm':'random','models':3,'max_iter':30,'patience':true}", 10, NULL);
    /* without a cap the last rung is what counts: 9×1 3×3 1×9 */
    assert_patience("{'algorithm':'successive_halving','models':9,'patience':true}", 3, NULL);
    assert_patience("{'algorithm':'successive_halving','models':9,'first_calls':2,'patience':true}", 6, NULL);
}

static void test_each_algorithm_has_its_keys(void **state)
{
    (void)state;
    struct rung_spec *spec =
        WITH("search={'algorithm':'successive_halving','models':9,'first_calls':3,'max_iter':27}");
    assert_int_equal(spec->search.models, 9);
    assert_int_equal(spec->search.first_calls, 3);
    assert_int_equal(spec->search.max_iter, 27);
    rung_spec_free(spec);
    spec = WITH("search={'algorithm':'successive_halving','models':9}");
    assert_int_equal(spec->search.max_iter, RUNG_UNSET);
    rung_spec_free(spec);
    spec = WITH("search={'algorithm':'asha','models':16,'max_iter':27,'aggressiveness':2}");
    assert_int_equal(spec->search.models, 16);
    rung_spec_free(spec);
    spec = WITH("search={'algorithm':'random','models':20,'n_params':299,'n_examples':2500000}");
    assert_int_equal(spec->search.max_iter, 299);
    rung_spec_free(spec);
    spec = WITH(
        "search={'algorithm':'incremental','models':9,'max_iter':27,'fits_per_score':3,'decay_rate':1.5}");
    assert_int_equal(spec->search.fits_per_score, 3);
    assert_true(spec->search.decay_rate == 1.5);
    rung_spec_free(spec);
    spec = WITH("search={'algorithm':'incremental','models':9,'max_iter':27,'decay_rate':null}");
    assert_true(isnan(spec->search.decay_rate));
    rung_spec_free(spec);
}

static void test_asha_needs_models_or_any_limit(void **state)
{
    (void)state;
    static const char *const LIMITS[] = {"limits.time=1h", "limits.calls=100", "limits.score=0.9"};
    for (size_t i = 0; i < 3; i++) {
        struct rung_spec *spec = WITH("search.algorithm=asha", LIMITS[i]);
        assert_int_equal(spec->search.models, RUNG_UNSET);
        rung_spec_free(spec);
    }
}

static void test_grid_counts_its_models(void **state)
{
    (void)state;
    struct rung_spec *spec = WITH("search={'algorithm':'grid','max_iter':3}",
                                  "parameters={'a':{'choice':[1,2]},'b':{'int':[1,5],'step':2},'c':0}");
    assert_int_equal(spec->search.models, 6);
    rung_spec_free(spec);
}

static char *list_of(size_t count)
{
    struct rung_buf text;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < count; i++)
        rung_buf_printf(&text, "%s{'k':%zu}", i ? "," : "", i);
    return text.data;
}

static struct rung_spec *spec_of_list(size_t count, const char *search)
{
    struct rung_err err;
    struct rung_spec *spec;
    char *list = list_of(count);
    char *text =
        rung_mem_printf("{'trainer':{'command':['t']},'configurations':[%s],'search':%s}", list, search);
    if (read_with(&spec, text, (const char *const[SETS]){NULL}, &err) != 0)
        fail_msg("%s", err.text);
    free(list);
    free(text);
    return spec;
}

static void test_configurations_are_compared_with_the_plan(void **state)
{
    (void)state;
    struct rung_spec *spec = spec_of_list(17, "{'max_iter':9}"); /* 9 + 5 + 3 */
    assert_int_equal(spec->note_count, 0);
    assert_int_equal(rung_space_limit(spec->space), 17);
    rung_spec_free(spec);
    spec = spec_of_list(20, "{'max_iter':9}");
    assert_int_equal(spec->note_count, 1);
    assert_string_equal(spec->notes[0], "configurations: 20 given, 17 needed: the last 3 are left unused");
    rung_spec_free(spec);
    spec = spec_of_list(5, "{'algorithm':'random','max_iter':9,'models':4}");
    assert_int_equal(spec->search.models, 4);
    assert_int_equal(spec->note_count, 1);
    rung_spec_free(spec);
}

static void test_configurations_stand_for_models(void **state)
{
    (void)state;
    static const char *const SEARCHES[] = {
        "{'algorithm':'random','max_iter':9}", "{'algorithm':'successive_halving'}",
        "{'algorithm':'asha','max_iter':9}", "{'algorithm':'incremental','max_iter':9}"};
    for (size_t i = 0; i < 4; i++) {
        struct rung_spec *spec = spec_of_list(12, SEARCHES[i]);
        assert_int_equal(spec->search.models, 12);
        assert_int_equal(spec->note_count, 0);
        rung_spec_free(spec);
    }
}

static void test_surplus_first_is_noted(void **state)
{
    (void)state;
    struct rung_spec *spec =
        WITH("search={'algorithm':'random','models':1,'max_iter':2}", "first=[{},{},{}]");
    assert_int_equal(spec->note_count, 1);
    assert_string_equal(spec->notes[0], "first: 3 given, 1 models: the last 2 are left unused");
    rung_spec_free(spec);
    spec = WITH("search={'max_iter':3}", "first=[{},{},{},{},{},{}]"); /* hyperband's number is the plan's */
    assert_int_equal(spec->note_count, 1);
    assert_string_equal(spec->notes[0], "first: 6 given, 5 models: the last 1 are left unused");
    rung_spec_free(spec);
    spec = WITH("search={'algorithm':'asha','max_iter':3}", "limits={'calls':9}", "first=[{},{}]");
    assert_int_equal(spec->note_count, 0);
    rung_spec_free(spec);
    spec = WITH("first=[{},{}]");
    assert_int_equal(spec->note_count, 0);
    rung_spec_free(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_search),
        cmocka_unit_test(test_wrong_search_that_contradicts_itself),
        cmocka_unit_test(test_more_models_than_a_search_can_have),
        cmocka_unit_test(test_rule_of_thumb),
        cmocka_unit_test(test_patience_is_resolved),
        cmocka_unit_test(test_each_algorithm_has_its_keys),
        cmocka_unit_test(test_asha_needs_models_or_any_limit),
        cmocka_unit_test(test_grid_counts_its_models),
        cmocka_unit_test(test_configurations_are_compared_with_the_plan),
        cmocka_unit_test(test_configurations_stand_for_models),
        cmocka_unit_test(test_surplus_first_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
