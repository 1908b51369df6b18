// SPDX-License-Identifier: Apache-2.0
// `aave-v3`: an account's reserves from JSON (docs/protocols/aave-v3.md has the fields), its health and,
// where an order is given, the liquidation call's amounts. The arithmetic is that of the rules of accounts
// aave-1.19 to aave-3.7: the state is made into a market and an account of theirs.
#include "accounts/rules/aave/aave_common.h"
#include "protocols/protocol.h"

#include <string.h>

enum { RESERVES_MAX = 32, SCALED_BITS = 127, INDEX_BITS = 100, DECIMALS_MOST = 18, WORD_BITS = 64 };

extern const struct protocol protocol_aave_v3;

struct world {
    enum aave_version v;
    const struct rule *rule;
    struct market m;
    struct account a;
    int64_t px[MARKET_ASSETS_MAX];
};

static u128 low(u256 v)
{
    return (u128)v.w[1] << WORD_BITS | v.w[0];
}

static u256 magnitude(i256 v) // of what is not below 0
{
    return (u256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}

static uint32_t bps_or(struct state *s, const char *name, uint32_t most)
{
    return (uint32_t)state_u64_or(s, name, most, 0);
}

static void read_reserve(struct state *s, struct world *w, uint16_t i)
{
    struct instrument *in = &w->m.instrument[i];
    struct position *p = &w->a.position[i];
    u256 one = u256_pow10(RAY_DIGITS);
    (void)snprintf(in->name, sizeof in->name, "%u", i);
    in->kind = INST_RESERVE;
    in->asset = i;
    w->m.asset[i].decimals = AAVE_PRICE_DECIMALS;
    w->px[i] = (int64_t)state_u64(s, "price", INT64_MAX);
    if (w->px[i] == 0)
        state_fail(s, s->at->line,
                   "price must not be 0: the oracle then asks another source; tell what it says");
    in->size_decimals = (uint8_t)state_u64(s, "decimals", DECIMALS_MOST);
    in->lt_bps = bps_or(s, "liquidation_threshold", BPS);
    in->lb_bps = bps_or(s, "liquidation_bonus", 2 * BPS);
    in->fee_bps = bps_or(s, "liquidation_fee", BPS);
    if (state_has(s, "emode_threshold") || state_has(s, "emode_bonus")) {
        in->emode = w->a.emode = 1;
        in->emode_lt_bps = (uint32_t)state_u64(s, "emode_threshold", BPS);
        in->emode_lb_bps = (uint32_t)state_u64(s, "emode_bonus", 2 * BPS);
    }
    in->liquidity_index = low(state_u256_or(s, "liquidity_index", INDEX_BITS, one));
    in->borrow_index = low(state_u256_or(s, "borrow_index", INDEX_BITS, one));
    in->grace_until = state_bool_or(s, "grace", false); // no clock is set, so none has ended
    p->instrument = i;
    p->collateral = state_bool_or(s, "collateral", false);
    p->supply = (i128)low(state_u256_or(s, "scaled_supply", SCALED_BITS, U256_ZERO));
    p->debt = (i128)low(state_u256_or(s, "scaled_debt", SCALED_BITS, U256_ZERO));
    state_done(s);
}

static void read_account(struct state *s, struct world *w)
{
    static const char *const versions[] = {"1.19", "3.3", "3.4", "3.5", "3.6", "3.7"}; // as enum aave_version
    static const struct rule *const rules[] = {&rule_aave_1_19, &rule_aave_3_3, &rule_aave_3_4,
                                               &rule_aave_3_5,  &rule_aave_3_6, &rule_aave_3_7};
    memset(w, 0, sizeof *w);
    w->v = (enum aave_version)state_choice(s, "version", versions, sizeof versions / sizeof *versions, false);
    w->rule = rules[w->v];
    w->a.rule = w->rule;
    const struct json *it = NULL;
    for (struct state i; state_next(s, "reserves", RESERVES_MAX, &it, &i);)
        read_reserve(&i, w, w->a.n_positions++);
    w->m.n_assets = w->m.n_instruments = w->a.n_positions;
}

struct order {
    bool there;
    uint16_t collateral, debt;
    i128 cover;
};

static void read_order(struct state *s, const struct world *w, struct order *o)
{
    struct state at = state_object(s, "order", &o->there);
    if (!o->there)
        return;
    unsigned most = w->a.n_positions > 0 ? w->a.n_positions - 1U : 0;
    o->collateral = (uint16_t)state_u64(&at, "collateral", most);
    o->debt = (uint16_t)state_u64(&at, "debt", most);
    u256 cover = state_u256_or(&at, "debt_to_cover", 256, U256_MAX);
    // What is above the range of balances is more than any debt.
    o->cover = u256_bits(cover) > SCALED_BITS - 1 ? (i128)1 << (SCALED_BITS - 1) : (i128)low(cover);
    state_done(&at);
}

// validateLiquidationCall's order; the rest of what is refused settle() says. NULL: nothing so far.
static const char *refused_early(const struct world *w, const struct order *o, bool below_one)
{
    const struct position *c = &w->a.position[o->collateral], *d = &w->a.position[o->debt];
    const struct instrument *in = &w->m.instrument[o->collateral];
    if (grace_now(in) || grace_now(&w->m.instrument[o->debt]))
        return "LiquidationGraceSentinelCheckFailed";
    if (!below_one)
        return "HealthFactorNotBelowThreshold";
    if (c->supply == 0 || !aave_counts(w->v, in, c))
        return "CollateralCannotBeLiquidated";
    return d->debt == 0 ? "SpecifiedCurrencyNotBorrowedByUser" : NULL;
}

static i256 flow_of(const struct settlement *x, enum party party, uint16_t instrument, bool paid)
{
    i256 sum = I256_ZERO;
    for (unsigned i = 0; i < x->n;
         i++) // collateral and debt may be one reserve: then each is a flow of its own
        if (x->flow[i].party == party && x->flow[i].instrument == instrument &&
            (i256_sign(x->flow[i].amount) < 0) == paid)
            sum = i256_add(sum, i256_abs(x->flow[i].amount));
    return sum;
}

static const struct position *left_of(const struct account *a, uint16_t instrument)
{
    static const struct position none;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].instrument == instrument)
            return &a->position[i];
    return &none;
}

static void tell_call(struct outcome *out, const struct world *w, const struct order *o,
                      const struct settlement *x)
{
    char name[OUTCOME_NAME_MAX];
    i256 received = flow_of(x, PARTY_LIQUIDATOR, o->collateral, false);
    i256 fee = flow_of(x, PARTY_VENUE, o->collateral, false), deficit = I256_ZERO;
    outcome_i256(out, "repay", flow_of(x, PARTY_LIQUIDATOR, o->debt, true));
    outcome_i256(out, "seize", i256_add(received, fee));
    outcome_i256(out, "received", received);
    outcome_i256(out, "fee", fee);
    const struct position *c = left_of(&w->a, o->collateral), *d = left_of(&w->a, o->debt);
    outcome_i256(out, "scaled_supply_left", i256_from_i128(c->supply));
    outcome_i256(out, "scaled_debt_left", i256_from_i128(d->debt));
    outcome_bool(out, "collateral_left", c->supply != 0 && c->collateral);
    for (uint16_t i = 0; i < w->m.n_instruments; i++)
        deficit = i256_add(deficit, flow_of(x, PARTY_DEFICIT, i, true));
    outcome_bool(out, "deficit", i256_sign(deficit) != 0);
    for (uint16_t i = 0; i < w->m.n_instruments; i++)
        if (i256_sign(flow_of(x, PARTY_DEFICIT, i, true)) != 0)
            outcome_i256(out, outcome_at(name, "deficit", i, "amount"), flow_of(x, PARTY_DEFICIT, i, true));
}

// Health, of which `below_one` is told too: without the grace periods.
static bool tell_health(struct outcome *out, const struct world *w)
{
    struct aave_account d;
    struct health h;
    aave_account_data(w->v, &w->m, &w->a, w->px, &d);
    w->rule->health(&w->m, &w->a, w->px, &h);
    bool none = i256_sign(d.debt) == 0;
    i256 factor = none ? I256_ZERO : i256_div_floor(d.numerator, i256_mul_i64(d.debt, BPS));
    outcome_bool(out, "liquidatable", h.liquidatable);
    outcome_u256(out, "health", none ? U256_MAX : magnitude(factor));
    outcome_i256(out, "collateral_value", d.collateral);
    outcome_i256(out, "debt_value", d.debt);
    outcome_u256(out, "average_threshold", (u256){{aave_average(d.weighted, d.collateral), 0, 0, 0}});
    return i256_cmp(h.equity, h.requirement) < 0;
}

static void tell_order(struct outcome *out, struct world *w, const struct order *o, bool below_one)
{
    static _Thread_local struct settlement x;
    const struct order_leg leg[] = {{.instrument = o->debt, .qty = o->cover}, {.instrument = o->collateral}};
    const char *why = refused_early(w, o, below_one);
    struct err said;
    x.n = 0;
    if (!why && w->rule->settle(&w->m, &w->a, w->px, leg, 2, &x, &said)) // what it can still refuse
        why = strstr(said.msg, "MustNotLeaveDust") ? "MustNotLeaveDust" : "InvalidBurnAmount";
    outcome_text(out, "refused", why ? why : "");
    tell_call(out, w, o, &x);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    static _Thread_local struct world w; // too much for a stack
    struct order o = {0};
    struct err why;
    read_account(s, &w);
    read_order(s, &w, &o);
    if (o.there && w.a.n_positions == 0)
        state_fail(s, s->at->line, "an order without reserves");
    if (!state_done(s))
        return -1;
    if (w.rule->validate(&w.m, &w.a, &why))
        return err_set(e, "%s:%u: %s", s->file, s->at->line,
                       strncmp(why.msg, "account 0: ", 11) == 0 ? why.msg + 11 : why.msg);
    bool below_one = tell_health(out, &w);
    if (o.there)
        tell_order(out, &w, &o, below_one);
    return 0;
}

const struct protocol protocol_aave_v3 = {
    .name = "aave-v3",
    .title = "Aave v3 and core 1.19, by version: close factor, dust, bonus, fee, deficit",
    .source = "aave-dao/aave-v3-origin: "
              "protocol/libraries/logic/{GenericLogic,LiquidationLogic,ValidationLogic}.sol",
    .example =
        "{\"version\": \"3.7\",\n"
        " \"reserves\": [\n"
        "  {\"price\": \"2700000000000\", \"decimals\": 8, \"liquidation_threshold\": 7500,\n"
        "   \"liquidation_bonus\": 10500, \"liquidation_fee\": 1000, \"collateral\": true, "
        "\"scaled_supply\": "
        "\"100000000\"},\n"
        "  {\"price\": \"100000000\", \"decimals\": 6, \"borrow_index\": \"1020000000000000000000000000\",\n"
        "   \"scaled_debt\": \"20500000000\"}],\n"
        " \"order\": {\"collateral\": 0, \"debt\": 1}}",
    .eval = eval,
};
