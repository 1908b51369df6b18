// SPDX-License-Identifier: Apache-2.0
// Products and quotients on limbs of 64 bits. Division is Knuth, TAOCP vol. 2, 4.3.1, algorithm D, of any
// length up to the 512 bits of a product, with short cuts where both sides fit the machine's 128 bits or the
// divisor is one limb.
#include "base/u256.h"

#include <string.h>

enum { LIMBS = 4, WIDE = 2 * LIMBS, LIMB_BITS = 64, BITS = 256, POW10_MAX = 77, POW10_LIMB = 19 };

int u256_cmp(u256 a, u256 b)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (a.w[i] != b.w[i])
            return a.w[i] < b.w[i] ? -1 : 1;
    return 0;
}

static unsigned limbs_of(const uint64_t *w, unsigned most)
{
    while (most > 0 && w[most - 1] == 0)
        most--;
    return most;
}

unsigned u256_bits(u256 a)
{
    unsigned n = limbs_of(a.w, LIMBS);
    return n ? n * LIMB_BITS - (unsigned)__builtin_clzll(a.w[n - 1]) : 0;
}

bool u256_fits_u128(u256 a)
{
    return (a.w[2] | a.w[3]) == 0;
}

u128 u256_to_u128(u256 a)
{
    return (u128)a.w[1] << LIMB_BITS | a.w[0];
}

u256 u256_pow10(unsigned n)
{
    n = n < POW10_MAX ? n : POW10_MAX; // 10^77 < 2^256
    uint64_t first = 1;
    for (unsigned i = n % POW10_LIMB; i > 0; i--)
        first *= 10;
    u256 r = u256_from_u64(first);
    for (unsigned i = n / POW10_LIMB; i > 0; i--)
        (void)u256_mul(r, u256_from_u64(UINT64_C(10000000000000000000)), &r);
    return r;
}

bool u256_add(u256 a, u256 b, u256 *out)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        u128 sum = (u128)a.w[i] + b.w[i] + carry;
        out->w[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> LIMB_BITS);
    }
    return carry != 0;
}

bool u256_sub(u256 a, u256 b, u256 *out)
{
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        u128 d = (u128)a.w[i] - b.w[i] - borrow;
        out->w[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> LIMB_BITS) & 1;
    }
    return borrow != 0;
}

static void product(u256 a, u256 b, uint64_t r[WIDE])
{
    memset(r, 0, WIDE * sizeof *r);
    for (int i = 0; i < LIMBS; i++) {
        if (a.w[i] == 0) // most numbers are short
            continue;
        uint64_t carry = 0;
        for (int k = 0; k < LIMBS; k++) {
            u128 t = (u128)a.w[i] * b.w[k] + r[i + k] + carry; // < 2^128: (2^64-1)^2 + 2 (2^64-1)
            r[i + k] = (uint64_t)t;
            carry = (uint64_t)(t >> LIMB_BITS);
        }
        r[i + LIMBS] = carry;
    }
}

bool u256_mul(u256 a, u256 b, u256 *out)
{
    uint64_t r[WIDE];
    product(a, b, r);
    memcpy(out->w, r, sizeof out->w);
    return limbs_of(r, WIDE) > LIMBS;
}

// u[0..n] -= q * v[0..n-1]. True: it went below zero.
static bool subtract_times(uint64_t *u, const uint64_t *v, unsigned n, uint64_t q)
{
    uint64_t carry = 0, borrow = 0;
    for (unsigned i = 0; i <= n; i++) {
        u128 p = (i < n ? (u128)q * v[i] : 0) + carry;
        carry = (uint64_t)(p >> LIMB_BITS);
        u128 d = (u128)u[i] - (uint64_t)p - borrow;
        u[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> LIMB_BITS) & 1;
    }
    return borrow != 0;
}

// u[0..n] += v[0..n-1], without the carry out of the top.
static void add_back(uint64_t *u, const uint64_t *v, unsigned n)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i <= n; i++) {
        u128 s = (u128)u[i] + (i < n ? v[i] : 0) + carry;
        u[i] = (uint64_t)s;
        carry = (uint64_t)(s >> LIMB_BITS);
    }
}

// Steps D3 to D6: the digit of u[0..n] by v[0..n-1], n >= 2, v's top bit set and u's top n limbs at most v.
static uint64_t digit(uint64_t *u, const uint64_t *v, unsigned n)
{
    uint64_t q = UINT64_MAX;
    if (u[n] < v[n - 1]) {
        u128 top = (u128)u[n] << LIMB_BITS | u[n - 1], rest = top % v[n - 1];
        q = (uint64_t)(top / v[n - 1]);
        while (rest >> LIMB_BITS == 0 && (u128)q * v[n - 2] > (rest << LIMB_BITS | u[n - 2])) {
            q--;
            rest += v[n - 1];
        }
    }
    // The guess is at most 1 too large: of two limbs of the divisor by the loop; of u's top equal to v's
    // since then u / v > 2^64 v' / (v' + 1) >= 2^64 - 2 with v' the top of v.
    if (subtract_times(u, v, n, q)) {
        q--;
        add_back(u, v, n);
    }
    return q;
}

static void shift_left(uint64_t *w, unsigned n, unsigned s)
{
    for (unsigned i = n; s && i-- > 0;)
        w[i] = w[i] << s | (i ? w[i - 1] >> (LIMB_BITS - s) : 0);
}

static void shift_right(uint64_t *w, unsigned n, unsigned s)
{
    for (unsigned i = 0; s && i < n; i++)
        w[i] = w[i] >> s | (i + 1 < n ? w[i + 1] << (LIMB_BITS - s) : 0);
}

// q = floor(a / b), a becomes the rest. a[WIDE] is 0; b is not 0.
static void divide(uint64_t a[WIDE + 1], u256 b, uint64_t q[WIDE])
{
    unsigned n = limbs_of(b.w, LIMBS), m = limbs_of(a, WIDE);
    memset(q, 0, WIDE * sizeof *q);
    if (n == 1) {
        u128 rest = 0;
        for (unsigned i = m; i-- > 0;) {
            rest = rest << LIMB_BITS | a[i];
            q[i] = (uint64_t)(rest / b.w[0]);
            rest %= b.w[0];
            a[i] = 0;
        }
        a[0] = (uint64_t)rest;
        return;
    }
    if (m < n)
        return;
    unsigned s = (unsigned)__builtin_clzll(b.w[n - 1]);
    shift_left(b.w, n, s);
    shift_left(a, m + 1, s);
    for (unsigned i = m - n + 1; i-- > 0;)
        q[i] = digit(a + i, b.w, n);
    shift_right(a, n, s);
}

u256 u256_div(u256 a, u256 b, u256 *rest)
{
    if (u256_fits_u128(a) && u256_fits_u128(b)) {
        u128 x = u256_to_u128(a), y = u256_to_u128(b);
        if (rest)
            *rest = u256_from_u128(x % y);
        return u256_from_u128(x / y);
    }
    uint64_t u[WIDE + 1] = {a.w[0], a.w[1], a.w[2], a.w[3]}, q[WIDE];
    divide(u, b, q);
    if (rest)
        memcpy(rest->w, u, sizeof rest->w);
    return (u256){{q[0], q[1], q[2], q[3]}};
}

bool u256_mul_div(u256 a, u256 b, u256 c, u256 *out, u256 *rest)
{
    uint64_t u[WIDE + 1] = {0}, q[WIDE];
    *out = U256_ZERO;
    if (rest)
        *rest = U256_ZERO;
    if (u256_is_zero(c))
        return true;
    product(a, b, u);
    divide(u, c, q);
    memcpy(out->w, q, sizeof out->w);
    if (rest)
        memcpy(rest->w, u, sizeof rest->w);
    return limbs_of(q, WIDE) > LIMBS;
}

u256 u256_shl(u256 a, unsigned n)
{
    u256 r = U256_ZERO;
    if (n >= BITS)
        return r;
    for (unsigned i = n / LIMB_BITS; i < LIMBS; i++)
        r.w[i] = a.w[i - n / LIMB_BITS];
    shift_left(r.w, LIMBS, n % LIMB_BITS);
    return r;
}

u256 u256_shr(u256 a, unsigned n)
{
    u256 r = U256_ZERO;
    if (n >= BITS)
        return r;
    for (unsigned i = 0; i + n / LIMB_BITS < LIMBS; i++)
        r.w[i] = a.w[i + n / LIMB_BITS];
    shift_right(r.w, LIMBS, n % LIMB_BITS);
    return r;
}

// Newton from above: the sequence falls until it is the floor of the root.
u256 u256_sqrt(u256 a)
{
    if (u256_is_zero(a))
        return a;
    u256 x = u256_shl(u256_from_u64(1), (u256_bits(a) + 1) / 2); // > sqrt(a), at most 2^128
    for (;;) {
        u256 next;
        (void)u256_add(x, u256_div(a, x, NULL), &next);
        next = u256_shr(next, 1);
        if (u256_cmp(next, x) >= 0)
            return x;
        x = next;
    }
}

static int digit_of(char c, unsigned base)
{
    int d = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : -1;
    return d < (int)base ? d : -1;
}

bool u256_parse(const char *text, u256 *out)
{
    unsigned base = 10;
    u256 v = U256_ZERO;
    *out = U256_ZERO;
    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    if (!*text)
        return false;
    for (; *text; text++) {
        int d = digit_of(*text, base);
        if (d < 0 || u256_mul(v, u256_from_u64(base), &v) || u256_add(v, u256_from_u64((uint64_t)d), &v))
            return false;
    }
    *out = v;
    return true;
}

void u256_format(u256 a, char out[U256_DIGITS_MAX])
{
    char buf[U256_DIGITS_MAX];
    size_t at = sizeof buf;
    buf[--at] = '\0';
    do {
        u256 rest;
        a = u256_div(a, u256_from_u64(10), &rest);
        buf[--at] = (char)('0' + (int)rest.w[0]);
    } while (!u256_is_zero(a));
    memcpy(out, buf + at, sizeof buf - at);
}
