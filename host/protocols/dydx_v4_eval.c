// SPDX-License-Identifier: Apache-2.0
// Reading a state of dYdX v4, calling the rule, telling the answer.
#include "accounts/rules/dydx/dydx_v4.h"

#include <stdio.h>
#include <string.h>

#include "protocols/protocol.h"

extern const struct protocol protocol_dydx_v4;

enum { OFFSETTING_MAX = 16, PRICE_TEXT = 120 };

struct market {
    struct dydx_perpetual perp[DYDX_PERPETUALS_MAX];
    unsigned n;
};

static i256 zero_or(struct state *s, const char *name, unsigned bits)
{
    return state_i256_or(s, name, bits + 1, I256_ZERO);
}

// The sign is part of the figure: price exponents, resolutions.
static int exponent_of(struct state *s, const char *name)
{
    return (int)i256_to_i64(state_i256(s, name, 8));
}

static uint32_t ppm_of(struct state *s, const char *name, uint64_t most)
{
    return (uint32_t)state_u64(s, name, most);
}

static uint64_t positive(struct state *s, const char *name, uint64_t most)
{
    uint64_t v = state_u64(s, name, most);
    if (v == 0)
        state_fail(s, s->at ? s->at->line : 0, "\"%s\" must be above 0", name);
    return v;
}

static void read_perpetual(struct state *s, struct dydx_perpetual *p)
{
    p->id = state_u64(s, "id", UINT32_MAX);
    p->price = positive(s, "price", UINT64_MAX);
    p->exponent = exponent_of(s, "exponent") + exponent_of(s, "atomic_resolution") + 6;
    p->initial_ppm = ppm_of(s, "initial_margin_ppm", DYDX_PPM);
    p->maintenance_ppm = ppm_of(s, "maintenance_fraction_ppm", DYDX_PPM);
    p->oi_lower = state_u64_or(s, "open_interest_lower_cap", UINT64_MAX, 0);
    p->oi_upper = state_u64_or(s, "open_interest_upper_cap", UINT64_MAX, 0);
    p->open_interest = zero_or(s, "open_interest", DYDX_BASE_BITS);
    p->funding_index = zero_or(s, "funding_index", DYDX_INDEX_BITS);
    p->step = positive(s, "step_base_quantums", UINT64_MAX);
    p->subticks_per_tick = (uint32_t)positive(s, "subticks_per_tick", UINT32_MAX);
    p->conversion = exponent_of(s, "quantum_conversion_exponent");
    p->final_settlement = state_bool_or(s, "final_settlement", false);
    unsigned line = s->at ? s->at->line : 0;
    if (p->exponent > DYDX_EXPONENT_MAX || p->exponent < DYDX_EXPONENT_MIN)
        state_fail(s, line, "exponent + atomic_resolution + 6 must be from %d to %d", DYDX_EXPONENT_MIN,
                   DYDX_EXPONENT_MAX);
    if (p->conversion > DYDX_CONVERSION_MAX || p->conversion < -DYDX_CONVERSION_MAX)
        state_fail(s, line, "quantum_conversion_exponent must be from %d to %d", -DYDX_CONVERSION_MAX,
                   DYDX_CONVERSION_MAX);
    if (p->oi_lower > p->oi_upper)
        state_fail(s, line, "open_interest_lower_cap must not be above open_interest_upper_cap");
    (void)state_done(s);
}

static unsigned perpetual_of(struct state *s, const struct market *m)
{
    uint64_t id = state_u64(s, "perpetual", UINT32_MAX);
    for (unsigned i = 0; i < m->n; i++)
        if (m->perp[i].id == id)
            return i;
    state_fail(s, s->at ? s->at->line : 0, "perpetual %llu is not in \"perpetuals\"", (unsigned long long)id);
    return 0;
}

static void read_market(struct state *s, struct market *m)
{
    const struct json *it = NULL;
    for (struct state x; state_next(s, "perpetuals", DYDX_PERPETUALS_MAX, &it, &x);) {
        read_perpetual(&x, &m->perp[m->n]);
        for (unsigned i = 0; i < m->n; i++)
            if (m->perp[i].id == m->perp[m->n].id)
                state_fail(s, it->line, "this perpetual's id is there twice");
        m->n++;
    }
}

static void read_subaccount(struct state *s, const struct market *m, struct dydx_subaccount *a)
{
    const struct json *it = NULL;
    a->usdc = zero_or(s, "usdc", DYDX_QUOTE_BITS);
    for (struct state x; state_next(s, "positions", DYDX_POSITIONS_MAX, &it, &x);) {
        struct dydx_position *p = &a->at[a->n];
        p->perpetual = perpetual_of(&x, m);
        p->quantums = state_i256(&x, "quantums", DYDX_BASE_BITS + 1);
        p->quote_balance = zero_or(&x, "quote_balance", DYDX_QUOTE_BITS);
        p->funding_index =
            state_i256_or(&x, "funding_index", DYDX_INDEX_BITS + 1, m->perp[p->perpetual].funding_index);
        p->custom_imf_ppm = (uint32_t)state_u64_or(&x, "custom_imf_ppm", DYDX_PPM, 0);
        p->liquidated = state_bool_or(&x, "liquidated", false);
        for (unsigned i = 0; i < a->n; i++)
            if (a->at[i].perpetual == p->perpetual)
                state_fail(s, it->line, "this perpetual's position is there twice");
        a->n++;
        (void)state_done(&x);
    }
    a->notional_liquidated = i256_from_u128(state_u64_or(s, "notional_liquidated", UINT64_MAX, 0));
    a->insurance_lost = i256_from_u128(state_u64_or(s, "insurance_lost", UINT64_MAX, 0));
}

// What LiquidationsConfig.Validate() asks for.
static void read_config(struct state *top, struct dydx_config *c)
{
    struct state s = state_object(top, "config", NULL);
    unsigned line = s.at ? s.at->line : 0;
    c->bankruptcy_adjustment_ppm = ppm_of(&s, "bankruptcy_adjustment_ppm", UINT32_MAX);
    c->spread_ppm = (uint32_t)positive(&s, "spread_to_maintenance_margin_ratio_ppm", UINT32_MAX);
    c->max_fee_ppm = (uint32_t)positive(&s, "max_liquidation_fee_ppm", DYDX_PPM);
    c->max_portion_ppm = (uint32_t)positive(&s, "max_position_portion_liquidated_ppm", DYDX_PPM);
    c->min_position_notional = state_u64(&s, "min_position_notional_liquidated", UINT64_MAX);
    c->max_notional = positive(&s, "max_notional_liquidated", UINT64_MAX);
    c->max_insurance_lost = positive(&s, "max_quantums_insurance_lost", UINT64_MAX);
    if (c->bankruptcy_adjustment_ppm < DYDX_PPM)
        state_fail(&s, line, "\"bankruptcy_adjustment_ppm\" must be 1000000 or more");
    (void)state_done(&s);
}

static void tell_risk(struct outcome *o, const char *prefix, const struct dydx_risk *r)
{
    char name[OUTCOME_NAME_MAX];
    const struct {
        const char *name;
        i256 v;
    } line[] = {{"net_collateral", r->nc},
                {"initial_margin", r->imr},
                {"maintenance_margin", r->mmr},
                {"health", i256_sub(r->nc, r->mmr)}};
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        (void)snprintf(name, sizeof name, "%s%s", prefix, line[i].name);
        outcome_i256(o, name, line[i].v);
    }
    (void)snprintf(name, sizeof name, "%sliquidatable", prefix);
    outcome_bool(o, name, dydx_liquidatable(r));
}

struct order_asked {
    bool is, has_fill;
    unsigned perpetual, at; // at == n: the subaccount has no such position
    i256 amount;
    uint64_t subticks;
};

static void tell_fill(const struct market *m, struct dydx_subaccount *a, const struct dydx_config *c,
                      const struct dydx_risk *r, const struct order_asked *q, i256 fund, uint64_t at_best,
                      struct outcome *o)
{
    struct dydx_fill f;
    struct dydx_risk after;
    const char *why = dydx_match(m->perp, a, c, r, q->at, q->amount, q->subticks, fund, &f);
    bool sale = i256_sign(a->at[q->at].quantums) > 0;
    outcome_text(o, "fill.refused", why ? why : "");
    if (why)
        return;
    outcome_bool(o, "fill.crosses", sale ? q->subticks >= at_best : q->subticks <= at_best);
    outcome_i256(o, "fill.quote", f.quote);
    outcome_i256(o, "fill.bankruptcy_quote", f.bankruptcy);
    outcome_i256(o, "fill.insurance_fund_delta", f.fund);
    a->usdc = i256_add(a->usdc, i256_sub(f.quote, f.fund));
    a->at[q->at].quantums = i256_add(a->at[q->at].quantums, sale ? i256_neg(q->amount) : q->amount);
    if (!dydx_risk(m->perp, a, &after))
        tell_risk(o, "after.", &after);
}

static void tell_order(const struct market *m, struct dydx_subaccount *a, const struct dydx_config *c,
                       const struct dydx_risk *r, const struct order_asked *q, i256 fund, struct outcome *o)
{
    struct dydx_order x;
    char num[I256_DIGITS_MAX], den[I256_DIGITS_MAX], price[2 * I256_DIGITS_MAX];
    const char *why = dydx_order(m->perp, a, c, r, q->at, &x);
    outcome_text(o, "refused", why ? why : "");
    if (why)
        return;
    (void)i256_format(x.num, num, sizeof num);
    (void)i256_format(x.den, den, sizeof den);
    (void)snprintf(price, sizeof price, "%s/%s", num, den);
    outcome_text(o, "order.side", i256_sign(x.delta) < 0 ? "sell" : "buy");
    outcome_i256(o, "order.quantums", i256_abs(x.delta));
    outcome_text(o, "order.fillable_price", strlen(price) < PRICE_TEXT ? price : "");
    outcome_u256(o, "order.subticks", u256_from_u64(x.subticks));
    outcome_i256(o, "order.bankruptcy_quote", x.bankruptcy);
    outcome_i256(o, "order.notional_limit", x.limit);
    if (q->has_fill)
        tell_fill(m, a, c, r, q, fund, x.subticks, o);
}

static void read_order(struct state *top, const struct market *m, const struct dydx_subaccount *a,
                       struct order_asked *q)
{
    struct state s = state_object(top, "liquidate", &q->is);
    if (!q->is)
        return;
    q->perpetual = perpetual_of(&s, m);
    while (q->at < a->n && a->at[q->at].perpetual != q->perpetual)
        q->at++;
    struct state f = state_object(&s, "fill", &q->has_fill);
    if (q->has_fill) {
        q->amount = i256_from_u128(state_u64(&f, "quantums", UINT64_MAX));
        q->subticks = positive(&f, "subticks", UINT64_MAX);
        (void)state_done(&f);
    }
    (void)state_done(&s);
}

struct offsetting {
    bool is;
    unsigned at, n;
    struct dydx_subaccount other[OFFSETTING_MAX];
};

static void read_deleverage(struct state *top, const struct market *m, const struct dydx_subaccount *a,
                            struct offsetting *d)
{
    const struct json *it = NULL;
    struct state s = state_object(top, "deleverage", &d->is);
    if (!d->is)
        return;
    unsigned perpetual = perpetual_of(&s, m);
    while (d->at < a->n && a->at[d->at].perpetual != perpetual)
        d->at++;
    for (struct state x; state_next(&s, "against", OFFSETTING_MAX, &it, &x);) {
        read_subaccount(&x, m, &d->other[d->n++]);
        (void)state_done(&x);
    }
    (void)state_done(&s);
}

static const char *price_kind(const struct market *m, const struct dydx_subaccount *a,
                              const struct dydx_risk *r, unsigned at)
{
    if (at == a->n || i256_sign(a->at[at].quantums) == 0)
        return "none";
    if (i256_sign(r->nc) < 0)
        return "bankruptcy";
    return m->perp[a->at[at].perpetual].final_settlement ? "oracle" : "none";
}

static void tell_deleverage(struct market *m, struct dydx_subaccount *a, const struct dydx_risk *r,
                            struct offsetting *d, struct outcome *o)
{
    char name[OUTCOME_NAME_MAX];
    struct dydx_risk after;
    const char *kind = price_kind(m, a, r, d->at);
    outcome_text(o, "deleverage.price", kind);
    if (strcmp(kind, "none") == 0)
        return;
    i256 left = i256_neg(a->at[d->at].quantums), delta, quote;
    for (unsigned i = 0; i < d->n && i256_sign(left) != 0; i++) {
        const char *why = dydx_settle(m->perp, &d->other[i]);
        if (!why)
            why = dydx_deleverage(m->perp, a, d->at, &d->other[i], left, kind[0] == 'o', &delta, &quote);
        outcome_text(o, outcome_at(name, "deleverage", i, "refused"), why ? why : "");
        if (why)
            continue;
        outcome_i256(o, outcome_at(name, "deleverage", i, "quantums"), delta);
        outcome_i256(o, outcome_at(name, "deleverage", i, "quote"), quote);
        left = i256_sub(left, delta);
    }
    outcome_i256(o, "deleverage.left", left);
    if (!dydx_risk(m->perp, a, &after))
        tell_risk(o, "deleveraged.", &after);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct market m = {.n = 0};
    struct dydx_subaccount a = {.n = 0}, same;
    struct dydx_config c;
    struct order_asked q = {.is = false};
    struct offsetting d = {.is = false};
    struct dydx_risk r;
    (void)e;
    read_market(s, &m);
    read_subaccount(s, &m, &a);
    read_config(s, &c);
    i256 fund = i256_from_u128(state_u64_or(s, "insurance_fund", UINT64_MAX, 0));
    read_order(s, &m, &a, &q);
    read_deleverage(s, &m, &a, &d);
    if (!state_done(s))
        return -1;
    const char *why = dydx_settle(m.perp, &a);
    if (!why)
        why = dydx_risk(m.perp, &a, &r);
    if (why)
        state_fail(s, s->at->line,
                   "%s: a balance, a size or a notional is too large: look for one in the wrong unit", why);
    if (why)
        return -1;
    outcome_i256(out, "usdc", a.usdc);
    tell_risk(out, "", &r);
    outcome_bool(out, "initially_collateralized", i256_cmp(r.nc, r.imr) >= 0);
    same = a;
    if (q.is)
        tell_order(&m, &same, &c, &r, &q, fund, out);
    if (d.is)
        tell_deleverage(&m, &a, &r, &d, out);
    return 0;
}

const struct protocol protocol_dydx_v4 = {
    .name = "dydx-v4",
    .title = "dYdX v4 perpetuals: risk, liquidation order, insurance fund, deleveraging",
    .source =
        "dydxprotocol/v4-chain protocol/: x/clob/keeper/liquidations.go @146bc657, deleveraging.go "
        "@9c72ab5f, x/perpetuals/lib/lib.go @b89003d1, x/perpetuals/types/liquidity_tier.go @6c82ba15, "
        "x/subaccounts/lib/updates.go @25a8ec1f, lib/quantums.go @b5044592, lib/margin/risk.go @3c7fd6dd",
    .example =
        "{\"perpetuals\": [{\"id\": 0, \"price\": 5000000000, \"exponent\": -5, \"atomic_resolution\": -8, "
        "\"initial_margin_ppm\": 200000, \"maintenance_fraction_ppm\": 500000, \"step_base_quantums\": 10, "
        "\"subticks_per_tick\": 5, \"quantum_conversion_exponent\": -8}], "
        "\"config\": {\"bankruptcy_adjustment_ppm\": 1000000, "
        "\"spread_to_maintenance_margin_ratio_ppm\": 100000, \"max_liquidation_fee_ppm\": 5000, "
        "\"max_position_portion_liquidated_ppm\": 1000000, \"min_position_notional_liquidated\": 1000, "
        "\"max_notional_liquidated\": 100000000000000, \"max_quantums_insurance_lost\": 100000000000000}, "
        "\"usdc\": -4501000000, \"positions\": [{\"perpetual\": 0, \"quantums\": 10000000}], "
        "\"liquidate\": {\"perpetual\": 0, \"fill\": {\"quantums\": 10000000, \"subticks\": 49999000000}}}",
    .eval = eval};
