/* Spec files: comments, overrides, configurations beside them, the trainer's program, placed errors. */
#include "cli/specfile.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rung-specfile-XXXXXX";

static const char GOOD[] = "{\n"
                           "  // the trainer lies beside this file\n"
                           "  \"trainer\": {\"command\": [\"./train.sh\", \"-x\"]},\n"
                           "  \"parameters\": {\"a\": {\"uniform\": [0, 1]}},\n"
                           "  \"search\": {\"max_iter\": 9} /* and no more */\n"
                           "}\n";

static void put(const char *name, const char *text, int mode)
{
    char *path = rung_mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
    free(path);
}

/* Reads folder/name with up to two --set; the path as given is the whole one. */
static int read_spec(struct rung_specfile *out, const char *name, bool program, const char *set1,
                     const char *set2, struct rung_err *err)
{
    static const struct rung_option options[] = {{"set", 0, "KEY=VALUE", ""}};
    struct rung_given given[2] = {{options, set1}, {options, set2}};
    struct rung_arguments arguments = {.given = given,
                                       .given_count = (size_t)(set1 != NULL) + (set2 != NULL)};
    char *path = rung_mem_printf("%s/%s", folder, name);
    int code = rung_specfile_read(out, path, &arguments, program, err);
    free(path);
    return code;
}

static void refuse(const char *name, bool program, const char *set, const char *expected)
{
    struct rung_specfile file;
    struct rung_err err = {0};
    assert_int_equal(read_spec(&file, name, program, set, NULL, &err), RUNG_EUSE);
    rung_specfile_free(&file);
    char *text = rung_mem_printf("%s/%s%s", folder, name, expected);
    if (strncmp(expected, "--set", 5) == 0)
        assert_non_null(strstr(err.text, expected));
    else
        assert_string_equal(err.text, text);
    free(text);
}

static void test_good_file(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    put("good.json", GOOD, 0600);
    assert_int_equal(read_spec(&file, "good.json", true, NULL, NULL, &err), 0);
    assert_string_equal(file.spec->name, "good");
    assert_string_equal(file.folder, folder);
    char *program = rung_mem_printf("%s/train.sh", folder);
    assert_string_equal(file.spec->trainer.command[0], program);
    assert_string_equal(file.spec->trainer.command[1], "-x");
    assert_ptr_equal(strstr(file.program, program), file.program);
    assert_string_equal(file.program + strlen(program),
                        " sha256:a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf");
    free(program);
    rung_specfile_free(&file);
}

static void test_stored_text_reads_back(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    struct rung_spec *again;
    assert_int_equal(read_spec(&file, "good.json", true, "search.seed=7", NULL, &err), 0);
    struct rung_json *json = rung_json_parse(file.text, strlen(file.text), 0, &err);
    assert_non_null(json);
    assert_int_equal(rung_spec_read(&again, json, "other", &err), 0);
    assert_string_equal(again->name, "good");
    assert_int_equal(again->search.seed, 7);
    assert_string_equal(again->trainer.command[0], file.spec->trainer.command[0]);
    assert_null(strchr(file.text, '\n'));
    rung_spec_free(again);
    rung_json_free(json);
    rung_specfile_free(&file);
}

static void test_overrides_in_order(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    assert_int_equal(read_spec(&file, "good.json", false, "search.seed=7", "search.seed=8", &err), 0);
    assert_int_equal(file.spec->search.seed, 8);
    rung_specfile_free(&file);
    refuse("good.json", false, "search", "--set");
}

static void test_program_is_needed_only_when_asked(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    put("nowhere.json",
        "{\"trainer\":{\"command\":[\"./nowhere\"]},\"parameters\":{\"a\":1},\"search\":{\"max_iter\":3}}",
        0600);
    assert_int_equal(read_spec(&file, "nowhere.json", false, NULL, NULL, &err), 0);
    assert_string_equal(file.spec->trainer.command[0], "./nowhere");
    assert_null(file.program);
    rung_specfile_free(&file);
    char *text = rung_mem_printf(": trainer.command: %s/nowhere: No such file or directory", folder);
    refuse("nowhere.json", true, NULL, text);
    free(text);
}

static void test_program_that_cannot_run(void **state)
{
    (void)state;
    put("plain.txt", "text", 0600);
    char *text = rung_mem_printf(": trainer.command: %s/plain.txt: Permission denied", folder);
    refuse("good.json", true, "trainer.command=[\"./plain.txt\"]", text);
    free(text);
    refuse("good.json", true, "trainer.command=[\"/.\"]", ": trainer.command: /.: Is a directory");
    refuse("good.json", true, "trainer.command=[\"no-such-program-anywhere\"]",
           ": trainer.command: \"no-such-program-anywhere\" is neither beside rung nor on PATH");
}

static void test_program_on_path(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    char *before = rung_mem_strdup(getenv("PATH"));
    char *path = rung_mem_printf("/nowhere::%s", folder);
    setenv("PATH", path, 1);
    assert_int_equal(read_spec(&file, "good.json", true, "trainer.command=[\"train.sh\"]", NULL, &err), 0);
    char *program = rung_mem_printf("%s/train.sh", folder);
    assert_string_equal(file.spec->trainer.command[0], program);
    free(program);
    rung_specfile_free(&file);
    setenv("PATH", before, 1);
    free(path);
    free(before);
}

static void test_configurations_file(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    put("models.jsonl", "{\"a\": 1}\n\n{\"a\": 2}\r\n{\"a\": 3}", 0600);
    put("listed.json",
        "{\"trainer\":{\"command\":[\"./train.sh\"]},\"configurations\":\"models.jsonl\","
        "\"search\":{\"algorithm\":\"random\",\"models\":3,\"max_iter\":3}}",
        0600);
    assert_int_equal(read_spec(&file, "listed.json", false, NULL, NULL, &err), 0);
    assert_non_null(strstr(file.text, "\"configurations\":[{\"a\":1},{\"a\":2},{\"a\":3}]"));
    assert_int_equal(rung_space_limit(file.spec->space), 3);
    rung_specfile_free(&file);
}

static void test_configurations_errors_name_file_and_line(void **state)
{
    (void)state;
    put("bad.jsonl", "{\"a\": 1}\n{\"a\" 2}\n", 0600);
    struct rung_specfile file;
    struct rung_err err = {0};
    assert_int_equal(read_spec(&file, "listed.json", false, "configurations=bad.jsonl", NULL, &err),
                     RUNG_EUSE);
    rung_specfile_free(&file);
    assert_non_null(strstr(err.text, "listed.json: configurations: bad.jsonl: line 2, column 6: "));
    char *text = rung_mem_printf(": configurations: %s/none.jsonl: No such file or directory", folder);
    refuse("listed.json", false, "configurations=none.jsonl", text);
    free(text);
}

static void test_syntax_and_places(void **state)
{
    (void)state;
    struct rung_specfile file;
    struct rung_err err = {0};
    put("broken.json", "{\n  \"trainer\": {\"command\" [\"x\"]}\n}\n", 0600);
    assert_int_equal(read_spec(&file, "broken.json", false, NULL, NULL, &err), RUNG_EUSE);
    rung_specfile_free(&file);
    assert_non_null(strstr(err.text, "/broken.json: line 2, column 25: "));
    refuse("good.json", false, "search.agressiveness=4",
           ": search.agressiveness: unknown key (did you mean \"aggressiveness\"?)");
    put("list.json", "[1]", 0600);
    refuse("list.json", false, NULL, ": must be an object, not an array");
    refuse("absent.json", false, NULL, ": No such file or directory");
    refuse(".", false, NULL, ": Is a directory");
}

static void test_size_has_a_limit(void **state)
{
    (void)state;
    struct rung_buf out;
    struct rung_err err = {0};
    struct rung_err *why = &err;
    char *path = rung_mem_printf("%s/good.json", folder);
    assert_int_equal(rung_specfile_load(&out, path, 10, why), RUNG_EUSE);
    assert_non_null(strstr(err.text, "File too large"));
    free(path);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    put("train.sh", "#!/bin/sh\n", 0700);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = rung_mem_printf("rm -rf %s", folder);
    int status = system(command);
    free(command);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_file),
        cmocka_unit_test(test_stored_text_reads_back),
        cmocka_unit_test(test_overrides_in_order),
        cmocka_unit_test(test_program_is_needed_only_when_asked),
        cmocka_unit_test(test_program_that_cannot_run),
        cmocka_unit_test(test_program_on_path),
        cmocka_unit_test(test_configurations_file),
        cmocka_unit_test(test_configurations_errors_name_file_and_line),
        cmocka_unit_test(test_syntax_and_places),
        cmocka_unit_test(test_size_has_a_limit),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
