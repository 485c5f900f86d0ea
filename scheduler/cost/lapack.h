/*
 * What LAPACKE's functions return, read in one place. Their arguments are checked before they are called, so
 * that all that can go wrong by itself is memory, which ends the process.
 */
#ifndef RUNG_COST_LAPACK_H
#define RUNG_COST_LAPACK_H

#include "base/mem.h"

#include <lapacke.h>

/* Gives `info` back: above 0 is a finding about the matrix. */
static inline lapack_int rung_lapack(lapack_int info)
{
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        rung_mem_out();
    return info;
}

#endif
