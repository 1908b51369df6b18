// SPDX-License-Identifier: Apache-2.0
#include "evm/hex.h"

static const char digits[] = "0123456789abcdef";

void hex_put(const void *bytes, size_t n, char *out)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
}

static int value_of(char c) // of a digit; -1: none
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int hex_get(const char *text, size_t len, uint8_t *out)
{
    if (len % 2)
        return -1;
    for (size_t i = 0; i < len; i += 2) {
        int high = value_of(text[i]), low = value_of(text[i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static bool prefixed(const char *text, size_t len)
{
    return len >= 2 && text[0] == '0' && text[1] == 'x';
}

int hex_data_get(const char *text, size_t len, uint8_t *out, size_t size, size_t *n)
{
    if (!prefixed(text, len) || (len - 2) / 2 > size)
        return -1;
    *n = (len - 2) / 2;
    return hex_get(text + 2, len - 2, out);
}

int hex_fixed_get(const char *text, size_t len, uint8_t *out, size_t n)
{
    size_t got;
    return hex_data_get(text, len, out, n, &got) || got != n ? -1 : 0;
}

int hex_quantity_get(const char *text, size_t len, struct word *out)
{
    if (!prefixed(text, len) || len < 3 || len > 2 + 2 * WORD_BYTES || (text[2] == '0' && len > 3))
        return -1;
    char full[2 * WORD_BYTES];
    memset(full, '0', sizeof full);
    memcpy(full + sizeof full - (len - 2), text + 2, len - 2);
    return hex_get(full, sizeof full, out->b);
}

size_t hex_quantity_put(const struct word *v, char *out)
{
    char full[2 * WORD_BYTES];
    hex_put(v->b, WORD_BYTES, full);
    size_t at = 0;
    while (at < sizeof full - 1 && full[at] == '0')
        at++;
    out[0] = '0';
    out[1] = 'x';
    memcpy(out + 2, full + at, sizeof full - at);
    out[2 + sizeof full - at] = '\0';
    return 2 + sizeof full - at;
}
