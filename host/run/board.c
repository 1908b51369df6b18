// SPDX-License-Identifier: Apache-2.0
#include "run/board.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "feed/arbiter.h"

enum {
    STREAMS_AT_ONCE = 16,
    WAIT_MS = 2000,
    WAIT_STEP_NS = 1000000,
};

enum state { REST, ASKED, DONE };

struct price {
    int64_t price;
    uint64_t time_ns;
    enum hold hold;
};

enum { LINE = 64 };
struct board {
    alignas(LINE) _Atomic int state; // ASKED: the hot thread's; else the reader's
    alignas(LINE) const struct market *market;
    size_t next; // stream to copy; hot thread only
    struct feed_counters n;
    struct own {
        const char *name;
        size_t n;
        struct feed_count count[FEED_COUNTS];
    } own[VENUE_COUNT]; // protocols that count something of their own
    size_t n_own;
    uint64_t now_ns;
    struct engine_counters engine;
    struct engine_tiers tiers;
    size_t watching, unplaced;
    uint32_t stages; // enum stages_policy
    struct desk_counters desk;
    bool called; // margin calls are asked for
    struct calls_counters calls;
    struct price price[MARKET_ASSETS_MAX];
    struct ports_port port[PORTS_MAX];
    size_t n_ports, n_streams;
    struct arbiter_stream stream[ARBITER_STREAMS];
};

static_assert(offsetof(struct board, market) == LINE && sizeof(struct board) % LINE == 0,
              "the hot thread looks at state at each poll: nothing else is written on that line");

struct board *board_new(const struct market *market)
{
    struct board *b = aligned_alloc(LINE, sizeof *b);
    if (!b)
        return NULL;
    memset(b, 0, sizeof *b);
    b->market = market;
    return b;
}

void board_free(struct board *b)
{
    free(b);
}

bool board_asked(const struct board *b)
{
    return atomic_load_explicit(&b->state, memory_order_acquire) == ASKED;
}

static void copy_own(struct board *b, const struct feed *f)
{
    const char *name;
    b->n_own = 0;
    for (size_t i = 0; b->n_own < VENUE_COUNT && (name = feed_protocol_name(f, i, NULL)); i++) {
        struct own *o = &b->own[b->n_own];
        o->name = name;
        o->n = feed_counts(f, i, o->count);
        b->n_own += o->n != 0;
    }
}

static void copy_small(struct board *b, const struct session *s, const struct ports_port *port,
                       size_t n_ports, uint64_t now_ns)
{
    const struct oracle *o = session_oracle(s);
    b->n = *feed_counters(session_feed(s));
    b->now_ns = now_ns;
    b->engine = *engine_counters(session_engine(s));
    engine_tiers(session_engine(s), &b->tiers);
    b->watching = engine_watching(session_engine(s));
    b->unplaced =
        b->tiers.boxed ? engine_unplaced(session_engine(s)) : 0; // the others take a look at each account
    b->stages = session_stages(s);
    b->desk = *session_desk_counters(s);
    b->called = session_calls(s) != NULL;
    if (b->called)
        b->calls = *calls_counters(session_calls(s));
    copy_own(b, session_feed(s));
    for (uint16_t a = 0; a < b->market->n_assets; a++)
        b->price[a] = (struct price){oracle_prices(o)[a], oracle_price_time(o, a), oracle_hold(o, a, now_ns)};
    b->n_ports = n_ports < PORTS_MAX ? n_ports : PORTS_MAX;
    if (b->n_ports)
        memcpy(b->port, port, b->n_ports * sizeof *port);
}

void board_serve(struct board *b, const struct session *s, const struct ports_port *port, size_t n_ports,
                 uint64_t now_ns)
{
    if (!board_asked(b))
        return;
    if (b->next == 0)
        copy_small(b, s, port, n_ports, now_ns);
    size_t stop = b->next + STREAMS_AT_ONCE;
    const struct arbiter *a = feed_arbiter(session_feed(s));
    while (b->next < stop && b->next < ARBITER_STREAMS && arbiter_stream(a, b->next, &b->stream[b->next]))
        b->next++;
    if (b->next == stop && stop < ARBITER_STREAMS)
        return;
    b->n_streams = b->next;
    b->next = 0;
    atomic_store_explicit(&b->state, DONE, memory_order_release);
}

bool board_ask(void *board)
{
    struct board *b = board;
    const struct timespec step = {.tv_nsec = WAIT_STEP_NS};
    atomic_store_explicit(&b->state, ASKED, memory_order_release); // asked before in vain: still ASKED
    for (int ms = 0; ms < WAIT_MS; ms++) {
        if (atomic_load_explicit(&b->state, memory_order_acquire) == DONE)
            return true;
        (void)nanosleep(&step, NULL);
    }
    return false;
}

static bool readable(const struct board *b)
{
    return atomic_load_explicit(&b->state, memory_order_acquire) == DONE;
}

// ---- rows

static void line_fields(struct telemetry_row *r, const struct arbiter_stream *s,
                        const struct line_counters *l)
{
    telemetry_put(r, "packets", l->packets);
    telemetry_put(r, "first", l->first);
    telemetry_put(r, "copies", l->copies);
    telemetry_put(r, "late", l->late);
    telemetry_put(r, "heartbeats", l->heartbeats);
    telemetry_put(r, "early", l->early);
    telemetry_put(r, "gaps", l->gaps);
    telemetry_put(r, "lost", l->lost);
    telemetry_put(r, "bad", l->bad);
    telemetry_put(r, "unknown_templates", l->unknown_templates);
    telemetry_put(r, "last_ns", l->last_ns);
    telemetry_put(r, "stale_ns", l->stale_ns);
    telemetry_put_signed(r, "lead_ns_min", l->lead_ns_min);
    telemetry_put_signed(r, "lead_ns_max", l->lead_ns_max);
    telemetry_put(r, "stream_gaps", s->gaps);
    telemetry_put(r, "stream_lost", s->lost);
    telemetry_put(r, "kept", s->kept);
    telemetry_put(r, "broken", s->broken);
    telemetry_put(r, "stale", s->stale);
    telemetry_put(r, "used", s->used);
}

// A line that was never heard has no row, unless it is the only one.
bool board_line_row(void *board, size_t i, struct telemetry_row *out)
{
    const struct board *b = board;
    size_t seen = 0;
    for (size_t k = 0; readable(b) && k < b->n_streams; k++) {
        const struct arbiter_stream *s = &b->stream[k];
        for (unsigned line = 0; line < ARBITER_LINES; line++) {
            const struct line_counters *l = &s->line[line];
            if ((line > 0 && l->packets + l->bad == 0) || seen++ != i)
                continue;
            (void)snprintf(out->name, sizeof out->name, "%s/%u/%s%c", s->proto->name, s->channel,
                           s->snapshot ? "snapshot/" : "", (char)('A' + line));
            line_fields(out, s, l);
            return true;
        }
    }
    return false;
}

static void drop_fields(struct telemetry_row *out, const struct feed_counters *n)
{
    (void)snprintf(out->name, sizeof out->name, "dropped");
    static char key[DROP_COUNT][32];
    for (unsigned d = DROP_NONE + 1; d < DROP_COUNT; d++) {
        (void)snprintf(key[d], sizeof key[d], "%s", feed_drop_name(d));
        for (char *c = key[d]; *c; c++)
            if (*c == '-')
                *c = '_';
        telemetry_put(out, key[d], n->drop[d]);
    }
}

static void own_fields(struct telemetry_row *out, const struct own *o)
{
    (void)snprintf(out->name, sizeof out->name, "%s", o->name);
    for (size_t k = 0; k < o->n; k++)
        telemetry_put(out, o->count[k].name, o->count[k].value);
}

bool board_feed_row(void *board, size_t i, struct telemetry_row *out)
{
    const struct board *b = board;
    const struct feed_counters *n = &b->n;
    if (!readable(b) || i > 1 + b->n_own)
        return false;
    if (i == 1) {
        drop_fields(out, n);
        return true;
    }
    if (i > 1) {
        own_fields(out, &b->own[i - 2]);
        return true;
    }
    (void)snprintf(out->name, sizeof out->name, "feed");
    telemetry_put(out, "now_ns", b->now_ns);
    telemetry_put(out, "frames", n->frames);
    telemetry_put(out, "packets", n->packets);
    telemetry_put(out, "bytes", n->bytes);
    telemetry_put(out, "messages", n->messages);
    telemetry_put(out, "tickers", n->tickers);
    telemetry_put(out, "indexes", n->indexes);
    telemetry_put(out, "instruments", n->instruments);
    telemetry_put(out, "quotes", n->quotes);
    telemetry_put(out, "trades", n->trades);
    telemetry_put(out, "other_messages", n->other_messages);
    telemetry_put(out, "unknown_templates", n->unknown_templates);
    telemetry_put(out, "unknown_ids", n->unknown_ids);
    telemetry_put(out, "bad_layouts", n->bad_layouts);
    telemetry_put(out, "books_whole", n->books_whole);
    telemetry_put(out, "books_broken", n->books_broken);
    telemetry_put(out, "gaps", n->gaps);
    telemetry_put(out, "missing", n->missing);
    telemetry_put(out, "restarts", n->restarts);
    telemetry_put(out, "duplicates", n->duplicates);
    telemetry_put(out, "early", n->early);
    telemetry_put(out, "streams_evicted", n->streams_evicted);
    telemetry_put(out, "lines_moved", n->lines_moved);
    telemetry_put(out, "no_room", n->no_room);
    telemetry_put(out, "evicted", n->evicted);
    return true;
}

bool board_price_row(void *board, size_t i, struct telemetry_row *out)
{
    const struct board *b = board;
    if (!readable(b) || i >= b->market->n_assets)
        return false;
    (void)snprintf(out->name, sizeof out->name, "%zu", i);
    telemetry_put_text(out, "asset", b->market->asset[i].name);
    telemetry_put_signed(out, "price", b->price[i].price);
    telemetry_put(out, "time_ns", b->price[i].time_ns);
    telemetry_put_text(out, "hold", hold_name(b->price[i].hold));
    return true;
}

static void tier_fields(struct telemetry_row *out, const struct engine_tiers *t, size_t unplaced)
{
    static char key[ENGINE_TIERS][16];
    (void)snprintf(out->name, sizeof out->name, "tiers");
    telemetry_put(out, "box_ppm", t->box_ppm);
    telemetry_put(out, "device", t->device);
    telemetry_put(out, "rows_used", t->rows_used);
    for (unsigned k = 0; k < ENGINE_TIERS; k++) {
        (void)snprintf(key[k], sizeof key[k], "beyond_%u", k);
        telemetry_put(out, key[k], t->beyond[k]);
    }
    telemetry_put(out, "host", t->host);
    telemetry_put(out, "flagged", t->flagged);
    telemetry_put(out, "without_row", t->none);
    telemetry_put(out, "unplaced", unplaced);
    telemetry_put(out, "bytes", t->bytes);
}

static void stage_fields(struct telemetry_row *out, const struct board *b)
{
    (void)snprintf(out->name, sizeof out->name, "stages");
    telemetry_put_text(out, "policy", stages_name[b->stages]);
    telemetry_put(out, "partial", b->desk.stage[STAGED_PARTIAL]);
    telemetry_put(out, "full", b->desk.stage[STAGED_FULL]);
    telemetry_put(out, "backstop", b->desk.stage[STAGED_BACKSTOP]);
    telemetry_put(out, "bankrupt", b->desk.stage[STAGED_BANKRUPT]);
    telemetry_put(out, "taken_back", b->desk.stages_undone);
    telemetry_put(out, "ended", b->desk.stages_ended);
}

static void call_fields(struct telemetry_row *out, const struct calls_counters *c)
{
    static const char *const key[CALL_LEVELS][3] = {{"entered_1", "left_1", "standing_1"},
                                                    {"entered_2", "left_2", "standing_2"},
                                                    {"entered_3", "left_3", "standing_3"}};
    (void)snprintf(out->name, sizeof out->name, "calls");
    for (unsigned k = 0; k < CALL_LEVELS; k++) {
        telemetry_put(out, key[k][0], c->entered[k]);
        telemetry_put(out, key[k][1], c->left[k]);
        telemetry_put(out, key[k][2], c->standing[k]);
    }
}

// Row 0 what the engine did; then, each where there is something to tell: with nested boxes where the
// accounts are, liquidation by stages, margin calls.
bool board_engine_row(void *board, size_t i, struct telemetry_row *out)
{
    const struct board *b = board;
    const struct engine_counters *c = &b->engine;
    bool staged = b->stages != STAGES_NONE;
    if (!readable(b) || i > (size_t)b->tiers.boxed + staged + b->called)
        return false;
    if (i == 1 && b->tiers.boxed) {
        tier_fields(out, &b->tiers, b->unplaced);
        return true;
    }
    if (i && i == (size_t)b->tiers.boxed + staged && staged) {
        stage_fields(out, b);
        return true;
    }
    if (i) {
        call_fields(out, &b->calls);
        return true;
    }
    (void)snprintf(out->name, sizeof out->name, "engine");
    telemetry_put(out, "groups", c->groups);
    telemetry_put(out, "ticks", c->ticks);
    telemetry_put(out, "flags", c->flags[LEVEL_LIQUIDATE]);
    telemetry_put(out, "host_flags", c->host_flags);
    telemetry_put(out, "confirmed", c->confirmed);
    telemetry_put(out, "early", c->early);
    telemetry_put(out, "rearmed", c->rearmed);
    telemetry_put(out, "watching", b->watching);
    telemetry_put(out, "rows_loaded", c->rows_loaded);
    telemetry_put(out, "rows_due", c->rows_due);
    telemetry_put(out, "boxes_background", c->boxes_background);
    telemetry_put(out, "boxes_foreground", c->boxes_foreground);
    telemetry_put(out, "looked_background", c->looked_background);
    telemetry_put(out, "looked_foreground", c->looked_foreground);
    telemetry_put(out, "updates_foreground", c->updates_foreground);
    telemetry_put(out, "tier_changes", c->tier_changes);
    telemetry_put(out, "host_evaluations", c->host_evaluations);
    telemetry_put(out, "units_changed", c->units_changed);
    return true;
}

bool board_port_row(void *board, size_t i, struct telemetry_row *out)
{
    const struct board *b = board;
    if (!readable(b) || i >= b->n_ports)
        return false;
    const struct ports_port *p = &b->port[i];
    (void)snprintf(out->name, sizeof out->name, "%zu", i);
    telemetry_put_text(out, "port", p->name);
    telemetry_put_text(out, "filter", p->filter);
    telemetry_put(out, "frames", p->frames);
    telemetry_put(out, "other_groups", p->other);
    telemetry_put(out, "queues", p->queues);
    telemetry_put(out, "flows", p->flows);
    telemetry_put(out, "groups", p->groups);
    telemetry_put(out, "nic_time", p->nic_time);
    telemetry_put(out, "igmp_version", p->igmp_version);
    telemetry_put(out, "igmp_queries", p->igmp_queries);
    telemetry_put(out, "igmp_reports", p->igmp_reports);
    telemetry_put(out, "igmp_leaves", p->igmp_leaves);
    telemetry_put(out, "igmp_bad", p->igmp_bad);
    telemetry_put(out, "igmp_unsent", p->igmp_unsent);
    return true;
}
