// SPDX-License-Identifier: Apache-2.0
// Decimal text <-> integers of a quantum 10^-decimals, exactly: a user's amount never passes through a
// double. Pure functions; any thread.
#ifndef TRIPLINE_ACCOUNTS_DECIMAL_H
#define TRIPLINE_ACCOUNTS_DECIMAL_H

#include "base/err.h"
#include "base/wide.h"

enum {
    DEC_TEXT_MAX = 80, // longest output of dec_format with its terminator (decimals <= DEC_DECIMALS_MAX)
    DEC_DECIMALS_MAX = 36,
};

// [+-] digits [. digits] [e exponent] -> value * 10^decimals. 0; -1 with the reason in *e when it is not a
// number, has more decimals than the quantum holds (trailing zeros are no decimals), or does not fit 127
// bits.
int dec_parse(const char *text, unsigned decimals, i128 *out, struct err *e);
// Shortest exact text ("-12.5", "0", "3"); returns its length.
size_t dec_format(i128 v, unsigned decimals, char buf[DEC_TEXT_MAX]);

// Canonical integer text as the store keeps it: no plus sign, no leading zeros. 0 or -1.
int int_parse(const char *text, i128 *out);
static inline size_t int_format(i128 v, char buf[DEC_TEXT_MAX])
{
    return dec_format(v, 0, buf);
}

#endif
