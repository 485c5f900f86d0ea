/* The only file that reads a clock. */
#ifndef RUNG_DISPATCH_CLOCK_H
#define RUNG_DISPATCH_CLOCK_H

double rung_clock_monotonic(void); /* seconds from some start; never goes back */
double rung_clock_wall(void);      /* seconds since 1970, UTC */

#endif
