/*
 * Max-min fairness in whole numbers: nobody has fewer than he wants while another has more than one beyond
 * him. Pure.
 */
#ifndef RUNG_DISPATCH_FAIR_H
#define RUNG_DISPATCH_FAIR_H

#include <stddef.h>

/* Divides so many slots among those who want demands[0 … count-1] of them: shares[i] <= demands[i], and slots
 * are left over only when everybody has what he wants. What does not divide goes to the first ones. */
void rung_fair_divide(size_t slots, const size_t *demands, size_t count, size_t *shares);

#endif
