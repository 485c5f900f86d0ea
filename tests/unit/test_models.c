/* Models kept in memory: found at their call only, bounded, oldest out first. */
#include "trainer/models.h"
#include "trainer_help.h"

static void count_death(void *context, void *model)
{
    (*(int *)context)++;
    free(model);
}

static void model_is_taken_at_its_call_only(void **state)
{
    int dead = 0;
    struct rung_models *models = rung_models_new(1 << 20, count_death, &dead);
    void *model = malloc(1);

    (void)state;
    rung_models_put(models, 4, 9, model, 10);
    assert_null(rung_models_take(models, 5, 9));
    assert_ptr_equal(rung_models_take(models, 4, 9), model);
    assert_int_equal(rung_models_count(models), 0);
    rung_models_put(models, 4, 9, model, 10);
    assert_null(rung_models_take(models, 4, 8)); /* and it is gone: another will come back */
    assert_int_equal(dead, 1);
    assert_int_equal(rung_models_count(models), 0);
    rung_models_free(models);
}

static void oldest_goes_first(void **state)
{
    int dead = 0;
    struct rung_models *models = rung_models_new(10000, count_death, &dead);
    void *model;

    (void)state;
    for (int i = 0; i < 8; i++)
        rung_models_put(models, i, 1, malloc(1), 1000); /* and some for the entry: room for eight */
    assert_int_equal(dead, 0);
    model = rung_models_take(models, 0, 1);
    assert_non_null(model);
    rung_models_put(models, 0, 2, model, 1000); /* used: now the newest */
    rung_models_put(models, 8, 1, malloc(1), 1000);
    assert_int_equal(dead, 1);
    assert_null(rung_models_take(models, 1, 1));
    model = rung_models_take(models, 0, 2);
    assert_non_null(model);
    free(model);
    rung_models_free(models);
    assert_int_equal(dead, 8);
}

static void model_too_large_is_destroyed(void **state)
{
    int dead = 0;
    struct rung_models *models = rung_models_new(100, count_death, &dead);

    (void)state;
    rung_models_put(models, 0, 1, malloc(1), 1000);
    assert_int_equal(dead, 1);
    assert_int_equal(rung_models_count(models), 0);
    rung_models_free(models);
}

static void many_models_are_found(void **state)
{
    int dead = 0;
    struct rung_models *models = rung_models_new((size_t)1 << 30, count_death, &dead);
    void *model;

    (void)state;
    for (int i = 0; i < 5000; i++)
        rung_models_put(models, i, i, malloc(1), 1);
    assert_int_equal(rung_models_count(models), 5000);
    for (int i = 0; i < 5000; i += 2)
        rung_models_forget(models, i);
    rung_models_forget(models, 123456);
    assert_int_equal(dead, 2500);
    for (int i = 0; i < 5000; i++) {
        model = rung_models_take(models, i, i);
        assert_int_equal(model != NULL, i % 2);
        free(model);
    }
    rung_models_put(models, 1, 1, malloc(1), 1);
    rung_models_put(models, 1, 2, malloc(1), 1); /* takes the other's place */
    assert_int_equal(rung_models_count(models), 1);
    rung_models_free(models);
    rung_models_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model_is_taken_at_its_call_only),
        cmocka_unit_test(oldest_goes_first),
        cmocka_unit_test(model_too_large_is_destroyed),
        cmocka_unit_test(many_models_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
