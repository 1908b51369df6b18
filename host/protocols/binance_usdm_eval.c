// SPDX-License-Identifier: Apache-2.0
// Reading a state of Binance USD-M futures, calling the rule, telling the answer.
#include "accounts/rules/venue/binance_usdm.h"

#include <string.h>

#include "protocols/protocol.h"

extern const struct protocol protocol_binance_usdm;

static const char *const ACTIONS[] = {"none", "cancel orders", "ioc", "take over", "adl"};
static const char *const STEPS[] = {"start", "orders cancelled", "ioc sent"};
static const char *const MODES[] = {"one-way", "hedge"};

struct asked {
    struct bn_account a;
    const char *symbol[BN_POSITIONS_MAX];
    bool hedge;
};

static i256 unsigned_of(struct state *s, const char *name)
{
    return i256_from_u128(u256_to_u128(state_u256(s, name, VENUE_SIZE_BITS)));
}

static void read_brackets(struct state *s, struct venue_tiers *t)
{
    const struct json *it = NULL;
    i256 floor[VENUE_TIERS_MAX], cum[VENUE_TIERS_MAX];
    uint64_t rate[VENUE_TIERS_MAX];
    bool told[VENUE_TIERS_MAX];
    unsigned n = 0, line = s->at ? s->at->line : 0;
    for (struct state x; state_next(s, "brackets", VENUE_TIERS_MAX, &it, &x); n++) {
        floor[n] = unsigned_of(&x, "floor");
        rate[n] = state_u64(&x, "rate_ppm", BN_PPM);
        told[n] = state_has(&x, "cum");
        cum[n] = told[n] ? unsigned_of(&x, "cum") : I256_ZERO;
        if (n == 0 ? i256_sign(floor[0]) != 0
                   : i256_cmp(floor[n], floor[n - 1]) <= 0 || rate[n] <= rate[n - 1])
            state_fail(&x, it->line, "brackets begin at 0, their floors and rates rise");
        (void)state_done(&x);
    }
    if (n == 0) {
        state_fail(s, line, "a position needs at least one bracket");
        return;
    }
    bn_brackets(t, n, floor, rate, cum[0]);
    // The amounts that the venue tells must be these, or its maintenance would jump at an edge.
    for (unsigned k = 1; k < n; k++)
        if (told[k] &&
            i256_cmp(i256_mul(cum[k], i256_from_i64((int64_t)VENUE_MONEY * BN_PPM)), t->tier[k].cut) != 0)
            state_fail(s, line, "\"cum\" of bracket %u does not meet the bracket below it", k);
}

static void check_twins(struct state *s, struct asked *q, unsigned n)
{
    struct bn_position *x = &q->a.at[n];
    unsigned line = s->at ? s->at->line : 0;
    x->symbol = n;
    for (unsigned i = n; i-- > 0;) {
        const struct bn_position *y = &q->a.at[i];
        if (strcmp(q->symbol[i], q->symbol[n]) != 0)
            continue;
        x->symbol = y->symbol;
        if (!q->hedge || i256_sign(x->p.size) == i256_sign(y->p.size))
            state_fail(s, line, "this symbol's position is there twice: only a hedge has a long and a short");
        else if (i256_cmp(x->p.mark, y->p.mark) != 0 || x->isolated != y->isolated)
            state_fail(s, line, "both sides of a hedge have one mark and one kind of margin");
    }
}

static void read_position(struct state *s, struct asked *q)
{
    unsigned n = q->a.n;
    struct bn_position *x = &q->a.at[n];
    q->symbol[n] = state_text_or(s, "symbol", "");
    x->p.size = state_i256(s, "size", VENUE_SIZE_BITS + 1);
    x->p.entry = unsigned_of(s, "entry");
    x->p.mark = unsigned_of(s, "mark");
    x->isolated = state_has(s, "isolated_wallet");
    x->wallet = state_i256_or(s, "isolated_wallet", VENUE_SIZE_BITS + 1, I256_ZERO);
    if (i256_sign(x->p.size) == 0 || i256_sign(x->p.mark) == 0)
        state_fail(s, s->at ? s->at->line : 0, "a size is not 0, a mark above 0");
    read_brackets(s, &x->p.tiers);
    if (state_done(s))
        check_twins(s, q, n);
    q->a.n++;
}

static i256 ppm_floor(i256 v)
{
    return i256_div_floor(v, i256_from_i64(BN_PPM));
}

static i256 ppm_ceil(i256 v)
{
    return i256_div_ceil(v, i256_from_i64(BN_PPM));
}

static i256 health_of(const struct bn_margin *m)
{
    return ppm_floor(i256_sub(i256_mul_i64(m->balance, BN_PPM), m->maintenance));
}

// Maintenance over margin balance, ppm, rounded up; a balance of zero or less has no ratio.
static void tell_ratio(const struct bn_margin *m, const char *name, struct outcome *o)
{
    if (i256_sign(m->balance) > 0)
        outcome_i256(o, name, i256_div_ceil(m->maintenance, m->balance));
    else
        outcome_text(o, name, "unbounded");
}

static void tell_bound(bool has, i256 num, i256 den, bool up, const char *name, const char *last,
                       struct outcome *o, unsigned i)
{
    char at[OUTCOME_NAME_MAX], text[VENUE_PRICE_TEXT];
    if (!has)
        return;
    venue_fraction_text(text, num, den);
    outcome_text(o, outcome_at(at, "position", i, name), text);
    outcome_i256(o, outcome_at(at, "position", i, last),
                 up ? i256_div_ceil(num, den) : i256_div_floor(num, den));
}

static void tell_prices(const struct bn_account *a, unsigned i, struct outcome *o)
{
    char at[OUTCOME_NAME_MAX];
    struct venue_range r;
    i256 num = I256_ZERO, den = I256_ZERO;
    bn_range(a, i, &r);
    bool can = !r.empty && (r.has_low || r.has_high);
    outcome_text(o, outcome_at(at, "position", i, "liquidated"), r.empty ? "always" : can ? "" : "never");
    if (can) {
        tell_bound(r.has_low, r.low_num, r.low_den, true, "liq_low", "last_low", o, i);
        tell_bound(r.has_high, r.high_num, r.high_den, false, "liq_high", "last_high", o, i);
    }
    bool has = bn_bankruptcy(a, i, &num, &den);
    tell_bound(has, num, den, i256_sign(a->at[i].p.size) > 0, "bankruptcy", "bankruptcy_price", o, i);
}

static bool tell_position(const struct bn_account *a, unsigned i, enum bn_action cross, struct outcome *o)
{
    char at[OUTCOME_NAME_MAX];
    const struct venue_position *p = &a->at[i].p;
    unsigned tier;
    i256 mm = venue_maintenance(&p->tiers, venue_notional(p), &tier);
    outcome_i256(o, outcome_at(at, "position", i, "maintenance"), ppm_ceil(mm));
    outcome_u256(o, outcome_at(at, "position", i, "bracket"), u256_from_u64(tier));
    enum bn_action action = cross;
    if (a->at[i].isolated) {
        struct bn_margin m = bn_isolated(a, i);
        action = m.action;
        outcome_i256(o, outcome_at(at, "position", i, "balance"), m.balance);
        outcome_i256(o, outcome_at(at, "position", i, "health"), health_of(&m));
        tell_ratio(&m, outcome_at(at, "position", i, "margin_ratio_ppm"), o);
        outcome_text(o, outcome_at(at, "position", i, "action"), ACTIONS[action]);
    }
    tell_prices(a, i, o);
    return action != BN_NONE;
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    const struct json *it = NULL;
    struct asked q = {.hedge = false};
    struct bn_account *a = &q.a;
    (void)e;
    q.hedge = state_choice(s, "mode", MODES, 2, true) == 1;
    a->wallet = state_i256_or(s, "wallet", VENUE_SIZE_BITS + 1, I256_ZERO);
    a->step = (enum bn_step)state_choice(s, "step", STEPS, BN_STEPS, true);
    a->has_fund = state_has(s, "insurance_fund");
    a->fund = a->has_fund ? unsigned_of(s, "insurance_fund") : I256_ZERO;
    for (struct state x; state_next(s, "positions", BN_POSITIONS_MAX, &it, &x);)
        read_position(&x, &q);
    if (!state_done(s))
        return -1;
    struct bn_margin m = bn_cross(a);
    outcome_i256(out, "balance", m.balance);
    outcome_i256(out, "maintenance", ppm_ceil(m.maintenance));
    outcome_i256(out, "health", health_of(&m));
    tell_ratio(&m, "margin_ratio_ppm", out);
    outcome_text(out, "action", ACTIONS[m.action]);
    bool any = m.action != BN_NONE;
    for (unsigned i = 0; i < a->n; i++)
        any |= tell_position(a, i, m.action, out);
    outcome_bool(out, "liquidatable", any);
    return 0;
}

const struct protocol protocol_binance_usdm = {
    .name = "binance-usdm",
    .title =
        "Binance USD-M futures: brackets, cross and isolated, hedge mode, liquidation price (documented)",
    .source =
        "binance.com support: b3c689c1f50a44cabb3a84e663b81d93 (liquidation price), 360033525371 "
        "(insurance fund), 360033525471 (ADL), liquidation protocols, as given in stored copies; vectors of "
        "freqtrade/freqtrade tests/exchange/test_binance.py. No source is public",
    .example =
        "{\"wallet\": 153544301000000, \"positions\": [{\"symbol\": \"ETHUSDT\", \"size\": 368397900000, "
        "\"entry\": 145684000000, \"mark\": 133518000000, \"brackets\": [{\"floor\": 0, \"rate_ppm\": "
        "100000, \"cum\": 13536500000000}]}, {\"symbol\": \"BTCUSDT\", \"size\": 10948800000, \"entry\": "
        "3248198000000, \"mark\": 3196727000000, \"brackets\": [{\"floor\": 0, \"rate_ppm\": 25000, "
        "\"cum\": 1630000000000}]}]}",
    .eval = eval};
