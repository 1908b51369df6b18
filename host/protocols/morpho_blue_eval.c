// SPDX-License-Identifier: Apache-2.0
// Morpho Blue from JSON and back (docs/protocols/morpho-blue.md).
#include "protocols/morpho_state.h"

void morpho_read(struct state *s, struct morpho_market *m, struct morpho_position *p)
{
    struct state market = state_object(s, "market", NULL);
    m->supply_assets = state_u256(&market, "supply_assets", MORPHO_AMOUNT_BITS);
    m->supply_shares = state_u256(&market, "supply_shares", MORPHO_AMOUNT_BITS);
    m->borrow_assets = state_u256(&market, "borrow_assets", MORPHO_AMOUNT_BITS);
    m->borrow_shares = state_u256(&market, "borrow_shares", MORPHO_AMOUNT_BITS);
    // What setFee and enableLltv of the contract let through.
    m->fee = u256_from_u64(state_u64_or(&market, "fee", MORPHO_WAD / 4, 0));
    m->lltv = u256_from_u64(state_u64(&market, "lltv", MORPHO_WAD - 1));
    state_done(&market);
    struct state position = state_object(s, "position", NULL);
    p->borrow_shares = state_u256(&position, "borrow_shares", MORPHO_AMOUNT_BITS);
    p->collateral = state_u256(&position, "collateral", MORPHO_AMOUNT_BITS);
    state_done(&position);
}

bool morpho_read_order(struct state *s, struct morpho_order *order)
{
    bool there = false;
    struct state o = state_object(s, "order", &there);
    *order = (struct morpho_order){U256_ZERO, U256_ZERO};
    if (!there)
        return false;
    order->seize = state_u256_or(&o, "seize", 256, U256_ZERO);
    order->repay_shares = state_u256_or(&o, "repay_shares", 256, U256_ZERO);
    state_done(&o);
    return true;
}

void morpho_tell_after(struct outcome *o, const struct morpho_market *m, const struct morpho_position *p)
{
    outcome_u256(o, "after.supply_assets", m->supply_assets);
    outcome_u256(o, "after.supply_shares", m->supply_shares);
    outcome_u256(o, "after.borrow_assets", m->borrow_assets);
    outcome_u256(o, "after.borrow_shares", m->borrow_shares);
    outcome_u256(o, "after.position_shares", p->borrow_shares);
    outcome_u256(o, "after.position_collateral", p->collateral);
}

static void tell_health(struct outcome *out, const struct morpho_market *m, const struct morpho_position *p,
                        u256 price, const struct morpho_interest *interest, const char *failed)
{
    struct checked c = {.why = failed};
    u256 borrowed = morpho_borrowed(&c, m, p->borrow_shares);
    u256 most = morpho_max_borrow(&c, p->collateral, price, m->lltv);
    bool down = ck_ok(&c) && ck_lt(most, borrowed);
    outcome_bool(out, "liquidatable", down);
    outcome_u256(out, "health.max_borrow", most);
    outcome_u256(out, "health.borrowed", borrowed);
    u256 at;
    if (morpho_threshold(borrowed, p->collateral, m->lltv, &at))
        outcome_u256(out, "threshold_price", at);
    else
        outcome_text(out, "threshold_price", "none");
    outcome_u256(out, "interest", interest->interest);
    outcome_u256(out, "fee_shares", interest->fee_shares);
    outcome_u256(out, "lif", morpho_lif(&c, m->lltv));
    struct morpho_order all = {U256_ZERO, U256_ZERO};
    if (down)
        all = morpho_whole(m, p, price);
    outcome_u256(out, "whole.seize", all.seize);
    outcome_u256(out, "whole.repay_shares", all.repay_shares);
    outcome_text(out, "failed", c.why != NULL ? c.why : "");
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    (void)e;
    struct morpho_market m;
    struct morpho_position p;
    morpho_read(s, &m, &p);
    u256 price = state_u256(s, "price", MORPHO_PRICE_BITS);
    u256 rate = state_u256_or(s, "rate", 256, U256_ZERO);
    u256 seconds = state_u256_or(s, "elapsed", 256, U256_ZERO);
    struct morpho_order order;
    bool ordered = morpho_read_order(s, &order);
    if (!state_done(s))
        return -1;
    struct checked c = {0};
    struct morpho_interest interest;
    morpho_accrue(&c, &m, rate, seconds, &interest);
    tell_health(out, &m, &p, price, &interest, c.why);
    if (!ordered)
        return 0;
    // The contract looks at the order before it accrues.
    bool odd = u256_is_zero(order.seize) == u256_is_zero(order.repay_shares);
    struct morpho_liquidation x;
    const char *why = ck_ok(&c) || odd ? morpho_liquidate(&m, &p, price, order, &x) : c.why;
    outcome_text(out, "refused", why != NULL ? why : "");
    if (why != NULL)
        return 0;
    outcome_u256(out, "seized", x.seized);
    outcome_u256(out, "repaid_assets", x.repaid_assets);
    outcome_u256(out, "repaid_shares", x.repaid_shares);
    outcome_u256(out, "bad_debt_assets", x.bad_debt_assets);
    outcome_u256(out, "bad_debt_shares", x.bad_debt_shares);
    morpho_tell_after(out, &x.market, &x.left);
    return 0;
}

const struct protocol protocol_morpho_blue = {
    .name = "morpho-blue",
    .title = "Morpho Blue: isolated markets, any size, bad debt written off at once",
    .source = "morpho-org/morpho-blue 3085651a (as given in notes; read in forks of that form: "
              "anz-io/morpho-blue c70415a4 "
              "src/Morpho.sol, zhangdav/morpho-blue 29a35c8b src/libraries/SharesMathLib.sol; MathLib.sol in "
              "copies)",
    .example =
        "{\"market\": {\"supply_assets\": \"2000000000000\", \"supply_shares\": \"1900000000000000000\", "
        "\"borrow_assets\": \"1500000000000\", \"borrow_shares\": \"1400000000000000000\", "
        "\"fee\": \"0\", \"lltv\": \"860000000000000000\"}, "
        "\"position\": {\"borrow_shares\": \"93333333333000000\", \"collateral\": \"38000000000000000000\"}, "
        "\"price\": \"3000000000000000000000000000\", \"rate\": \"1585489599\", \"elapsed\": 3600, "
        "\"order\": {\"seize\": \"10000000000000000000\"}}",
    .eval = eval,
};
