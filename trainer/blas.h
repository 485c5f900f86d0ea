/*
 * A thin layer on OpenBLAS, the only file that includes its header: which kernel it uses, and the
 * few routines that the trainers call. Matrices are float, row-major.
 */
#ifndef RUNG_TRAINER_BLAS_H
#define RUNG_TRAINER_BLAS_H

#include <stdbool.h>
#include <stddef.h>

/* OpenBLAS reads OPENBLAS_CORETYPE and OPENBLAS_NUM_THREADS before main. Where the user set no core
 * type and the library chose another than the processor's features allow (0.3.21 takes recent AMD
 * processors for older ones), sets it and executes the program again, once; also sets one thread
 * where nothing is said. Returns when nothing is to be done or the execution failed. */
void rung_blas_choose_core(char **argv);

/* The core type that this processor's features allow and that is better than the one chosen, or
 * NULL. The library goes by family and model numbers, and an old one does not know new processors. */
const char *rung_blas_better_core(const char *chosen);

/* "OpenBLAS 0.3.21 SkylakeX, 1 thread, AMD EPYC 9B14, Linux x86_64", on one line. */
void rung_blas_platform(char *text, size_t size);

/* C (m × n) = alpha * op(A) * op(B) + beta * C; op(A) is m × k, op(B) is k × n. The leading
 * dimensions are those of the stored, row-major matrices. */
void rung_blas_gemm(bool transpose_a, bool transpose_b, int m, int n, int k, float alpha, const float *a,
                    int lda, const float *b, int ldb, float beta, float *c, int ldc);
/* y = alpha * op(A) * x + beta * y; A is stored m × n. */
void rung_blas_gemv(bool transpose, int m, int n, float alpha, const float *a, int lda, const float *x,
                    float beta, float *y);
void rung_blas_axpy(int n, float alpha, const float *x, float *y); /* y += alpha * x */
void rung_blas_scale(int n, float alpha, float *x);
float rung_blas_dot(int n, const float *x, const float *y);

#endif
