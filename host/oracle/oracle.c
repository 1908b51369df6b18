// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.h"

#include <assert.h>
#include <stdlib.h>

#include "accounts/reciprocal.h"
#include "base/warm.h"
#include "oracle/inside.h"

static_assert((int)HOLD_GUARD == REASON_GUARD && (int)HOLD_STALE == REASON_STALE &&
                  (int)HOLD_HALT == REASON_HALT && (int)HOLD_COUNT == REASON_COUNT,
              "a hold is a policy's reason");

const char *hold_name(enum hold h)
{
    return policy_reason_name((enum policy_reason)h);
}

// The smallest of the members in a set's w-th word, *bits, which it leaves; bits must not be 0.
static uint16_t take_first(uint64_t *bits, unsigned w)
{
    uint16_t i = (uint16_t)(64 * w + (unsigned)__builtin_ctzll(*bits));
    *bits &= *bits - 1;
    return i;
}

// ---- life

// Whether time alone, without a message to one of its sources, can change what the asset's price is. Ageing
// of a single source is not meant: that ends in a hold, which is seen when asked for (policy_still()).
static bool is_timed(const struct policy *p)
{
    bool timed = p->mean != MEAN_NONE || p->aggregate != AGGREGATE_SINGLE || p->too_few != ACT_HOLD;
    for (unsigned i = 0; i < p->n_sources; i++)
        timed |= p->source[i].threshold_ppm != 0;
    for (unsigned i = 0; i < p->n_guards; i++) {
        const struct policy_guard *g = &p->guard[i];
        timed |= g->confirm_ms || g->kind == GUARD_RATE || g->kind == GUARD_CAP || g->ref == REF_STABLE ||
                 (g->action != ACT_HOLD && g->action != ACT_CLAMP);
    }
    return timed;
}

static int read_policies(struct policy *p, const struct market *m, const struct oracle_config *c,
                         struct err *e)
{
    for (uint16_t i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind != ASSET_RECIPROCAL && m->asset[i].kind != ASSET_TOLD)
            policy_default(&m->asset[i], &p[i]);
    return c && c->text ? policy_parse(c->file ? c->file : "policy", c->text, c->len, m, p, e) : 0;
}

static int open_asset(struct oracle *o, uint16_t i, const struct policy *p, struct err *e)
{
    const struct asset *a = &o->m->asset[i];
    struct priced *x = &o->asset[i];
    if (a->kind == ASSET_RECIPROCAL) {
        if (a->base >= o->m->n_assets || o->m->asset[a->base].kind == ASSET_RECIPROCAL)
            return err_set(e, "asset %s: the asset it inverts does not exist or is a reciprocal itself",
                           a->name);
        o->inverse[o->n_inverse++] = (struct inverse){.asset = i, .base = a->base};
        return 0;
    }
    if (a->kind == ASSET_TOLD) {
        x->result = (struct policy_result){.reason = REASON_ABSENT, .guard = NO_GUARD};
        o->decided[i].hold = HOLD_ABSENT;
        return 0;
    }
    x->policy = *p;
    x->policy.loose_last_good = o->rules == ORACLE_RULES_1;
    policy_start(p, &x->state);
    x->result = (struct policy_result){.reason = REASON_ABSENT, .guard = NO_GUARD};
    for (uint8_t k = 0; k < p->n_sources; k++) {
        x->stream[k] = NO_STREAM;
        sources_add(o->sources, i, k, &p->source[k]);
    }
    if (is_timed(p))
        set_add(&o->timed, i);
    return 0;
}

struct oracle *oracle_new(const struct market *m, const struct oracle_config *c, struct err *e)
{
    struct oracle *o = calloc(1, sizeof *o);
    struct pairing pair;
    struct policy *p = calloc(m->n_assets + 1u, sizeof *p);
    bool good = false;
    if (o) {
        o->m = m;
        o->words = (m->n_assets + 63u) / 64;
        o->half = market_pairing(m, &pair) ? pair.assets : 0;
        o->rules = c ? c->rules : ORACLE_RULES_NOW;
        o->sources = sources_new();
        o->asset = calloc(m->n_assets + 1u, sizeof *o->asset);
    }
    if (!o || !p || !o->sources || !o->asset)
        err_set(e, "out of memory for the oracle");
    else
        good = read_policies(p, m, c, e) == 0;
    for (uint16_t i = 0; i < m->n_assets && good; i++)
        good = open_asset(o, i, &p[i], e) == 0;
    free(p);
    if (good)
        return o;
    oracle_free(o);
    return NULL;
}

void oracle_free(struct oracle *o)
{
    if (!o)
        return;
    free(o->asset);
    sources_free(o->sources);
    free(o);
}

// ---- prices

static void evaluate(struct oracle *o, uint16_t i)
{
    struct priced *a = &o->asset[i];
    uint8_t before = a->result.reason;
    policy_eval(&a->policy, &a->state, a->obs, o->now_ns, &a->result);
    if (a->result.reason != before) {
        o->count.holds[a->result.reason] += a->result.reason != REASON_NONE;
        o->touched = true;
    }
    if (oracle_predicts(o, i)) {
        set_add(&o->predict, i);
        return;
    }
    int64_t price = o->rules == ORACLE_RAW ? a->obs[0].price : a->result.price;
    if (price != 0 && price != o->price[i]) {
        o->price[i] = price;
        set_add(&o->changed, i);
    }
}

// A reciprocal that does not fit leaves the old one: the base is then beyond any sane range.
static void invert(struct oracle *o, struct inverse *x)
{
    int64_t price =
        reciprocal_price(o->price[x->base], o->m->asset[x->base].decimals, o->m->asset[x->asset].decimals);
    x->bad = price == 0;
    o->count.bad_price += x->bad;
    if (!x->bad && price != o->price[x->asset]) {
        o->price[x->asset] = price;
        set_add(&o->changed, x->asset);
    }
}

static size_t end_group(struct oracle *o, struct price_change *changed, bool *touched)
{
    if (o->now_ns - o->stepped_ns >= ORACLE_STEP_NS) {
        o->stepped_ns = o->now_ns;
        for (unsigned w = 0; w < o->words; w++)
            o->dirty.bits[w] |= o->timed.bits[w];
        oracle_look_at_fed(o);
    }
    for (unsigned w = 0; w < o->words; w++)
        while (o->dirty.bits[w])
            evaluate(o, take_first(&o->dirty.bits[w], w));
    for (unsigned w = 0; w < o->words; w++)
        while (o->predict.bits[w])
            oracle_choose(o, take_first(&o->predict.bits[w], w));
    for (size_t k = 0; k < o->n_inverse; k++)
        if (set_has(&o->changed, o->inverse[k].base))
            invert(o, &o->inverse[k]);
    size_t n = 0;
    for (unsigned w = 0; w < o->words; w++)
        while (o->changed.bits[w]) {
            uint16_t i = take_first(&o->changed.bits[w], w);
            changed[n++] = (struct price_change){i, o->price[i]};
        }
    *touched = o->touched || n;
    o->touched = false;
    o->count.groups += n > 0;
    return n;
}

// Stream time never runs backwards.
static void advance(struct oracle *o, uint64_t now_ns)
{
    if (now_ns > o->now_ns)
        o->now_ns = now_ns;
}

size_t oracle_end(struct oracle *o, const struct feed_packet *p, uint64_t now_ns,
                  struct price_change *changed, bool *touched)
{
    oracle_open_packet(o, p);
    o->packet_open = false;
    advance(o, now_ns);
    return end_group(o, changed, touched);
}

size_t oracle_end_group(struct oracle *o, uint64_t now_ns, struct price_change *changed, bool *touched)
{
    advance(o, now_ns);
    return end_group(o, changed, touched);
}

size_t oracle_time(struct oracle *o, uint64_t now_ns, struct price_change *changed, bool *touched)
{
    return oracle_end_group(o, now_ns, changed, touched);
}

void oracle_resume(struct oracle *o)
{
    for (uint16_t i = 0; i < o->m->n_assets; i++)
        if (o->asset[i].state.halted) {
            policy_resume(&o->asset[i].state);
            oracle_touch(o, i);
        }
}

enum { WARM_ASSETS = 16 }; // some 12 lines each

static void warm_asset(const struct priced *a)
{
    const struct policy *p = &a->policy;
    warm(p, offsetof(struct policy, source));
    warm(p->source, p->n_sources * sizeof *p->source);
    warm(p->guard, p->n_guards * sizeof *p->guard);
    warm(&a->state, offsetof(struct policy_state, due_ns) + p->n_sources * sizeof *a->state.due_ns);
    warm(a->state.fired_ns, p->n_guards * sizeof *a->state.fired_ns);
    warm(&a->result, sizeof a->result + p->n_sources * sizeof *a->obs);
    warm(a->stream, p->n_sources * sizeof *a->stream);
}

void oracle_warm(const struct oracle *o)
{
    uint16_t n = o->m->n_assets < WARM_ASSETS ? o->m->n_assets : WARM_ASSETS;
    warm(o, offsetof(struct oracle, price) + n * sizeof *o->price);
    warm(&o->inverse[0], o->n_inverse * sizeof *o->inverse);
    warm(&o->n_inverse, offsetof(struct oracle, decided) - offsetof(struct oracle, n_inverse));
    warm(&o->fed, sizeof *o - offsetof(struct oracle, fed));
    sources_warm(o->sources);
    warm(o->m->asset, n * sizeof *o->m->asset);
    for (uint16_t i = 0; i < n; i++)
        warm_asset(&o->asset[i]);
}

// ---- questions

const int64_t *oracle_prices(const struct oracle *o)
{
    return o->price;
}

static const struct priced *priced_of(const struct oracle *o, uint16_t asset)
{
    const struct asset *a = &o->m->asset[asset];
    return &o->asset[a->kind == ASSET_RECIPROCAL ? a->base : asset];
}

uint64_t oracle_price_time(const struct oracle *o, uint16_t asset)
{
    if (o->m->asset[asset].kind == ASSET_TOLD)
        return o->block_ns;
    if (oracle_predicts(o, asset))
        return oracle_predicting_time(o, asset);
    return priced_of(o, asset)->result.time_ns;
}

enum hold oracle_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
    if (o->m->asset[asset].kind == ASSET_TOLD)
        return oracle_told_hold(o, asset, now_ns);
    if (oracle_predicts(o, asset))
        return oracle_predicting_hold(o, asset, now_ns);
    const struct priced *a = priced_of(o, asset);
    for (size_t k = 0; k < o->n_inverse; k++)
        if (o->inverse[k].asset == asset && o->inverse[k].bad)
            return HOLD_RANGE;
    return (enum hold)policy_still(&a->policy, &a->state, a->obs, &a->result, now_ns);
}

const struct policy_result *oracle_result(const struct oracle *o, uint16_t asset)
{
    return &priced_of(o, asset)->result;
}

bool oracle_instrument(const struct oracle *o, uint16_t asset, unsigned i, struct oracle_instrument *out)
{
    const struct asset *a = &o->m->asset[asset];
    if (a->kind == ASSET_RECIPROCAL)
        return oracle_instrument(o, a->base, i, out);
    const struct policy *p = &o->asset[asset].policy;
    if (i >= p->n_sources)
        return false;
    const struct subject *s = sources_find(o->sources, p->source[i].venue, p->source[i].name);
    *out = (struct oracle_instrument){(enum feed_venue)p->source[i].venue, s ? s->id : 0, s && s->inverse};
    return true;
}

const struct oracle_counters *oracle_counters(const struct oracle *o)
{
    return &o->count;
}
