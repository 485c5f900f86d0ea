/*
 * Max-min fairness in whole numbers: nobody has fewer than he wants while another has more than one beyond
 * him. Pure.
 */
#ifndef RUNG_DISPATCH_FAIR_H
#define RUNG_DISPATCH_FAIR_H

#include <stddef.h>

/* Divides so many slots among those who want demands[0 … count-1] of them: shares[i] <= demands[i], and slots
 * are left over only when everybody has what he wants. Who wants more than the level, which is returned, has
 * at least that many; what does not divide goes, one to each, to those of them with the smallest keys (no
 * NaN), of equal ones to the first. */
size_t rung_fair_divide(size_t slots, const size_t *demands, const double *keys, size_t count,
                        size_t *shares);

#endif
