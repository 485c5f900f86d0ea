/*
 * Logarithm and exponential made of additions, multiplications and divisions alone, which IEEE 754
 * rounds in one way: a C library may give the last bit differently from one processor to the next
 * (glibc picks fused variants at run time), and then a seed would not name the same models.
 */
#ifndef RUNG_CORE_ELEMENTARY_H
#define RUNG_CORE_ELEMENTARY_H

double rung_elementary_log(double x); /* natural logarithm of a finite x > 0 */
double rung_elementary_exp(double x); /* of a finite x; never 0 or infinite: DBL_MIN … DBL_MAX */

#endif
