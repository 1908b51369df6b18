// SPDX-License-Identifier: Apache-2.0
#include "oracle/tick.h"

#include <stdlib.h>

// 2^128 / 1.0001^(2^i / 2), to the nearest integer. tests/unit/oracle/judge_tick.py derives them again.
#define K(hi, lo) ((u128)UINT64_C(hi) << 64 | UINT64_C(lo))
enum { BITS = 20 }; // of |tick|
static const u128 root[BITS] = {
    K(0xfffcb933bd6fad37, 0xaa2d162d1a594001), K(0xfff97272373d4132, 0x59a46990580e213a),
    K(0xfff2e50f5f656932, 0xef12357cf3c7fdcc), K(0xffe5caca7e10e4e6, 0x1c3624eaa0941cd0),
    K(0xffcb9843d60f6159, 0xc9db58835c926644), K(0xff973b41fa98c081, 0x472e6896dfb254c0),
    K(0xff2ea16466c96a38, 0x43ec78b326b52861), K(0xfe5dee046a99a2a8, 0x11c461f1969c3053),
    K(0xfcbe86c7900a88ae, 0xdcffc83b479aa3a4), K(0xf987a7253ac41317, 0x6f2b074cf7815e54),
    K(0xf3392b0822b70005, 0x940c7a398e4b70f3), K(0xe7159475a2c29b74, 0x43b29c7fa6e889d9),
    K(0xd097f3bdfd2022b8, 0x845ad8f792aa5825), K(0xa9f746462d870fdf, 0x8a65dc1f90e061e5),
    K(0x70d869a156d2a1b8, 0x90bb3df62baf32f7), K(0x31be135f97d08fd9, 0x81231505542fcfa6),
    K(0x09aa508b5b7a84e1, 0xc677de54f3e99bc9), K(0x005d6af8dedb8119, 0x6699c329225ee604),
    K(0x00002216e584f5fa, 0x1ea926041bedfe98), K(0x00000000048a1703, 0x91f7dc42444e8fa2),
};

// The high half of the 256-bit product.
static u128 mul_hi(u128 a, u128 b)
{
    u128 al = (uint64_t)a, ah = a >> 64, bl = (uint64_t)b, bh = b >> 64;
    u128 mid = ah * bl + ((al * bl) >> 64);
    u128 low = al * bh + (uint64_t)mid;
    return ah * bh + (mid >> 64) + (low >> 64);
}

// floor((2^256 - 1) / r) for r >= 2, from signed division: 2^256 - 1 = 2 (2^255 - 1) + 1.
static i256 inverse(u128 r)
{
    i256 top = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MAX}}, d = i256_from_u128(r);
    i256 q = i256_div_trunc(top, d);
    i256 rest = i256_sub(top, i256_mul(q, d));
    rest = i256_add(i256_add(rest, rest), i256_from_i64(1));
    return i256_add(i256_add(q, q), i256_from_i64(i256_cmp(rest, d) >= 0));
}

int tick_sqrt_ratio(int tick, i256 *out)
{
    if (tick < TICK_MIN || tick > TICK_MAX)
        return -1;
    unsigned t = (unsigned)abs(tick);
    if (t == 0) {
        *out = (i256){{0, UINT64_C(1) << 32, 0, 0}};
        return 0;
    }
    u128 r = 0; // 0 stands for 2^128
    for (unsigned i = 0; i < BITS; i++)
        if (t >> i & 1)
            r = r ? mul_hi(r, root[i]) : root[i];
    i256 q = tick > 0 ? inverse(r) : i256_from_u128(r);
    // To 96 fractional bits, rounded up. q is below 2^193: r is at least 2^128 / 1.0001^(TICK_MAX / 2).
    *out = i256_add(i256_sar(q, 32), i256_from_i64((uint32_t)q.w[0] != 0));
    return 0;
}

enum { LOG_BITS = 20 };

// log2(m / 2^127) in units of 2^-LOG_BITS, rounded down, for 2^127 <= m < 2^128: squaring doubles the
// logarithm, and each doubling past one is the next binary digit. What the squares drop is below 2^-100.
static int64_t log2_fraction(u128 m)
{
    int64_t f = 0;
    for (int i = 0; i < LOG_BITS; i++) {
        m = mul_hi(m, m); // in [2^126, 2^128)
        int64_t digit = (int64_t)(m >> 127);
        m <<= 1 - digit;
        f = f << 1 | digit;
    }
    return f;
}

// Ticks in which the tick lies when log2 of the price is in [log, log + width) * 2^-LOG_BITS. One unit of log
// is 2^40 / log2(1.0001) / 2^60 ticks. The slack, 2^-15 ticks, covers that TickMath's ratios are rounded (at
// most 2^-32, at TICK_MIN: 5e-6 ticks) and that the factor is (2^-33 ticks).
struct bracket {
    int lo, hi;
};
#define TICKS_PER_LOG INT64_C(7621614903199787) // 2^40 / log2(1.0001)
static struct bracket bracket(int64_t log, int width)
{
    i128 at = (i128)log * TICKS_PER_LOG, slack = (i128)1 << 45;
    return (struct bracket){(int)((at - slack) >> (40 + LOG_BITS)),
                            (int)((at + width * (i128)TICKS_PER_LOG + slack) >> (40 + LOG_BITS))};
}

int tick_at_sqrt_ratio(i256 s, int *out)
{
    i256 edge;
    (void)tick_sqrt_ratio(TICK_MIN, &edge);
    if (i256_cmp(s, edge) < 0)
        return -1;
    (void)tick_sqrt_ratio(TICK_MAX, &edge);
    if (i256_cmp(s, edge) >= 0)
        return -1;
    unsigned bits = i256_bits(s); // 33..160
    u128 m = bits > 128 ? i256_lo(i256_sar(s, bits - 128)) : i256_lo(s) << (128 - bits);
    int64_t log = (int64_t)((int)bits - 97) * (1 << LOG_BITS) + log2_fraction(m);
    struct bracket b = bracket(2 * log, 2); // the price's logarithm is twice its root's
    for (; b.hi > b.lo; b.hi--)
        if (tick_sqrt_ratio(b.hi, &edge) == 0 && i256_cmp(edge, s) <= 0)
            break;
    *out = b.hi;
    return 0;
}

// For ticks of prices: tick_sqrt_ratio() is then below 2^128, its square below 2^255 for ticks up to that of
// 2^63.
static i256 square_of(int tick)
{
    i256 r;
    (void)tick_sqrt_ratio(tick, &r);
    return i256_mul(r, r);
}

int tick_at_price(int64_t price)
{
    uint64_t p = (uint64_t)price;
    int zeros = __builtin_clzll(p);
    struct bracket b =
        bracket((int64_t)(63 - zeros) * (1 << LOG_BITS) + log2_fraction((u128)(p << zeros) << 64), 1);
    i256 x = {{0, 0, 0, p}};
    for (; b.hi > b.lo; b.hi--)
        if (i256_cmp(square_of(b.hi), x) <= 0)
            break;
    return b.hi;
}

int64_t tick_price(int tick)
{
    enum { LAST = 436704 }; // 1.0001^436704 < 2^63 < 1.0001^436705
    if (tick < 0)
        return 0;
    return tick > LAST ? INT64_MAX : (int64_t)square_of(tick).w[3];
}
