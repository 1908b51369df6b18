// SPDX-License-Identifier: Apache-2.0
// What messages do to observations and to instruments' states.
#include "feed/price.h"
#include "oracle/inside.h"

enum { FUTURE = 0, REVERSED = 1 }; // feed_msg.inst_kind, inst_type

static uint32_t stream_of(const struct feed_packet *p)
{
    return (uint32_t)p->venue << 16 | p->stream;
}

static void flag_traded(struct oracle *o, const struct subject *s, uint8_t flag, bool on)
{
    for (uint16_t i = s->first; i != NOBODY; i = o->sources->listener[i].next) {
        const struct listener *l = &o->sources->listener[i];
        if (l->field == FIELD_INDEX)
            continue; // nobody trades an index
        uint8_t *flags = &o->asset[l->asset].obs[l->source].flags;
        *flags = (uint8_t)(on ? *flags | flag : *flags & ~flag);
        oracle_touch(o, l->asset);
    }
}

// A halt may have been among what was lost. Where the venue has never told a state there is none to lose.
static void doubt(struct oracle *o, struct subject *s, const struct feed_packet *p)
{
    s->gap_ns = p->ts_ns ? p->ts_ns : 1;
    if (p->restart)
        s->state_ts = 0;
    if (s->state_stream != NO_STREAM && o->rules == ORACLE_RULES_NOW)
        flag_traded(o, s, OBS_UNSURE, true);
}

static void be_sure(struct oracle *o, struct subject *s)
{
    if (s->gap_ns)
        flag_traded(o, s, OBS_UNSURE, false);
    s->gap_ns = 0;
}

void oracle_open_packet(struct oracle *o, const struct feed_packet *p)
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
            oracle_touch(o, i);
        }
    }
    for (size_t i = 0; i < o->sources->n; i++) {
        struct subject *s = &o->sources->subject[i];
        bool tells = s->state_stream == stream_of(p) && o->rules == ORACLE_RULES_NOW;
        if (s->stream == stream_of(p) || tells)
            doubt(o, s, p);
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
    oracle_touch(o, l->asset);
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
    if (o->rules == ORACLE_RAW && !p->snapshot)
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
    flag_traded(o, s, OBS_HALTED, state != INSTRUMENT_OPEN);
}

// A snapshot received so long after a loss was taken after it.
static bool after_loss(const struct subject *s, const struct feed_packet *p)
{
    return s->gap_ns && p->ts_ns > s->gap_ns && p->ts_ns - s->gap_ns > ORACLE_DOUBT_NS;
}

// Whether a message's state is that of now. A quote with a side is of a whole book, so its stream is known
// up to here, snapshot or not; one without may say that the book was lost, with a state from before. A
// status is what its protocol knows to be so; from a snapshot it must be newer than the newest heard.
static bool state_of_now(const struct oracle *o, const struct subject *s, const struct feed_packet *p,
                         const struct feed_msg *m)
{
    if (o->rules != ORACLE_RULES_NOW)
        return !p->snapshot || m->kind == FEED_INSTRUMENT;
    if (m->kind == FEED_QUOTE)
        return m->has & (HAS_BID | HAS_ASK);
    return !p->snapshot || m->kind == FEED_STATUS || after_loss(s, p);
}

static void on_state(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m, uint64_t ts_ns,
                     struct subject *s)
{
    if (!(m->has & HAS_STATE))
        return;
    if (o->rules == ORACLE_RAW && !p->snapshot)
        s->state_ts = 0;
    bool now = state_of_now(o, s, p, m);
    bool trusted = p->snapshot && now && (m->kind != FEED_STATUS || after_loss(s, p)); // whatever its stamp
    bool old = old_snapshot(p, s->heard, s->state_ts, ts_ns) || (ts_ns && ts_ns < s->state_ts);
    if (old && !trusted) {
        o->refused = true;
        return;
    }
    s->heard = true;
    s->state_stream = stream_of(p);
    if (ts_ns && !old)
        s->state_ts = ts_ns;
    if (s->gap_ns && now)
        be_sure(o, s);
    set_state(o, s, m->state);
}

// A snapshot's definition may be older than a halt that the live channel has told, so it may close an
// instrument but not open one that has been heard. But the end of a halt may have been lost: then it may,
// when it was surely taken after that.
static bool old_definition(const struct subject *s, const struct feed_packet *p, const struct feed_msg *m)
{
    return p->snapshot && s->heard && !after_loss(s, p) && m->state == INSTRUMENT_OPEN;
}

static void on_instrument(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    struct subject *s = sources_define(o->sources, m->venue, m->instrument_id, m->name);
    if (!s)
        return;
    s->stream = stream_of(p);
    s->inverse = m->inst_kind == FUTURE && m->inst_type == REVERSED;
    if (m->index_id)
        s->index_id = m->index_id;
    if (!(m->has & HAS_STATE) || old_definition(s, p, m))
        return;
    s->heard |= !p->snapshot;
    s->state_stream = stream_of(p);
    if (s->gap_ns && state_of_now(o, s, p, m))
        be_sure(o, s);
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
    uint64_t ts_ns = exchange_time(o, p, m);
    on_state(o, p, m, ts_ns, s);
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
            on_state(o, p, m, exchange_time(o, p, m), &o->sources->subject[i]);
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

bool oracle_msg(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    oracle_open_packet(o, p);
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
    return o->taken;
}
