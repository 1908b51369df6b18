// SPDX-License-Identifier: Apache-2.0
// `evk`: a vault's and a violator's state from JSON (docs/protocols/evk.md has the fields), the account's
// health by its liquidation LTVs at this second and, where an order is given, the liquidation's amounts.
#include "accounts/rules/evk/evk.h"
#include "protocols/protocol.h"

enum { SCALE = 10000, AMOUNT_BITS = 112 };
#define STAMP_MOST (((uint64_t)1 << 48) - 1)

extern const struct protocol protocol_evk;

static void fail_here(struct state *s, const char *why)
{
    state_fail(s, s->at->line, "%s", why);
}

static void read_collateral(struct state *s, uint64_t now, struct evk_collateral *k)
{
    k->balance = state_u256(s, "balance", 256);
    k->value = state_u256(s, "value", 256);
    k->liquidation_ltv = state_u64(s, "liquidation_ltv", SCALE);
    k->initial_ltv = state_u64_or(s, "initial_ltv", SCALE, 0);
    k->target_timestamp = state_u64(s, "target_timestamp", STAMP_MOST);
    k->ramp_duration = state_u64_or(s, "ramp_duration", UINT32_MAX, 0);
    k->enabled = state_bool_or(s, "enabled", true);
    if (k->target_timestamp == 0 && (k->liquidation_ltv | k->initial_ltv | k->ramp_duration) != 0)
        fail_here(s, "target_timestamp 0 says that the collateral was never configured: its LTVs must be 0");
    if (k->target_timestamp > now && k->target_timestamp - now > k->ramp_duration)
        fail_here(s, "ramp_duration is shorter than what is left until target_timestamp");
    if (u256_is_zero(k->balance) && !u256_is_zero(k->value))
        fail_here(s, "a value without a balance");
    state_done(s);
}

static void read_vault(struct state *s, struct evk_state *v)
{
    static const char *const controllers[] = {"this", "none", "other", "several"};
    v->now = state_u64(s, "now", STAMP_MOST);
    v->liability = state_u256(s, "liability", AMOUNT_BITS);
    v->liability_value = state_u256(s, "liability_value", 256);
    v->max_discount = state_u64(s, "max_discount", SCALE - 1); // the setter refuses 1e4
    v->cool_off = state_u64_or(s, "cool_off", UINT16_MAX, 0);
    v->last_status_check = state_u64_or(s, "last_status_check", STAMP_MOST, 0);
    v->oracle = state_bool_or(s, "oracle", true);
    v->deferred = state_bool_or(s, "deferred", false);
    v->keep_debt = state_bool_or(s, "dont_socialize", false);
    v->disabled = state_bool_or(s, "disabled", false);
    v->controller = (enum evk_controller)state_choice(s, "controller", controllers, 4, true);
    unsigned enabled = 0;
    const struct json *it = NULL;
    for (struct state i; state_next(s, "collaterals", EVK_COLLATERALS_MAX, &it, &i);) {
        read_collateral(&i, v->now, &v->collateral[v->n]);
        enabled += v->collateral[v->n++].enabled;
    }
    if (enabled > EVK_ENABLED_MAX)
        fail_here(s, "collaterals: an account can have at most 10 enabled");
    if (u256_is_zero(v->liability) && !u256_is_zero(v->liability_value))
        fail_here(s, "a liability_value without a liability");
}

static bool read_order(struct state *s, const struct evk_state *v, struct evk_order *o)
{
    bool there;
    struct state at = state_object(s, "order", &there);
    if (!there)
        return false;
    if (v->n == 0)
        fail_here(&at, "an order without collaterals");
    *o = (struct evk_order){
        .collateral = (unsigned)state_u64(&at, "collateral", v->n > 0 ? v->n - 1 : 0),
        .repay = state_u256_or(&at, "repay", 256, U256_MAX),
        .min_yield = state_u256_or(&at, "min_yield", 256, U256_ZERO),
        .self = state_bool_or(&at, "self", false),
        .liquidator_enabled = state_bool_or(&at, "liquidator_enabled", true),
    };
    state_done(&at);
    return true;
}

// floor(adjusted * 1e18 / liability); what does not fit is all ones, as where there is no debt.
static u256 score(const struct evk_health *h)
{
    u256 q;
    return u256_mul_div(h->adjusted, u256_pow10(18), h->liability, &q, NULL) ? U256_MAX : q;
}

static void tell_health(struct outcome *out, const struct evk_state *v, const struct evk_health *h)
{
    char name[OUTCOME_NAME_MAX];
    bool open = v->oracle && !v->deferred && !v->disabled && v->controller == EVK_THIS && !evk_cooling(v);
    outcome_bool(out, "liquidatable", h->violation && open);
    outcome_u256(out, "health", score(h));
    outcome_bool(out, "violation", h->violation);
    outcome_u256(out, "violation_at", ck_u64(evk_violation_at(v)));
    outcome_bool(out, "cooling", evk_cooling(v));
    outcome_u256(out, "adjusted_value", h->adjusted);
    outcome_u256(out, "liability_value", h->liability);
    for (unsigned i = 0; i < v->n; i++)
        outcome_u256(out, outcome_at(name, "collateral", i, "ltv"),
                     ck_u64(evk_ltv(&v->collateral[i], v->now)));
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct evk_state v = {0};
    struct evk_order o;
    struct evk_health h;
    struct evk_call x;
    read_vault(s, &v);
    bool ordered = read_order(s, &v, &o);
    if (!state_done(s))
        return -1;
    struct checked c = {NULL};
    evk_health_at(&c, &v, v.now, &h);
    if (!ck_ok(&c))
        return err_set(e,
                       "%s:%u: on this account every call reverts (%s): look for a figure in the wrong unit",
                       s->file, s->at->line, c.why);
    tell_health(out, &v, &h);
    if (!ordered)
        return 0;
    outcome_text(out, "refused", evk_liquidate(&c, &v, &h, &o, &x));
    outcome_u256(out, "discount_factor", x.discount_factor);
    outcome_u256(out, "max_repay", x.max_repay);
    outcome_u256(out, "max_yield", x.max_yield);
    outcome_u256(out, "repay", x.repay);
    outcome_u256(out, "yield", x.yield);
    outcome_u256(out, "socialised", x.socialised);
    return 0;
}

const struct protocol protocol_evk = {
    .name = "evk",
    .title = "Euler vault kit: mid-point quotes, LTVs that ramp down, discount = 1 - health, socialised debt",
    .source = "euler-xyz/euler-vault-kit 1dad88bd: src/EVault/modules/Liquidation.sol; 32898036: shared/"
              "LiquidityUtils.sol; 432c4b55: shared/types/LTVConfig.sol",
    .example = "{\"now\": 1700000017, \"liability\": \"5000000000000000000\", "
               "\"liability_value\": \"11000000000000000000\",\n"
               " \"max_discount\": 2000,\n"
               " \"collaterals\": [\n"
               "  {\"balance\": \"100000000000000000000\", \"value\": \"40000000000000000000\",\n"
               "   \"initial_ltv\": 3000, \"liquidation_ltv\": 1500,\n"
               "   \"target_timestamp\": 1700000100, \"ramp_duration\": 100}],\n"
               " \"order\": {\"collateral\": 0}}\n",
    .eval = eval,
};
