// SPDX-License-Identifier: Apache-2.0
// Aave from 3.5 on when a reserve's parameters change: how much less a supply may count, how much more a
// debt, than in rows made before. All bounds are rounded up; derivation in docs/numerics.md, section 5,
// "Later parameters". Not on the path of a price.
#include "accounts/rules/aave/aave_common.h"

#define ONE ((u128)1 << SHIFT_BITS)
enum {
    SHIFT_SLIP = 4, // parts: more than the rounding of indexes, below 1e-25 of them, can amount to
    YEAR_SECONDS = 31536000,
};

// a / b in parts, rounded up; the quotient is at most 2^64 parts by the caller's knowledge.
static u128 parts_up(u128 a, u128 b)
{
    return i256_lo(i256_div_ceil(i256_mul_u128(a, ONE), i256_from_u128(b)));
}

static u128 times_up(u128 a, u128 b) // both in parts and at most 2^62
{
    return (a * b >> SHIFT_BITS) + 1;
}

// What rate makes of a second time, rate * seconds / year, in parts.
static u128 interest(u128 rate, uint64_t seconds, bool up)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    i256 x = i256_mul_u128(rate * seconds, ONE), year = i256_mul_u128(ray, YEAR_SECONDS);
    return i256_lo(up ? i256_div_ceil(x, year) : i256_div_floor(x, year));
}

// By how much the new debt index may outgrow the old one within so many seconds from now: growth is at most
// exp(y') - 1 <= y' + 3/4 y'^2 of the new one, y' <= 1/4, and at least y (1 - x^3/6) of the old one, which
// has earned x by now. False: out of these ranges.
static bool outgrows(const struct instrument *was, const struct instrument *is, uint64_t now,
                     uint64_t seconds, u128 *by)
{
    *by = 0;
    if (is->borrow_rate == 0)
        return true;
    u128 y = interest(is->borrow_rate, seconds, true), least = 0;
    if (y > ONE / 4)
        return false;
    u128 x = interest(was->borrow_rate, interest_seconds(was, now), true);
    // Told for a later moment, or so long ago that time stands still: it may not grow.
    bool grows = was->told_at <= now && interest_seconds(was, now + seconds) < MOVING_SECONDS_MAX;
    if (grows && x < ONE) {
        u128 y_was = interest(was->borrow_rate, seconds, false);
        u128 lost = times_up(y_was, times_up(x, times_up(x, x)) / 6 + 1);
        least = y_was > lost ? y_was - lost : 0;
    }
    u128 most = y + times_up(y, y) * 3 / 4 + SHIFT_SLIP;
    *by = most > least ? most - least : 0;
    return true;
}

static bool debt_shift(const struct instrument *was, const struct instrument *is, uint64_t now,
                       const uint64_t *until, unsigned n, struct shift *out)
{
    if (was->borrow_index == is->borrow_index && was->borrow_rate == is->borrow_rate &&
        was->told_at == is->told_at)
        return true;
    if (was->borrow_rate == 0 && is->borrow_rate)
        return false; // rows that nothing moved were made for ever
    u128 before = borrow_index_at(was, now), after = borrow_index_at(is, now), jump = 0, by;
    if (after > before)
        jump = after - before < before / 4 ? parts_up(after - before, before) : ONE;
    if (jump > ONE / 4)
        return false;
    for (unsigned k = 0; k < n; k++) {
        if (!outgrows(was, is, now, until[k] - now, &by))
            return false;
        out[k].up = (uint64_t)(jump + by + (jump && by ? times_up(jump, by) : 0));
    }
    return true;
}

// A threshold from `was` at its greatest from now on, to `is` at its least until then. False: no part is
// left.
static bool threshold_shift(uint32_t was, uint32_t is, u128 *down)
{
    u128 lost = was > is ? parts_up(was - is, was) : 0;
    *down = lost > *down ? lost : *down;
    return was == 0 || is != 0;
}

static bool same_ramp(const struct instrument *a, const struct instrument *b)
{
    return a->lt_bps == b->lt_bps && a->ramp_from_bps == b->ramp_from_bps && a->emode == b->emode &&
           a->emode_lt_bps == b->emode_lt_bps && a->emode_ramp_from_bps == b->emode_ramp_from_bps &&
           a->ramp_start == b->ramp_start && a->ramp_end == b->ramp_end;
}

// The further eMode categories: the same ones, by what share less. False: other categories.
static bool further_shift(const struct instrument *was, const struct instrument *is, u128 *down)
{
    if (was->n_emodes != is->n_emodes)
        return false;
    for (unsigned k = 0; k < was->n_emodes; k++)
        if (was->emodes[k].id != is->emodes[k].id ||
            !threshold_shift(was->emodes[k].lt_bps, is->emodes[k].lt_bps, down))
            return false;
    return true;
}

static bool supply_shift(const struct instrument *was, const struct instrument *is, uint64_t now,
                         const uint64_t *until, unsigned n, struct shift *out)
{
    u128 before = liquidity_index_at(was, now), after = liquidity_index_at(is, now);
    u128 fallen = after < before ? parts_up(before - after, before) : 0;
    bool ramp_begins =
        is->ramp_end > now && was->ramp_end <= now; // rows that no ramp moved were made for ever
    bool same = same_ramp(was, is);
    u128 further = 0;
    if (fallen > ONE / 4 || (!same && (was->emode != is->emode || ramp_begins)) ||
        !further_shift(was, is, &further))
        return false;
    for (unsigned k = 0; k < n; k++) {
        u128 down = further;
        if (!same && (!threshold_shift(lt_at(was, now), lt_at(is, until[k]), &down) ||
                      !threshold_shift(emode_lt_at(was, now), emode_lt_at(is, until[k]), &down)))
            return false;
        out[k].down = (uint64_t)(down + fallen);
        if (down + fallen > ONE / 2)
            return false;
    }
    return true;
}

bool aave_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                const uint64_t *until_s, unsigned n, struct shift *out, bool *spared)
{
    for (unsigned k = 0; k < n; k++)
        out[k] = (struct shift){0, 0};
    *spared = true;
    return is->kind != INST_RESERVE || (supply_shift(was, is, m->now_s, until_s, n, out) &&
                                        debt_shift(was, is, m->now_s, until_s, n, out));
}

bool aave_crossed(const struct market *m, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *s = &a->position[i];
        if (s->supply == 0 || !s->collateral)
            continue;
        for (unsigned k = 0; k < a->n_positions; k++)
            if (a->position[k].debt &&
                m->instrument[a->position[k].instrument].asset == m->instrument[s->instrument].asset)
                return true;
    }
    return false;
}
