// SPDX-License-Identifier: Apache-2.0
// Orders of the liquidation contract as text, for vectors and for the driver of the tests on a real pool:
//   USER DEBT COLLATERAL ROUTER AMOUNT MIN_PROFIT TIP SHARE FLAGS VIA TIP_VIA
// hexadecimal digits without 0x (addresses 40, words 64), numbers in decimal, VIA addresses joined by commas
// or "-".
#ifndef TRIPLINE_TEST_FLASHTEXT_H
#define TRIPLINE_TEST_FLASHTEXT_H

#include <stdlib.h>

#include "evm/hex.h"
#include "exec/evm/flash.h"

enum { FLASHTEXT_WORDS = 11 };

static bool flashtext_fixed(const char *t, uint8_t *out, size_t n)
{
    return t && strlen(t) == 2 * n && hex_get(t, 2 * n, out) == 0;
}

// Bytes of any length, "-" for none; false when they are none or too many.
static bool flashtext_bytes(const char *t, uint8_t *out, size_t size, size_t *n)
{
    if (!t)
        return false;
    *n = strcmp(t, "-") == 0 ? 0 : strlen(t) / 2;
    return *n <= size && (*n == 0 || hex_get(t, strlen(t), out) == 0);
}

static bool flashtext_path(const char *t, struct evm_address *via, uint8_t *n)
{
    *n = 0;
    if (strcmp(t, "-") == 0)
        return true;
    for (; *n < FLASH_VIA_MAX && hex_get(t, 40, via[*n].b) == 0; t += 41)
        if (++*n, t[40] == '\0')
            return true;
    return false;
}

// word: the texts of one order.
static bool flashtext_order(char *const word[static FLASHTEXT_WORDS], struct flash_order *o)
{
    i256 tip;
    memset(o, 0, sizeof *o);
    if (!flashtext_fixed(word[0], o->user.b, ADDRESS_BYTES) ||
        !flashtext_fixed(word[1], o->debt.b, ADDRESS_BYTES) ||
        !flashtext_fixed(word[2], o->collateral.b, ADDRESS_BYTES) ||
        !flashtext_fixed(word[3], o->router.b, ADDRESS_BYTES) ||
        !flashtext_fixed(word[4], o->amount.b, WORD_BYTES) ||
        !flashtext_fixed(word[5], o->min_profit.b, WORD_BYTES) || i256_parse(word[6], &tip))
        return false;
    o->tip = i256_lo(tip);
    o->share = (uint16_t)strtoul(word[7], NULL, 10);
    o->flags = (uint8_t)strtoul(word[8], NULL, 10);
    return flashtext_path(word[9], o->via, &o->n_via) && flashtext_path(word[10], o->tip_via, &o->n_tip_via);
}

#endif
