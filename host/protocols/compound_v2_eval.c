// SPDX-License-Identifier: Apache-2.0
// A Compound v2 account from JSON, and what is told of it: docs/protocols/compound-v2.md.
#include "accounts/rules/compound/compound_v2.h"

#include <string.h>

#include "protocols/protocol.h"

extern const struct protocol protocol_compound_v2;

enum { WORD = 256 };

#define SEIZE_SHARE ((u256){{UINT64_C(28000000000000000), 0, 0, 0}}) // protocolSeizeShareMantissa, a constant

struct order {
    bool there;
    unsigned borrowed, collateral;
    u256 amount;
};

static void read_markets(struct state *s, struct compound_v2 *c)
{
    const struct json *it = NULL;
    for (struct state i; state_next(s, "markets", COMPOUND_V2_MARKETS_MAX, &it, &i);) {
        struct compound_v2_market *m = &c->market[c->n++];
        m->name = state_text_or(&i, "name", "");
        m->price = state_u256(&i, "price", WORD);
        m->collateral_factor = state_u256(&i, "collateral_factor", WORD);
        m->exchange_rate = state_u256(&i, "exchange_rate", WORD);
        m->tokens = state_u256(&i, "tokens", WORD);
        m->borrow = state_u256(&i, "borrow", WORD);
        m->reserve_factor = state_u256_or(&i, "reserve_factor", WORD, U256_ZERO);
        m->seize_share = state_u256_or(&i, "seize_share", WORD, SEIZE_SHARE);
        m->listed = state_bool_or(&i, "listed", true);
        m->entered = state_bool_or(&i, "entered", true);
        m->borrow_paused = state_bool_or(&i, "borrow_paused", false);
        (void)state_done(&i);
    }
}

static unsigned market_of(struct state *o, const char *field, const struct compound_v2 *c)
{
    const char *name = state_text_or(o, field, "");
    unsigned found = 0, at = 0;
    for (unsigned i = 0; i < c->n; i++)
        if (strcmp(c->market[i].name, name) == 0) {
            found++;
            at = i;
        }
    if (found != 1)
        state_fail(o, o->at->line, "\"%s\" must be the name of one of \"markets\", and of one alone", field);
    return at;
}

static void read_order(struct state *s, const struct compound_v2 *c, struct order *o)
{
    struct state r = state_object(s, "repay", &o->there);
    if (!o->there)
        return;
    o->borrowed = market_of(&r, "borrowed", c);
    o->collateral = market_of(&r, "collateral", c);
    o->amount = state_u256(&r, "amount", WORD);
    (void)state_done(&r);
}

// A market's borrows can be liquidated when the account is short, or when the market is given up.
static bool any_liquidatable(const struct compound_v2 *c, bool is_short)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->market[i].listed && !u256_is_zero(c->market[i].borrow) &&
            (is_short || compound_v2_deprecated(&c->market[i])))
            return true;
    return false;
}

static void tell_most(struct outcome *out, const struct compound_v2 *c, bool is_short)
{
    char at[OUTCOME_NAME_MAX];
    for (unsigned i = 0; i < c->n; i++) {
        const struct compound_v2_market *m = &c->market[i];
        if (u256_is_zero(m->borrow))
            continue;
        struct checked k = {0};
        bool open = m->listed && (is_short || compound_v2_deprecated(m));
        outcome_text(out, outcome_at(at, "market", i, "name"), m->name);
        outcome_bool(out, outcome_at(at, "market", i, "deprecated"), compound_v2_deprecated(m));
        outcome_u256(out, outcome_at(at, "market", i, "most"), open ? compound_v2_most(c, i, &k) : U256_ZERO);
    }
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct compound_v2 c = {0};
    struct order o = {0};
    struct compound_v2_seized z;
    u256 collateral, borrows, above;
    (void)e; // the state has it
    c.close_factor = state_u256(s, "close_factor", WORD);
    c.incentive = state_u256(s, "liquidation_incentive", WORD);
    c.seize_paused = state_bool_or(s, "seize_paused", false);
    read_markets(s, &c);
    read_order(s, &c, &o);
    if (!state_done(s))
        return -1;
    const char *view = compound_v2_liquidity(&c, &collateral, &borrows);
    bool is_short = u256_sub(collateral, borrows, &above);
    outcome_u256(out, "collateral", collateral);
    outcome_u256(out, "borrows", borrows);
    outcome_u256(out, "liquidity", is_short ? U256_ZERO : above);
    (void)u256_sub(borrows, collateral, &above);
    outcome_u256(out, "shortfall", is_short ? above : U256_ZERO);
    outcome_bool(out, "liquidatable", any_liquidatable(&c, is_short));
    outcome_text(out, "view_refused", view ? view : "");
    tell_most(out, &c, is_short);
    if (!o.there)
        return 0;
    const char *why = compound_v2_liquidate(&c, o.borrowed, o.collateral, o.amount, &z);
    outcome_text(out, "refused", why ? why : "");
    outcome_u256(out, "seize_tokens", z.tokens);
    outcome_u256(out, "liquidator_tokens", z.liquidator);
    outcome_u256(out, "protocol_tokens", z.protocol);
    outcome_u256(out, "protocol_amount", z.protocol_amount);
    return 0;
}

static const char EXAMPLE[] =
    "{\n"
    "  \"close_factor\": \"500000000000000000\", \"liquidation_incentive\": \"1080000000000000000\",\n"
    "  \"markets\": [\n"
    "    {\"name\": \"cETH\", \"price\": \"1800000000000000000000\", \"collateral_factor\": "
    "\"825000000000000000\",\n"
    "     \"exchange_rate\": \"200500000000000000000000000\", \"tokens\": \"49875311720\", \"borrow\": "
    "\"0\"},\n"
    "    {\"name\": \"cUSDC\", \"price\": \"1000000000000000000000000000000\", \"collateral_factor\": "
    "\"855000000000000000\",\n"
    "     \"exchange_rate\": \"230000000000000\", \"tokens\": \"0\", \"borrow\": \"15000000000\"}\n"
    "  ],\n"
    "  \"repay\": {\"borrowed\": \"cUSDC\", \"collateral\": \"cETH\", \"amount\": \"7500000000\"}\n"
    "}";

const struct protocol protocol_compound_v2 = {
    .name = "compound-v2",
    .title = "Compound v2 and its forks: shortfall, close factor, seized tokens",
    .source = "compound-finance/compound-protocol: contracts/Comptroller.sol 00b1e162, contracts/CToken.sol, "
              "contracts/ExponentialNoError.sol 132dd66d",
    .example = EXAMPLE,
    .eval = eval,
};
