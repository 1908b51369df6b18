// SPDX-License-Identifier: Apache-2.0
#include "oracle/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/reciprocal.h"
#include "base/wide.h"
#include "feed/price.h"

enum { NAME_BUCKETS = 1024, ID_BUCKETS = 4096 };
static const uint32_t NO_STREAM = UINT32_MAX;

// State of one asset's source. A reciprocal has none of its own: it reads its base's.
struct source {
    int64_t price;
    uint64_t time_ns; // newest message that carried the price
    uint64_t ts_ns;   // its exchange time
    uint32_t stream;  // venue and live channel it belongs to (stream_of()); NO_STREAM before
    uint8_t state;    // enum instrument_state; INSTRUMENT_OPEN for indexes
    bool bad, gapped, off_guard;
    bool changed; // within the open group
};

struct name_slot {
    uint8_t kind; // enum asset_source; 0 = empty
    uint16_t asset;
};

struct id_slot {
    uint64_t id; // 0 = empty: no instrument has it
    uint8_t venue;
    int32_t asset; // -1: its id has gone to an instrument that is not in our market
};

struct oracle {
    const struct market *m;
    struct oracle_counters count;
    int64_t price[MARKET_ASSETS_MAX];
    struct source src[MARKET_ASSETS_MAX];
    struct name_slot name[NAME_BUCKETS];
    struct id_slot id[ID_BUCKETS];
    size_t ids;
    bool packet_open; // the gap of this packet has been taken into account
    bool touched;
};

const char *hold_name(enum hold h)
{
    static const char *const names[HOLD_COUNT] = {"none",   "absent", "range", "gap",
                                                  "halted", "guard",  "stale"};
    return (unsigned)h < HOLD_COUNT ? names[h] : "?";
}

static uint32_t hash_name(uint8_t kind, const char *s)
{
    uint32_t h = 2166136261u ^ kind; // FNV-1a
    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * 16777619u;
    return h;
}

static uint32_t hash_id(uint64_t id)
{
    return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 40);
}

// The asset of this kind and source name, or -1.
static int32_t find_name(const struct oracle *o, uint8_t kind, const char *name)
{
    for (uint32_t h = hash_name(kind, name);; h++) {
        const struct name_slot *s = &o->name[h % NAME_BUCKETS];
        if (!s->kind)
            return -1;
        if (s->kind == kind && strcmp(o->m->asset[s->asset].source, name) == 0)
            return s->asset;
    }
}

static struct id_slot *find_id(struct oracle *o, uint8_t venue, uint64_t id)
{
    for (uint32_t h = hash_id(id + venue);; h++) {
        struct id_slot *s = &o->id[h % ID_BUCKETS];
        if (s->id == 0 || (s->id == id && s->venue == venue))
            return s;
    }
}

static uint32_t stream_of(const struct feed_packet *p)
{
    return (uint32_t)p->venue << 16 | p->stream;
}

struct oracle *oracle_new(const struct market *m, struct err *e)
{
    struct oracle *o = calloc(1, sizeof *o);
    if (!o) {
        err_set(e, "out of memory for the oracle");
        return NULL;
    }
    o->m = m;
    for (uint16_t i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        o->src[i].stream = NO_STREAM;
        o->src[i].state = INSTRUMENT_OPEN;
        if (a->kind == ASSET_RECIPROCAL) {
            if (a->base >= m->n_assets || m->asset[a->base].kind == ASSET_RECIPROCAL) {
                err_set(e, "asset %s: the asset it inverts does not exist or is a reciprocal itself",
                        a->name);
                free(o);
                return NULL;
            }
            continue;
        }
        if (find_name(o, a->kind, a->source) >= 0) {
            err_set(e, "asset %s: source %s feeds another asset already", a->name, a->source);
            free(o);
            return NULL;
        }
        uint32_t h = hash_name(a->kind, a->source);
        while (o->name[h % NAME_BUCKETS].kind)
            h++;
        o->name[h % NAME_BUCKETS] = (struct name_slot){a->kind, i};
    }
    return o;
}

void oracle_free(struct oracle *o)
{
    free(o);
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
        struct source *s = &o->src[i];
        if (s->stream == stream_of(p) && !s->gapped) {
            s->gapped = true;
            o->count.holds[HOLD_GAP]++;
            o->touched = true;
        }
    }
}

// A snapshot that is not newer than what the live channel has said tells nothing; neither its price nor its
// state counts.
static bool old_snapshot(struct oracle *o, const struct source *s, const struct feed_packet *p,
                         uint64_t ts_ns)
{
    if (!p->snapshot || s->time_ns == 0 || ts_ns > s->ts_ns)
        return false;
    o->count.old++;
    return true;
}

static void set_price(struct oracle *o, uint16_t asset, const struct feed_packet *p, uint64_t ts_ns,
                      const struct feed_num *v)
{
    struct source *s = &o->src[asset];
    int64_t q;
    o->touched = true;
    s->stream = stream_of(p);
    s->ts_ns = ts_ns;
    // Each message carries the price whole, so it heals with the next one; a snapshot may have been taken
    // before what was lost.
    if (!p->snapshot)
        s->gapped = false;
    if (price_from_num(v, o->m->asset[asset].decimals, &q) != 0) {
        o->count.bad_price++;
        o->count.holds[HOLD_RANGE] += !s->bad;
        s->bad = true;
        return;
    }
    s->bad = false;
    s->time_ns = p->ts_ns;
    o->count.updates++;
    if (q != o->price[asset]) {
        o->price[asset] = q;
        s->changed = true;
    }
}

// A guard that cannot be checked (one of them is no price) counts as violated.
static bool off_guard(const struct feed_num *mark, const struct feed_num *index, unsigned decimals,
                      uint32_t ppm)
{
    int64_t m, i;
    if (price_from_num(mark, decimals, &m) != 0 || price_from_num(index, decimals, &i) != 0)
        return true;
    return (i128)(m > i ? m - i : i - m) * 1000000 > (i128)i * ppm;
}

static void set_state(struct oracle *o, struct source *s, uint8_t state)
{
    o->count.holds[HOLD_HALTED] += s->state == INSTRUMENT_OPEN && state != INSTRUMENT_OPEN;
    o->touched |= s->state != state;
    s->state = state;
}

static void on_ticker(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    const struct id_slot *slot = find_id(o, m->venue, m->instrument_id);
    if (slot->id == 0 || slot->asset < 0) {
        o->count.unknown++;
        return;
    }
    uint16_t asset = (uint16_t)slot->asset;
    struct source *s = &o->src[asset];
    if (old_snapshot(o, s, p, m->ts_ns))
        return;
    if (m->has & HAS_STATE)
        set_state(o, s, m->state);
    if (!(m->has & HAS_MARK))
        return; // absent stays absent: the old price keeps its age
    set_price(o, asset, p, m->ts_ns, &m->mark);
    uint32_t guard = o->m->asset[asset].guard_ppm;
    if (guard) {
        bool off =
            !(m->has & HAS_INDEX) || off_guard(&m->mark, &m->index, o->m->asset[asset].decimals, guard);
        o->count.holds[HOLD_GUARD] += off && !s->off_guard;
        s->off_guard = off;
    }
}

// A definition carries no time. One from a snapshot may be older than a halt that the live channel has told,
// so it may close an instrument but not open one that has been heard.
static bool old_definition(const struct source *s, const struct feed_packet *p, const struct feed_msg *m)
{
    return p->snapshot && s->time_ns != 0 && m->state == INSTRUMENT_OPEN;
}

// Venues whose prices carry no state say it by itself. Without an id: of all that the channel has.
static void on_status(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    if (!(m->has & HAS_STATE) || p->snapshot)
        return;
    if (m->instrument_id != 0) {
        const struct id_slot *slot = find_id(o, m->venue, m->instrument_id);
        if (slot->id != 0 && slot->asset >= 0)
            set_state(o, &o->src[slot->asset], m->state);
        return;
    }
    for (uint16_t i = 0; i < o->m->n_assets; i++)
        if (o->m->asset[i].kind == ASSET_MARK && o->src[i].stream == stream_of(p))
            set_state(o, &o->src[i], m->state);
}

static void on_instrument(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    struct id_slot *slot = find_id(o, m->venue, m->instrument_id);
    int32_t asset = find_name(o, ASSET_MARK, m->name);
    if (slot->id == 0) {
        // Only ours: a venue has more options than the table has room. It stays half empty, so that a
        // look-up always ends.
        if (asset < 0 || m->instrument_id == 0 || o->ids >= ID_BUCKETS / 2)
            return;
        *slot = (struct id_slot){.id = m->instrument_id, .venue = m->venue};
        o->ids++;
    }
    slot->asset = asset; // an id may be given to another instrument
    if (asset >= 0 && (m->has & HAS_STATE)) {
        struct source *s = &o->src[slot->asset];
        if (!old_definition(s, p, m))
            set_state(o, s, m->state);
    }
}

void oracle_msg(struct oracle *o, const struct feed_packet *p, const struct feed_msg *m)
{
    open_packet(o, p);
    switch (m->kind) {
    case FEED_TICKER:
        on_ticker(o, p, m);
        break;
    case FEED_INDEX: {
        int32_t asset = find_name(o, ASSET_INDEX, m->name);
        if (asset < 0)
            o->count.unknown++;
        else if ((m->has & HAS_INDEX) && !old_snapshot(o, &o->src[asset], p, m->ts_ns))
            set_price(o, (uint16_t)asset, p, m->ts_ns, &m->index);
        break;
    }
    case FEED_INSTRUMENT:
        on_instrument(o, p, m);
        break;
    case FEED_STATUS:
        on_status(o, p, m);
        break;
    default:
        break;
    }
}

size_t oracle_end(struct oracle *o, const struct feed_packet *p, struct price_change *changed, bool *touched)
{
    open_packet(o, p);
    o->packet_open = false;
    size_t n = 0;
    for (uint16_t i = 0; i < o->m->n_assets && o->touched; i++) {
        const struct asset *a = &o->m->asset[i];
        int64_t price = o->price[i];
        if (a->kind == ASSET_RECIPROCAL) {
            if (!o->src[a->base].changed)
                continue;
            // A reciprocal that does not fit leaves the old one: the base is then beyond any sane range.
            price = reciprocal_price(o->price[a->base], o->m->asset[a->base].decimals, a->decimals);
            if (price == 0) {
                o->src[i].bad = true;
                o->count.bad_price++;
                continue;
            }
            o->src[i].bad = false;
            if (price == o->price[i])
                continue;
            o->price[i] = price;
        } else if (!o->src[i].changed) {
            continue;
        }
        changed[n++] = (struct price_change){i, price};
    }
    for (uint16_t i = 0; i < o->m->n_assets && o->touched; i++)
        o->src[i].changed = false;
    *touched = o->touched;
    o->touched = false;
    o->count.groups += n > 0;
    return n;
}

const int64_t *oracle_prices(const struct oracle *o)
{
    return o->price;
}

static const struct source *source_of(const struct oracle *o, uint16_t asset)
{
    const struct asset *a = &o->m->asset[asset];
    return &o->src[a->kind == ASSET_RECIPROCAL ? a->base : asset];
}

uint64_t oracle_price_time(const struct oracle *o, uint16_t asset)
{
    return source_of(o, asset)->time_ns;
}

enum hold oracle_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
    const struct asset *a = &o->m->asset[asset];
    const struct source *s = source_of(o, asset);
    if (s->bad || o->src[asset].bad)
        return HOLD_RANGE;
    if (s->time_ns == 0)
        return HOLD_ABSENT;
    if (s->gapped)
        return HOLD_GAP;
    if (s->state != INSTRUMENT_OPEN)
        return HOLD_HALTED;
    if (s->off_guard)
        return HOLD_GUARD;
    uint32_t stale_ms = a->kind == ASSET_RECIPROCAL ? o->m->asset[a->base].stale_ms : a->stale_ms;
    if (stale_ms && now_ns > s->time_ns && now_ns - s->time_ns > (uint64_t)stale_ms * 1000000u)
        return HOLD_STALE;
    return HOLD_NONE;
}

const struct oracle_counters *oracle_counters(const struct oracle *o)
{
    return &o->count;
}
