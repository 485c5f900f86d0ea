/* Processor quotas read from made-up control group files. */
#include "cli/processors.h"

#include "base/mem.h"

#include <math.h>
#include <sched.h>
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

static char folder[] = "/tmp/rung-processors-XXXXXX";

static void put(const char *name, const char *text)
{
    char *path = rung_mem_printf("%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static double quota(const char *groups)
{
    char *file = rung_mem_printf("%s/groups", folder), *root = rung_mem_printf("%s/fs", folder);
    put("groups", groups);
    double processors = rung_processors_quota(file, root);
    free(file);
    free(root);
    return processors;
}

static void test_version_2(void **state)
{
    (void)state;
    put("fs/a/b/cpu.max", "250000 100000\n");
    put("fs/max/cpu.max", "max 100000\n");
    assert_true(quota("0::/a/b\n") == 2.5);
    assert_true(isinf(quota("0::/max\n")));
    assert_true(isinf(quota("0::/not/there\n")));
}

static void test_a_group_above_counts(void **state)
{
    (void)state;
    put("fs/top/cpu.max", "150000 100000\n");
    put("fs/top/sub/cpu.max", "400000 100000\n");
    assert_true(quota("0::/top/sub\n") == 1.5);
    assert_true(quota("0::/top/sub/deeper\n") == 1.5);
}

static void test_root_of_a_container(void **state)
{
    (void)state;
    put("fs/cpu.max", "50000 100000\n");
    assert_true(quota("0::/\n") == 0.5);
    assert_true(quota("0::/../elsewhere\n") == 0.5);
    put("fs/cpu.max", "max 100000\n");
}

static void test_version_1(void **state)
{
    (void)state;
    put("fs/cpu/job/cpu.cfs_quota_us", "300000\n");
    put("fs/cpu/job/cpu.cfs_period_us", "100000\n");
    put("fs/cpu/free/cpu.cfs_quota_us", "-1\n");
    put("fs/cpu/free/cpu.cfs_period_us", "100000\n");
    assert_true(quota("12:cpuset:/job\n4:cpu,cpuacct:/job\n1:name=systemd:/\n") == 3);
    assert_true(isinf(quota("4:cpuacct,cpu:/free\n")));
}

static void test_damaged_files_are_no_quota(void **state)
{
    (void)state;
    put("fs/odd/cpu.max", "many of them\n");
    assert_true(isinf(quota("0::/odd\n")));
    assert_true(isinf(quota("")));
    assert_true(isinf(quota("no colon\n:\n")));
    assert_true(isinf(rung_processors_quota("/not/there", "/not/there")));
}

static void test_affinity_is_honoured(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_true(rung_processors() >= 1);
    assert_true(rung_processors() <= (size_t)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(rung_processors(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
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
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_a_group_above_counts),
        cmocka_unit_test(test_root_of_a_container),
        cmocka_unit_test(test_version_1),
        cmocka_unit_test(test_damaged_files_are_no_quota),
        cmocka_unit_test(test_affinity_is_honoured),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
