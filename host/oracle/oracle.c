// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/reciprocal.h"
#include "feed/price.h"
#include "oracle/sources.h"

static_assert((int)HOLD_GUARD == REASON_GUARD && (int)HOLD_STALE == REASON_STALE &&
                  (int)HOLD_HALT == REASON_HALT && (int)HOLD_COUNT == REASON_COUNT,
              "a hold is a policy's reason");

// An asset with a policy. A reciprocal has none of its own: it follows its base.
struct priced {
    struct policy policy;
    struct policy_state state;
    struct policy_result result;
    struct observation obs[POLICY_SOURCES];
    uint32_t stream[POLICY_SOURCES]; // venue and live channel last heard on (stream_of())
};

struct inverse {
    uint16_t asset, base;
    bool bad; // no reciprocal of the base's price fits
};

// A set of assets.
enum { SET_WORDS = MARKET_ASSETS_MAX / 64 };
struct set {
    uint64_t bits[SET_WORDS];
};

struct oracle {
    const struct market *m;
    struct oracle_counters count;
    int64_t price[MARKET_ASSETS_MAX];
    struct priced *asset; // by asset
    struct inverse inverse[MARKET_ASSETS_MAX];
    size_t n_inverse;
    struct sources *sources;
    struct set dirty;   // to be evaluated when the group ends
    struct set timed;   // their price or hold may change by time alone
    struct set changed; // within the open group
    uint64_t now_ns, stepped_ns;
    bool raw;
    bool packet_open; // the gap of this packet has been taken into account
    bool touched;
    bool taken, refused; // by the message at work: some observation was newer, was not
};

const char *hold_name(enum hold h)
{
    return policy_reason_name((enum policy_reason)h);
}

static void set_add(struct set *s, uint16_t i)
{
    s->bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool set_has(const struct set *s, uint16_t i)
{
    return s->bits[i / 64] >> i % 64 & 1;
}

// Takes the smallest member at or after *i out; false when there is none.
static bool set_next(struct set *s, uint16_t *i)
{
    for (unsigned w = *i / 64; w < SET_WORDS; w++)
        if (s->bits[w]) {
            *i = (uint16_t)(64 * w + (unsigned)__builtin_ctzll(s->bits[w]));
            s->bits[w] &= s->bits[w] - 1;
            return true;
        }
    return false;
}

static uint32_t stream_of(const struct feed_packet *p)
{
    return (uint32_t)p->venue << 16 | p->stream;
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
        if (m->asset[i].kind != ASSET_RECIPROCAL)
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
    x->policy = *p;
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
    struct policy *p = calloc(m->n_assets + 1u, sizeof *p);
    bool good = false;
    if (o) {
        o->m = m;
        o->raw = c && c->raw;
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

// ---- what a message does to observations

static void touch(struct oracle *o, uint16_t asset)
{
    set_add(&o->dirty, asset);
    o->touched = true;
}

// The first callback of a packet: a gap breaks every source last heard on that channel.
static void open_packet(struct oracle *o, const struct feed_packet *p)
{
    if (o->packet_open)
        return;
    o->packet_open = true;
    if ((p->gap == 0 && !p->restart) || p->snapshot)
        return; // what a snapshot channel lost, the live one still tells
    for (uint16_t i = 0; i < o->m->n_assets; i++) {
        struct priced *a = &o->asset[i];
        for (unsigned k = 0; k < a->policy.n_sources; k++) {
            if (a->stream[k] != stream_of(p))
                continue;
            a->obs[k].flags |= OBS_GAPPED;
            if (p->restart)
                a->obs[k].ts_ns = 0; // its clock may begin anew too
            touch(o, i);
        }
    }
    for (size_t i = 0; i < o->sources->n; i++) {
        struct subject *s = &o->sources->subject[i];
        if (s->stream != stream_of(p))
            continue;
        s->gap_ns = p->ts_ns ? p->ts_ns : 1;
        if (p->restart)
            s->state_ts = 0;
    }
}

static uint64_t exchange_time(const struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    uint64_t now_ns = p->ts_ns > o->now_ns ? p->ts_ns : o->now_ns; // a capture's clock may step back
    bool ahead = m->ts_ns > now_ns && m->ts_ns - now_ns > ORACLE_AHEAD_NS;
    return ahead ? now_ns + ORACLE_AHEAD_NS : m->ts_ns;
}

// A snapshot that is not newer than what the live channel has said tells nothing.
static bool old_snapshot(const struct feed_packet *p, bool heard, uint64_t newest, uint64_t ts_ns)
{
    return p->snapshot && heard && ts_ns <= newest;
}

static void took(struct oracle *o, const struct feed_packet *p, const struct listener *l, bool newer,
                 bool heals)
{
    o->taken |= newer;
    o->refused |= !newer;
    if (!newer)
        return;
    struct priced *a = &o->asset[l->asset];
    a->stream[l->source] = stream_of(p);
    if (heals)
        a->obs[l->source].flags &= (uint8_t)~OBS_GAPPED;
    touch(o, l->asset);
}

static bool take_price(struct oracle *o, struct observation *s, unsigned decimals, const struct feed_num *v,
                       uint64_t time_ns, uint64_t ts_ns)
{
    int64_t q;
    if (price_from_num(v, decimals, &q) == 0)
        return observation_take(s, q, time_ns, ts_ns);
    bool newer = observation_bad(s, ts_ns);
    o->count.bad_price += newer;
    return newer;
}

// A value that its message carries whole, so it heals with the next one; a snapshot may have been taken
// before what was lost.
static void on_value(struct oracle *o, const struct feed_packet *p, const struct listener *l, uint64_t ts_ns,
                     const struct feed_num *v)
{
    struct observation *s = &o->asset[l->asset].obs[l->source];
    if (old_snapshot(p, s->time_ns != 0, s->ts_ns, ts_ns)) {
        o->refused = true;
        return;
    }
    if (o->raw && !p->snapshot)
        s->ts_ns = 0;
    took(o, p, l, take_price(o, s, o->m->asset[l->asset].decimals, v, p->ts_ns, ts_ns), !p->snapshot);
}

static int64_t side(const struct feed_num *v, bool has, unsigned decimals)
{
    int64_t q;
    return has && price_from_num(v, decimals, &q) == 0 ? q : 0;
}

// The best of a rebuilt book. Its protocol tells it only while the book is whole, also when a snapshot made
// it so: then it is the live book of now, whatever the snapshot's time. One with neither side may withdraw
// what was said before, so that counts whatever its time.
static void on_quote(struct oracle *o, const struct feed_packet *p, const struct listener *l,
                     const struct feed_msg *m)
{
    struct priced *a = &o->asset[l->asset];
    unsigned decimals = o->m->asset[l->asset].decimals;
    int64_t bid = side(&m->bid, m->has & HAS_BID, decimals), ask = side(&m->ask, m->has & HAS_ASK, decimals);
    bool something = m->has & (HAS_BID | HAS_ASK);
    uint64_t ts_ns = p->snapshot || !something ? 0 : exchange_time(o, p, m);
    bool newer = observation_mid(&a->obs[l->source], bid, ask, a->policy.max_spread_ppm, p->ts_ns, ts_ns);
    o->count.bad_price += newer && a->obs[l->source].flags & OBS_BAD;
    took(o, p, l, newer, true);
}

static const struct feed_num *value_of(const struct feed_msg *m, uint8_t field, bool *has)
{
    switch (field) {
    case FIELD_MARK:
        *has = m->kind == FEED_TICKER && m->has & HAS_MARK;
        return &m->mark; // absent stays absent: the old price keeps its age
    case FIELD_INDEX:
        // Said to be none is not the same as not said: what is compared with it must not use an older one.
        *has = m->kind == FEED_TICKER && (m->has & HAS_INDEX || m->index.form != NUM_NONE);
        return &m->index;
    case FIELD_LAST:
        *has = m->kind == FEED_TRADE && m->has & HAS_LAST;
        return &m->last;
    default:
        *has = false;
        return NULL;
    }
}

// ---- what a message does to an instrument's state

static void set_state(struct oracle *o, struct subject *s, uint8_t state)
{
    if (s->state == state)
        return;
    s->state = state;
    for (uint16_t i = s->first; i != NOBODY; i = o->sources->listener[i].next) {
        const struct listener *l = &o->sources->listener[i];
        if (l->field == FIELD_INDEX)
            continue; // nobody trades an index
        uint8_t *flags = &o->asset[l->asset].obs[l->source].flags;
        *flags = (uint8_t)(state == INSTRUMENT_OPEN ? *flags & ~OBS_HALTED : *flags | OBS_HALTED);
        touch(o, l->asset);
    }
}

static void on_state(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m,
                     struct subject *s)
{
    uint64_t ts_ns = exchange_time(o, p, m);
    if (!(m->has & HAS_STATE))
        return;
    if (o->raw && !p->snapshot)
        s->state_ts = 0;
    if (old_snapshot(p, s->heard, s->state_ts, ts_ns) || (ts_ns && ts_ns < s->state_ts)) {
        o->refused = true;
        return;
    }
    s->heard = true;
    if (ts_ns)
        s->state_ts = ts_ns;
    if (!p->snapshot)
        s->gap_ns = 0;
    set_state(o, s, m->state);
}

// A snapshot's definition may be older than a halt that the live channel has told, so it may close an
// instrument but not open one that has been heard. But the end of a halt may have been lost: then it may,
// when it was surely taken after that.
static bool old_definition(const struct subject *s, const struct feed_packet *p, const struct feed_msg *m)
{
    bool lost = s->gap_ns && p->ts_ns > s->gap_ns && p->ts_ns - s->gap_ns > ORACLE_DOUBT_NS;
    return p->snapshot && s->heard && !lost && m->state == INSTRUMENT_OPEN;
}

static void on_instrument(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    struct subject *s = sources_define(o->sources, m->venue, m->instrument_id, m->name);
    if (!s)
        return;
    s->stream = stream_of(p);
    if (m->index_id)
        s->index_id = m->index_id;
    if (!(m->has & HAS_STATE) || old_definition(s, p, m))
        return;
    s->heard |= !p->snapshot;
    s->gap_ns = 0;
    set_state(o, s, m->state);
}

// ---- messages

// Ticker, quote, trade, status of one instrument.
static void on_prices(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    struct subject *s = sources_by_id(o->sources, m->venue, m->instrument_id);
    if (!s) {
        o->count.unknown += m->kind == FEED_TICKER;
        return;
    }
    s->stream = stream_of(p);
    on_state(o, p, m, s);
    uint64_t ts_ns = exchange_time(o, p, m);
    for (uint16_t i = s->first; i != NOBODY; i = o->sources->listener[i].next) {
        const struct listener *l = &o->sources->listener[i];
        bool has;
        const struct feed_num *v = value_of(m, l->field, &has);
        if (has)
            on_value(o, p, l, ts_ns, v);
        else if (l->field == FIELD_MID && m->kind == FEED_QUOTE)
            on_quote(o, p, l, m);
    }
}

static void on_status(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    if (m->instrument_id != 0) {
        on_prices(o, p, m);
        return;
    }
    for (size_t i = 0; i < o->sources->n; i++)
        if (o->sources->subject[i].stream == stream_of(p))
            on_state(o, p, m, &o->sources->subject[i]);
}

static void index_to(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m,
                     const struct subject *s)
{
    for (uint16_t i = s->first; i != NOBODY; i = o->sources->listener[i].next)
        if (o->sources->listener[i].field == FIELD_INDEX)
            on_value(o, p, &o->sources->listener[i], exchange_time(o, p, m), &m->index);
}

// By its name, and, where it has a number, as the index of instruments that were defined with it.
static void on_index(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    struct subject *named = m->name[0] ? sources_find(o->sources, m->venue, m->name) : NULL;
    bool known = named != NULL;
    if (!(m->has & HAS_INDEX))
        return;
    if (named)
        index_to(o, p, m, named);
    for (size_t i = 0; i < o->sources->n_indexed && m->instrument_id; i++) {
        struct subject *s = &o->sources->subject[o->sources->indexed[i]];
        if (s == named || s->venue != m->venue || s->index_id != m->instrument_id)
            continue;
        known = true;
        index_to(o, p, m, s);
    }
    o->count.unknown += !known;
}

void oracle_msg(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    open_packet(o, p);
    o->taken = o->refused = false;
    switch (m->kind) {
    case FEED_TICKER:
    case FEED_QUOTE:
    case FEED_TRADE:
        on_prices(o, p, m);
        break;
    case FEED_STATUS:
        on_status(o, p, m);
        break;
    case FEED_INDEX:
        on_index(o, p, m);
        break;
    case FEED_INSTRUMENT:
        on_instrument(o, p, m);
        break;
    default:
        break;
    }
    o->count.updates += o->taken;
    o->count.old += o->refused;
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
    int64_t price = o->raw ? a->obs[0].price : a->result.price;
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
        for (unsigned w = 0; w < SET_WORDS; w++)
            o->dirty.bits[w] |= o->timed.bits[w];
    }
    for (uint16_t i = 0; set_next(&o->dirty, &i);)
        evaluate(o, i);
    for (size_t k = 0; k < o->n_inverse; k++)
        if (set_has(&o->changed, o->inverse[k].base))
            invert(o, &o->inverse[k]);
    size_t n = 0;
    for (uint16_t i = 0; set_next(&o->changed, &i);)
        changed[n++] = (struct price_change){i, o->price[i]};
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
    open_packet(o, p);
    o->packet_open = false;
    advance(o, now_ns);
    return end_group(o, changed, touched);
}

size_t oracle_time(struct oracle *o, uint64_t now_ns, struct price_change *changed, bool *touched)
{
    advance(o, now_ns);
    return end_group(o, changed, touched);
}

void oracle_resume(struct oracle *o)
{
    for (uint16_t i = 0; i < o->m->n_assets; i++)
        if (o->asset[i].state.halted) {
            policy_resume(&o->asset[i].state);
            touch(o, i);
        }
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
    return priced_of(o, asset)->result.time_ns;
}

enum hold oracle_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
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

const struct oracle_counters *oracle_counters(const struct oracle *o)
{
    return &o->count;
}
