// SPDX-License-Identifier: Apache-2.0
// u256 on standard input: "op a b c" a line, one answer each: result, rest or "!" for what does not fit.
#include "base/u256.h"

#include <stdio.h>
#include <string.h>

static void show(bool bad, u256 v)
{
    char text[U256_DIGITS_MAX];
    u256_format(v, text);
    printf("%s%s ", bad ? "!" : "", text);
}

static void answer(const char *op, u256 a, u256 b, u256 c)
{
    u256 r = U256_ZERO, rest = U256_ZERO;
    bool bad = false;
    if (strcmp(op, "add") == 0)
        bad = u256_add(a, b, &r);
    else if (strcmp(op, "sub") == 0)
        bad = u256_sub(a, b, &r);
    else if (strcmp(op, "mul") == 0)
        bad = u256_mul(a, b, &r);
    else if (strcmp(op, "div") == 0)
        r = u256_div(a, b, &rest);
    else if (strcmp(op, "muldiv") == 0)
        bad = u256_mul_div(a, b, c, &r, &rest);
    else if (strcmp(op, "shl") == 0)
        r = u256_shl(a, (unsigned)b.w[0]);
    else if (strcmp(op, "shr") == 0)
        r = u256_shr(a, (unsigned)b.w[0]);
    else if (strcmp(op, "sqrt") == 0)
        r = u256_sqrt(a);
    else if (strcmp(op, "bits") == 0)
        r = u256_from_u64(u256_bits(a));
    else if (strcmp(op, "cmp") == 0)
        r = u256_from_u64((uint64_t)(1 + u256_cmp(a, b)));
    else if (strcmp(op, "pow10") == 0)
        r = u256_pow10((unsigned)a.w[0]);
    show(bad, r);
    show(false, rest);
    putchar('\n');
}

int main(void)
{
    char op[8], ta[100], tb[100], tc[100];
    u256 a, b, c;
    while (scanf("%7s %99s %99s %99s", op, ta, tb, tc) == 4) {
        if (u256_parse(ta, &a) && u256_parse(tb, &b) && u256_parse(tc, &c))
            answer(op, a, b, c);
        else
            puts("none");
    }
    return 0;
}
