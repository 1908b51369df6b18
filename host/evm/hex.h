// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text as nodes write and read it. DATA is "0x" and two digits a byte, QUANTITY "0x" and a
// number without leading zeros ("0x0" for 0); both are read strictly, digits in either case, and written in
// lower case. Text comes with its length, without a terminator. Functions that read return 0, or -1 when the
// text is anything else; what they were to fill is then undefined. Pure, no allocation, any thread.
#ifndef TRIPLINE_EVM_HEX_H
#define TRIPLINE_EVM_HEX_H

#include "evm/word.h"

enum { HEX_QUANTITY_MAX = 2 + 2 * WORD_BYTES + 1 }; // with terminator

// 2n digits, no prefix, no terminator.
void hex_put(const void *bytes, size_t n, char *out);
// len digits, no prefix, len even, give len / 2 bytes.
int hex_get(const char *text, size_t len, uint8_t *out);
// DATA of any length up to size bytes; *n is how many.
int hex_data_get(const char *text, size_t len, uint8_t *out, size_t size, size_t *n);
// DATA of exactly n bytes.
int hex_fixed_get(const char *text, size_t len, uint8_t *out, size_t n);
// QUANTITY up to 2^256 - 1.
int hex_quantity_get(const char *text, size_t len, struct word *out);
// QUANTITY and a terminator into out (HEX_QUANTITY_MAX bytes); its length.
size_t hex_quantity_put(const struct word *v, char *out);

#endif
