// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/mango/mango_book.h"

#include <string.h>

int mango_exponent(const struct market *m, const struct instrument *in)
{
    return MANGO_QUOTE_DECIMALS - m->asset[in->asset].decimals - in->size_decimals;
}

// The program's table of powers, DECIMAL_CONSTANTS: those below 1 to nearest.
fx mango_price_unit(const struct market *m, const struct instrument *in)
{
    int e = mango_exponent(m, in);
    fx power = 1;
    for (int k = e < 0 ? -e : e; k > 0; k--)
        power *= 10;
    return e < 0 ? (FX_ONE + power / 2) / power : FX_ONE * power;
}

bool mango_settles_in(const struct instrument *perp, const struct instrument *reserve)
{
    return reserve->kind == INST_RESERVE && strncmp(perp->currency, reserve->name, CURRENCY_LEN) == 0;
}

static fx term(const struct instrument *in, enum term key)
{
    return (fx)term_get(&in->terms, key);
}

static fx index_of(const struct instrument *in, enum term key) // not told: 1
{
    fx v = term(in, key);
    return v ? v : FX_ONE;
}

fx mango_native_of(const struct instrument *in, fx indexed)
{
    struct checked c = {0};
    return fx_mul(&c, indexed, index_of(in, indexed > 0 ? TERM_DEPOSIT_INDEX_FX : TERM_BORROW_INDEX_FX));
}

static void token_of(struct mango_token *t, uint16_t index, const struct instrument *in,
                     const struct position *p, fx price)
{
    *t = (struct mango_token){.index = index, .active = true, .liqee.indexed = p->supply - p->debt};
    t->liqor.in_use = true; // the keeper keeps its positions: no dust of it is lost
    t->bank = (struct mango_bank){
        .oracle = price,
        .stable = price,
        .deposit_index = index_of(in, TERM_DEPOSIT_INDEX_FX),
        .borrow_index = index_of(in, TERM_BORROW_INDEX_FX),
        .maint_asset = term(in, TERM_MAINT_ASSET_WEIGHT),
        .maint_liab = term(in, TERM_MAINT_LIAB_WEIGHT),
        .init_asset = term(in, TERM_INIT_ASSET_WEIGHT),
        .init_liab = term(in, TERM_INIT_LIAB_WEIGHT),
        .deposit_unscaled = true,
        .borrow_unscaled = true,
        .liquidation_fee = term(in, TERM_LIQUIDATION_FEE_FX),
        .platform_liquidation_fee = term(in, TERM_PLATFORM_FEE_FX),
        .no_asset_liquidation = term(in, TERM_NO_ASSET_LIQUIDATION) != 0,
    };
}

static void perp_of(struct mango_perp *q, uint16_t market, const struct instrument *in,
                    const struct position *p, fx price)
{
    i128 lot = term(in, TERM_LOT) ? term(in, TERM_LOT) : 1;
    *q = (struct mango_perp){
        .market = market,
        .oracle = price,
        .stable = price,
        .base_lot_size = (int64_t)lot,
        .quote_lot_size = 1,
        .maint_base_asset = term(in, TERM_MAINT_BASE_ASSET_FX),
        .init_base_asset = term(in, TERM_INIT_BASE_ASSET_FX),
        .maint_base_liab = term(in, TERM_MAINT_BASE_LIAB_FX),
        .init_base_liab = term(in, TERM_INIT_BASE_LIAB_FX),
        .maint_overall = term(in, TERM_MAINT_OVERALL_FX),
        .init_overall = term(in, TERM_INIT_OVERALL_FX),
        .base_liquidation_fee = term(in, TERM_BASE_LIQUIDATION_FEE_FX),
        .platform_liquidation_fee = term(in, TERM_PERP_PLATFORM_FEE_FX),
        .positive_pnl_liquidation_fee = term(in, TERM_POSITIVE_PNL_FEE_FX),
        .settle_limit_factor = {.neg = true, .m = 1}, // no limit: it decides nothing in these instructions
        .window_size = 1,
        .base_lots = (int64_t)(p->size / lot),
        .bids = (int64_t)(p->bids / lot),
        .asks = (int64_t)(p->asks / lot),
        .quote = p->supply - p->debt,
    };
}

void mango_book_set(struct mango_book *b, const struct market *m, const struct account *a, const int64_t *px)
{
    b->a.now = 0;
    b->a.being_liquidated = a->rule_state[0] != 0;
    b->a.insurance_vault = 0;
    b->a.fund_unknown = true;
    b->a.n_tokens = b->a.n_spots = b->a.n_perps = 0;
    b->owes = false;
    for (uint16_t i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        fx price = px ? mango_price_unit(m, in) * px[in->asset] : 0;
        if (in->kind == INST_RESERVE) {
            b->token_at[b->a.n_tokens] = i;
            token_of(&b->a.token[b->a.n_tokens++], p->instrument, in, p, price);
            b->owes |= p->debt != 0;
        } else {
            b->perp_at[b->a.n_perps] = i;
            perp_of(&b->a.perp[b->a.n_perps++], p->instrument, in, p, price);
            b->owes = true;
        }
    }
    for (unsigned k = 0; k < b->a.n_perps; k++)
        for (unsigned t = 0; t < b->a.n_tokens; t++)
            if (mango_settles_in(&m->instrument[b->a.perp[k].market], &m->instrument[b->a.token[t].index])) {
                b->a.perp[k].settle = t;
                b->a.token[t].liqee.in_use = true;
            }
}

static void put(struct position *p, fx v)
{
    p->supply = v > 0 ? v : 0;
    p->debt = v < 0 ? -v : 0;
}

static bool kept(const struct market *m, const struct account *a, const struct position *p)
{
    if (p->supply != 0 || p->debt != 0 || p->size != 0)
        return true;
    for (unsigned k = 0; k < a->n_positions; k++) {
        const struct position *q = &a->position[k];
        if ((q->size != 0 || q->supply != 0 || q->debt != 0) &&
            m->instrument[q->instrument].kind != INST_RESERVE &&
            mango_settles_in(&m->instrument[q->instrument], &m->instrument[p->instrument]))
            return true;
    }
    return false;
}

void mango_book_back(const struct mango_book *b, const struct market *m, struct account *a)
{
    bool keep[ACCOUNT_POSITIONS_MAX];
    unsigned n = 0;
    a->rule_state[0] = b->a.being_liquidated;
    for (unsigned t = 0; t < b->a.n_tokens; t++) {
        struct position *p = &a->position[b->token_at[t]];
        put(p, b->a.token[t].liqee.indexed);
        p->collateral = p->supply != 0;
    }
    for (unsigned k = 0; k < b->a.n_perps; k++) {
        struct position *p = &a->position[b->perp_at[k]];
        put(p, b->a.perp[k].quote);
        p->size = (i128)b->a.perp[k].base_lots * b->a.perp[k].base_lot_size;
        p->orders = 0, p->bids = p->asks = 0; // cancelled before anything else is done
    }
    for (unsigned i = 0; i < a->n_positions; i++)
        keep[i] = kept(m, a, &a->position[i]);
    for (unsigned i = 0; i < a->n_positions; i++)
        if (keep[i])
            a->position[n++] = a->position[i];
    memset(&a->position[n], 0, (a->n_positions - n) * sizeof a->position[0]);
    a->n_positions = (uint16_t)n;
}
