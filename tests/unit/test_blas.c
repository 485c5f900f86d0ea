/* The layer on OpenBLAS: its routines, and the choice of kernel. */
#include "trainer/blas.h"
#include "trainer_help.h"

static void gemm_multiplies_in_all_four_ways(void **state)
{
    enum { M = 3, N = 4, K = 5 };

    (void)state;
    for (int ways = 0; ways < 4; ways++) {
        bool ta = ways & 1, tb = ways & 2;
        float a[M * K], b[K * N], c[M * N];

        for (int i = 0; i < M * K; i++)
            a[i] = (float)(i * 7 % 11 - 5);
        for (int i = 0; i < K * N; i++)
            b[i] = (float)(i * 5 % 13 - 6);
        for (int i = 0; i < M * N; i++)
            c[i] = (float)i;
        rung_blas_gemm(ta, tb, M, N, K, 2, a, ta ? M : K, b, tb ? K : N, 3, c, N);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                float sum = 3 * (float)(i * N + j);

                for (int k = 0; k < K; k++)
                    sum += 2 * (ta ? a[k * M + i] : a[i * K + k]) * (tb ? b[j * K + k] : b[k * N + j]);
                assert_true(c[i * N + j] == sum); /* small whole numbers: exact */
            }
    }
}

static void vectors_are_combined(void **state)
{
    float a[6] = {1, 2, 3, 4, 5, 6}, x[3] = {1, -1, 2}, y[2] = {1, 1}, z[3] = {0, 0, 1};

    (void)state;
    rung_blas_gemv(false, 2, 3, 1, a, 3, x, 10, y);
    assert_true(y[0] == 15 && y[1] == 21);
    y[0] = 1;
    y[1] = -1;
    rung_blas_gemv(true, 2, 3, 1, a, 3, y, 2, z);
    assert_true(z[0] == -3 && z[1] == -3 && z[2] == -1);
    rung_blas_axpy(3, 2, x, z);
    assert_true(z[0] == -1 && z[1] == -5 && z[2] == 3);
    rung_blas_scale(3, -1, z);
    assert_true(z[0] == 1 && z[1] == 5 && z[2] == -3);
    assert_true(rung_blas_dot(3, x, z) == -10);
}

/* What a library that knows no new processors chooses is replaced; a good choice stays. */
static void kernel_follows_the_processors_features(void **state)
{
    (void)state;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
        assert_string_equal(rung_blas_better_core("Zen"), "SkylakeX");
        assert_string_equal(rung_blas_better_core("Haswell"), "SkylakeX");
        assert_null(rung_blas_better_core("SkylakeX"));
        assert_null(rung_blas_better_core("Cooperlake"));
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        assert_string_equal(rung_blas_better_core("Sandybridge"), "Haswell");
        assert_null(rung_blas_better_core("Zen"));
    } else {
        assert_null(rung_blas_better_core("Prescott"));
    }
#else
    assert_null(rung_blas_better_core("ARMV8"));
#endif
}

static void platform_names_library_and_processor(void **state)
{
    char text[256];

    (void)state;
    rung_blas_platform(text, sizeof text);
    assert_int_equal(strncmp(text, "OpenBLAS ", 9), 0);
    assert_non_null(strstr(text, " thread"));
    assert_non_null(strstr(text, "Linux"));
    assert_null(strchr(text, '\n'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm_multiplies_in_all_four_ways),
        cmocka_unit_test(vectors_are_combined),
        cmocka_unit_test(kernel_follows_the_processors_features),
        cmocka_unit_test(platform_names_library_and_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
