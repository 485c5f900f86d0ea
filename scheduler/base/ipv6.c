#include "base/ipv6.h"

#include <arpa/inet.h>
#include <string.h>

bool rung_ipv6_is(const char *text)
{
    char number[INET6_ADDRSTRLEN];
    struct in6_addr address;
    size_t length = strcspn(text, "%");

    if (length >= sizeof number || (text[length] == '%' && !text[length + 1]))
        return false;
    memcpy(number, text, length);
    number[length] = '\0';
    return inet_pton(AF_INET6, number, &address) == 1;
}
