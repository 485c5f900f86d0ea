/*
 * Any bytes as a model state: first as a file, then, with a header made to fit, as what the linear
 * trainer loads. What loads must be saved as the same bytes again, and stand a call of training.
 */
#include "base/json.h"
#include "trainer/builtin.h"
#include "trainer/state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const parameters[] = {
    "{\"penalty\":\"l1\",\"alpha\":0.01}",
    "{\"learning_rate\":\"constant\",\"batch_size\":8}",
};

static void check(int truth)
{
    if (!truth)
        abort();
}

/* The trainer with a small data set; made once, as a fuzzer's data lives as long as its process. */
static void *context(void)
{
    static void *made;
    static const char settings[] =
        "{\"data\":{\"generator\":\"four_circles\",\"examples\":40,\"distractors\":0}}";
    struct rung_trainer_start start = {.seed = 1, .threads = 1};
    struct rung_json *object;
    struct rung_err err;

    if (!made) {
        start.settings = object = rung_json_parse(settings, strlen(settings), 0, &err);
        check(rung_linear.trainer->setup(&start, &made, &err) == 0);
        rung_json_free(object);
    }
    return made;
}

static const char *scratch(void)
{
    static char path[] = "/tmp/fuzz-state-XXXXXX";
    static int made;

    if (!made) {
        int fd = mkstemp(path);

        check(fd >= 0);
        close(fd);
        made = 1;
    }
    return path;
}

static void load_and_go_on(const uint8_t *data, size_t size, const char *text)
{
    const struct rung_trainer *trainer = rung_linear.trainer;
    struct rung_state *state = rung_state_new();
    struct rung_state_id id = {trainer->name, trainer->version, 3};
    struct rung_err err = {0};
    struct rung_json *object = rung_json_parse(text, strlen(text), 0, &err);
    struct rung_trainer_task task = {.model = 1, .seed = 1, .parameters = object};
    struct rung_trainer_report report = {.examples = 0};
    void *model = NULL;
    double score;

    rung_state_put(state, data, size);
    check(rung_state_write(state, scratch(), &id, &err) == 0);
    check(rung_state_read(state, scratch(), &id, &err) == 0);
    check(rung_state_left(state) == size);
    if (trainer->load(context(), &task, state, &model, &err) == 0) {
        size_t used = size - rung_state_left(state);

        rung_state_reset(state);
        check(trainer->save(context(), model, state, &err) == 0);
        check(rung_state_size(state) == used);
        check(trainer->train(context(), model, 3, &report, &err) == 0);
        check(trainer->score(context(), model, &score, &report, &err) == 0);
        trainer->destroy(context(), model);
    } else {
        check(*err.text != '\0');
    }
    rung_json_free(object);
    rung_state_free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_state *state = rung_state_new();
    struct rung_state_id id = {rung_linear.trainer->name, rung_linear.trainer->version, -1};
    struct rung_err err = {0};

    if (rung_state_parse(state, data, size, &id, &err) == 0)
        check(rung_state_left(state) == size - RUNG_STATE_HEADER && id.calls >= 0);
    else
        check(rung_state_left(state) == 0 && *err.text != '\0');
    rung_state_free(state);
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        load_and_go_on(data, size, parameters[i]);
    return 0;
}
