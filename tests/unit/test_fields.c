/* Settings and parameters by table: values, defaults, every kind of error, help. */
#include "trainer/fields.h"
#include "trainer_help.h"

#include <math.h>

struct values {
    double rate;
    int64_t batch;
    bool flag;
    int kind;
    const char *path;
    struct rung_sizes sizes;
    const struct rung_json *any;
};

#define AT(member) offsetof(struct values, member)

static const struct rung_field table[] = {
    {.name = "rate",
     .type = RUNG_FIELD_NUMBER,
     .flags = RUNG_FIELD_LO_OPEN,
     .offset = AT(rate),
     .fallback = "0.5",
     .lo = 0,
     .hi = 1,
     .help = "The rate."},
    {.name = "batch",
     .type = RUNG_FIELD_INTEGER,
     .offset = AT(batch),
     .fallback = "32",
     .lo = 1,
     .hi = INFINITY,
     .help = "The batch."},
    {.name = "flag", .type = RUNG_FIELD_BOOL, .offset = AT(flag), .fallback = "true", .help = "The flag."},
    {.name = "kind",
     .type = RUNG_FIELD_CHOICE,
     .offset = AT(kind),
     .choices = "red|green|blue",
     .help = "The kind."},
    {.name = "path",
     .type = RUNG_FIELD_TEXT,
     .flags = RUNG_FIELD_NEEDED,
     .offset = AT(path),
     .help = "The path."},
    {.name = "sizes",
     .type = RUNG_FIELD_SIZES,
     .offset = AT(sizes),
     .fallback = "[100]",
     .lo = 1,
     .hi = 1000,
     .help = "A text that is longer than one line of eighty columns can be, so that it has to be wrapped."},
    {.name = "any", .type = RUNG_FIELD_VALUE, .offset = AT(any), .choices = "anything", .help = "Anything."},
    {.name = NULL},
};

static void values_are_stored_and_defaults_taken(void **state)
{
    struct rung_json *object = json("{'path':'x','sizes':[3,4],'kind':'blue','any':[1]}");
    struct values values;
    struct rung_err err;

    (void)state;
    memset(&values, 0xff, sizeof values);
    assert_int_equal(rung_fields_read(table, "p", object, &values, &err), 0);
    assert_true(values.rate == .5 && values.batch == 32 && values.flag && values.kind == 2);
    assert_string_equal(values.path, "x");
    assert_int_equal(values.sizes.count, 2);
    assert_int_equal(values.sizes.items[1], 4);
    assert_int_equal(rung_json_size(values.any), 1);
    rung_json_free(object);
    object = json("{'path':'x','sizes':7,'flag':false,'rate':1,'batch':1}");
    assert_int_equal(rung_fields_read(table, "p", object, &values, &err), 0);
    assert_true(values.rate == 1 && values.batch == 1 && !values.flag && values.kind == 0 && !values.any);
    assert_int_equal(values.sizes.count, 1);
    assert_int_equal(values.sizes.items[0], 7);
    rung_json_free(object);
}

static void errors_name_place_and_reason(void **state)
{
    static const char *const cases[][2] = {
        {"{'path':'x','rtae':1}", "p.rtae: unknown key (did you mean \"rate\"?)"},
        {"{'path':'x','zzz':1}", "p.zzz: unknown key"},
        {"{'path':'x','rate':0}", "p.rate: must be in (0, 1], not 0"},
        {"{'path':'x','rate':1.5}", "p.rate: must be in (0, 1], not 1.5"},
        {"{'path':'x','rate':'1'}", "p.rate: must be a number, not a string"},
        {"{'path':'x','batch':1.5}", "p.batch: must be an integer, not 1.5"},
        {"{'path':'x','batch':0}", "p.batch: must be at least 1, not 0"},
        {"{'path':'x','flag':1}", "p.flag: must be true or false, not a number"},
        {"{'path':'x','kind':'grene'}", "p.kind: unknown value \"grene\" (did you mean \"green\"?)"},
        {"{'path':'x','kind':'xyzzy'}", "p.kind: must be one of red|green|blue, not \"xyzzy\""},
        {"{'path':'x','kind':3}", "p.kind: must be a string, not a number"},
        {"{}", "p.path: missing"},
        {"{'path':3}", "p.path: must be a string, not a number"},
        {"{'path':'x','sizes':[1,0]}", "p.sizes: must be in [1, 1000], not 0"},
        {"{'path':'x','sizes':['a']}", "p.sizes: must be an integer or an array of integers, not a string"},
        {"{'path':'x','sizes':{}}", "p.sizes: must be an integer or an array of integers, not an object"},
        {"{'path':'x','sizes':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}",
         "p.sizes: more than 32 entries"},
        {"[]", "p: must be an object, not an array"},
    };
    struct values values;
    struct rung_err err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rung_json *object = json(cases[i][0]);

        assert_int_equal(rung_fields_read(table, "p", object, &values, &err), RUNG_EUSE);
        assert_string_equal(err.text, cases[i][1]);
        rung_json_free(object);
    }
}

static void help_shows_ranges_defaults_and_wraps(void **state)
{
    struct rung_buf text;
    const char *line;

    (void)state;
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_fields_help(table, &text);
    assert_non_null(strstr(text.data, "  rate\n      a number in (0, 1]; default 0.5\n      The rate.\n"));
    assert_non_null(strstr(text.data, "  batch\n      an integer at least 1; default 32\n"));
    assert_non_null(strstr(text.data, "  kind\n      red | green | blue\n"));
    assert_non_null(strstr(text.data, "  path\n      a string; needed\n"));
    assert_non_null(strstr(text.data, "  any\n      anything\n"));
    for (line = text.data; *line; line = strchr(line, '\n') + 1)
        assert_in_range(strcspn(line, "\n"), 0, 80);
    rung_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_stored_and_defaults_taken),
        cmocka_unit_test(errors_name_place_and_reason),
        cmocka_unit_test(help_shows_ranges_defaults_and_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
