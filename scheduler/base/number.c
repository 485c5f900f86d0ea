/*
 * Doubles to text and back.
 *
 * Doubles in [1e-6, 1e15), which is nearly all that is ever written here, are converted in integer
 * arithmetic. Let x = f * 2^-s, and E its decimal exponent.
 *
 *   15 digits: M = x * 10^k rounded to an integer, k = 14 - E <= 20. If M * 10^-k reads back to x
 *   at all, the rounded product is that M (its error is below one half). It reads back when
 *   M / 10^k == x: both operands are exact doubles, so the division rounds as a reader does.
 *   16 and 17 digits: f * 10^k < 2^127 for k <= 22, so f * 10^k / 2^s is rounded exactly, half to
 *   even, as printf does; its remainder tells the distance to x, and so whether it reads back.
 *
 * What is outside that range goes through printf.
 */
#include "base/number.h"

#include "base/mem.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Every whole number up to here is a double, and is meant as one where it is drawn or counted. */
#define WHOLE_MAX 9007199254740991.0

/* digits * 10^-scale */
struct decimal {
    uint64_t digits;
    int scale;
};

static size_t write_digits(char *out, uint64_t number)
{
    char reversed[24];
    size_t length = 0;
    do
        reversed[length++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    for (size_t i = 0; i < length; i++)
        out[i] = reversed[length - 1 - i];
    return length;
}

static int decimal_exponent(double x)
{
    static const double SMALL[] = {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
    int exponent = 0;
    if (x >= 1.0) {
        while (x >= POWERS[exponent + 1])
            exponent++;
        return exponent;
    }
    while (x < SMALL[exponent])
        exponent++;
    return -exponent - 1;
}

/* f * 10^scale / 2^shift rounded half to even; true when the result, divided by 10^scale, is nearer
 * to f * 2^-shift than to any other double (f is not a power of two). */
static bool round_digits(uint64_t f, int shift, int scale, uint64_t *digits)
{
    wide power = (wide)(uint64_t)1;
    for (int left = scale; left > 0; left -= left > 11 ? 11 : left)
        power *= (uint64_t)POWERS[left > 11 ? 11 : left];
    wide product = f * power, half = (wide)1 << shift >> 1, one = (wide)1 << shift;
    wide rest = product & (one - 1);
    *digits = (uint64_t)(product >> shift);
    if (rest > half || (rest == half && rest != 0 && (*digits & 1) != 0)) {
        ++*digits;
        rest = one - rest;
    }
    /* distance rest / (2^shift * 10^scale) against half a unit in the last place, 2^-shift / 2 */
    return 2 * rest < power || (2 * rest == power && (f & 1) == 0);
}

static bool shortest_decimal(double x, struct decimal *out)
{
    if (!(x >= 1e-6 && x < 1e15))
        return false;
    int exponent = decimal_exponent(x);
    double scaled = nearbyint(x * POWERS[14 - exponent]);
    if (scaled / POWERS[14 - exponent] == x) {
        *out = (struct decimal){(uint64_t)scaled, 14 - exponent};
        return true;
    }
    int power;
    uint64_t f = (uint64_t)ldexp(frexp(x, &power), 53);
    if ((f & (f - 1)) == 0)
        return false; /* the double below is nearer than the one above */
    int shift = 53 - power;
    *out = (struct decimal){0, 15 - exponent};
    if (round_digits(f, shift, out->scale, &out->digits))
        return true;
    out->scale++;
    round_digits(f, shift, out->scale, &out->digits);
    return true;
}

/* Lays the digits out as %g does. */
static size_t write_decimal(char *out, struct decimal d)
{
    char digits[24];
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.scale--;
    }
    int count = (int)write_digits(digits, d.digits), exponent = count - 1 - d.scale;
    char *p = out;
    if (exponent < -4) {
        *p++ = digits[0];
        if (count > 1) {
            *p++ = '.';
            p = mempcpy(p, digits + 1, (size_t)count - 1);
        }
        p += sprintf(p, "e-%02d", -exponent);
    } else if (exponent < 0) {
        p = mempcpy(p, "0.000", (size_t)(1 - exponent));
        p = mempcpy(p, digits, (size_t)count);
    } else {
        for (int i = 0; i < count || i <= exponent; i++) {
            if (i == exponent + 1)
                *p++ = '.';
            *p++ = i < count ? digits[i] : '0';
        }
    }
    return (size_t)(p - out);
}

static size_t print_slowly(char out[RUNG_NUMBER_TEXT_MAX], double number)
{
    /* Below the normal doubles 15 digits are more than are needed. */
    for (int precision = fabs(number) < DBL_MIN ? 1 : 15; precision <= 17; precision++) {
        snprintf(out, RUNG_NUMBER_TEXT_MAX, "%.*g", precision, number);
        if (strtod(out, NULL) == number) /* read in the locale it was printed in */
            break;
    }
    const char *point = localeconv()->decimal_point;
    char *found = strcmp(point, ".") == 0 ? NULL : strstr(out, point);
    if (found) {
        size_t skipped = strlen(point);
        *found = '.';
        memmove(found + 1, found + skipped, strlen(found + skipped) + 1);
    }
    return strlen(out);
}

size_t rung_number_format(char out[RUNG_NUMBER_TEXT_MAX], double number)
{
    double magnitude = fabs(number);
    struct decimal decimal;
    size_t length = signbit(number) ? 1 : 0;
    out[0] = '-';
    if (magnitude <= WHOLE_MAX && (double)(uint64_t)magnitude == magnitude)
        length += write_digits(out + length, (uint64_t)magnitude);
    else if (shortest_decimal(magnitude, &decimal))
        length += write_decimal(out + length, decimal);
    else
        return print_slowly(out, number);
    out[length] = '\0';
    return length;
}

double rung_number_parse(const char *text, size_t length)
{
    char small[128];
    const char *point = localeconv()->decimal_point, *dot = memchr(text, '.', length);
    size_t need = length + strlen(point) + 1;
    char *copy = need <= sizeof small ? small : rung_mem_resize(NULL, need, 1);
    if (dot)
        sprintf(copy, "%.*s%s%.*s", (int)(dot - text), text, point, (int)(text + length - dot - 1), dot + 1);
    else
        sprintf(copy, "%.*s", (int)length, text);
    double number = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return number;
}
