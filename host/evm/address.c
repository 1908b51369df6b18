// SPDX-License-Identifier: Apache-2.0
#include "evm/address.h"

#include "evm/hex.h"
#include "evm/keccak.h"

enum { DIGITS = 2 * ADDRESS_BYTES };

void address_format(const struct evm_address *a, char text[static ADDRESS_TEXT])
{
    char *digit = text + 2;
    struct word h;
    text[0] = '0';
    text[1] = 'x';
    hex_put(a->b, ADDRESS_BYTES, digit);
    digit[DIGITS] = '\0';
    keccak256(digit, DIGITS, &h);
    for (size_t i = 0; i < DIGITS; i++) {
        unsigned nibble = i % 2 ? h.b[i / 2] & 15u : h.b[i / 2] >> 4u;
        if (digit[i] >= 'a' && nibble >= 8)
            digit[i] = (char)(digit[i] - 'a' + 'A');
    }
}

int address_parse(const char *text, struct evm_address *out, struct err *e)
{
    size_t n = strnlen(text, ADDRESS_TEXT);
    struct evm_address a;
    if (hex_fixed_get(text, n, a.b, ADDRESS_BYTES))
        return err_set(e, "'%.42s' is no address: 0x and 40 hexadecimal digits are", text);
    bool lower = false, upper = false;
    for (const char *p = text + 2; *p; p++) {
        lower |= *p >= 'a' && *p <= 'f';
        upper |= *p >= 'A' && *p <= 'F';
    }
    char right[ADDRESS_TEXT];
    address_format(&a, right);
    if (lower && upper && strcmp(text, right) != 0)
        return err_set(
            e, "address %s: its checksum (EIP-55) is wrong; one digit or more is not as written down", text);
    *out = a;
    return 0;
}
