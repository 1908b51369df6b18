// SPDX-License-Identifier: Apache-2.0
#include "econ/socialise.h"

enum { DRIFT_BASE = 1000000000, DRIFT_RATE = 1000, MANGO_FRACTION_BITS = 48 };
static const i128 DRIFT_PAY = (i128)DRIFT_BASE * DRIFT_RATE;

bool socialise_exact(i128 loss, const i128 *weight, size_t n, i128 *share)
{
    i128 all = 0, upto = 0, before = 0;
    for (size_t i = 0; i < n; i++)
        all += weight[i];
    if (all <= 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        upto += weight[i];
        i128 after = econ_part_ceil(loss, upto, all);
        share[i] = after - before;
        before = after;
    }
    return true;
}

bool socialise_rate(i128 loss, i128 open_interest, i128 *rate)
{
    if (open_interest <= 0)
        return false;
    *rate = econ_part_ceil(loss, DRIFT_BASE, open_interest) * DRIFT_RATE;
    return true;
}

i128 socialise_rate_pay(i128 rate, i128 size)
{
    return econ_part_floor(rate, econ_abs(size), DRIFT_PAY);
}

i128 socialise_drift_index(i128 index, i128 loss, i128 deposits, bool capped)
{
    if (deposits <= 0)
        return 0;
    i128 fall = econ_part_ceil(index, loss, deposits);
    return capped ? econ_min(fall, econ_max(index - 1, 0)) : fall;
}

bool socialise_mango_index(i128 index, i128 loss, i128 indexed_deposits, i128 *after)
{
    if (indexed_deposits <= 0)
        return false;
    i256 fall =
        i256_div_trunc(i256_shl(i256_from_i128(loss), MANGO_FRACTION_BITS), i256_from_i128(indexed_deposits));
    i256 left = i256_sub(i256_from_i128(index), fall);
    if (!i256_fits_i128(left))
        return false;
    *after = i256_to_i128(left);
    return true;
}

struct pool_result pool_bad_debt(struct lend_pool *p, struct fund *f, i128 bad, enum pool_loss how)
{
    struct pool_result r = {.from_fund = f ? fund_draw(f, bad) : 0};
    i128 left = bad - r.from_fund;
    p->cash += r.from_fund;
    p->borrowed -= bad;
    if (how == POOL_SUPPLIERS) {
        r.from_suppliers = left;
        p->supplied -= left;
    } else {
        r.booked = left;
        p->deficit += left;
    }
    return r;
}

i128 pool_cover(struct lend_pool *p, i128 amount)
{
    i128 paid = econ_min(econ_max(amount, 0), p->deficit);
    p->deficit -= paid;
    p->cash += paid;
    return paid;
}
