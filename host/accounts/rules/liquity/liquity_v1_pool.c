// SPDX-License-Identifier: Apache-2.0
// The stability pool's part of a liquidation. A deposit of d made at product P0 is worth d P / P0 now, and
// has gained d (S - S0) / P0; the remainders of both divisions are carried to the next call (error feedback).
#include "accounts/rules/liquity/liquity_v1.h"

static u256 unit(void)
{
    return u256_from_u64(LIQUITY_UNIT);
}

static const uint64_t SCALE_FACTOR = 1000000000;

u256 liquity_available(struct checked *c, enum liquity_version version, const struct liquity_pool *pool)
{
    if (version == LIQUITY_DEPLOYED)
        return pool->deposits;
    u256 room = ck_sub(c, pool->deposits, ck_min(unit(), pool->deposits));
    // An offset smaller than the remainder carried along would not lower P.
    return ck_lt(pool->debt_error, ck_mul(c, room, unit())) ? room : U256_ZERO;
}

// How much of each LUSD in the pool is lost, in 10^-18, rounded up so that no deposit is ever promised too
// much.
static u256 loss_each(struct checked *c, enum liquity_version version, struct liquity_pool *pool, u256 debt)
{
    u256 owed = ck_mul(c, debt, unit());
    if (version == LIQUITY_DEPLOYED) {
        if (u256_cmp(debt, pool->deposits) == 0) {
            pool->debt_error = U256_ZERO;
            return unit();
        }
        owed = ck_sub(c, owed, pool->debt_error); // reverts for an offset below the remainder: a known fault
    } else {
        owed = ck_lt(pool->debt_error, owed) ? ck_sub(c, owed, pool->debt_error) : U256_ZERO;
    }
    u256 each = ck_add(c, ck_div(c, owed, pool->deposits), u256_from_u64(1));
    pool->debt_error = ck_sub(c, ck_mul(c, each, pool->deposits), owed);
    return each;
}

// P after a loss, in a finer scale where it gets small.
static void multiply(struct checked *c, enum liquity_version version, struct liquity_pool *pool, u256 factor)
{
    const u256 small = u256_from_u64(SCALE_FACTOR);
    if (version == LIQUITY_DEPLOYED && u256_is_zero(factor)) {
        if (!ck_ok(c))
            return;
        pool->epoch++;
        pool->scale = 0;
        pool->p = unit();
        return;
    }
    u256 product = ck_mul(c, pool->p, factor), p = ck_div(c, product, unit());
    // Twice suffices: 10^18 is the square of the scale factor. The deployed version does it once and fails
    // then.
    for (int i = 0; i < (version == LIQUITY_DEPLOYED ? 1 : 2) && ck_ok(c) && ck_lt(p, small); i++) {
        product = ck_mul(c, product, small);
        p = ck_div(c, product, unit());
        pool->scale++;
    }
    if (ck_ok(c) && u256_is_zero(p))
        ck_fail(c, "StabilityPool: P is zero");
    pool->p = p;
}

void liquity_offset(struct checked *c, enum liquity_version version, struct liquity_pool *pool, u256 debt,
                    u256 coll)
{
    u256 colls = ck_add(c, ck_mul(c, coll, unit()), pool->coll_error);
    u256 lost = loss_each(c, version, pool, debt);
    u256 gain = ck_div(c, colls, pool->deposits);
    pool->coll_error = ck_sub(c, colls, ck_mul(c, gain, pool->deposits));
    u256 factor = ck_sub(c, unit(), lost);
    pool->sum =
        ck_add(c, pool->sum, ck_mul(c, gain, pool->p)); // before P: the gain belongs to the old deposits
    multiply(c, version, pool, factor);
    pool->deposits = ck_sub(c, pool->deposits, debt);
}
