/* Owns the program rung-trainer: the table of built-in trainers, and help made from their tables. */
#include "base/buf.h"
#include "blas.h"
#include "builtin.h"
#include "data.h"
#include "rung/version.h"

#include <stdio.h>
#include <string.h>

static const struct rung_builtin *const builtins[] = {&rung_linear, &rung_mlp};

#define BUILTINS (sizeof builtins / sizeof *builtins)

static void usage(FILE *out)
{
    fputs("Usage: rung-trainer NAME\n\n"
          "A trainer for rung: it is started by rung, as \"command\": [\"rung-trainer\", NAME] in a spec "
          "file.\n\n",
          out);
    for (size_t i = 0; i < BUILTINS; i++)
        fprintf(out, "  %-8s %s\n", builtins[i]->name, builtins[i]->summary);
    fputs("\nrung-trainer NAME --help   its settings and parameters, with defaults and ranges\n"
          "rung-trainer --version     version of this program and what its numbers depend on\n",
          out);
}

static int help(const struct rung_builtin *builtin)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "rung-trainer %s: %s\n\n", builtin->name, builtin->summary);
    rung_fields_paragraph(builtin->about, 0, &text);
    rung_buf_text(&text,
                  "\nParameters (\"parameters\" in the spec file: one value of each is drawn per model)\n\n");
    rung_fields_help(builtin->parameters, &text);
    rung_buf_text(&text, "\nSettings (\"trainer\": {\"settings\": {...}} in the spec file)\n\n");
    rung_fields_help(rung_data_settings, &text);
    rung_buf_text(&text, "\nKeys of the setting \"data\"\n\n");
    rung_fields_help(rung_data_fields, &text);
    fputs(rung_buf_cstr(&text), stdout);
    rung_buf_free(&text);
    return fflush(stdout) == 0 ? 0 : 1;
}

static int version(void)
{
    char platform[256];

    rung_blas_platform(platform, sizeof platform);
    printf("rung-trainer %s (%s)\n", RUNG_VERSION, platform);
    return fflush(stdout) == 0 ? 0 : 1;
}

static const struct rung_builtin *find(const char *name)
{
    for (size_t i = 0; i < BUILTINS; i++)
        if (strcmp(builtins[i]->name, name) == 0)
            return builtins[i];
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run(const struct rung_builtin *builtin, char **argv)
{
    struct rung_trainer trainer = *builtin->trainer;
    char platform[256], name[RUNG_TRAINER_NAME_MAX];

    rung_blas_choose_core(argv);
    snprintf(name, sizeof name, "rung-trainer %s", builtin->name);
    trainer.name = name;
    rung_blas_platform(platform, sizeof platform);
    trainer.platform = platform;
    return rung_trainer_main(&trainer);
}

int main(int argc, char **argv)
{
    const struct rung_builtin *builtin = argc > 1 ? find(argv[1]) : NULL;

    if (argc == 2 && is_help(argv[1])) {
        usage(stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        rung_blas_choose_core(argv);
        return version();
    }
    if (builtin && argc == 3 && is_help(argv[2]))
        return help(builtin);
    if (builtin && argc == 2)
        return run(builtin, argv);
    if (argc > 1 && !builtin)
        fprintf(stderr, "rung-trainer: %s: no such trainer\n", argv[1]);
    else if (argc > 2)
        fprintf(stderr, "rung-trainer: %s: unexpected argument\n", argv[2]);
    usage(stderr);
    return 2;
}
