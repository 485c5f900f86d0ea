/*
 * Doubles to text and back, independent of the locale that the process is in.
 */
#ifndef RUNG_BASE_NUMBER_H
#define RUNG_BASE_NUMBER_H

#include <stddef.h>

#define RUNG_NUMBER_TEXT_MAX 32

/* Writes the shortest of %.15g, %.16g, %.17g that reads back to the same double (of all precisions, where it
 * is smaller than normal doubles are), whole numbers below 2^53 without exponent or point; number must be
 * finite. Returns the length without the NUL. */
size_t rung_number_format(char out[RUNG_NUMBER_TEXT_MAX], double number);

/* The double nearest to a number as JSON writes it (the caller has checked the grammar); infinite
 * when it is beyond a double. */
double rung_number_parse(const char *text, size_t length);

#endif
