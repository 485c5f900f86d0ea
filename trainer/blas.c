/* Owns the use of OpenBLAS: its choice of kernel, and the routines that the trainers call. */
#include "blas.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcasecmp(name, *names) == 0)
            return true;
    return false;
}

/* The check includes the operating system's support for the wide registers. */
const char *rung_blas_better_core(const char *chosen)
{
    static const char *const wide[] = {"SkylakeX", "Cooperlake", "SapphireRapids", NULL};
    static const char *const middle[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", NULL};

    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd"))
        return one_of(chosen, wide) ? NULL : "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return one_of(chosen, middle) ? NULL : "Haswell";
    return NULL;
}

static void processor(char *text, size_t size)
{
    unsigned int words[12];
    char brand[sizeof words + 1];
    size_t length;

    snprintf(text, size, "unknown processor");
    if ((unsigned int)__get_cpuid_max(0x80000000u, NULL) < 0x80000004u)
        return;
    for (unsigned int i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
    memcpy(brand, words, sizeof words);
    brand[sizeof words] = '\0';
    length = strlen(brand);
    while (length > 0 && brand[length - 1] == ' ')
        brand[--length] = '\0';
    snprintf(text, size, "%s", brand + strspn(brand, " "));
}
#else
const char *rung_blas_better_core(const char *chosen)
{
    (void)chosen;
    return NULL;
}

static void processor(char *text, size_t size)
{
    snprintf(text, size, "processor not named");
}
#endif

void rung_blas_choose_core(char **argv)
{
    const char *core = getenv("OPENBLAS_CORETYPE") ? NULL : rung_blas_better_core(openblas_get_corename());
    bool threads_said =
        getenv("OPENBLAS_NUM_THREADS") || getenv("OMP_NUM_THREADS") || getenv("GOTO_NUM_THREADS");

    if (core && setenv("OPENBLAS_CORETYPE", core, 1) == 0) {
        if (!threads_said)
            setenv("OPENBLAS_NUM_THREADS", "1", 1);
        execv("/proc/self/exe", argv); /* comes back only when it failed: then the library's choice stays */
    }
    if (!threads_said)
        openblas_set_num_threads(1);
}

void rung_blas_platform(char *text, size_t size)
{
    struct utsname system;
    char version[32], cpu[64];

    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …": the first two words. */
    if (sscanf(openblas_get_config(), "OpenBLAS %31s", version) != 1)
        snprintf(version, sizeof version, "?");
    processor(cpu, sizeof cpu);
    if (uname(&system) < 0)
        memset(&system, 0, sizeof system);
    snprintf(text, size, "OpenBLAS %s %s, %d thread%s, %s, %s %s", version, openblas_get_corename(),
             openblas_get_num_threads(), openblas_get_num_threads() == 1 ? "" : "s", cpu, system.sysname,
             system.machine);
}

static enum CBLAS_TRANSPOSE op(bool transpose)
{
    return transpose ? CblasTrans : CblasNoTrans;
}

void rung_blas_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                    int lda, const float *b, int ldb, float beta, float *c, int ldc)
{
    cblas_sgemm(CblasRowMajor, op(transpose_a), op(transpose_b), m, n, k, alpha, a, lda, b, ldb, beta, c,
                ldc);
}

void rung_blas_gemv(bool transpose, int m, int n, float alpha, const float *a, int lda, const float *x,
                    float beta, float *y)
{
    cblas_sgemv(CblasRowMajor, op(transpose), m, n, alpha, a, lda, x, 1, beta, y, 1);
}

void rung_blas_axpy(int n, float alpha, const float *x, float *y)
{
    cblas_saxpy(n, alpha, x, 1, y, 1);
}

void rung_blas_scale(int n, float alpha, float *x)
{
    cblas_sscal(n, alpha, x, 1);
}

float rung_blas_dot(int n, const float *x, const float *y)
{
    return cblas_sdot(n, x, 1, y, 1);
}
