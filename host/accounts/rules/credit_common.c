// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/credit_common.h"

#include <string.h>

static bool credit_owes(const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].debt != 0)
            return true;
    return false;
}

unsigned credit_widest(const struct market *m, const struct account *a)
{
    unsigned w = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        unsigned d = m->instrument[a->position[i].instrument].size_decimals;
        w = d > w ? d : w;
    }
    return w;
}

unsigned credit_widest_of(const struct market *m)
{
    unsigned w = 0;
    for (unsigned k = 0; k < m->n_instruments; k++)
        if (m->instrument[k].kind == INST_RESERVE && m->instrument[k].size_decimals > w)
            w = m->instrument[k].size_decimals;
    return w;
}

bool credit_pair_of(const struct market *m, const struct account *a, struct credit_pair *out)
{
    *out = (struct credit_pair){.debt = NULL};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (p->debt != 0) {
            out->debt = p;
            out->loan = in;
        } else if (credit_counts(p)) {
            out->coll = p;
            out->back = in;
        }
    }
    return out->debt != NULL;
}

int credit_pair_add(const struct account *a, const struct position *p, const struct instrument *in,
                    const char *what, struct credit_pair *so_far, struct err *e)
{
    if (p->debt != 0 && (so_far->debt || p->supply != 0))
        return err_set(e, "account %u: reserve %s: a %s has one debt, and collateral in another reserve",
                       a->id, in->name, what);
    if (credit_counts(p) && so_far->coll)
        return err_set(e, "account %u: reserve %s: a %s has one collateral", a->id, in->name, what);
    if (p->debt != 0) {
        so_far->debt = p;
        so_far->loan = in;
    } else if (credit_counts(p)) {
        so_far->coll = p;
        so_far->back = in;
    }
    return 0;
}

i256 credit_worth_floor(const struct instrument *in, u256 amount, int64_t price)
{
    return i256_div10_floor(i256_mul_i64(credit_signed(amount), price), in->size_decimals);
}

i256 credit_worth_ceil(const struct instrument *in, u256 amount, int64_t price)
{
    return i256_div10_ceil(i256_mul_i64(credit_signed(amount), price), in->size_decimals);
}

int64_t credit_target(const struct size_policy *policy)
{
    return policy->target_ppm > 1000000 ? policy->target_ppm : 1000000;
}

// In 512 bits where it must be: numerator times 1e18 of a value of 200 bits and a target of 32.
bool credit_repay(i256 owed, i256 have, u256 weight, int64_t target_ppm, i256 *x)
{
    i256 gain = i256_mul_i64(i256_from_i64((int64_t)CREDIT_ONE), target_ppm);
    i256 cost = i256_mul_i64(credit_signed(weight), 1000000);
    i256 num = i256_sub(i256_mul_i64(owed, target_ppm), i256_mul_i64(have, 1000000));
    u256 rest;
    u256 q;
    *x = I256_ZERO;
    if (i256_sign(num) <= 0)
        return true;
    if (i256_cmp(gain, cost) <= 0 || u256_mul_div(credit_unsigned(num), u256_from_u64(CREDIT_ONE),
                                                  credit_unsigned(i256_sub(gain, cost)), &q, &rest))
        return false;
    if (u256_bits(q) > CREDIT_VALUE_BITS + 1)
        return false;
    *x = i256_add(credit_signed(q), i256_from_i64(!u256_is_zero(rest)));
    return true;
}

bool credit_dusty(const struct size_policy *policy, const struct instrument *in, i256 left, int64_t price)
{
    int64_t dust = policy->dust > 0 ? policy->dust : 0;
    i256 least = i256_mul_i64(i256_from_i64(dust), 100000000);
    return i256_sign(left) > 0 && i256_cmp(credit_worth_ceil(in, credit_unsigned(left), price), least) < 0;
}

void credit_order(struct order_size *out, const struct position *debt, i128 qty, const struct position *coll)
{
    out->n = 2;
    out->leg[0] = (struct order_leg){.instrument = debt->instrument, .qty = qty};
    out->leg[1] = (struct order_leg){.instrument = coll->instrument, .qty = 0};
}

void credit_flow(struct settlement *s, uint8_t party, uint16_t instrument, i256 amount)
{
    if (i256_sign(amount) != 0)
        s->flow[s->n++] = (struct flow){.party = party, .instrument = instrument, .amount = amount};
}

void credit_drop_empty(struct account *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].supply != 0 || a->position[i].debt != 0)
            a->position[n++] = a->position[i];
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
}

int credit_bands(const struct market *m, const struct account *a, const struct band *band, struct err *e)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        uint16_t asset = m->instrument[a->position[i].instrument].asset;
        if (band[asset].lo <= 0 || band[asset].hi < band[asset].lo)
            return err_set(e, "account %u: no valid band for asset %s", a->id, m->asset[asset].name);
    }
    return 0;
}

int credit_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
                struct affine out[RULE_ROWS_MAX],
                int (*row)(const struct market *m, const struct account *a, int64_t eq, int64_t req,
                           struct affine *f),
                struct err *e)
{
    if (credit_bands(m, a, band, e))
        return -1;
    if (!credit_owes(a))
        return 0;
    out[0].level = LEVEL_LIQUIDATE;
    if (row(m, a, 1, 1, &out[0]))
        return err_set(e, "account %u: more than %d assets", a->id, ROW_ASSETS_MAX);
    if (warn_ppm == 0)
        return 1;
    out[1].level = LEVEL_WARN;
    (void)row(m, a, 1000000, 1000000 + (int64_t)warn_ppm, &out[1]);
    return 2;
}

int credit_legs(const struct account *a, const struct order_leg *leg, unsigned n, struct err *e)
{
    if (n != 2)
        return err_set(e, "account %u: a lending liquidation has two legs, debt and collateral", a->id);
    const struct position *d = account_position(a, leg[0].instrument),
                          *c = account_position(a, leg[1].instrument);
    if (!d || d->debt == 0)
        return err_set(e, "account %u: no debt in instrument %u", a->id, leg[0].instrument);
    if (!c || !credit_counts(c))
        return err_set(e, "account %u: no collateral in instrument %u", a->id, leg[1].instrument);
    if (leg[0].qty <= 0 || leg[1].qty != 0)
        return err_set(e, "account %u: the debt leg needs a quantity, the collateral leg none", a->id);
    return 0;
}

bool credit_straight(const struct market *m, const struct account *a)
{
    (void)m;
    (void)a;
    return false;
}

int credit_check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e)
{
    if (in->kind != INST_RESERVE)
        return err_set(e, "account %u: instrument %s is not a lending reserve: choose the rule that fits it",
                       a->id, in->name);
    if (in->asset >= m->n_assets || m->asset[in->asset].decimals != CREDIT_PRICE_DECIMALS)
        return err_set(e, "account %u: reserve %s: its price must have %d decimals", a->id, in->name,
                       CREDIT_PRICE_DECIMALS);
    if (in->size_decimals > 18)
        return err_set(e, "account %u: reserve %s: token decimals must be 0..18", a->id, in->name);
    if (in->lt_bps > CREDIT_BPS || in->fee_bps > CREDIT_BPS || in->lb_bps > 2 * CREDIT_BPS)
        return err_set(e, "account %u: reserve %s: lt_bps and fee_bps must be at most %d, lb_bps %d", a->id,
                       in->name, CREDIT_BPS, 2 * CREDIT_BPS);
    bool ramp = in->ramp_from_bps && !(a->rule && a->rule->uses & USE_RAMPS);
    if (in->liquidity_rate || in->borrow_rate || ramp || in->emode_ramp_from_bps || in->grace_until)
        return err_set(e, "account %u: reserve %s: rates, ramps and grace periods are for Aave's rules alone",
                       a->id, in->name);
    return 0;
}

int credit_check_account(const struct market *m, const struct account *a, unsigned positions_max,
                         struct err *e)
{
    if (a->n_positions > positions_max)
        return err_set(e, "account %u: more than %u positions", a->id, positions_max);
    if (a->cash != 0 || a->currency[0])
        return err_set(e, "account %u: a lending account has no cash: supply the token's reserve", a->id);
    if (a->emode != 0)
        return err_set(e, "account %u: eMode is for Aave's rules alone", a->id);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->instrument >= m->n_instruments)
            return err_set(e, "account %u: unknown instrument %u", a->id, p->instrument);
        if (i > 0 && p->instrument <= p[-1].instrument)
            return err_set(e, "account %u: positions must be sorted, one an instrument", a->id);
        bool size = p->size != 0 && !(a->rule && a->rule->uses & USE_PREMIUM);
        if (size || p->supply < 0 || p->debt < 0)
            return err_set(e, "account %u: reserve %s: it has supply and debt, not below 0, and no size",
                           a->id, m->instrument[p->instrument].name);
        if (credit_check_reserve(m, a, &m->instrument[p->instrument], e))
            return -1;
    }
    return 0;
}

void credit_plain(struct instrument *in)
{
    const u128 ray = (u128)1000000000 * 1000000000 * 1000000000;
    in->emode = 0;
    in->emode_lt_bps = in->emode_lb_bps = 0;
    in->liquidity_index = in->borrow_index = ray;
    in->liquidity_rate = in->borrow_rate = 0;
    in->told_at = 0;
}
