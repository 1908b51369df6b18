// SPDX-License-Identifier: Apache-2.0
// Drift v2 as a protocol: a state in JSON, the margin of its accounts, and one order carried out. Fields and
// results: docs/protocols/drift-v2.md.
#include "accounts/rules/drift/drift_v2.h"

#include "protocols/protocol.h"

extern const struct protocol protocol_drift_v2;

enum { DECIMALS_MOST = 19 };
static const uint64_t U8 = UINT8_MAX, U16 = UINT16_MAX, U32 = UINT32_MAX, U64 = UINT64_MAX;

static const char *const ORACLES[] = {"Valid",        "NonPositive",    "TooVolatile",
                                      "TooUncertain", "StaleForMargin", "InsufficientDataPoints",
                                      "StaleForAMM"};
static const char *const ASSET_TIERS[] = {"Collateral", "Protected", "Cross", "Isolated", "Unlisted"};
static const char *const CONTRACT_TIERS[] = {"A", "B", "C", "Speculative", "HighlySpeculative", "Isolated"};
static const char *const LEVERAGES[] = {"Default", "HighLeverage", "HighLeverageMaintenance"};
static const char *const KINDS[] = {"perp", "spot", "borrow_for_perp_pnl", "perp_pnl_for_deposit"};
static const char *const ENDS[] = {"liquidated",       "exited",  "exited_by_orders",
                                   "orders_cancelled", "no_base", "nothing"};
#define COUNT(a) ((unsigned)(sizeof(a) / sizeof *(a)))

static u128 read_u128(struct state *s, const char *name)
{
    return u256_to_u128(state_u256(s, name, 128));
}

static uint32_t read_u32(struct state *s, const char *name)
{
    return (uint32_t)state_u64(s, name, U32);
}

static uint32_t read_u32_or(struct state *s, const char *name, uint32_t absent)
{
    return (uint32_t)state_u64_or(s, name, U32, absent);
}

static int64_t read_i64(struct state *s, const char *name)
{
    return (int64_t)(i128)i256_lo(state_i256(s, name, 64));
}

static int64_t read_i64_or(struct state *s, const char *name, int64_t absent)
{
    return (int64_t)(i128)i256_lo(state_i256_or(s, name, 64, i256_from_i64(absent)));
}

static i128 read_i128_or(struct state *s, const char *name)
{
    return (i128)i256_lo(state_i256_or(s, name, 128, I256_ZERO));
}

static void read_spot(struct state *s, struct drift_spot *m)
{
    m->index = (uint16_t)state_u64(s, "market_index", U16);
    m->decimals = (uint8_t)state_u64(s, "decimals", DECIMALS_MOST);
    m->price = read_i64(s, "price");
    m->twap = read_i64_or(s, "twap_5min", m->price);
    m->oracle = (enum drift_oracle)state_choice(s, "oracle", ORACLES, COUNT(ORACLES), true);
    m->paused = state_bool_or(s, "liquidation_paused", false);
    m->tier = (enum drift_asset_tier)state_choice(s, "asset_tier", ASSET_TIERS, COUNT(ASSET_TIERS), true);
    m->deposit_interest = read_u128(s, "cumulative_deposit_interest");
    m->borrow_interest = read_u128(s, "cumulative_borrow_interest");
    m->deposit_balance = u256_to_u128(state_u256_or(s, "deposit_balance", 128, U256_ZERO));
    m->scale_start = state_u64_or(s, "scale_initial_asset_weight_start", U64, 0);
    m->asset_weight[DRIFT_MAINTENANCE] = read_u32(s, "maintenance_asset_weight");
    m->liability_weight[DRIFT_MAINTENANCE] = read_u32(s, "maintenance_liability_weight");
    m->asset_weight[DRIFT_INITIAL] =
        read_u32_or(s, "initial_asset_weight", m->asset_weight[DRIFT_MAINTENANCE]);
    m->liability_weight[DRIFT_INITIAL] =
        read_u32_or(s, "initial_liability_weight", m->liability_weight[DRIFT_MAINTENANCE]);
    m->imf = read_u32_or(s, "imf_factor", 0);
    m->liquidator_fee = read_u32_or(s, "liquidator_fee", 0);
    m->if_fee = read_u32_or(s, "if_liquidation_fee", 0);
    m->balance = state_u64(s, "scaled_balance", U64);
    m->borrow = state_bool_or(s, "borrow", false);
    m->orders = (uint8_t)state_u64_or(s, "open_orders", U8, 0);
    m->bids = read_i64_or(s, "open_bids", 0);
    m->asks = read_i64_or(s, "open_asks", 0);
    if (m->bids < 0 || m->asks > 0)
        state_fail(s, s->at->line, "\"open_bids\" must not be negative, \"open_asks\" not positive");
}

static void read_perp_market(struct state *s, struct drift_perp *m)
{
    m->index = (uint16_t)state_u64(s, "market_index", U16);
    m->price = read_i64(s, "price");
    m->twap = read_i64_or(s, "twap_5min", m->price);
    m->oracle = (enum drift_oracle)state_choice(s, "oracle", ORACLES, COUNT(ORACLES), true);
    m->paused = state_bool_or(s, "liquidation_paused", false);
    m->settlement = state_bool_or(s, "settlement", false);
    m->prediction = state_bool_or(s, "prediction", false);
    m->expiry_price = read_i64_or(s, "expiry_price", 0);
    m->tier = (enum drift_contract_tier)state_choice(s, "contract_tier", CONTRACT_TIERS,
                                                     COUNT(CONTRACT_TIERS), true);
    m->funding_long = read_i128_or(s, "cumulative_funding_rate_long");
    m->funding_short = read_i128_or(s, "cumulative_funding_rate_short");
    m->ratio[DRIFT_MAINTENANCE] = read_u32(s, "margin_ratio_maintenance");
    m->ratio[DRIFT_INITIAL] = read_u32_or(s, "margin_ratio_initial", m->ratio[DRIFT_MAINTENANCE]);
    m->pnl_weight[DRIFT_MAINTENANCE] = read_u32_or(s, "unrealized_pnl_maintenance_asset_weight", 10000);
    m->pnl_weight[DRIFT_INITIAL] = read_u32_or(s, "unrealized_pnl_initial_asset_weight", 10000);
    m->high_leverage[DRIFT_MAINTENANCE] =
        (uint16_t)state_u64_or(s, "high_leverage_margin_ratio_maintenance", U16, 0);
    m->high_leverage[DRIFT_INITIAL] = (uint16_t)state_u64_or(s, "high_leverage_margin_ratio_initial", U16, 0);
    m->imf = read_u32_or(s, "imf_factor", 0);
    m->pnl_imf = read_u32_or(s, "unrealized_pnl_imf_factor", 0);
    m->pnl_max_imbalance = state_u64_or(s, "unrealized_pnl_max_imbalance", U64, 0);
    m->net_pnl = read_i128_or(s, "net_user_pnl");
    m->liquidator_fee = read_u32_or(s, "liquidator_fee", 0);
    m->if_fee = read_u32_or(s, "if_liquidation_fee", 0);
    m->step = state_u64_or(s, "order_step_size", U64, 1);
}

static void read_perp(struct state *s, struct drift_perp *p)
{
    read_perp_market(s, p);
    p->base = read_i64(s, "base_asset_amount");
    p->quote = read_i64(s, "quote_asset_amount");
    p->funding = read_i64_or(s, "last_cumulative_funding_rate", 0);
    p->orders = (uint8_t)state_u64_or(s, "open_orders", U8, 0);
    p->bids = read_i64_or(s, "open_bids", 0);
    p->asks = read_i64_or(s, "open_asks", 0);
    p->max_margin_ratio = (uint16_t)state_u64_or(s, "max_margin_ratio", U16, 0);
    p->isolated = state_bool_or(s, "isolated", false);
    p->isolated_balance = state_u64_or(s, "isolated_scaled_balance", U64, 0);
    p->being_liquidated = state_bool_or(s, "being_liquidated", false);
    p->bankrupt = state_bool_or(s, "bankrupt", false);
    if (!p->isolated && (p->isolated_balance > 0 || p->being_liquidated || p->bankrupt))
        state_fail(s, s->at->line,
                   "only an isolated position has a balance and a state of its own: \"isolated\"");
}

static void read_positions(struct state *s, struct drift_user *u)
{
    struct state at;
    for (const struct json *it = NULL; state_next(s, "spot", DRIFT_SPOT_MAX, &it, &at);) {
        read_spot(&at, &u->spot[u->spots++]);
        (void)state_done(&at);
    }
    for (const struct json *it = NULL; state_next(s, "perp", DRIFT_PERP_MAX, &it, &at);) {
        read_perp(&at, &u->perp[u->perps++]);
        (void)state_done(&at);
    }
    if (u->spots == 0 || u->spot[0].index != 0)
        state_fail(s, s->at->line, "\"spot\" begins with the quote market, market_index 0, held or not");
    for (unsigned i = 0; i < u->spots; i++)
        for (unsigned k = 0; k < i; k++)
            if (u->spot[i].index == u->spot[k].index)
                state_fail(s, s->at->line, "\"spot\" has market %u twice", u->spot[i].index);
    for (unsigned i = 0; i < u->perps; i++)
        for (unsigned k = 0; k < i; k++)
            if (u->perp[i].index == u->perp[k].index)
                state_fail(s, s->at->line, "\"perp\" has market %u twice", u->perp[i].index);
}

static void read_user(struct state *s, struct drift_user *u)
{
    bool there;
    struct state user = state_object(s, "user", &there);
    if (!there)
        return;
    u->being_liquidated = state_bool_or(&user, "being_liquidated", false);
    u->bankrupt = state_bool_or(&user, "bankrupt", false);
    u->margin_freed = state_u64_or(&user, "liquidation_margin_freed", U64, 0);
    u->last_active_slot = state_u64_or(&user, "last_active_slot", U64, 0);
    u->max_margin_ratio = read_u32_or(&user, "max_margin_ratio", 0);
    u->leverage = (enum drift_leverage)state_choice(&user, "margin_mode", LEVERAGES, COUNT(LEVERAGES), true);
    (void)state_done(&user);
}

static void read_rules(struct state *s, struct drift_rules *r)
{
    r->buffer = read_u32_or(s, "liquidation_margin_buffer_ratio", 200);
    r->initial_pct = (uint16_t)state_u64_or(s, "initial_pct_to_liquidate", U16, 10000);
    r->duration = (uint8_t)state_u64_or(s, "liquidation_duration", U8, 0);
    r->slot = state_u64_or(s, "slot", U64, 0);
    r->divergence = state_u64_or(s, "oracle_twap_5min_percent_divergence", U64, 0);
}

static bool read_order(struct state *s, struct drift_order *o)
{
    bool there;
    struct state at = state_object(s, "order", &there);
    if (!there)
        return false;
    o->kind = (enum drift_kind)state_choice(&at, "kind", KINDS, COUNT(KINDS), false);
    if (o->kind != DRIFT_ORDER_SPOT)
        o->perp = (uint16_t)state_u64(&at, "perp", U16);
    if (o->kind == DRIFT_ORDER_SPOT || o->kind == DRIFT_ORDER_PNL_FOR_DEPOSIT)
        o->asset = (uint16_t)state_u64(&at, "asset", U16);
    if (o->kind == DRIFT_ORDER_SPOT || o->kind == DRIFT_ORDER_BORROW_FOR_PNL)
        o->liability = (uint16_t)state_u64(&at, "liability", U16);
    o->most = u256_to_u128(state_u256(&at, "max", o->kind == DRIFT_ORDER_PERP ? 64 : 128));
    o->limited = state_has(&at, "limit_price");
    o->limit = state_u64_or(&at, "limit_price", U64, 0);
    (void)state_done(&at);
    return true;
}

static void tell_u128(struct outcome *out, const char *name, u128 v)
{
    outcome_u256(out, name, u256_from_u128(v));
}

static void tell_side(struct outcome *out, const char *name, unsigned i, const struct drift_side *s)
{
    char b[OUTCOME_NAME_MAX];
    outcome_i256(out, outcome_at(b, name, i, "collateral"), i256_from_i128(s->collateral));
    tell_u128(out, outcome_at(b, name, i, "requirement"), s->requirement);
    outcome_i256(out, outcome_at(b, name, i, "collateral_buffer"), i256_from_i128(s->collateral_buffer));
    tell_u128(out, outcome_at(b, name, i, "requirement_with_buffer"), s->requirement_buffered);
    outcome_bool(out, outcome_at(b, name, i, "can_exit"), drift_can_exit(s));
}

static bool may_liquidate(const struct drift_side *s, bool under_way, bool bankrupt)
{
    return !bankrupt && (under_way ? !drift_can_exit(s) : !drift_meets(s));
}

static const char *state_name(bool being_liquidated, bool bankrupt)
{
    return bankrupt ? "bankrupt" : being_liquidated ? "being_liquidated" : "normal";
}

static void tell_isolated(struct outcome *out, const struct drift_user *u, const struct drift_margin *m)
{
    char b[OUTCOME_NAME_MAX];
    for (unsigned i = 0, n = 0; i < u->perps; i++) {
        const struct drift_perp *p = &u->perp[i];
        if (!m->counted[i])
            continue;
        outcome_u256(out, outcome_at(b, "isolated", n, "market_index"), u256_from_u64(p->index));
        outcome_bool(out, outcome_at(b, "isolated", n, "liquidatable"),
                     may_liquidate(&m->isolated[i], p->being_liquidated, p->bankrupt));
        outcome_bool(out, outcome_at(b, "isolated", n, "bankruptcy"), drift_should_be_bankrupt(u, p));
        tell_side(out, "isolated", n++, &m->isolated[i]);
    }
}

// Where the ramp stands for the cross margin, or would stand if the liquidation began now.
static void tell_ramp(struct outcome *out, const struct drift_user *u, const struct drift_rules *r,
                      const struct drift_margin *m)
{
    struct checked c = {NULL};
    u128 shortage = drift_shortage(&c, &m->cross, r->buffer);
    bool fresh = !u->being_liquidated && !u->bankrupt;
    bool others = false;
    for (unsigned i = 0; i < u->perps; i++)
        others |= u->perp[i].isolated && (u->perp[i].being_liquidated || u->perp[i].bankrupt);
    u128 pct = drift_max_pct(&c, shortage, fresh ? 0 : u->margin_freed,
                             fresh && !others ? r->slot : u->last_active_slot, r);
    tell_u128(out, "shortage", ck_ok(&c) ? shortage : 0);
    tell_u128(out, "max_pct", ck_ok(&c) ? pct : 0);
}

static bool tell_margin(struct outcome *out, const struct drift_user *u, const struct drift_rules *r,
                        const char **why)
{
    struct checked c = {NULL};
    struct drift_margin m;
    struct drift_context x = {.type = DRIFT_MAINTENANCE, .buffer = r->buffer};
    drift_margin_of(&c, u, &x, &m);
    *why = c.why;
    bool any = ck_ok(&c) && may_liquidate(&m.cross, u->being_liquidated, u->bankrupt);
    for (unsigned i = 0; i < u->perps && ck_ok(&c); i++)
        any |=
            m.counted[i] && may_liquidate(&m.isolated[i], u->perp[i].being_liquidated, u->perp[i].bankrupt);
    outcome_bool(out, "liquidatable", any);
    if (!ck_ok(&c))
        return false;
    outcome_i256(out, "health.collateral", i256_from_i128(m.cross.collateral));
    tell_u128(out, "health.requirement", m.cross.requirement);
    outcome_i256(out, "health.collateral_buffer", i256_from_i128(m.cross.collateral_buffer));
    tell_u128(out, "health.requirement_with_buffer", m.cross.requirement_buffered);
    outcome_bool(out, "health.can_exit", drift_can_exit(&m.cross));
    outcome_bool(out, "cross.liquidatable", may_liquidate(&m.cross, u->being_liquidated, u->bankrupt));
    outcome_bool(out, "cross.bankruptcy", drift_should_be_bankrupt(u, NULL));
    tell_ramp(out, u, r, &m);
    tell_isolated(out, u, &m);
    return true;
}

static void tell_initial(struct outcome *out, const struct drift_user *u, bool strict)
{
    struct checked c = {NULL};
    struct drift_margin m;
    struct drift_context x = {.type = DRIFT_INITIAL, .strict = strict};
    drift_margin_of(&c, u, &x, &m);
    bool meets = drift_meets(&m.cross);
    for (unsigned i = 0; i < u->perps; i++)
        meets &= !m.counted[i] || drift_meets(&m.isolated[i]);
    outcome_text(out, "initial.refused", ck_ok(&c) ? "" : c.why);
    outcome_bool(out, "initial.meets", ck_ok(&c) && meets);
    outcome_i256(out, "initial.collateral", i256_from_i128(ck_ok(&c) ? m.cross.collateral : 0));
    tell_u128(out, "initial.requirement", ck_ok(&c) ? m.cross.requirement : 0);
}

static void tell_after(struct outcome *out, const struct drift_user *u)
{
    char b[OUTCOME_NAME_MAX];
    outcome_text(out, "after.state", state_name(u->being_liquidated, u->bankrupt));
    outcome_u256(out, "after.liquidation_margin_freed", u256_from_u64(u->margin_freed));
    outcome_u256(out, "after.last_active_slot", u256_from_u64(u->last_active_slot));
    for (unsigned i = 0; i < u->spots; i++) {
        outcome_u256(out, outcome_at(b, "after.spot", i, "scaled_balance"),
                     u256_from_u64(u->spot[i].balance));
        outcome_bool(out, outcome_at(b, "after.spot", i, "borrow"), u->spot[i].borrow);
        outcome_u256(out, outcome_at(b, "after.spot", i, "open_orders"), u256_from_u64(u->spot[i].orders));
    }
    for (unsigned i = 0; i < u->perps; i++) {
        const struct drift_perp *p = &u->perp[i];
        outcome_i256(out, outcome_at(b, "after.perp", i, "base"), i256_from_i64(p->base));
        outcome_i256(out, outcome_at(b, "after.perp", i, "quote"), i256_from_i64(p->quote));
        outcome_u256(out, outcome_at(b, "after.perp", i, "open_orders"), u256_from_u64(p->orders));
        if (!p->isolated)
            continue;
        outcome_text(out, outcome_at(b, "after.perp", i, "state"),
                     state_name(p->being_liquidated, p->bankrupt));
        outcome_u256(out, outcome_at(b, "after.perp", i, "scaled_balance"),
                     u256_from_u64(p->isolated_balance));
    }
}

static void tell_order(struct outcome *out, struct drift_user *u, const struct drift_rules *r,
                       const struct drift_order *o)
{
    struct checked c = {NULL};
    struct drift_fill f;
    drift_liquidate(&c, u, r, o, &f);
    outcome_text(out, "refused", ck_ok(&c) ? "" : c.why);
    if (!ck_ok(&c))
        return;
    outcome_text(out, "order.end", ENDS[f.end]);
    tell_u128(out, "order.shortage", f.shortage);
    tell_u128(out, "order.max_pct", f.max_pct);
    tell_u128(out, "order.to_cover", f.to_cover);
    tell_u128(out, "order.transfer", f.transfer);
    tell_u128(out, "order.received", f.received);
    outcome_u256(out, "order.fee_rate", u256_from_u64(f.fee_rate));
    outcome_u256(out, "order.if_fee_rate", u256_from_u64(f.if_fee_rate));
    tell_u128(out, "order.fee", f.fee);
    tell_u128(out, "order.if_fee", f.if_fee);
    tell_u128(out, "order.margin_freed", f.freed);
    tell_after(out, u);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    (void)e; // the state has it
    struct drift_user u = {.being_liquidated = false};
    struct drift_rules r;
    struct drift_order o = {.kind = DRIFT_ORDER_PERP};
    read_rules(s, &r);
    read_user(s, &u);
    read_positions(s, &u);
    bool ordered = read_order(s, &o), initial = state_bool_or(s, "initial", false);
    bool strict = state_bool_or(s, "strict", false);
    if (initial && u.leverage == DRIFT_LEVERAGE_HIGH)
        state_fail(s, s->at->line, "the initial margin of the high leverage mode is not here: \"initial\"");
    if (!state_done(s))
        return -1;
    const char *why;
    bool fine = tell_margin(out, &u, &r, &why);
    if (fine && initial)
        tell_initial(out, &u, strict);
    if (ordered)
        tell_order(out, &u, &r, &o);
    else
        outcome_text(out, "refused", fine ? "" : why);
    return 0;
}

static const char EXAMPLE[] =
    "{\"slot\": 1000, \"liquidation_margin_buffer_ratio\": 200, \"initial_pct_to_liquidate\": 2000,\n"
    " \"liquidation_duration\": 150, \"user\": {\"last_active_slot\": 400},\n"
    " \"spot\": [{\"market_index\": 0, \"decimals\": 6, \"price\": 1000000,\n"
    "   \"cumulative_deposit_interest\": 10000000000, \"cumulative_borrow_interest\": 10000000000,\n"
    "   \"maintenance_asset_weight\": 10000, \"maintenance_liability_weight\": 10000,\n"
    "   \"scaled_balance\": 1000000000000}],\n"
    " \"perp\": [{\"market_index\": 0, \"price\": 100000000, \"margin_ratio_maintenance\": 500,\n"
    "   \"liquidator_fee\": 10000, \"if_liquidation_fee\": 5000, \"order_step_size\": 100000,\n"
    "   \"base_asset_amount\": 100000000000, \"quote_asset_amount\": -10600000000}],\n"
    " \"order\": {\"kind\": \"perp\", \"perp\": 0, \"max\": 100000000000}}\n";

const struct protocol protocol_drift_v2 = {
    .name = "drift-v2",
    .title = "Drift v2: cross and isolated margin, partial liquidation that grows with time",
    .source = "drift-labs/protocol-v2 at 0ae3e3b1 as given in notes; read: velocity-exchange/protocol-v2 at "
              "36e9b077 "
              "(controller/liquidation.rs, state/margin_calculation.rs) and 1fe7e593 (math/margin.rs, "
              "state/user.rs), "
              "velocity-exchange/velocity-v1 at f86250e4 (math/liquidation.rs), drift-labs/protocol-v2 at "
              "4ebd00bc, "
              "ef02b1e8, 0c1a4a5a (math/spot_balance.rs, position.rs, funding.rs)",
    .example = EXAMPLE,
    .eval = eval};
