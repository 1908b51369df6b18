// SPDX-License-Identifier: Apache-2.0
// Comet's state from JSON, and what is told of it: docs/protocols/comet.md.
#include "accounts/rules/comet/comet.h"

#include <string.h>

#include "protocols/protocol.h"

extern const struct protocol protocol_comet;

enum { PRINCIPAL = 104, AMOUNT = 128, WORD = 256, SHORT = 64 };

struct order {
    bool there, after_absorb;
    unsigned asset; // COMET_ASSETS_MAX: none of the market's
    u256 base, least, collateral_reserves;
};

static void read_assets(struct state *s, struct comet *c)
{
    const struct json *it = NULL;
    for (struct state i; state_next(s, "assets", COMET_ASSETS_MAX, &it, &i);) {
        c->asset[c->n++] = (struct comet_asset){
            .name = state_text_or(&i, "name", ""),
            .balance = state_u256(&i, "balance", AMOUNT),
            .price = state_i256(&i, "price", WORD),
            .scale = state_u256(&i, "scale", SHORT),
            .liquidate_factor = state_u256(&i, "liquidate_factor", SHORT),
            .liquidation_factor = state_u256(&i, "liquidation_factor", SHORT),
        };
        (void)state_done(&i);
    }
}

static void read_pool(struct state *s, struct comet *c)
{
    struct state p = state_object(s, "pool", &c->with_pool);
    if (!c->with_pool)
        return;
    c->balance = state_u256(&p, "balance", AMOUNT);
    c->total_supply = state_u256(&p, "total_supply", PRINCIPAL);
    c->total_borrow = state_u256(&p, "total_borrow", PRINCIPAL);
    c->target_reserves = state_u256(&p, "target_reserves", WORD);
    c->store_front_factor = state_u256(&p, "store_front_factor", SHORT);
    (void)state_done(&p);
}

static void read_order(struct state *s, const struct comet *c, struct order *o)
{
    struct state b = state_object(s, "buy", &o->there);
    if (!o->there)
        return;
    if (!c->with_pool)
        state_fail(s, b.at->line,
                   "\"buy\" needs \"pool\": whether collateral is for sale depends on the reserves");
    const char *name = state_text_or(&b, "asset", "");
    o->asset = COMET_ASSETS_MAX;
    for (unsigned i = c->n, found = 0; i-- > 0;)
        if (strcmp(c->asset[i].name, name) == 0) {
            o->asset = i;
            if (++found > 1)
                state_fail(s, b.at->line, "two of \"assets\" have the name \"%s\": give each its own", name);
        }
    o->base = state_u256(&b, "base_amount", WORD);
    o->least = state_u256_or(&b, "min_amount", WORD, U256_ZERO);
    o->collateral_reserves = state_u256(&b, "collateral_reserves", AMOUNT);
    o->after_absorb = state_bool_or(&b, "after_absorb", false);
    (void)state_done(&b);
}

static void tell_absorbed(struct outcome *out, const struct comet *c, const struct comet_absorbed *a)
{
    char at[OUTCOME_NAME_MAX];
    for (unsigned i = 0; i < c->n; i++) {
        outcome_text(out, outcome_at(at, "seize", i, "asset"), c->asset[i].name);
        outcome_u256(out, outcome_at(at, "seize", i, "amount"), c->asset[i].balance);
        outcome_u256(out, outcome_at(at, "seize", i, "value"), a->value[i]);
    }
    outcome_i256(out, "balance", a->balance);
    outcome_u256(out, "credit_value", a->credit_value);
    outcome_u256(out, "credit", a->credit);
    outcome_u256(out, "new_balance", a->new_balance);
    outcome_u256(out, "new_principal", a->new_principal);
    outcome_u256(out, "paid_out", a->paid_out);
    outcome_u256(out, "paid_out_value", a->paid_out_value);
    if (c->with_pool)
        outcome_i256(out, "reserves_after", comet_reserves(c, a->total_supply, a->total_borrow));
}

// The sale, of the market as it is or as absorbing leaves it.
static void tell_bought(struct outcome *out, const struct comet *c, const struct order *o, const char *absorb,
                        const struct comet_absorbed *a)
{
    struct checked k = {0};
    u256 got = U256_ZERO, stock = o->collateral_reserves;
    i256 reserves = comet_reserves(c, c->total_supply, c->total_borrow);
    if (o->after_absorb && !absorb) {
        reserves = comet_reserves(c, a->total_supply, a->total_borrow);
        if (o->asset < c->n)
            stock = ck_add(&k, stock, c->asset[o->asset].balance); // 128 bits each
    }
    const char *refused = o->after_absorb ? absorb : NULL;
    if (!refused)
        refused = comet_buy(c, o->asset, o->base, o->least, reserves, stock, &got);
    outcome_text(out, "refused", refused ? refused : "");
    outcome_u256(out, "bought", refused ? U256_ZERO : got);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct comet c = {0};
    struct order o = {0};
    struct comet_absorbed a;
    i256 liquidity;
    const char *view;
    (void)e; // the state has it
    c.principal = state_i256(s, "principal", PRINCIPAL);
    c.supply_index = state_u256(s, "supply_index", SHORT);
    c.borrow_index = state_u256(s, "borrow_index", SHORT);
    c.base_price = state_i256(s, "base_price", WORD);
    c.base_scale = state_u256(s, "base_scale", SHORT);
    c.absorb_paused = state_bool_or(s, "absorb_paused", false);
    c.buy_paused = state_bool_or(s, "buy_paused", false);
    read_assets(s, &c);
    read_pool(s, &c);
    read_order(s, &c, &o);
    if (!state_done(s))
        return -1;
    bool liquidatable = comet_liquidatable(&c, &liquidity, &view);
    const char *absorb = comet_absorb(&c, &a);
    outcome_i256(out, "health", liquidity);
    outcome_bool(out, "liquidatable", liquidatable);
    outcome_text(out, "view_refused", view ? view : "");
    outcome_text(out, "absorb_refused", absorb ? absorb : "");
    if (c.with_pool)
        outcome_i256(out, "reserves", comet_reserves(&c, c.total_supply, c.total_borrow));
    if (!absorb)
        tell_absorbed(out, &c, &a);
    if (o.there)
        tell_bought(out, &c, &o, absorb, &a);
    return 0;
}

static const char EXAMPLE[] =
    "{\n"
    "  \"principal\": \"-9000000000\", \"supply_index\": \"1000000000000000\", \"borrow_index\": "
    "\"1050000000000000\",\n"
    "  \"base_price\": \"100000000\", \"base_scale\": \"1000000\",\n"
    "  \"assets\": [\n"
    "    {\"name\": \"COMP\", \"balance\": \"10000000000000000000\", \"price\": \"20000000000\",\n"
    "     \"scale\": \"1000000000000000000\", \"liquidate_factor\": \"800000000000000000\",\n"
    "     \"liquidation_factor\": \"900000000000000000\"},\n"
    "    {\"name\": \"WETH\", \"balance\": \"3000000000000000000\", \"price\": \"270000000000\",\n"
    "     \"scale\": \"1000000000000000000\", \"liquidate_factor\": \"900000000000000000\",\n"
    "     \"liquidation_factor\": \"950000000000000000\"}\n"
    "  ],\n"
    "  \"pool\": {\"balance\": \"5000000000\", \"total_supply\": \"15000000000\", \"total_borrow\": "
    "\"12000000000\",\n"
    "           \"target_reserves\": \"5000000000\", \"store_front_factor\": \"500000000000000000\"},\n"
    "  \"buy\": {\"asset\": \"WETH\", \"base_amount\": \"2600000000\", \"min_amount\": \"0\",\n"
    "          \"collateral_reserves\": \"0\", \"after_absorb\": true}\n"
    "}";

const struct protocol protocol_comet = {
    .name = "comet",
    .title = "Compound III: absorb as a whole, sale of collateral at a discount",
    .source =
        "compound-finance/comet: contracts/CometWithExtendedAssetList.sol 0375004c, contracts/CometCore.sol "
        "976c81f8, contracts/CometMath.sol",
    .example = EXAMPLE,
    .eval = eval,
};
