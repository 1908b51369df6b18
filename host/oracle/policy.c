// SPDX-License-Identifier: Apache-2.0
#include "oracle/policy.h"

#include "oracle/tick.h"

#define MS UINT64_C(1000000)
enum { RATE_INTERVALS = 1000 }; // after so many silent ones the rate guard's room grows no further

const char *policy_reason_name(enum policy_reason r)
{
    static const char *const names[REASON_COUNT] = {"none",  "absent", "range",  "gap", "halted",
                                                    "guard", "stale",  "warmup", "halt"};
    return (unsigned)r < REASON_COUNT ? names[r] : "?";
}

// ---- observations

static bool replayed(const struct observation *o, uint64_t ts_ns)
{
    return ts_ns != 0 && ts_ns < o->ts_ns;
}

bool observation_take(struct observation *o, int64_t price, uint64_t time_ns, uint64_t ts_ns)
{
    if (replayed(o, ts_ns))
        return false;
    o->price = price;
    o->flags &= (uint8_t)~OBS_BAD;
    if (ts_ns == 0 || ts_ns > o->ts_ns)
        o->time_ns = time_ns;
    if (ts_ns)
        o->ts_ns = ts_ns;
    return true;
}

bool observation_bad(struct observation *o, uint64_t ts_ns)
{
    if (replayed(o, ts_ns))
        return false;
    o->flags |= OBS_BAD;
    if (ts_ns)
        o->ts_ns = ts_ns;
    return true;
}

bool observation_mid(struct observation *o, int64_t bid, int64_t ask, uint32_t max_spread_ppm,
                     uint64_t time_ns, uint64_t ts_ns)
{
    int64_t mid = book_mid(bid, ask, max_spread_ppm);
    return mid ? observation_take(o, mid, time_ns, ts_ns) : observation_bad(o, ts_ns);
}

// ---- sources

static uint64_t since(uint64_t then, uint64_t now)
{
    return now > then ? now - then : 0;
}

// An on-chain feed must write when the market is further off than its threshold. When it is due and does not,
// its answer is old however young it is.
static bool overdue(const struct policy_source *c, const struct observation *o, uint64_t *due_ns,
                    int64_t reference, uint64_t now_ns)
{
    if (!c->threshold_ppm || !reference || !guard_off(reference, o->price, c->threshold_ppm)) {
        *due_ns = 0;
        return false;
    }
    if (*due_ns == 0)
        *due_ns = now_ns;
    return since(*due_ns, now_ns) > c->grace_ms * MS;
}

static bool too_old(const struct policy_source *c, const struct observation *o, uint64_t now_ns)
{
    return c->max_age_ms && since(o->time_ns, now_ns) > c->max_age_ms * MS;
}

static enum policy_reason source_reason(const struct policy_source *c, const struct observation *o,
                                        uint64_t *due_ns, int64_t reference, uint64_t now_ns)
{
    if (o->flags & OBS_BAD)
        return REASON_RANGE;
    if (o->price <= 0)
        return REASON_ABSENT;
    if (o->flags & OBS_GAPPED)
        return REASON_GAP;
    if (o->flags & OBS_HALTED)
        return REASON_HALTED;
    bool late = overdue(c, o, due_ns, reference, now_ns);
    return late || too_old(c, o, now_ns) ? REASON_STALE : REASON_NONE;
}

// The live sources of one role.
struct living {
    struct quote q[POLICY_SOURCES];
    size_t n;
    uint32_t mask;
    enum policy_reason worst; // of those that do not live, the first of enum policy_reason
};

static void gather(const struct policy *p, struct policy_state *s, const struct observation *obs,
                   uint64_t now_ns, enum policy_role role, int64_t reference, struct living *out)
{
    out->n = 0;
    out->mask = 0;
    out->worst = REASON_COUNT;
    for (unsigned i = 0; i < p->n_sources; i++) {
        const struct policy_source *c = &p->source[i];
        if (c->role != role)
            continue;
        enum policy_reason r = source_reason(c, &obs[i], &s->due_ns[i], reference, now_ns);
        if (r == REASON_NONE) {
            out->q[out->n++] = (struct quote){obs[i].price, obs[i].time_ns, c->weight};
            out->mask |= UINT32_C(1) << i;
        } else if (r < out->worst) {
            out->worst = r;
        }
    }
}

// The time since which at least k of the n live sources have spoken, 1 <= k <= n.
static uint64_t spoken_since(const struct living *l, size_t k)
{
    uint64_t t = 0;
    for (size_t i = 0; i < l->n; i++) {
        size_t younger = 0; // or as young
        for (size_t j = 0; j < l->n; j++)
            younger += l->q[j].time_ns >= l->q[i].time_ns;
        if (younger >= k && l->q[i].time_ns > t)
            t = l->q[i].time_ns;
    }
    return t;
}

// 0: no price although enough live (Maker's, before its first poke).
static int64_t aggregate(const struct policy *p, struct policy_state *s, struct living *l, uint64_t now_ns)
{
    switch (p->aggregate) {
    case AGGREGATE_WEIGHTED:
        return median_weighted(l->q, l->n);
    case AGGREGATE_MAKER:
        (void)poke_median(&s->poke, l->q, l->n, p->quorum, now_ns);
        return s->poke.price;
    case AGGREGATE_SINGLE:
        return l->q[0].price;
    default:
        return median_of(l->q, l->n);
    }
}

// ---- the past

static uint32_t to_ms(uint64_t ns)
{
    return (uint32_t)(ns / MS); // wraps, as struct twap wants it
}

// The price of the raw aggregate enters the past whether or not guards pass it: else a guard against the past
// could never end. Only what no band admits is kept out.
static void remember(const struct policy *p, struct policy_state *s, int64_t price, uint64_t now_ns)
{
    for (unsigned i = 0; i < p->n_guards; i++)
        if (p->guard[i].kind == GUARD_BAND && (price < p->guard[i].low || price > p->guard[i].high))
            return;
    if (p->mean != MEAN_NONE) {
        // What lies 2^31 ms back can no longer be told from the future.
        if (since(s->mean_ns, now_ns) >= (UINT64_C(1) << 31) * MS)
            twap_init(&s->twap, s->twap.spacing, s->twap.capacity);
        s->mean_ns = now_ns;
        twap_write(&s->twap, to_ms(now_ns), p->mean == MEAN_GEOMETRIC ? tick_at_price(price) : price);
    }
    for (unsigned i = 0; i < p->n_guards; i++)
        if (p->guard[i].ref == REF_STABLE) {
            stable_update(&s->stable, now_ns / (1000 * MS), price);
            break;
        }
}

// How far back the mean goes; 0: nowhere yet.
static uint32_t reach(const struct policy *p, const struct policy_state *s, uint64_t now_ns)
{
    uint32_t span = twap_span(&s->twap, to_ms(now_ns));
    return span >= p->window_ms ? p->window_ms : p->partial ? span : 0;
}

// The TWAP, or 0 when it is not known yet.
static int64_t mean_price(const struct policy *p, const struct policy_state *s, uint64_t now_ns)
{
    int64_t v;
    uint32_t window = reach(p, s, now_ns);
    if (s->twap.n == 0 || (window == 0 && !p->partial))
        return 0;
    if (window == 0)
        v = s->twap.last_value; // its first millisecond
    else if (twap_mean(&s->twap, to_ms(now_ns), window, 0, &v) != 0)
        return 0;
    return p->mean == MEAN_GEOMETRIC ? tick_price((int)v) : v;
}

// Aloe's: how far the mean tick of the window is from that of its older half. True when beyond, or not known
// yet.
static bool trending(const struct policy *p, const struct policy_state *s, uint32_t ticks, uint64_t now_ns)
{
    uint32_t half = reach(p, s, now_ns) / 2;
    int64_t all, older;
    if (half == 0)
        return !p->partial;
    if (twap_mean(&s->twap, to_ms(now_ns), 2 * half, 0, &all) != 0 ||
        twap_mean(&s->twap, to_ms(now_ns), 2 * half, half, &older) != 0)
        return true;
    return (all > older ? all - older : older - all) > ticks;
}

// ---- guards

struct context {
    int64_t reference, mean; // 0: not known
    uint64_t now_ns;
};

static int64_t reference_of(const struct policy_state *s, const struct policy_guard *g,
                            const struct context *c)
{
    switch (g->ref) {
    case REF_REFERENCE:
        return c->reference;
    case REF_PREVIOUS:
        return s->previous;
    case REF_TWAP:
        return c->mean;
    case REF_STABLE:
        return s->stable.price;
    default:
        return 0;
    }
}

// Room from the anchor: the interval's share for each interval begun since.
static uint64_t rate_room(const struct policy_guard *g, const struct policy_state *s, uint64_t now_ns)
{
    uint64_t interval = g->interval_ms * MS, dt = since(s->anchor_ns, now_ns), k = 0;
    if (dt >= interval)
        k = dt / interval;
    return g->ppm * (1 + (k < RATE_INTERVALS ? k : RATE_INTERVALS));
}

// Whether the guard fires. With ACT_CLAMP *price becomes what it lets through; where there is no such price
// (nothing to compare with) it fires all the same.
static bool fires(const struct policy *p, const struct policy_state *s, const struct policy_guard *g,
                  const struct context *c, int64_t *price)
{
    int64_t was = *price, to = was, ref = reference_of(s, g, c);
    // What cannot be checked fires; but the first price has no previous one.
    if (g->ref != REF_NONE && ref == 0)
        return g->ref != REF_PREVIOUS;
    switch (g->kind) {
    case GUARD_BAND:
        to = was < g->low ? g->low : was > g->high ? g->high : was;
        break;
    case GUARD_DEVIATION:
        to = guard_off_clamp(was, ref, g->ppm);
        break;
    case GUARD_RATE:
        if (s->anchor)
            to = guard_off_clamp(was, s->anchor, rate_room(g, s, c->now_ns));
        break;
    case GUARD_CAP:
        to = price_cap_at(&g->cap, c->now_ns / (1000 * MS));
        if (to == 0)
            return true;
        to = was > to ? to : was;
        break;
    case GUARD_JUMP:
        return guard_jump(was, ref, g->ppm);
    case GUARD_RATIO:
        return guard_volatile(was, ref, g->ratio);
    case GUARD_TREND:
        return trending(p, s, g->ratio, c->now_ns);
    default:
        return true;
    }
    if (g->action != ACT_CLAMP)
        return to != was;
    *price = to;
    return false;
}

// Counts, and lets pass what has been confirmed by lasting.
static bool still_fires(struct policy_state *s, unsigned i, const struct policy_guard *g, bool fired,
                        uint64_t now_ns)
{
    if (!fired) {
        s->fired_ns[i] = 0;
        return false;
    }
    if (s->fired_ns[i] == 0) {
        s->fired_ns[i] = now_ns ? now_ns : 1;
        s->fired[i]++;
    }
    return !(g->confirm_ms && since(s->fired_ns[i], now_ns) >= g->confirm_ms * MS);
}

// The first guard that fires, a halting one before others; NO_GUARD with *price as clamped. `own`: the price
// is that of the sources, whose firing is remembered.
static uint8_t judge(const struct policy *p, struct policy_state *s, const struct context *c, bool own,
                     int64_t *price)
{
    uint8_t first = NO_GUARD;
    for (unsigned i = 0; i < p->n_guards; i++) {
        const struct policy_guard *g = &p->guard[i];
        bool fired = fires(p, s, g, c, price);
        if (own)
            fired = still_fires(s, i, g, fired, c->now_ns);
        if (fired && (first == NO_GUARD || (g->action == ACT_HALT && p->guard[first].action != ACT_HALT)))
            first = (uint8_t)i;
    }
    return first;
}

// ---- what comes out

static void accept(const struct policy *p, struct policy_state *s, int64_t price, uint64_t time_ns,
                   enum policy_by by, uint64_t now_ns, struct policy_result *out)
{
    for (unsigned i = 0; i < p->n_guards; i++) {
        const struct policy_guard *g = &p->guard[i];
        if (g->kind == GUARD_RATE && (!s->anchor || since(s->anchor_ns, now_ns) >= g->interval_ms * MS)) {
            s->anchor = price;
            s->anchor_ns = now_ns;
        }
    }
    s->good = s->previous = price;
    s->good_ns = now_ns;
    s->time_ns = time_ns;
    out->price = price;
    out->time_ns = time_ns;
    out->reason = REASON_NONE;
    out->by = (uint8_t)by;
}

// The fallback's price, or 0 when none lives or a guard refuses it too.
static int64_t fallback_price(const struct policy *p, struct policy_state *s, const struct observation *obs,
                              const struct context *c, struct living *l)
{
    gather(p, s, obs, c->now_ns, ROLE_FALLBACK, c->reference, l);
    if (l->n == 0)
        return 0;
    int64_t price = median_of(l->q, l->n);
    return judge(p, s, c, false, &price) == NO_GUARD ? price : 0;
}

static bool try_fallback(const struct policy *p, struct policy_state *s, const struct observation *obs,
                         const struct context *c, struct policy_result *out)
{
    struct living l;
    int64_t price = fallback_price(p, s, obs, c, &l);
    out->live |= l.mask;
    if (price == 0)
        return false;
    s->fallbacks += !s->fallen;
    s->fallen = true;
    accept(p, s, price, spoken_since(&l, 1), BY_FALLBACK, c->now_ns, out);
    return true;
}

// The sources give no price that may be used: out->reason and out->guard say why.
static void refuse(const struct policy *p, struct policy_state *s, const struct observation *obs,
                   const struct context *c, enum policy_action action, struct policy_result *out)
{
    switch (action) {
    case ACT_HALT:
        s->halted = true;
        s->halted_by = out->guard;
        s->halts++;
        out->reason = REASON_HALT;
        break;
    case ACT_FALLBACK:
        if (try_fallback(p, s, obs, c, out))
            out->guard = NO_GUARD;
        break;
    case ACT_LAST_GOOD:
        if (s->good && since(s->good_ns, c->now_ns) <= p->last_good_ms * MS) {
            out->reason = REASON_NONE;
            out->by = BY_LAST_GOOD;
        }
        break;
    default:
        break;
    }
}

// The first of two oracles is trusted again only when it agrees with the second (Liquity).
static bool stays_fallen(const struct policy *p, struct policy_state *s, const struct observation *obs,
                         const struct context *c, int64_t price)
{
    struct living l;
    if (!s->fallen || !p->return_ppm)
        return false;
    int64_t other = fallback_price(p, s, obs, c, &l);
    return other && guard_apart(price, other, p->return_ppm);
}

void policy_eval(const struct policy *p, struct policy_state *s, const struct observation *obs,
                 uint64_t now_ns, struct policy_result *out)
{
    struct living l;
    *out = (struct policy_result){.price = s->good, .time_ns = s->time_ns, .guard = NO_GUARD};
    gather(p, s, obs, now_ns, ROLE_REFERENCE, 0, &l);
    out->live = l.mask;
    struct context c = {.reference = l.n ? median_of(l.q, l.n) : 0, .now_ns = now_ns};
    gather(p, s, obs, now_ns, ROLE_SOURCE, c.reference, &l);
    out->live |= l.mask;

    enum policy_action action = p->too_few;
    int64_t price = 0;
    uint64_t time_ns = 0;
    if (l.n < p->min_live) {
        out->reason = (uint8_t)l.worst;
    } else {
        time_ns = spoken_since(&l, p->min_live);
        price = aggregate(p, s, &l, now_ns);
        out->reason = price ? REASON_NONE : REASON_ABSENT;
    }
    if (price)
        remember(p, s, price, now_ns);
    c.mean = p->mean == MEAN_NONE ? 0 : mean_price(p, s, now_ns);
    if (price && p->publish_mean) {
        price = c.mean;
        out->reason = price ? REASON_NONE : REASON_WARMUP;
    }
    if (price) {
        out->guard = judge(p, s, &c, true, &price);
        if (out->guard != NO_GUARD) {
            action = p->guard[out->guard].action == ACT_CLAMP ? ACT_HOLD : p->guard[out->guard].action;
            out->reason = REASON_GUARD;
        }
    }
    if (s->halted) {
        out->reason = REASON_HALT;
        out->guard = s->halted_by;
    } else if (out->reason != REASON_NONE) {
        if (action == ACT_HALT && out->guard == NO_GUARD && !s->good)
            action = ACT_HOLD; // at the start there is nothing to halt
        refuse(p, s, obs, &c, action, out);
    } else if (stays_fallen(p, s, obs, &c, price)) {
        out->reason = REASON_GUARD;
        refuse(p, s, obs, &c, ACT_FALLBACK, out);
    } else {
        s->fallen = false;
        accept(p, s, price, time_ns, BY_SOURCES, now_ns, out);
    }
}

// Sources of a role that lived at the last evaluation and are not too old now.
static size_t young(const struct policy *p, const struct observation *obs, uint32_t live,
                    enum policy_role role, uint64_t now_ns)
{
    size_t n = 0;
    for (unsigned i = 0; i < p->n_sources; i++)
        n += p->source[i].role == role && (live >> i & 1) && !too_old(&p->source[i], &obs[i], now_ns);
    return n;
}

enum policy_reason policy_still(const struct policy *p, const struct policy_state *s,
                                const struct observation *obs, const struct policy_result *last,
                                uint64_t now_ns)
{
    if (last->reason != REASON_NONE)
        return last->reason;
    if (last->by == BY_LAST_GOOD)
        return since(s->good_ns, now_ns) <= p->last_good_ms * MS ? REASON_NONE : REASON_STALE;
    bool fallen = last->by == BY_FALLBACK;
    if (young(p, obs, last->live, fallen ? ROLE_FALLBACK : ROLE_SOURCE, now_ns) < (fallen ? 1 : p->min_live))
        return REASON_STALE;
    for (unsigned i = 0; i < p->n_guards; i++)
        if (p->guard[i].ref == REF_REFERENCE)
            return young(p, obs, last->live, ROLE_REFERENCE, now_ns) ? REASON_NONE : REASON_GUARD;
    return REASON_NONE;
}

void policy_start(const struct policy *p, struct policy_state *s)
{
    *s = (struct policy_state){.halted_by = NO_GUARD};
    twap_init(&s->twap, p->window_ms ? twap_spacing(p->window_ms, TWAP_RING) : 0, TWAP_RING);
    stable_init(&s->stable);
}

void policy_resume(struct policy_state *s)
{
    s->halted = false;
    s->halted_by = NO_GUARD;
    s->previous = 0;
    s->anchor = 0;
}
