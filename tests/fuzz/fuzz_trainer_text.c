/* A trainer as a scheduler tells it: what makes sense to a worker is told and read again as the same. */
#include "dispatch/trainer_text.h"

#include "dispatch/said.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void same(const struct rung_trainer_spec *a, const struct rung_trainer_spec *b)
{
    require(a->words == b->words && a->env_count == b->env_count && a->threads == b->threads);
    for (size_t i = 0; i < a->words; i++)
        require(strcmp(a->command[i], b->command[i]) == 0);
    for (size_t i = 0; i < a->env_count; i++)
        require(strcmp(a->env_names[i], b->env_names[i]) == 0 &&
                strcmp(a->env_values[i], b->env_values[i]) == 0);
}

static void tell_again(const struct rung_trainer_spec *trainer)
{
    struct rung_trainer_spec again;
    struct rung_buf text;
    struct rung_err err;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_trainer_text_write(&text, trainer);
    struct rung_json *json = rung_json_parse(text.data, text.length, 0, &err);
    require(json && rung_trainer_text_read(&again, json));
    same(trainer, &again);
    rung_trainer_text_free(&again);
    rung_json_free(json);
    rung_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_trainer_spec trainer;
    struct rung_err err;
    struct rung_json *json = rung_json_parse((const char *)data, size, 0, &err);

    if (rung_trainer_text_read(&trainer, json)) {
        require(trainer.words > 0 && trainer.command[trainer.words] == NULL && trainer.threads >= 0);
        for (size_t i = 0; i < trainer.words; i++)
            require(trainer.command[i] != NULL);
        tell_again(&trainer);
    }
    rung_trainer_text_free(&trainer);
    rung_json_free(json);
    return 0;
}
