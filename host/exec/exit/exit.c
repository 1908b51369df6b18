// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/exit.h"

static u128 same_out(const struct exit_venue *v, u128 q)
{
    (void)v;
    return q;
}

static u128 same_upto(const struct exit_venue *v, struct exit_rate rate)
{
    (void)v;
    return rate.out <= rate.in ? EXIT_AMOUNT_MAX : 0;
}

const struct exit_venue exit_same = {.out = same_out, .upto = same_upto, .slop = 1};

struct exit_rate exit_rate_of(u128 out, u128 in)
{
    unsigned bits = i256_bits(i256_from_u128(out > in ? out : in));
    unsigned cut = bits > 64 ? bits - 64 : 0;
    struct exit_rate r = {(uint64_t)(out >> cut), (uint64_t)(in >> cut)};
    r.out += r.out == 0;
    r.in += r.in == 0;
    return r;
}

// floor(a 2^s / b), a >= b, with s of 0..63 such that it has 63 or 64 bits
static uint64_t ratio(i256 a, i256 b, unsigned *s)
{
    unsigned bits = i256_bits(a), cut = bits > 190 ? bits - 190 : 0;
    a = i256_sar(a, cut);
    b = i256_sar(b, cut);
    unsigned apart = i256_sign(b) > 0 ? i256_bits(a) - i256_bits(b) : 64;
    *s = 0;
    if (apart > 63)
        return UINT64_MAX;
    *s = 63 - apart;
    return (uint64_t)i256_lo(i256_div_floor(i256_shl(a, *s), b));
}

struct exit_rate exit_rate_near(i256 out, i256 in)
{
    unsigned s;
    if (i256_cmp(out, in) >= 0) {
        uint64_t r = ratio(out, in, &s);
        return (struct exit_rate){r, UINT64_C(1) << s};
    }
    uint64_t r = ratio(in, out, &s);
    return (struct exit_rate){UINT64_C(1) << s, r};
}

struct exit_rate exit_rate_div(struct exit_rate a, struct exit_rate b)
{
    return exit_rate_near(i256_from_u128((u128)a.out * b.in), i256_from_u128((u128)a.in * b.out));
}

i256 exit_div_rate(i256 a, struct exit_rate rate)
{
    uint64_t x[5]; // a * in
    u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (u128)a.w[i] * rate.in;
        x[i] = (uint64_t)carry;
        carry >>= 64;
    }
    x[4] = (uint64_t)carry;
    i256 q = I256_ZERO;
    u128 rem = x[4] % rate.out;
    bool over = x[4] >= rate.out;
    for (int i = 3; i >= 0; i--) {
        rem = rem << 64 | x[i];
        q.w[i] = (uint64_t)(rem / rate.out);
        rem %= rate.out;
    }
    over = over || q.w[3] >> 63 != 0;
    return over ? (i256){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX >> 1}} : q;
}

// floor(sqrt(a)), a digit of the root at a time
static uint64_t root_short(uint64_t a)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 62; bit != 0; bit >>= 2) {
        bool one = a >= root + bit;
        a -= one ? root + bit : 0;
        root = (root >> 1) + (one ? bit : 0);
    }
    return root;
}

u128 exit_root(i256 a)
{
    if (i256_sign(a) == 0)
        return 0;
    // Newton from above: falls until it is the root. It begins at the root of the first 63 or 64 bits, so
    // that two or three steps are enough.
    unsigned bits = i256_bits(a), cut = bits > 64 ? (bits - 63) & ~1u : 0;
    i256 x = i256_shl(i256_from_u128((u128)root_short((uint64_t)i256_lo(i256_sar(a, cut))) + 1), cut / 2);
    for (;;) {
        i256 next = i256_sar(i256_add(x, i256_div_floor(a, x)), 1);
        if (i256_cmp(next, x) >= 0)
            return i256_lo(x);
        x = next;
    }
}
