// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/slip.h"

enum { E8 = 8, PPM_DIGITS = 6 };

// v * 10^8 / (10^digits * by), rounded up; v may be negative.
static i256 to_e8(i256 v, unsigned digits, int64_t by)
{
    i256 den = i256_mul_i64(i256_pow10(digits > E8 ? digits - E8 : 0), by);
    return i256_div_ceil(i256_mul(v, i256_pow10(digits < E8 ? E8 - digits : 0)), den);
}

int64_t slip_other_unit(const struct slip_level *l, unsigned decimals, bool coins)
{
    i256 v = i256_from_i64(l->amount);
    v = coins ? i256_div_floor(i256_mul(v, i256_pow10(decimals)), i256_from_i64(l->price))
              : i256_div10_floor(i256_mul_i64(v, l->price), decimals);
    return i256_fits_i64(v) ? i256_to_i64(v) : INT64_MAX;
}

static unsigned common(const struct instrument *in)
{
    return in->size_decimals > SLIP_AMOUNT_DECIMALS ? in->size_decimals : SLIP_AMOUNT_DECIMALS;
}

i256 slip_value(const struct market *m, const struct instrument *in, int64_t mark, i128 qty)
{
    i256 q = i256_from_i128(qty);
    return in->kind == INST_INVERSE
               ? to_e8(q, in->size_decimals, 1)
               : to_e8(i256_mul_i64(q, mark), in->size_decimals + m->asset[in->asset].decimals, 1);
}

// What a part traded at `price` loses against the mark, and its notional; amount in 10^-digits.
static void add_part(const struct market *m, const struct instrument *in, const int64_t at[2], i256 amount,
                     bool sell, i256 *lost, i256 *notional)
{
    int64_t mark = at[0], price = at[1], worse = sell ? mark - price : price - mark;
    unsigned digits = common(in);
    if (in->kind == INST_INVERSE) {
        *lost = i256_add(*lost, to_e8(i256_mul_i64(amount, worse), digits, price));
        *notional = i256_add(*notional, to_e8(i256_mul_i64(amount, mark), digits, price));
        return;
    }
    digits += m->asset[in->asset].decimals;
    *lost = i256_add(*lost, to_e8(i256_mul_i64(amount, worse), digits, 1));
    *notional = i256_add(*notional, to_e8(i256_mul_i64(amount, price), digits, 1));
}

bool slip_cost(const struct slip_side *s, const struct market *m, const struct instrument *in, int64_t mark,
               i128 qty, i256 gone, bool sell, uint32_t fee_ppm, i256 *e8)
{
    unsigned digits = common(in);
    i256 up = i256_pow10(digits - SLIP_AMOUNT_DECIMALS), lost = I256_ZERO, notional = I256_ZERO;
    i256 left = i256_mul(i256_from_i128(qty), i256_pow10(digits - in->size_decimals));
    gone = i256_div10_ceil(gone, SLIP_GONE_DECIMALS - digits);
    for (unsigned i = 0; i < s->n && i256_sign(left) > 0; i++) {
        i256 here = i256_mul_i64(up, s->level[i].amount), before = i256_min(gone, here);
        gone = i256_sub(gone, before);
        here = i256_min(left, i256_sub(here, before));
        const int64_t at[2] = {mark, s->level[i].price};
        add_part(m, in, at, here, sell, &lost, &notional);
        left = i256_sub(left, here);
    }
    if (i256_sign(left) > 0)
        return false;
    *e8 = i256_add(lost, i256_div10_ceil(i256_mul_i64(notional, fee_ppm), PPM_DIGITS));
    if (i256_sign(*e8) < 0)
        *e8 = I256_ZERO;
    return true;
}
