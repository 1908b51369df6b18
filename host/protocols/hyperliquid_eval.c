// SPDX-License-Identifier: Apache-2.0
// Reading a state of Hyperliquid, calling the rule, telling the answer.
#include "accounts/rules/venue/hyperliquid.h"

#include "protocols/protocol.h"

extern const struct protocol protocol_hyperliquid;

static const char *const ACTIONS[] = {"none", "book", "cooldown", "backstop", "adl"};
static const char *const COOLDOWNS[] = {"whole", "wait"};
static const uint64_t SCALE_MAX = UINT64_C(1) << 32;

struct ladder {
    unsigned n;
    i256 from[VENUE_TIERS_MAX];
    uint64_t leverage[VENUE_TIERS_MAX];
};

struct asked {
    struct hl_account a;
    struct ladder ladder[HL_POSITIONS_MAX];
    unsigned candidates;
    struct hl_candidate adl[HL_ADL_MAX];
};

static i256 unsigned_of(struct state *s, const char *name)
{
    return i256_from_u128(u256_to_u128(state_u256(s, name, VENUE_SIZE_BITS)));
}

static i256 above_zero(struct state *s, const char *name)
{
    i256 v = unsigned_of(s, name);
    if (i256_sign(v) == 0)
        state_fail(s, s->at ? s->at->line : 0, "\"%s\" must be above 0", name);
    return v;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void read_tiers(struct state *s, struct ladder *t, struct hl_account *a)
{
    const struct json *it = NULL;
    for (struct state x; state_next(s, "tiers", VENUE_TIERS_MAX, &it, &x); t->n++) {
        uint64_t l = state_u64(&x, "leverage", HL_LEVERAGE_MAX);
        t->from[t->n] = unsigned_of(&x, "from");
        t->leverage[t->n] = l > 0 ? l : 1;
        bool first = t->n == 0;
        if (l == 0 || (first && i256_sign(t->from[0]) != 0) ||
            (!first && (i256_cmp(t->from[t->n], t->from[t->n - 1]) <= 0 || l >= t->leverage[t->n - 1])))
            state_fail(&x, it->line, "tiers begin at 0, their bounds rise and their leverages fall");
        uint64_t twice = 2 * t->leverage[t->n];
        if (a->scale <= SCALE_MAX)
            a->scale = a->scale / gcd(a->scale, twice) * twice;
        (void)state_done(&x);
    }
    if (t->n == 0)
        state_fail(s, s->at ? s->at->line : 0, "a position needs at least one tier");
    if (a->scale > SCALE_MAX)
        state_fail(s, s->at ? s->at->line : 0, "the leverages have no common denominator up to 2^32");
}

static void read_position(struct state *s, struct asked *q)
{
    struct hl_position *x = &q->a.at[q->a.n];
    (void)state_text_or(s, "coin", "");
    x->p.size = state_i256(s, "size", VENUE_SIZE_BITS + 1);
    x->p.entry = unsigned_of(s, "entry");
    x->p.mark = above_zero(s, "mark");
    x->isolated = state_has(s, "isolated_margin");
    x->margin = state_i256_or(s, "isolated_margin", VENUE_SIZE_BITS + 1, I256_ZERO);
    x->lot = i256_from_u128(state_u64_or(s, "lot", INT64_MAX, 1));
    if (i256_sign(x->lot) == 0 || i256_sign(x->p.size) == 0)
        state_fail(s, s->at ? s->at->line : 0, "a size is not 0, a lot above 0");
    read_tiers(s, &q->ladder[q->a.n], &q->a);
    q->a.n++;
    (void)state_done(s);
}

static void read_candidate(struct state *s, struct hl_candidate *c)
{
    c->size = state_i256(s, "size", VENUE_SIZE_BITS + 1);
    c->entry = above_zero(s, "entry");
    c->mark = above_zero(s, "mark");
    c->value = state_i256(s, "account_value", VENUE_SIZE_BITS + 1);
    (void)state_done(s);
}

static void read_state(struct state *s, struct asked *q)
{
    const struct json *it = NULL;
    struct hl_account *a = &q->a;
    a->scale = 1;
    a->usdc = state_i256_or(s, "usdc", VENUE_SIZE_BITS + 1, I256_ZERO);
    a->now = state_u64_or(s, "time", INT64_MAX, 0);
    a->had_partial = state_has(s, "partial_at");
    a->partial_at = state_u64_or(s, "partial_at", INT64_MAX, 0);
    a->cooldown = state_u64_or(s, "cooldown_ms", INT64_MAX, HL_COOLDOWN_MS);
    a->cooldown_waits = state_choice(s, "cooldown", COOLDOWNS, 2, true) == 1;
    a->partial_above =
        i256_from_u128(state_u64_or(s, "partial_above", INT64_MAX, (uint64_t)HL_PARTIAL_ABOVE * VENUE_MONEY));
    a->partial_ppm = state_u64_or(s, "partial_ppm", 1000000, HL_PARTIAL_PPM);
    if (a->had_partial && a->partial_at > a->now)
        state_fail(s, s->at->line, "\"partial_at\" must not be after \"time\"");
    for (struct state x; state_next(s, "positions", HL_POSITIONS_MAX, &it, &x);)
        read_position(&x, q);
    it = NULL;
    for (struct state x; state_next(s, "adl", HL_ADL_MAX, &it, &x);)
        read_candidate(&x, &q->adl[q->candidates++]);
}

static i256 healthy_by(const struct hl_account *a, const struct hl_margin *m)
{
    i256 v = i256_sub(i256_mul_i64(m->equity, (int64_t)a->scale), m->maintenance);
    return i256_div_floor(v, i256_from_i64((int64_t)a->scale));
}

static i256 maintenance_of(const struct hl_account *a, i256 v)
{
    return i256_div_ceil(v, i256_from_i64((int64_t)a->scale));
}

// The last price, in 1e-8, at which the position's margin holds, on the side that hurts it.
static void tell_range(const struct hl_account *a, unsigned i, struct outcome *o)
{
    char name[OUTCOME_NAME_MAX], text[VENUE_PRICE_TEXT];
    struct venue_range r;
    bool is_long = i256_sign(a->at[i].p.size) > 0;
    hl_range(a, i, &r);
    bool has = !r.empty && (is_long ? r.has_low : r.has_high);
    i256 num = is_long ? r.low_num : r.high_num, den = is_long ? r.low_den : r.high_den;
    venue_fraction_text(text, num, den);
    outcome_text(o, outcome_at(name, "position", i, "liq_price"), r.empty ? "always" : has ? text : "never");
    if (has)
        outcome_i256(o, outcome_at(name, "position", i, "last_price"),
                     is_long ? i256_div_ceil(num, den) : i256_div_floor(num, den));
}

static bool tell_position(const struct hl_account *a, unsigned i, enum hl_action cross, struct outcome *o)
{
    char name[OUTCOME_NAME_MAX];
    const struct venue_position *p = &a->at[i].p;
    unsigned tier;
    i256 mm = venue_maintenance(&p->tiers, venue_notional(p), &tier);
    enum hl_action action = cross;
    outcome_i256(o, outcome_at(name, "position", i, "notional"), venue_notional(p));
    outcome_i256(o, outcome_at(name, "position", i, "maintenance"), maintenance_of(a, mm));
    outcome_u256(o, outcome_at(name, "position", i, "tier"), u256_from_u64(tier));
    if (a->at[i].isolated) {
        struct hl_margin m = hl_isolated(a, i);
        action = m.action;
        outcome_i256(o, outcome_at(name, "position", i, "equity"), m.equity);
        outcome_i256(o, outcome_at(name, "position", i, "health"), healthy_by(a, &m));
        outcome_text(o, outcome_at(name, "position", i, "action"), ACTIONS[action]);
    }
    outcome_i256(o, outcome_at(name, "position", i, "order"), hl_order(a, i, action));
    tell_range(a, i, o);
    return action != HL_NONE;
}

// Rank 0 is closed first; equal values keep their order in the state.
static void tell_adl(const struct asked *q, struct outcome *o)
{
    char name[OUTCOME_NAME_MAX], text[VENUE_PRICE_TEXT];
    i256 num[HL_ADL_MAX], den[HL_ADL_MAX];
    bool has[HL_ADL_MAX];
    for (unsigned i = 0; i < q->candidates; i++)
        has[i] = hl_adl_index(&q->adl[i], &num[i], &den[i]);
    for (unsigned i = 0; i < q->candidates; i++) {
        unsigned rank = 0;
        for (unsigned j = 0; j < q->candidates && has[i]; j++) {
            int c = has[j] ? venue_fraction_cmp(num[j], den[j], num[i], den[i]) : -1;
            rank += c > 0 || (c == 0 && j < i);
        }
        if (has[i])
            venue_fraction_text(text, num[i], den[i]);
        outcome_text(o, outcome_at(name, "adl", i, "index"), has[i] ? text : "none");
        if (has[i])
            outcome_u256(o, outcome_at(name, "adl", i, "rank"), u256_from_u64(rank));
    }
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    struct asked q = {.candidates = 0};
    struct hl_account *a = &q.a;
    (void)e;
    read_state(s, &q);
    if (!state_done(s))
        return -1;
    for (unsigned i = 0; i < a->n; i++)
        hl_tiers(&a->at[i].p.tiers, a->scale, q.ladder[i].n, q.ladder[i].from, q.ladder[i].leverage);
    struct hl_margin m = hl_cross(a);
    outcome_i256(out, "equity", m.equity);
    outcome_i256(out, "maintenance", maintenance_of(a, m.maintenance));
    outcome_i256(out, "health", healthy_by(a, &m));
    outcome_text(out, "action", ACTIONS[m.action]);
    bool any = m.action != HL_NONE;
    for (unsigned i = 0; i < a->n; i++)
        any |= tell_position(a, i, m.action, out);
    outcome_bool(out, "liquidatable", any);
    tell_adl(&q, out);
    return 0;
}

const struct protocol protocol_hyperliquid = {
    .name = "hyperliquid",
    .title = "Hyperliquid perpetuals: margin tiers, liquidation by book and backstop, ADL ranks (documented)",
    .source = "hyperliquid.gitbook.io/hyperliquid-docs: trading/liquidations, margining, margin-tiers, "
              "auto-deleveraging, as given in stored copies; announcement of partial liquidations. No source "
              "is public",
    .example = "{\"time\": 1000000, \"usdc\": 400000000000, \"positions\": [{\"coin\": \"BTC\", \"size\": "
               "200000000, \"entry\": 10000000000000, \"mark\": 9920000000000, \"lot\": 1000, \"tiers\": "
               "[{\"from\": 0, \"leverage\": 40}, {\"from\": 15000000000000000, \"leverage\": 20}]}]}",
    .eval = eval};
