// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/drift/drift_account.h"

#include <string.h>

#include "accounts/moving.h"

static const u128 INTEREST_UNIT = (u128)100000000 * 1000000000; // of a ray, in 1e-10
static const i128 FUNDING_UNIT = 1000000000;                    // of 18 decimals, in 1e-9
enum { FEE_OF_BPS = 100, RATIO_OF_PPM = 100, SLOTS = 5, SECONDS = 2, TOKEN_DIGITS_MAX = 9 };

int64_t drift_unit_of(unsigned digits)
{
    int64_t v = 1;
    while (digits--)
        v *= 10;
    return v;
}

bool drift_is_quote(const struct instrument *in)
{
    return in->kind == INST_RESERVE && term_get(&in->terms, TERM_LIQUIDATION_BUFFER) != 0;
}

static i128 drift_quote(const struct position *p)
{
    return p->supply - p->debt;
}

static int64_t price_of(const struct market *m, const struct instrument *in, const int64_t *px)
{
    return px ? px[in->asset] / drift_unit_of(m->asset[in->asset].decimals - DRIFT_PRICE_DIGITS) : 0;
}

static uint32_t term32(const struct instrument *in, enum term key)
{
    return (uint32_t)term_get(&in->terms, key);
}

static void fill_spot(const struct market *m, const struct instrument *in, const struct position *p,
                      const int64_t *px, struct drift_spot *s)
{
    int64_t price = price_of(m, in, p ? px : NULL);
    uint32_t asset = in->lt_bps, liability = term32(in, TERM_LIABILITY_WEIGHT);
    *s = (struct drift_spot){.index = (uint16_t)(drift_is_quote(in) ? 0 : in - m->instrument + 1),
                             .decimals = (uint8_t)term_get(&in->terms, TERM_TOKEN_DECIMALS),
                             .tier = (enum drift_asset_tier)term_get(&in->terms, TERM_ASSET_TIER),
                             .price = price,
                             .twap = price,
                             .deposit_interest = liquidity_index_now(in) / INTEREST_UNIT,
                             .borrow_interest = borrow_index_now(in) / INTEREST_UNIT,
                             .asset_weight = {asset, asset},
                             .liability_weight = {liability, liability},
                             .imf = term32(in, TERM_SPOT_IMF),
                             .liquidator_fee =
                                 in->lb_bps > DRIFT_BPS ? (in->lb_bps - DRIFT_BPS) * FEE_OF_BPS : 0,
                             .if_fee = in->fee_bps * FEE_OF_BPS,
                             .balance = p ? (uint64_t)(p->supply + p->debt) : 0, // one of them is 0
                             .borrow = p && p->debt != 0};
    if (p && p->orders) { // in token units; validate has seen that they are whole ones
        int64_t unit = drift_unit_of(TOKEN_DIGITS_MAX - (unsigned)s->decimals);
        s->orders = p->orders;
        s->bids = p->bids / unit;
        s->asks = -(p->asks / unit);
    }
}

// The share of a profit that counts. None cannot be told as 0, which means all: it is told as one ppm.
static uint32_t pnl_weight(const struct instrument *in)
{
    return in->profit_weight_ppm ? in->profit_weight_ppm / RATIO_OF_PPM : DRIFT_BPS;
}

static void fill_perp(const struct market *m, const struct position *p, const int64_t *px,
                      struct drift_perp *out)
{
    const struct instrument *in = &m->instrument[p->instrument];
    int64_t price = price_of(m, in, px), step = drift_unit_of(DRIFT_BASE_DIGITS - in->size_decimals);
    i128 index = funding_now(in);
    i128 of_short = index + (i128)term_get(&in->terms, TERM_SHORT_FUNDING_ABOVE) -
                    (i128)term_get(&in->terms, TERM_SHORT_FUNDING_BELOW);
    uint32_t ratio = in->tier[0].rate_ppm / RATIO_OF_PPM, weight = pnl_weight(in);
    uint16_t high = (uint16_t)term_get(&in->terms, TERM_HIGH_LEVERAGE_RATIO);
    *out = (struct drift_perp){.index = p->instrument,
                               .tier = (enum drift_contract_tier)term_get(&in->terms, TERM_CONTRACT_TIER),
                               .price = price,
                               .twap = price,
                               .funding_long = index / FUNDING_UNIT,
                               .funding_short = of_short / FUNDING_UNIT,
                               .ratio = {ratio, ratio},
                               .pnl_weight = {weight, weight},
                               .high_leverage = {high, high},
                               .imf = term32(in, TERM_PERP_IMF),
                               .liquidator_fee = in->penalty_ppm,
                               .if_fee = in->fee_ppm,
                               .step = (uint64_t)step,
                               .base = (int64_t)p->size * step,
                               .quote = (int64_t)drift_quote(p),
                               .funding = (int64_t)(p->funding / FUNDING_UNIT),
                               .orders = p->orders,
                               .bids = p->bids * step,
                               .asks = -p->asks * step};
}

static const struct instrument *quote_market(const struct market *m, const struct account *a,
                                             const struct position **p)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        *p = &a->position[i];
        if (drift_is_quote(&m->instrument[(*p)->instrument]))
            return &m->instrument[(*p)->instrument];
    }
    *p = NULL;
    unsigned i = 0; // validate has seen that there is one
    while (!drift_is_quote(&m->instrument[i]))
        i++;
    return &m->instrument[i];
}

void drift_fill(const struct market *m, const struct account *a, const int64_t *px, struct drift_account *x)
{
    const struct position *held;
    const struct instrument *quote = quote_market(m, a, &held);
    uint64_t state = a->rule_state[0];
    x->user.being_liquidated = state & DRIFT_BEING_LIQUIDATED;
    x->user.bankrupt = state & DRIFT_BANKRUPT;
    x->user.margin_freed = a->rule_state[1];
    x->user.last_active_slot = state >> DRIFT_SLOT_SHIFT;
    x->user.max_margin_ratio = 0;
    x->user.leverage = state & DRIFT_HIGH_LEVERAGE ? DRIFT_LEVERAGE_HIGH : DRIFT_LEVERAGE_DEFAULT;
    x->rules = (struct drift_rules){
        .buffer = term32(quote, TERM_LIQUIDATION_BUFFER),
        .initial_pct = (uint16_t)term_get(&quote->terms, TERM_INITIAL_PCT),
        .duration = (uint8_t)term_get(&quote->terms, TERM_LIQUIDATION_SLOTS),
        .slot = m->now_s * SLOTS / SECONDS,
    };
    fill_spot(m, quote, held, px, &x->user.spot[0]);
    x->spot_at[0] = held ? (uint8_t)(held - a->position) : DRIFT_NOT_HELD;
    x->user.spots = 1;
    x->user.perps = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        if (in->kind == INST_LINEAR) {
            x->perp_at[x->user.perps] = (uint8_t)i;
            fill_perp(m, p, px, &x->user.perp[x->user.perps++]);
        } else if (p != held) {
            x->spot_at[x->user.spots] = (uint8_t)i;
            fill_spot(m, in, p, px, &x->user.spot[x->user.spots++]);
        }
    }
}

// The program leaves open orders as they are or cancels them.
static void put_orders(uint8_t orders, struct position *p)
{
    if (orders == 0)
        p->orders = 0, p->bids = p->asks = 0;
}

static void put_spot(const struct drift_spot *s, struct position *p)
{
    p->supply = s->borrow ? 0 : s->balance;
    p->debt = s->borrow ? s->balance : 0;
    p->collateral = p->supply != 0;
    put_orders(s->orders, p);
}

static void put_perp(const struct drift_perp *s, struct position *p)
{
    p->size = s->base / (int64_t)s->step;
    p->supply = s->quote > 0 ? s->quote : 0;
    p->debt = s->quote < 0 ? -(i128)s->quote : 0;
    p->funding = s->funding * FUNDING_UNIT;
    put_orders(s->orders, p);
}

void drift_put_back(const struct market *m, const struct drift_account *x, struct account *a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < x->user.spots; i++)
        if (x->spot_at[i] != DRIFT_NOT_HELD)
            put_spot(&x->user.spot[i], &a->position[x->spot_at[i]]);
    for (unsigned i = 0; i < x->user.perps; i++)
        put_perp(&x->user.perp[i], &a->position[x->perp_at[i]]);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        if (p->size != 0 || p->supply != 0 || p->debt != 0 || p->orders != 0 ||
            drift_is_quote(&m->instrument[p->instrument]))
            a->position[n++] = *p;
    }
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
    a->rule_state[0] = (a->rule_state[0] & DRIFT_HIGH_LEVERAGE) |
                       (x->user.being_liquidated ? DRIFT_BEING_LIQUIDATED : 0) |
                       (x->user.bankrupt ? DRIFT_BANKRUPT : 0) | x->user.last_active_slot << DRIFT_SLOT_SHIFT;
    a->rule_state[1] = x->user.margin_freed;
}

i256 drift_holding(const struct market *m, const struct position *p)
{
    const struct instrument *in = &m->instrument[p->instrument];
    struct drift_spot s;
    struct checked c = {NULL};
    if (in->kind != INST_RESERVE)
        return i256_from_i128(drift_quote(p));
    fill_spot(m, in, p, NULL, &s);
    i256 tokens = i256_from_u128(drift_tokens(&c, &s, s.balance, s.borrow));
    tokens = i256_mul_i64(tokens, drift_unit_of(TOKEN_DIGITS_MAX - s.decimals));
    return s.borrow ? i256_neg(tokens) : tokens;
}
