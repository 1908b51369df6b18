// SPDX-License-Identifier: Apache-2.0
#include "oracle/policy.h"

#include "oracle/tick.h"

#define MS UINT64_C(1000000)
enum { PPM = 1000000 };
enum { RATE_INTERVALS = 1000 }; // after so many silent ones the rate guard's room grows no further

const char *policy_reason_name(enum policy_reason r)
{
    static const char *const names[REASON_COUNT] = {"none",  "absent", "range",  "gap", "halted",
                                                    "guard", "stale",  "warmup", "halt"};
    return (unsigned)r < REASON_COUNT ? names[r] : "?";
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
    if (!reference || !guard_off(reference, o->price, c->threshold_ppm)) {
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
    if (o->flags)
        return o->flags & (OBS_GAPPED | OBS_UNSURE) ? REASON_GAP : REASON_HALTED;
    bool late = c->threshold_ppm && overdue(c, o, due_ns, reference, now_ns);
    return late || too_old(c, o, now_ns) ? REASON_STALE : REASON_NONE;
}

// Its channel lost packets or its instrument is halted.
static bool is_broken(const struct observation *o)
{
    return o->flags & (OBS_GAPPED | OBS_UNSURE | OBS_HALTED);
}

// The live sources of one role.
struct living {
    struct quote q[POLICY_SOURCES];
    size_t n;
    uint32_t mask;
    enum policy_reason worst; // of those that do not live, the first of enum policy_reason
    bool broken;              // one of those has a broken channel or a halted instrument
};

static int64_t middle(struct living *l)
{
    return l->n == 1 ? l->q[0].price : median_of(l->q, l->n);
}

// How far p may be wrong, as Pyth's publishers say it: at least one quantum, which keeps p - c above 0 with
// conf_ppm < 10^6, but for p = 1.
static int64_t confidence(const struct policy_source *c, const struct observation *o)
{
    int64_t share = o->price / PPM * c->conf_ppm + o->price % PPM * c->conf_ppm / PPM; // exact, floored
    int64_t conf = o->conf > share ? o->conf : share;
    return conf > 0 ? conf : 1;
}

static void gather(const struct policy *p, struct policy_state *s, const struct observation *obs,
                   uint64_t now_ns, enum policy_role role, int64_t reference, struct living *out)
{
    out->n = 0;
    out->mask = 0;
    out->worst = REASON_COUNT;
    out->broken = false;
    for (uint32_t left = p->of_role[role]; left; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        const struct policy_source *c = &p->source[i];
        enum policy_reason r = source_reason(c, &obs[i], &s->due_ns[i], reference, now_ns);
        if (r == REASON_NONE) {
            struct quote *q = &out->q[out->n++];
            q->price = obs[i].price;
            q->time_ns = obs[i].time_ns;
            q->weight = c->weight;
            if (p->aggregate == AGGREGATE_PYTH)
                q->conf = confidence(c, &obs[i]);
            out->mask |= UINT32_C(1) << i;
            continue;
        }
        out->worst = r < out->worst ? r : out->worst;
        out->broken |= is_broken(&obs[i]);
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

// What enough sources say. price 0: nothing although enough live (Maker's before its first poke; Pyth's when
// too many are out of range).
struct said {
    int64_t price, conf;
    uint64_t time_ns; // policy_result.time_ns
    bool broken;      // too few live, one of the others because of a gap or a halt
};

static struct said aggregate(const struct policy *p, struct policy_state *s, struct living *l,
                             uint64_t now_ns)
{
    struct said a = {.time_ns = l->n == 1 ? l->q[0].time_ns : spoken_since(l, p->min_live)};
    switch (p->aggregate) {
    case AGGREGATE_WEIGHTED:
        a.price = median_weighted(l->q, l->n);
        break;
    case AGGREGATE_MAKER:
        (void)poke_median(&s->poke, l->q, l->n, p->quorum, now_ns);
        a.price = s->poke.price;
        a.time_ns = s->poke.since_ns;
        break;
    case AGGREGATE_PYTH:
        (void)median_pyth(l->q, l->n, p->min_live, &a.price, &a.conf);
        break;
    default:
        a.price = middle(l);
        break;
    }
    return a;
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
    int64_t conf;            // of the aggregate; 0: the price is not the aggregate's (a fallback's)
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
        if (g->action != ACT_CLAMP)
            return guard_off(was, ref, g->ppm); // without a division
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
    case GUARD_UNCERTAIN:
        return c->conf && guard_uncertain(was, c->conf, g->ppm);
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
    if (p->rate_guard != NO_GUARD) {
        const struct policy_guard *g = &p->guard[p->rate_guard];
        if (!s->anchor || since(s->anchor_ns, now_ns) >= g->interval_ms * MS) {
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
    int64_t price = middle(l);
    struct context other = *c;
    other.conf = 0;
    return judge(p, s, &other, false, &price) == NO_GUARD ? price : 0;
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

// Source i, the only one of its role: as gather() without the lists that several need.
static inline enum policy_reason hear(const struct policy *p, struct policy_state *s,
                                      const struct observation *obs, unsigned i, int64_t reference,
                                      uint64_t now_ns, struct policy_result *out)
{
    enum policy_reason r = source_reason(&p->source[i], &obs[i], &s->due_ns[i], reference, now_ns);
    out->live |= (uint32_t)(r == REASON_NONE) << i;
    return r;
}

static int64_t many_references(const struct policy *p, struct policy_state *s, const struct observation *obs,
                               uint64_t now_ns, struct policy_result *out)
{
    struct living l;
    gather(p, s, obs, now_ns, ROLE_REFERENCE, 0, &l);
    out->live |= l.mask;
    return l.n ? middle(&l) : 0;
}

// The median of the live references; 0: none lives.
static int64_t hear_references(const struct policy *p, struct policy_state *s, const struct observation *obs,
                               uint64_t now_ns, struct policy_result *out)
{
    uint32_t all = p->of_role[ROLE_REFERENCE];
    if (!all)
        return 0;
    if (all & (all - 1))
        return many_references(p, s, obs, now_ns, out);
    unsigned i = (unsigned)__builtin_ctz(all);
    return hear(p, s, obs, i, 0, now_ns, out) == REASON_NONE ? obs[i].price : 0;
}

static void many_sources(const struct policy *p, struct policy_state *s, const struct observation *obs,
                         const struct context *c, struct said *a, struct policy_result *out)
{
    struct living l;
    gather(p, s, obs, c->now_ns, ROLE_SOURCE, c->reference, &l);
    out->live |= l.mask;
    if (l.n < p->min_live) {
        out->reason = (uint8_t)l.worst;
        a->broken = l.broken;
        return;
    }
    *a = aggregate(p, s, &l, c->now_ns);
    out->reason = a->price ? REASON_NONE : REASON_ABSENT;
}

// What the sources say before any guard; out->reason says why nothing.
static struct said hear_sources(const struct policy *p, struct policy_state *s, const struct observation *obs,
                                const struct context *c, struct policy_result *out)
{
    struct said a = {.price = 0};
    if (p->aggregate != AGGREGATE_SINGLE) {
        many_sources(p, s, obs, c, &a, out);
        return a;
    }
    unsigned i = (unsigned)__builtin_ctz(p->of_role[ROLE_SOURCE]);
    out->reason = (uint8_t)hear(p, s, obs, i, c->reference, c->now_ns, out);
    if (out->reason == REASON_NONE) {
        a.price = obs[i].price;
        a.time_ns = obs[i].time_ns;
    } else {
        a.broken = is_broken(&obs[i]);
    }
    return a;
}

void policy_eval(const struct policy *p, struct policy_state *s, const struct observation *obs,
                 uint64_t now_ns, struct policy_result *out)
{
    enum policy_action action;
    struct context c = {.now_ns = now_ns};
    *out = (struct policy_result){.price = s->good, .time_ns = s->time_ns, .guard = NO_GUARD};
    c.reference = hear_references(p, s, obs, now_ns, out);
    struct said a = hear_sources(p, s, obs, &c, out);
    out->conf = c.conf = a.conf;
    // P5: the last good price does not bridge an open gap or a halted instrument.
    action = p->too_few;
    if (a.broken && action == ACT_LAST_GOOD && !p->loose_last_good)
        action = ACT_HOLD;
    if (p->past) {
        if (a.price)
            remember(p, s, a.price, now_ns);
        c.mean = p->mean == MEAN_NONE ? 0 : mean_price(p, s, now_ns);
    }
    if (a.price && p->publish_mean) {
        a.price = c.mean;
        out->reason = a.price ? REASON_NONE : REASON_WARMUP;
    }
    if (a.price) {
        out->guard = judge(p, s, &c, true, &a.price);
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
    } else if (stays_fallen(p, s, obs, &c, a.price)) {
        out->reason = REASON_GUARD;
        refuse(p, s, obs, &c, ACT_FALLBACK, out);
    } else {
        s->fallen = false;
        accept(p, s, a.price, a.time_ns, BY_SOURCES, now_ns, out);
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
    s->previous = 0;
    s->anchor = 0;
}
