// SPDX-License-Identifier: Apache-2.0
// Pre-liquidation from JSON and back (docs/protocols/morpho-pre-liquidation.md).
#include "accounts/rules/morpho/morpho_pre_liquidation.h"
#include "protocols/morpho_state.h"
#include "protocols/protocol.h"

extern const struct protocol protocol_morpho_pre_liquidation;

struct request {
    struct morpho_market market;
    struct morpho_position position;
    struct morpho_pre pre;
    u256 price, market_price, rate, seconds;
    bool authorized, ordered;
    struct morpho_order order;
};

static void read_request(struct state *s, struct request *q)
{
    morpho_read(s, &q->market, &q->position);
    struct state pre = state_object(s, "pre", NULL);
    q->pre.lltv = state_u256(&pre, "lltv", 256);
    q->pre.lcf1 = state_u256(&pre, "lcf1", 256);
    q->pre.lcf2 = state_u256(&pre, "lcf2", 256);
    q->pre.lif1 = state_u256(&pre, "lif1", 256);
    q->pre.lif2 = state_u256(&pre, "lif2", 256);
    state_done(&pre);
    q->price = state_u256(s, "price", MORPHO_PRICE_BITS);
    q->market_price = state_u256_or(s, "market_price", MORPHO_PRICE_BITS, q->price);
    q->rate = state_u256_or(s, "rate", 256, U256_ZERO);
    q->seconds = state_u256_or(s, "elapsed", 256, U256_ZERO);
    q->authorized = state_bool_or(s, "authorized", true);
    q->ordered = morpho_read_order(s, &q->order);
}

// Prices at which the position may be pre-liquidated: from `from` on, below `to`.
static void tell_range(struct outcome *out, const struct request *q, u256 borrowed)
{
    const char *const name[2] = {"price_from", "price_below"};
    const u256 lltv[2] = {q->market.lltv, q->pre.lltv};
    for (int i = 0; i < 2; i++) {
        u256 at;
        if (morpho_threshold(borrowed, q->position.collateral, lltv[i], &at))
            outcome_u256(out, name[i], at);
        else
            outcome_text(out, name[i], "none");
    }
}

static void tell_terms(struct outcome *out, const struct request *q, const struct morpho_pre_terms *t,
                       const char *why)
{
    outcome_bool(out, "liquidatable", why == NULL);
    outcome_u256(out, "health.quoted", t->quoted);
    outcome_u256(out, "health.borrowed", t->borrowed);
    outcome_text(out, "failed", why != NULL ? why : "");
    tell_range(out, q, t->borrowed);
    if (why != NULL)
        return;
    outcome_u256(out, "ltv", t->ltv);
    outcome_u256(out, "quotient", t->quotient);
    outcome_u256(out, "lif", t->lif);
    outcome_u256(out, "lcf", t->lcf);
    outcome_u256(out, "repayable_shares", t->repayable_shares);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    (void)e;
    struct request q;
    read_request(s, &q);
    if (!state_done(s))
        return -1;
    struct morpho_pre_terms terms = {U256_ZERO, U256_ZERO, U256_ZERO, U256_ZERO,
                                     U256_ZERO, U256_ZERO, U256_ZERO};
    const char *bad = morpho_pre_refused(&q.pre, q.market.lltv);
    struct checked c = {0};
    struct morpho_interest interest;
    morpho_accrue(&c, &q.market, q.rate, q.seconds, &interest);
    const char *why = bad != NULL ? bad : c.why;
    if (why == NULL)
        why = morpho_pre_terms(&q.pre, &q.market, &q.position, q.price, &terms);
    tell_terms(out, &q, &terms, why);
    if (!q.ordered)
        return 0;
    struct morpho_pre_liquidation x;
    // A contract that cannot be made answers nothing; one that is there looks at the order before it accrues.
    bool odd = u256_is_zero(q.order.seize) == u256_is_zero(q.order.repay_shares);
    if (bad == NULL && (ck_ok(&c) || odd))
        why = morpho_pre_liquidate(&q.pre, &q.market, &q.position, q.price, q.market_price, q.authorized,
                                   q.order, &x);
    outcome_text(out, "refused", why != NULL ? why : "");
    if (why != NULL)
        return 0;
    outcome_u256(out, "seized", x.seized);
    outcome_u256(out, "repaid_assets", x.repaid_assets);
    outcome_u256(out, "repaid_shares", x.repaid_shares);
    morpho_tell_after(out, &x.market, &x.left);
    return 0;
}

const struct protocol protocol_morpho_pre_liquidation = {
    .name = "morpho-pre-liquidation",
    .title =
        "Morpho pre-liquidation: part of a debt, before Morpho's own threshold, factors rising with the LTV",
    .source = "morpho-org/pre-liquidation 9e8b7f42 (as given in notes; read in a public copy of that form of "
              "src/PreLiquidation.sol); morpho-blue as for morpho-blue: repay, withdrawCollateral",
    .example =
        "{\"market\": {\"supply_assets\": \"2000000000000\", \"supply_shares\": \"1900000000000000000\", "
        "\"borrow_assets\": \"1500000000000\", \"borrow_shares\": \"1400000000000000000\", "
        "\"lltv\": \"860000000000000000\"}, "
        "\"position\": {\"borrow_shares\": \"93333333333000000\", \"collateral\": \"40000000000000000000\"}, "
        "\"pre\": {\"lltv\": \"800000000000000000\", \"lcf1\": \"100000000000000000\", "
        "\"lcf2\": \"500000000000000000\", \"lif1\": \"1010000000000000000\", "
        "\"lif2\": \"1040000000000000000\"}, "
        "\"price\": \"3000000000000000000000000000\", "
        "\"order\": {\"repay_shares\": \"20000000000000000\"}}",
    .eval = eval,
};
