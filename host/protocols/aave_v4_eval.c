// SPDX-License-Identifier: Apache-2.0
// `aave-v4`: a spoke's state from JSON (docs/protocols/aave-v4.md has the fields), the account's health and,
// where an order is given, the call's amounts.
#include "accounts/rules/aave_v4/aave_v4.h"
#include "protocols/protocol.h"

enum {
    BPS = 10000,
    FACTOR_BITS = 14,
    BONUS_BITS = 32,
    VALUE_BITS = 128,
    SHARE_BITS = 120,
    OFFSET_BITS = 200
};

extern const struct protocol protocol_aave_v4;

static void fail_here(struct state *s, const char *why)
{
    state_fail(s, s->at->line, "%s", why);
}

static void read_config(struct state *s, struct aave_v4_reserve *r)
{
    struct checked none = {NULL}; // 32 and 14 bits
    r->collateral_factor = state_u256_or(s, "collateral_factor", FACTOR_BITS, U256_ZERO);
    r->max_bonus = state_u256_or(s, "max_bonus", BONUS_BITS, ck_u64(BPS));
    r->fee = state_u256_or(s, "fee", FACTOR_BITS, U256_ZERO);
    u256 all = ck_mul_div_up(&none, r->max_bonus, r->collateral_factor, ck_u64(BPS));
    if (ck_lt(r->max_bonus, ck_u64(BPS)) || !ck_lt(r->collateral_factor, ck_u64(BPS)) ||
        !ck_lt(all, ck_u64(BPS)))
        fail_here(s, "max_bonus must be at least 10000, and collateral_factor * max_bonus below 10000 bps "
                     "(InvalidCollateralFactorAndMaxLiquidationBonus)");
    if (ck_lt(ck_u64(BPS), r->fee))
        fail_here(s, "fee must be at most 10000 bps of the bonus (InvalidLiquidationFee)");
}

static void read_reserve(struct state *s, struct aave_v4_reserve *r)
{
    u256 ray = u256_pow10(27);
    r->price = state_u256(s, "price", VALUE_BITS);
    r->decimals = (unsigned)state_u64(s, "decimals", AAVE_V4_DECIMALS_MAX);
    r->paused = state_bool_or(s, "paused", false);
    r->frozen = state_bool_or(s, "frozen", false);
    r->added_assets = state_u256_or(s, "added_assets", VALUE_BITS, U256_ZERO);
    r->added_shares = state_u256_or(s, "added_shares", VALUE_BITS, U256_ZERO);
    r->drawn_index = state_u256_or(s, "drawn_index", SHARE_BITS, ray);
    r->liquidity = state_u256_or(s, "liquidity", VALUE_BITS, U256_MAX);
    r->collateral = state_bool_or(s, "collateral", false);
    r->supplied_shares = state_u256_or(s, "supplied_shares", SHARE_BITS, U256_ZERO);
    r->drawn_shares = state_u256_or(s, "drawn_shares", SHARE_BITS, U256_ZERO);
    r->premium_shares = state_u256_or(s, "premium_shares", SHARE_BITS, U256_ZERO);
    r->premium_offset = state_i256_or(s, "premium_offset", OFFSET_BITS, I256_ZERO);
    read_config(s, r);
    if (u256_is_zero(r->price))
        fail_here(s, "price must not be 0: the oracle refuses it (InvalidPrice)");
    if (ck_lt(r->drawn_index, ray))
        fail_here(s, "drawn_index must be at least 1e27");
    if (u256_is_zero(r->drawn_shares) &&
        (!u256_is_zero(r->premium_shares) || i256_sign(r->premium_offset) != 0))
        fail_here(s, "a premium without drawn_shares");
    state_done(s);
}

static void read_spoke(struct state *s, struct aave_v4_state *v)
{
    u256 wad = u256_pow10(18);
    v->target_health = state_u256(s, "target_health", VALUE_BITS);
    v->max_bonus_health = state_u256(s, "max_bonus_health", 64);
    v->bonus_factor = state_u256(s, "bonus_factor", FACTOR_BITS);
    if (ck_lt(v->target_health, wad) || !ck_lt(v->max_bonus_health, wad) ||
        ck_lt(ck_u64(BPS), v->bonus_factor))
        fail_here(s, "target_health must be at least 1e18, max_bonus_health below 1e18, bonus_factor at most "
                     "10000 (InvalidLiquidationConfig)");
    const struct json *it = NULL;
    for (struct state i; state_next(s, "reserves", AAVE_V4_RESERVES_MAX, &it, &i);)
        read_reserve(&i, &v->reserve[v->n++]);
    if (v->n == 0)
        fail_here(s, "reserves: at least one is needed");
}

static bool read_order(struct state *s, const struct aave_v4_state *v, struct aave_v4_order *o)
{
    bool there;
    struct state at = state_object(s, "order", &there);
    if (!there)
        return false;
    unsigned most = v->n > 0 ? v->n - 1 : 0;
    *o = (struct aave_v4_order){
        .collateral = (unsigned)state_u64(&at, "collateral", most),
        .debt = (unsigned)state_u64(&at, "debt", most),
        .debt_to_cover = state_u256_or(&at, "debt_to_cover", 256, U256_MAX),
        .receive_shares = state_bool_or(&at, "receive_shares", false),
        .self = state_bool_or(&at, "self", false),
    };
    state_done(&at);
    return true;
}

static void tell_call(struct outcome *out, const struct aave_v4_call *x)
{
    struct checked none = {NULL}; // received <= collateral
    outcome_u256(out, "supplied", x->supplied);
    outcome_u256(out, "owed", x->owed);
    outcome_u256(out, "bonus", x->bonus);
    outcome_u256(out, "debt_to_target", x->debt_to_target);
    outcome_u256(out, "repay", x->debt);
    outcome_u256(out, "seize", x->collateral);
    outcome_u256(out, "received", x->received);
    outcome_u256(out, "fee", ck_sub(&none, x->collateral, x->received));
    outcome_u256(out, "shares_taken", x->shares_taken);
    outcome_u256(out, "shares_received", x->shares_received);
    outcome_u256(out, "drawn_shares_repaid", x->drawn_shares);
    outcome_u256(out, "premium_ray_repaid", x->premium_ray);
    outcome_bool(out, "deficit", x->deficit);
}

// What _reportDeficit writes off, for every reserve that the account still owes.
static void tell_deficit(struct checked *c, struct outcome *out, const struct aave_v4_state *v,
                         const struct aave_v4_order *o, const struct aave_v4_call *x)
{
    char name[OUTCOME_NAME_MAX];
    for (unsigned i = 0; i < v->n; i++) {
        struct aave_v4_reserve r = v->reserve[i];
        u256 premium, repaid = i == o->debt ? x->premium_ray : U256_ZERO;
        if (i == o->debt)
            r.drawn_shares = ck_sub(c, r.drawn_shares, x->drawn_shares);
        if (u256_is_zero(r.drawn_shares))
            continue;
        u256 drawn = aave_v4_drawn(c, &r, &premium);
        outcome_u256(out, outcome_at(name, "deficit", i, "drawn"), drawn);
        outcome_u256(out, outcome_at(name, "deficit", i, "premium_ray"), ck_sub(c, premium, repaid));
    }
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct aave_v4_state v = {0};
    struct aave_v4_order o;
    struct aave_v4_account a;
    struct aave_v4_call x;
    read_spoke(s, &v);
    bool ordered = read_order(s, &v, &o);
    if (!state_done(s))
        return -1;
    struct checked c = {NULL};
    aave_v4_account_data(&c, &v, &a);
    if (!ck_ok(&c))
        return err_set(e,
                       "%s:%u: on this account every call reverts (%s): look for a figure in the wrong unit",
                       s->file, s->at->line, c.why);
    outcome_bool(out, "liquidatable", ck_lt(a.health, u256_pow10(18)));
    outcome_u256(out, "health", a.health);
    outcome_u256(out, "collateral_value", a.collateral_value);
    outcome_u256(out, "debt_value", a.debt_value);
    outcome_u256(out, "collaterals", ck_u64(a.collaterals));
    outcome_u256(out, "borrows", ck_u64(a.borrows));
    if (!ordered)
        return 0;
    outcome_text(out, "refused", aave_v4_liquidate(&c, &v, &a, &o, &x));
    tell_call(out, &x);
    if (x.deficit)
        tell_deficit(&c, out, &v, &o, &x);
    return 0;
}

const struct protocol protocol_aave_v4 = {
    .name = "aave-v4",
    .title = "Aave V4 spoke: variable bonus, debt to the target health, dust on both sides, deficit",
    .source = "aave/aave-v4 8e6ea169: src/spoke/Spoke.sol, src/spoke/libraries/{LiquidationLogic,"
              "UserPositionDebt}.sol; 1de91c84: src/hub/libraries/AssetLogic.sol; b4fe3263: SharesMath.sol",
    .example =
        "{\"target_health\": \"1000000000000000000\", \"max_bonus_health\": \"800000000000000000\",\n"
        " \"bonus_factor\": 5000,\n"
        " \"reserves\": [\n"
        "  {\"price\": 100000000, \"decimals\": 6, \"collateral\": true, \"supplied_shares\": 11000000000,\n"
        "   \"collateral_factor\": 5000, \"max_bonus\": 12000, \"fee\": 1000},\n"
        "  {\"price\": 200000000000, \"decimals\": 18, \"drawn_shares\": \"5000000000000000000\"},\n"
        "  {\"price\": 100000000, \"decimals\": 6, \"collateral\": true, \"supplied_shares\": 5000000000,\n"
        "   \"collateral_factor\": 5000, \"max_bonus\": 12000, \"fee\": 1000}],\n"
        " \"order\": {\"collateral\": 0, \"debt\": 1, \"debt_to_cover\": \"3000000000000000000\"}}\n",
    .eval = eval,
};
