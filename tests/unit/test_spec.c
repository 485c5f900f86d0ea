/*
 * The spec: what is wrong with one is said in one line that names its place; what is right comes out with its
 * defaults filled in.
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

static void test_missing_and_wrongly_typed_sections(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.text = "[]", .error = "the spec: expected an object, found []"},
        {.text = "3", .error = "the spec: expected an object, found 3"},
        {.text = "null", .error = "the spec: expected an object, found null"},
        {.text = "{}", .error = "trainer.command: missing"},
        {.text = "{'parameters':{'a':{'uniform':[0,1]}},'search':{'max_iter':81}}",
         .error = "trainer.command: missing"},
        {.text = "{'trainer':{'command':['t']},'search':{'max_iter':81}}",
         .error = "parameters: missing (or configurations)"},
        {.text = "{'trainer':{'command':['t']},'parameters':{'a':{'uniform':[0,1]}}}",
         .error = "search.max_iter: missing (or n_params and n_examples)"},
        {.text = "{'trainer':{'command':['t']},'parameters':{'a':{'uniform':[0,1]}},'search':{}}",
         .error = "search.max_iter: missing (or n_params and n_examples)"},
        {.text = "{'trainer':{},'parameters':{'a':{'uniform':[0,1]}},'search':{'max_iter':81}}",
         .error = "trainer.command: missing"},
        {.text = "{'trainer':[],'parameters':{'a':{'uniform':[0,1]}},'search':{'max_iter':81}}",
         .error = "trainer: expected an object, found []"},
        {.text = "{'trainer':{'command':['t']},'parameters':{'a':{'uniform':[0,1]}},'search':[]}",
         .error = "search: expected an object, found []"},
        {.text = "{'trainer':{'command':['t']},'search':{'max_iter':81},'configurations':[{}]}",
         .error = "configurations: 1 given, 143 needed"},
        {.text = "{'trainer':{'command':['t']},'search':{'max_iter':81},'configurations':[{},3]}",
         .error = "configurations.1: expected an object, found 3"},
        {.text = "{'trainer':{'command':['t']},'configurations':[{},{}],'search':{'algorithm':'grid','max_"
                 "iter':3}}",
         .error = "configurations: a grid is made of parameters (the algorithm 'random' tries a list)"},
        {.text = "{'trainer':{'command':['t']},'search':{'max_iter':9},'configurations':[{},{},{},{},{},{},{}"
                 ",{},{},{}]}",
         .error = "configurations: 10 given, 17 needed"},
    };
    ASSERT_WRONG(CASES);
}

static void test_wrong_top(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"nmae=x"}, .error = "nmae: unknown key (did you mean 'name'?)"},
        {.set = {"paramaters={}"}, .error = "paramaters: unknown key (did you mean 'parameters'?)"},
        {.set = {"searches={}"}, .error = "searches: unknown key (did you mean 'search'?)"},
        {.set = {"limit={}"}, .error = "limit: unknown key (did you mean 'limits'?)"},
        {.set = {"frist=[]"}, .error = "frist: unknown key (did you mean 'first'?)"},
        {.set = {"configuration=[]"}, .error = "configuration: unknown key (did you mean 'configurations'?)"},
        {.set = {"on_finish=[]"},
         .error = "on_finish: unknown key (known here: name, trainer, parameters, first, configurations, "
                  "search, objective, limits, cluster, on_end)"},
        {.set = {"description=none"},
         .error = "description: unknown key (known here: name, trainer, parameters, first, configurations, "
                  "search, objective, limits, cluster, on_end)"},
        {.set = {"max_iter=3"}, .error = "max_iter: unknown key (did you mean 'search.max_iter'?)"},
        {.set = {"algorithm=random"}, .error = "algorithm: unknown key (did you mean 'search.algorithm'?)"},
        {.set = {"command=['t']"}, .error = "command: unknown key (did you mean 'trainer.command'?)"},
        {.set = {"metric=loss"}, .error = "metric: unknown key (did you mean 'objective.metric'?)"},
        {.set = {"goal=minimize"}, .error = "goal: unknown key (did you mean 'objective.goal'?)"},
        {.set = {"retries=3"}, .error = "retries: unknown key (did you mean 'limits.retries'?)"},
        {.set = {"name=3"}, .error = "name: expected a string that is not empty, found 3"},
        {.set = {"name="}, .error = "name: expected a string that is not empty, found ''"},
        {.set = {"name=.hidden"},
         .error = "name: expected 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front, found '.hidden'"},
        {.set = {"name=a b"},
         .error = "name: expected 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front, found 'a b'"},
        {.set = {"name=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
         .error = "name: expected 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front, found "
                  "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'"},
        {.set = {"on_end=notify"},
         .error = "on_end: expected an array of a program and its arguments, found 'notify'"},
        {.set = {"on_end=[]"}, .error = "on_end: expected an array of a program and its arguments, found []"},
        {.set = {"on_end=['notify',3]"}, .error = "on_end.1: expected a string that is not empty, found 3"},
    };
    ASSERT_WRONG(CASES);
}

static void test_wrong_trainer(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"trainer.seed=3"}, .error = "trainer.seed: unknown key (did you mean 'search.seed'?)"},
        {.set = {"trainer=python"}, .error = "trainer: expected an object, found 'python'"},
        {.set = {"trainer.comand=['t']"}, .error = "trainer.comand: unknown key (did you mean 'command'?)"},
        {.set = {"trainer.command=python"},
         .error = "trainer.command: expected an array of a program and its arguments, found 'python'"},
        {.set = {"trainer.command=[]"},
         .error = "trainer.command: expected an array of a program and its arguments, found []"},
        {.set = {"trainer.command=['']"},
         .error = "trainer.command.0: expected a string that is not empty, found ''"},
        {.set = {"trainer.command=['t',1]"},
         .error = "trainer.command.1: expected a string that is not empty, found 1"},
        {.set = {"trainer.command=null"},
         .error = "trainer.command: expected an array of a program and its arguments, found null"},
        {.set = {"trainer.count=-1"}, .error = "trainer.count: expected an integer >= 0, found -1"},
        {.set = {"trainer.count=1.5"}, .error = "trainer.count: expected an integer >= 0, found 1.5"},
        {.set = {"trainer.count='2'"}, .error = "trainer.count: expected an integer >= 0, found '2'"},
        {.set = {"trainer.count=1e7"},
         .error = "trainer.count: expected an integer <= 65536, found 10000000"},
        {.set = {"trainer.threads=0"}, .error = "trainer.threads: expected an integer >= 1, found 0"},
        {.set = {"trainer.thread=1"}, .error = "trainer.thread: unknown key (did you mean 'threads'?)"},
        {.set = {"trainer.setting={}"}, .error = "trainer.setting: unknown key (did you mean 'settings'?)"},
        {.set = {"trainer.env=[]"}, .error = "trainer.env: expected an object of strings, found []"},
        {.set = {"trainer.env.X=3"}, .error = "trainer.env.X: expected a string, found 3"},
        {.set = {"trainer.env.X=true"}, .error = "trainer.env.X: expected a string, found true"},
        {.set = {"trainer.env={'A=B':'x'}"},
         .error = "trainer.env: expected names without '=' and not empty, found 'A=B'"},
        {.set = {"trainer.env={'':'x'}"},
         .error = "trainer.env: expected names without '=' and not empty, found ''"},
        {.set = {"trainer.env.X={gpu}"},
         .error = "trainer.env.X: unknown placeholder '{gpu}' (the only one is '{slot}')"},
        {.set = {"trainer.env.X=a{slot}b{slots}"},
         .error = "trainer.env.X: unknown placeholder '{slots}' (the only one is '{slot}')"},
        {.set = {"trainer.env.RUNG_FD='3'"}, .error = "trainer.env.RUNG_FD: rung sets this itself"},
        {.set = {"trainer.env.RUNG_SLOT='3'"}, .error = "trainer.env.RUNG_SLOT: rung sets this itself"},
    };
    ASSERT_WRONG(CASES);
}

static const struct wrong_spec WRONG_LIMITS[] = {
    {.set = {"objective.max_iter=3"},
     .error = "objective.max_iter: unknown key (did you mean 'search.max_iter'?)"},
    {.set = {"limits.name=x"}, .error = "limits.name: unknown key (did you mean 'name'?)"},
    {.set = {"objective=loss"}, .error = "objective: expected an object, found 'loss'"},
    {.set = {"objective.metrics=loss"}, .error = "objective.metrics: unknown key (did you mean 'metric'?)"},
    {.set = {"objective.metric="},
     .error = "objective.metric: expected a string that is not empty, found ''"},
    {.set = {"objective.metric=3"},
     .error = "objective.metric: expected a string that is not empty, found 3"},
    {.set = {"objective.goal=minimise"},
     .error = "objective.goal: expected 'maximize' or 'minimize', found 'minimise' (did you mean "
              "'minimize'?)"},
    {.set = {"objective.goal=max"},
     .error = "objective.goal: expected 'maximize' or 'minimize', found 'max'"},
    {.set = {"objective.goal=null"},
     .error = "objective.goal: expected 'maximize' or 'minimize', found null"},
    {.set = {"limits=60"}, .error = "limits: expected an object, found 60"},
    {.set = {"limits.job_timout=60"},
     .error = "limits.job_timout: unknown key (did you mean 'job_timeout'?)"},
    {.set = {"limits.job_timeout=0"},
     .error = "limits.job_timeout: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found 0"},
    {.set = {"limits.job_timeout=10 m"},
     .error = "limits.job_timeout: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found "
              "'10 m'"},
    {.set = {"limits.job_timeout=10min"},
     .error = "limits.job_timeout: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found "
              "'10min'"},
    {.set = {"limits.job_timeout=[]"},
     .error = "limits.job_timeout: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found []"},
    {.set = {"limits.start_timeout=-1"},
     .error = "limits.start_timeout: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', "
              "found -1"},
    {.set = {"limits.time=2w"},
     .error = "limits.time: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found '2w'"},
    {.set = {"limits.time=true"},
     .error = "limits.time: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found true"},
    {.set = {"limits.time=-2h"},
     .error = "limits.time: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found '-2h'"},
    {.set = {"limits.time=1e999d"},
     .error = "limits.time: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found '1e999d'"},
    {.set = {"limits.retries=-1"}, .error = "limits.retries: expected an integer >= 0, found -1"},
    {.set = {"limits.retries=1.5"}, .error = "limits.retries: expected an integer >= 0, found 1.5"},
    {.set = {"limits.retries=null"}, .error = "limits.retries: expected an integer >= 0, found null"},
    {.set = {"limits.calls=0"}, .error = "limits.calls: expected an integer >= 1 or null, found 0"},
    {.set = {"limits.calls=1k"}, .error = "limits.calls: expected an integer >= 1 or null, found '1k'"},
    {.set = {"limits.score=high"}, .error = "limits.score: expected a number or null, found 'high'"},
    {.set = {"limits.state_bytes=1G"},
     .error = "limits.state_bytes: expected an integer >= 1 or null, found '1G'"},
    {.set = {"limits.state_bytes=0"},
     .error = "limits.state_bytes: expected an integer >= 1 or null, found 0"},
};

static void test_wrong_objective_and_limits(void **state)
{
    (void)state;
    ASSERT_WRONG(WRONG_LIMITS);
}

static void test_wrong_cluster(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"cluster=[]"}, .error = "cluster: expected an object, found []"},
        {.set = {"cluster.partion=gpu"}, .error = "cluster.partion: unknown key (did you mean 'partition'?)"},
        {.set = {"partition=gpu"}, .error = "partition: unknown key (did you mean 'cluster.partition'?)"},
        {.set = {"limits.memory=4G"}, .error = "limits.memory: unknown key (did you mean 'cluster.memory'?)"},
        {.set = {"cluster.threads=2"},
         .error = "cluster.threads: unknown key (did you mean 'trainer.threads'?)"},
        {.set = {"cluster.partition="},
         .error = "cluster.partition: expected a string that is not empty or null, found ''"},
        {.set = {"cluster.time=0"},
         .error = "cluster.time: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found 0"},
        {.set = {"cluster.idle=null"},
         .error = "cluster.idle: expected a time above 0 such as 90, '90s', '10m', '2h' or '1d', found null"},
        {.set = {"cluster.memory=4 GB"},
         .error = "cluster.memory: expected a size such as '500M' or '4G', found '4 GB'"},
        {.set = {"cluster.memory=G"},
         .error = "cluster.memory: expected a size such as '500M' or '4G', found 'G'"},
        {.set = {"cluster.memory=4"},
         .error = "cluster.memory: expected a string that is not empty or null, found 4"},
        {.set = {"cluster.cpus=0"}, .error = "cluster.cpus: expected an integer >= 1 or null, found 0"},
        {.set = {"cluster.trainers=0"}, .error = "cluster.trainers: expected an integer >= 1, found 0"},
        {.set = {"cluster.trainers=1025"},
         .error = "cluster.trainers: expected an integer <= 1024, found 1025"},
        {.set = {"cluster.address=head:7700"},
         .error =
             "cluster.address: expected the name or address of a host, without a port, found 'head:7700'"},
        {.set = {"cluster.address=head node"},
         .error =
             "cluster.address: expected the name or address of a host, without a port, found 'head node'"},
        {.set = {"cluster.arguments=--gres=gpu:1"},
         .error = "cluster.arguments: expected an array of strings, found '--gres=gpu:1'"},
        {.set = {"cluster.arguments=['']"},
         .error = "cluster.arguments.0: expected a string that is not empty, found ''"},
        {.set = {"cluster.setup=['module load cuda',3]"},
         .error = "cluster.setup.1: expected a string that is not empty, found 3"},
    };
    ASSERT_WRONG(CASES);
}

static void test_wrong_space(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"parameters=[]"}, .error = "parameters: expected an object, found []"},
        {.set = {"parameters={}"}, .error = "parameters: expected at least one parameter, found {}"},
        {.set = {"parameters.a={'uniform':[1,0]}"},
         .error = "parameters.a.uniform: expected [lo, hi] with lo < hi, found [1,0]"},
        {.set = {"parameters.a={'unifrom':[0,1]}"},
         .error = "parameters.a.unifrom: unknown key (did you mean 'uniform'?)"},
        {.set = {"parameters.b={'choice':[1],'when':{'c':1}}"},
         .error = "parameters.b.when.c: no such parameter"},
        {.set = {"parameters.b={'choice':[1],'when':{'b':1}}"},
         .error = "parameters.b.when: a cycle: 'b' needs 'b'"},
        {.set = {"first={}"}, .error = "first: expected an array of objects, found {}"},
        {.set = {"first=[{'b':1}]"}, .error = "first.0.b: unknown key (known here: a)"},
        {.set = {"configurations=[{}]"},
         .error = "configurations: contradicts parameters (give one of them)"},
        {.set = {"configurations=models.jsonl"},
         .error = "configurations: contradicts parameters (give one of them)"},
    };
    ASSERT_WRONG(CASES);
}

static void test_a_wrong_default_name_is_said(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_spec *spec;
    struct rung_json *value = json(BASE);
    assert_int_equal(rung_spec_read(&spec, value, "my spec", &err), RUNG_EUSE);
    assert_string_equal(err.text,
                        "name: expected 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front, found \"my spec\"");
    assert_string_equal(err.way_out, "the file's name stands for a name that is missing: give one");
    assert_int_equal(rung_spec_read(&spec, value, NULL, &err), RUNG_EUSE);
    rung_json_free(value);
}

static void test_an_error_stays_one_line_whatever_the_keys_are(void **state)
{
    (void)state;
    struct rung_err err;
    struct rung_spec *spec;
    struct rung_json *value = json(BASE);
    char *key = rung_mem_zalloc(3001, 1);
    for (int i = 0; i < 1500; i++)
        memcpy(key + 2 * i, "\xc3\xa9", 2);
    key[7] = '\n';
    rung_json_set(value, key, rung_json_new_null());
    assert_int_equal(rung_spec_read(&spec, value, "x", &err), RUNG_EUSE);
    assert_null(strchr(err.text, '\n'));
    assert_non_null(strstr(err.text, "…: unknown key"));
    free(key);
    rung_json_free(value);
}

static void test_a_key_of_any_length_fits_into_the_error(void **state)
{
    (void)state;
    for (size_t length = 390; length <= 410; length++) {
        struct rung_err err;
        struct rung_spec *spec;
        struct rung_json *value = json(BASE);
        char *key = rung_mem_zalloc(length + 1, 1);
        memset(key, 'k', length);
        rung_json_set(value, key, rung_json_new_null());
        assert_int_equal(rung_spec_read(&spec, value, "x", &err), RUNG_EUSE);
        assert_true((strstr(err.text, "…: unknown key") != NULL) == (length > 400));
        free(key);
        rung_json_free(value);
    }
}

static void test_long_values_are_quoted_in_short(void **state)
{
    (void)state;
    static const struct wrong_spec CASES[] = {
        {.set = {"search.seed=[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]"},
         .error = "search.seed: expected an integer >= 0, found an array of 25"},
        {.set = {"search.seed=éééééééééééééééééééééééééééééééééééééééé"},
         .error = "search.seed: expected an integer >= 0, found 'ééééééééééééééééééééééééééééé…'"},
    };
    ASSERT_WRONG(CASES);
}

static void test_defaults(void **state)
{
    (void)state;
    struct rung_spec *spec = WITH(NULL);
    assert_string_equal(spec->name, "file-name");
    assert_string_equal(spec->trainer.command[0], "t");
    assert_null(spec->trainer.command[1]);
    assert_int_equal(spec->trainer.words, 1);
    assert_true(rung_json_is(spec->trainer.settings, RUNG_JSON_OBJECT));
    assert_int_equal(rung_json_size(spec->trainer.settings), 0);
    assert_int_equal(spec->trainer.env_count, 0);
    assert_int_equal(spec->trainer.count, RUNG_UNSET);
    assert_int_equal(spec->trainer.threads, 1);
    assert_int_equal(spec->search.algorithm, RUNG_HYPERBAND);
    assert_int_equal(spec->search.variant, RUNG_VARIANT_EXACT);
    assert_int_equal(spec->search.priority, RUNG_PRIORITY_SCORE);
    assert_int_equal(spec->search.max_iter, 81);
    assert_int_equal(spec->search.aggressiveness, 3);
    assert_int_equal(spec->search.models, RUNG_UNSET);
    assert_int_equal(spec->search.first_calls, 1);
    assert_int_equal(spec->search.fits_per_score, 1);
    assert_true(isnan(spec->search.decay_rate));
    assert_int_equal(spec->search.patience, 0);
    assert_true(spec->search.tol == 0.001);
    assert_int_equal(spec->search.examples_per_call, RUNG_UNSET);
    assert_int_equal(spec->search.seed, 0);
    assert_true(spec->search.maximize);
    assert_string_equal(spec->metric, "score");
    assert_true(isinf(spec->limits.job_timeout));
    assert_true(spec->limits.start_timeout == 60);
    assert_int_equal(spec->limits.retries, 2);
    assert_true(isinf(spec->limits.time));
    assert_int_equal(spec->limits.calls, INT64_MAX);
    assert_true(isnan(spec->limits.score));
    assert_int_equal(spec->limits.state_bytes, INT64_MAX);
    assert_null(spec->cluster.partition);
    assert_true(isinf(spec->cluster.time));
    assert_null(spec->cluster.memory);
    assert_int_equal(spec->cluster.cpus, 1);
    assert_int_equal(spec->cluster.trainers, 1);
    assert_true(spec->cluster.idle == 2);
    assert_null(spec->cluster.address);
    assert_null(spec->cluster.folder);
    assert_null(spec->cluster.arguments);
    assert_null(spec->cluster.setup);
    assert_null(spec->on_end);
    assert_int_equal(spec->note_count, 0);
    rung_spec_free(spec);
}

static void test_every_key_set(void **state)
{
    (void)state;
    struct rung_json *value = json("{ // a comment\n 'name': 'A.b-c_9', 'trainer': {'command': ['python3', "
                                   "'train.py'], 'settings': [1, {'x': null}], /* and */\n"
                                   "  'env': {'CUDA_VISIBLE_DEVICES': '{slot}', 'JSON': '{\\\"a\\\":{}}', "
                                   "'SHELL_STYLE': '${home}'}, 'count': 0, 'threads': 4},"
                                   " 'parameters': {'a': {'int': [1, 9]}}, 'first': [{'a': 3}],"
                                   " 'search': {'algorithm': 'hyperband', 'max_iter': 100, 'aggressiveness': "
                                   "4, 'variant': 'table', 'patience': 50, 'tol': null,"
                                   "  'priority': 'fifo', 'seed': 9007199254740991},"
                                   " 'objective': {'metric': 'loss', 'goal': 'minimize'},"
                                   " 'limits': {'job_timeout': '1.5m', 'start_timeout': 5, 'retries': 0, "
                                   "'time': '2h', 'calls': 1000, 'score': -0.5,"
                                   "  'state_bytes': 1000000000000}, 'on_end': ['notify', '--done']}");
    struct rung_err err;
    struct rung_spec *spec;
    if (rung_spec_read(&spec, value, "other", &err) != 0)
        fail_msg("%s", err.text);
    rung_json_free(value);
    assert_string_equal(spec->name, "A.b-c_9");
    assert_string_equal(spec->trainer.command[1], "train.py");
    assert_int_equal(spec->trainer.words, 2);
    assert_true(rung_json_is(spec->trainer.settings, RUNG_JSON_ARRAY));
    assert_int_equal(spec->trainer.env_count, 3);
    assert_string_equal(spec->trainer.env_names[0], "CUDA_VISIBLE_DEVICES");
    assert_string_equal(spec->trainer.env_values[0], "{slot}");
    assert_string_equal(spec->trainer.env_values[2], "${home}");
    assert_int_equal(spec->trainer.count, 0);
    assert_int_equal(spec->trainer.threads, 4);
    assert_int_equal(rung_space_first_count(spec->space), 1);
    assert_int_equal(spec->search.variant, RUNG_VARIANT_TABLE);
    assert_int_equal(spec->search.priority, RUNG_PRIORITY_FIFO);
    assert_int_equal(spec->search.aggressiveness, 4);
    assert_int_equal(spec->search.patience, 50);
    assert_true(isnan(spec->search.tol));
    assert_int_equal(spec->search.seed, 9007199254740991);
    assert_false(spec->search.maximize);
    assert_string_equal(spec->metric, "loss");
    assert_true(spec->limits.job_timeout == 90);
    assert_true(spec->limits.start_timeout == 5);
    assert_int_equal(spec->limits.retries, 0);
    assert_true(spec->limits.time == 7200);
    assert_int_equal(spec->limits.calls, 1000);
    assert_true(spec->limits.score == -0.5);
    assert_int_equal(spec->limits.state_bytes, 1000000000000);
    assert_string_equal(spec->on_end[1], "--done");
    assert_null(spec->on_end[2]);
    assert_int_equal(spec->note_count, 0);
    rung_spec_free(spec);
}

static void test_every_key_of_a_cluster(void **state)
{
    (void)state;
    struct rung_spec *spec =
        WITH("cluster={'partition':'gpu','time':'2h','memory':'4G','cpus':3,'trainers':2,'idle':'1m',"
             "'address':'fe80::1','folder':'shared','arguments':['--gres=gpu:1','-A','me'],"
             "'setup':['module load cuda']}");
    assert_string_equal(spec->cluster.partition, "gpu");
    assert_true(spec->cluster.time == 7200);
    assert_string_equal(spec->cluster.memory, "4G");
    assert_int_equal(spec->cluster.cpus, 3);
    assert_int_equal(spec->cluster.trainers, 2);
    assert_true(spec->cluster.idle == 60);
    assert_string_equal(spec->cluster.address, "fe80::1");
    assert_string_equal(spec->cluster.folder, "shared");
    assert_string_equal(spec->cluster.arguments[2], "me");
    assert_null(spec->cluster.arguments[3]);
    assert_string_equal(spec->cluster.setup[0], "module load cuda");
    rung_spec_free(spec);
    spec = WITH("trainer.threads=4", "cluster={'trainers':3,'arguments':[],'time':null}");
    assert_int_equal(spec->cluster.cpus, 12);
    assert_null(spec->cluster.arguments[0]);
    assert_true(isinf(spec->cluster.time));
    rung_spec_free(spec);
}

static void test_addresses_of_a_cluster(void **state)
{
    (void)state;
    static const char *const good[][2] = {
        {"head-node.example.org", "head-node.example.org"},
        {"10.0.0.1", "10.0.0.1"},
        {"::1", "::1"},
        {"::", "::"},
        {"1::", "1::"},
        {"fe80::1%eth0.5", "fe80::1%eth0.5"},
        {"[fe80::1]", "fe80::1"},
        {"1:2:3:4:5:6:7:abcd", "1:2:3:4:5:6:7:abcd"},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
        {"1:2:3:4:5:6:10.0.0.1", "1:2:3:4:5:6:10.0.0.1"},
    };
    static const char *const bad[] = {
        "a:1",         ":7700",   "[::1]:7700",    "[::1",      "[]",
        "[",           "[head]",  "::1:",          ":::",       "1:2:3",
        "12345::",     "1::2::3", "::10.0.0.1:77", "::10.0.0",  "fe80::1%",
        "fe80::1%a b", "-head",   "a b",           "head%eth0", "1:2:3:4:5:6:7:8:9",
    };
    struct rung_err err;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct rung_json *value = json(BASE);
        struct rung_spec *spec;
        char *set = rung_mem_printf("cluster.address=\"%s\"", good[i][0]);
        assert_int_equal(rung_spec_override(value, set, &err), 0);
        if (rung_spec_read(&spec, value, "x", &err) < 0)
            fail_msg("%s", err.text);
        assert_string_equal(spec->cluster.address, good[i][1]);
        rung_spec_free(spec);
        rung_json_free(value);
        free(set);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct rung_json *value = json(BASE);
        struct rung_spec *spec;
        char *set = rung_mem_printf("cluster.address=\"%s\"", bad[i]);
        assert_int_equal(rung_spec_override(value, set, &err), 0);
        if (rung_spec_read(&spec, value, "x", &err) != RUNG_EUSE)
            fail_msg("%s is taken", bad[i]);
        assert_non_null(strstr(err.text, "cluster.address: "));
        rung_spec_free(spec);
        rung_json_free(value);
        free(set);
    }
}

static void test_start_timeout_follows_job_timeout(void **state)
{
    (void)state;
    struct rung_spec *spec = WITH("limits.job_timeout=10m");
    assert_true(spec->limits.start_timeout == 600);
    rung_spec_free(spec);
}

static void test_null_lifts_a_limit(void **state)
{
    (void)state;
    struct rung_spec *spec =
        WITH("limits={'time':null,'calls':null,'score':null,'job_timeout':null,'state_bytes':null}");
    assert_true(isinf(spec->limits.time) && isinf(spec->limits.job_timeout) && isnan(spec->limits.score));
    assert_int_equal(spec->limits.calls, INT64_MAX);
    assert_int_equal(spec->limits.state_bytes, INT64_MAX);
    rung_spec_free(spec);
}

static void test_settings_may_be_any_json(void **state)
{
    (void)state;
    static const char *const SETTINGS[] = {"null", "3", "'text'", "[]", "{'deep':{'er':[1,2]}}"};
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        char *set = rung_mem_printf("trainer.settings=%s", SETTINGS[i]);
        struct rung_json *wanted = json(SETTINGS[i]);
        struct rung_spec *spec = WITH(set);
        assert_true(rung_json_equal(spec->trainer.settings, wanted));
        rung_spec_free(spec);
        rung_json_free(wanted);
        free(set);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(rung_algorithm_name(RUNG_HYPERBAND), "hyperband");
    assert_string_equal(rung_algorithm_name(RUNG_SUCCESSIVE_HALVING), "successive_halving");
    assert_string_equal(rung_algorithm_name(RUNG_ASHA), "asha");
    assert_string_equal(rung_algorithm_name(RUNG_RANDOM), "random");
    assert_string_equal(rung_algorithm_name(RUNG_GRID), "grid");
    assert_string_equal(rung_algorithm_name(RUNG_INCREMENTAL), "incremental");
    assert_string_equal(rung_variant_name(RUNG_VARIANT_EXACT), "exact");
    assert_string_equal(rung_variant_name(RUNG_VARIANT_DASK), "dask");
    assert_string_equal(rung_variant_name(RUNG_VARIANT_TABLE), "table");
    assert_string_equal(rung_priority_name(RUNG_PRIORITY_SCORE), "score");
    assert_string_equal(rung_priority_name(RUNG_PRIORITY_FIFO), "fifo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_and_wrongly_typed_sections),
        cmocka_unit_test(test_wrong_top),
        cmocka_unit_test(test_wrong_trainer),
        cmocka_unit_test(test_wrong_objective_and_limits),
        cmocka_unit_test(test_wrong_cluster),
        cmocka_unit_test(test_wrong_space),
        cmocka_unit_test(test_a_wrong_default_name_is_said),
        cmocka_unit_test(test_an_error_stays_one_line_whatever_the_keys_are),
        cmocka_unit_test(test_a_key_of_any_length_fits_into_the_error),
        cmocka_unit_test(test_long_values_are_quoted_in_short),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_key_set),
        cmocka_unit_test(test_every_key_of_a_cluster),
        cmocka_unit_test(test_addresses_of_a_cluster),
        cmocka_unit_test(test_start_timeout_follows_job_timeout),
        cmocka_unit_test(test_null_lifts_a_limit),
        cmocka_unit_test(test_settings_may_be_any_json),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
