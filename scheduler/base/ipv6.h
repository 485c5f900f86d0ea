/* Addresses of IPv6 as text. Nothing is looked up. */
#ifndef RUNG_BASE_IPV6_H
#define RUNG_BASE_IPV6_H

#include <stdbool.h>

/* Whether it is a number of IPv6, with or without the name of an interface ("fe80::1%eth0"), whatever that
 * is made of. */
bool rung_ipv6_is(const char *text);

#endif
