// SPDX-License-Identifier: Apache-2.0
#include "run/bids.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "base/pages.h"
#include "engine/wheel.h"
#include "run/bids_plan.h"

#define NONE UINT32_MAX
enum { PAUSES = 6 };
static const uint64_t SECOND_NS = 1000000000, MS_NS = 1000000, TICK_NS = 10000000, PAUSE_NS = 100000000,
                      JUDGE_NS = 100000000;

// An auction that is followed. Lists of those over an asset go by 2 * slot + (0 collateral, 1 debt).
struct slot {
    struct auction a;
    bool used, dirty, in_flight, parked;
    uint8_t refusals;
    uint8_t what; // of the bid in flight
    uint32_t revision;
    uint32_t taken;    // purchases of ours at taken_at
    uint64_t taken_at; // second
    int64_t flight_e8, flight_net_e8;
    u256 flight_sold;  // as in struct bids_sold
    uint64_t retry_ns; // not before
    uint32_t before[2], after[2];
};

struct bids {
    struct bids_config cfg;
    uint32_t desk;
    const struct market *m;
    struct gateway *gw;
    struct bids_hooks h;
    bool audit;
    struct bids_counters n;
    struct slot *slot;
    struct {
        uint32_t id, slot;
    } * by_id; // ascending by id
    uint32_t *free_slot;
    uint32_t n_used, n_free, n_parked;
    uint32_t first[MARKET_ASSETS_MAX]; // of each asset's list
    uint64_t book[MARKET_ASSETS_MAX];  // of each asset with a list, as its auctions are planned with
    uint64_t books_ns;                 // when these were looked at last
    struct bids_sold sold[MARKET_ASSETS_MAX];
    struct wheel *wheel;
    uint32_t revision; // used up in earlier sessions
    uint64_t outstanding;
    int64_t spent_e8;
    uint64_t judged_ns;
    struct gateway_order out;
    struct bids_terms terms;
};

// ---- the table

static uint32_t place_of(const struct bids *b, uint32_t id)
{
    uint32_t lo = 0, hi = b->n_used;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->by_id[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static struct slot *find(const struct bids *b, uint32_t id)
{
    uint32_t at = place_of(b, id);
    return at < b->n_used && b->by_id[at].id == id ? &b->slot[b->by_id[at].slot] : NULL;
}

static uint32_t number(const struct bids *b, const struct slot *s)
{
    return (uint32_t)(s - b->slot);
}

static uint16_t asset_of(const struct bids *b, const struct slot *s, unsigned side)
{
    return b->m->instrument[side ? s->a.debt : s->a.coll].asset;
}

static uint8_t decimals_of(const struct bids *b, const struct slot *s)
{
    return b->m->instrument[s->a.coll].size_decimals;
}

static void link_asset(struct bids *b, struct slot *s, unsigned side)
{
    uint32_t *first = &b->first[asset_of(b, s, side)], me = 2 * number(b, s) + side;
    s->before[side] = NONE;
    s->after[side] = *first;
    if (*first != NONE)
        b->slot[*first / 2].before[*first % 2] = me;
    *first = me;
}

static void unlink_asset(struct bids *b, struct slot *s, unsigned side)
{
    uint32_t before = s->before[side], after = s->after[side];
    if (before != NONE)
        b->slot[before / 2].after[before % 2] = after;
    else
        b->first[asset_of(b, s, side)] = after;
    if (after != NONE)
        b->slot[after / 2].before[after % 2] = before;
}

static void park(struct bids *b, struct slot *s)
{
    b->n_parked += !s->parked;
    s->parked = true;
}

static void unpark(struct bids *b, struct slot *s)
{
    b->n_parked -= s->parked;
    s->parked = false;
}

static struct slot *add(struct bids *b, const struct auction *a)
{
    uint32_t at = place_of(b, a->id), i = b->free_slot[--b->n_free];
    memmove(&b->by_id[at + 1], &b->by_id[at], (b->n_used - at) * sizeof b->by_id[0]);
    b->by_id[at].id = a->id;
    b->by_id[at].slot = i;
    b->n_used++;
    b->slot[i] = (struct slot){.a = *a, .used = true, .revision = b->revision};
    link_asset(b, &b->slot[i], 0);
    link_asset(b, &b->slot[i], 1);
    b->n.told++;
    return &b->slot[i];
}

static void leave(struct bids *b, struct slot *s)
{
    uint32_t at = place_of(b, s->a.id);
    unpark(b, s);
    wheel_remove(b->wheel, number(b, s));
    unlink_asset(b, s, 0);
    unlink_asset(b, s, 1);
    memmove(&b->by_id[at], &b->by_id[at + 1], (b->n_used - at - 1) * sizeof b->by_id[0]);
    b->n_used--;
    b->free_slot[b->n_free++] = number(b, s);
    s->used = false;
    b->n.ended++;
}

// To be planned anew. One that is due for that already keeps its place: else those in front would push those
// behind them back with every price.
static void stir(struct bids *b, struct slot *s)
{
    if (s->dirty || !s->a.k.running)
        return;
    s->dirty = true;
    wheel_put(b->wheel, number(b, s), 0); // at once, in this order, not with the next tick
}

// ---- inputs

bool bids_wants(const struct bids *b, const struct auction *a)
{
    const struct slot *s = find(b, a->id);
    return s ? a->version > s->a.version : a->k.running;
}

static bool fits(const struct bids *b, const struct auction *a)
{
    const struct market *m = b->m;
    return a->coll < m->n_instruments && a->debt < m->n_instruments &&
           m->instrument[a->coll].kind == INST_RESERVE && m->instrument[a->debt].kind == INST_RESERVE;
}

void bids_told(struct bids *b, const struct auction *a)
{
    struct slot *s = find(b, a->id);
    if (!bids_wants(b, a)) {
        b->n.old++;
        return;
    }
    if (!s && (!fits(b, a) || b->n_free == 0)) {
        b->n.full += b->n_free == 0;
        b->n.strange += b->n_free != 0;
        return;
    }
    if (!s) {
        s = add(b, a);
    } else if (a->coll == s->a.coll && a->debt == s->a.debt) {
        s->a = *a;
        s->refusals = 0; // it was for the state before
        s->retry_ns = 0;
    } else {
        b->n.strange++;
        return;
    }
    if (s->a.k.running)
        stir(b, s);
    else if (!s->in_flight)
        leave(b, s);
}

void bids_price(struct bids *b, uint16_t asset)
{
    for (uint32_t i = b->first[asset]; i != NONE; i = b->slot[i / 2].after[i % 2])
        stir(b, &b->slot[i / 2]);
}

void bids_resume(struct bids *b)
{
    for (uint32_t i = 0; i < b->n_used; i++)
        stir(b, &b->slot[b->by_id[i].slot]);
}

// Those who wait for the limits, or for a bid's place among those in flight.
static void free_parked(struct bids *b)
{
    for (uint32_t i = 0; i < b->n_used && b->n_parked; i++) {
        struct slot *s = &b->slot[b->by_id[i].slot];
        if (s->parked) {
            unpark(b, s);
            stir(b, s);
        }
    }
}

static uint64_t wake_ns(const struct bids *b, uint64_t second)
{
    const struct bidder_plan p = {.at = second};
    return bidder_wake_ns(&p, b->cfg.lead_ms * MS_NS);
}

static uint64_t second_of(const struct bids *b, uint64_t now_ns)
{
    return (now_ns + b->cfg.lead_ms * MS_NS) / SECOND_NS;
}

// A small limit or pool makes one purchase many, each as good as the one before while stream time stands: the
// rest has to wait for the next second, or whoever waits for the last reply waits for ever.
static void pace(const struct bids *b, struct slot *s, uint64_t now_ns)
{
    const uint64_t second = second_of(b, now_ns);
    s->taken = s->taken_at == second ? s->taken + 1 : 1;
    s->taken_at = second;
    if (s->taken >= BIDS_A_SECOND)
        s->retry_ns = wake_ns(b, second + 1);
}

void bids_reply(struct bids *b, const struct order_reply *r, uint64_t now_ns)
{
    struct slot *s = find(b, r->key.account);
    if (!s || !s->in_flight || r->key.desk != b->desk || r->key.revision != s->revision) {
        b->n.stray++;
        return;
    }
    s->in_flight = false;
    b->outstanding--;
    const bool taken = r->status == ORDER_TAKEN;
    bids_sold_settles(&b->sold[asset_of(b, s, 0)], s->flight_sold, taken);
    if (!taken && b->cfg.by == BIDS_BY_REST && !u256_is_zero(s->flight_sold))
        bids_price(b, asset_of(b, s, 0)); // there is more for the others
    if (taken) {
        b->n.taken += s->what == BID_TAKE;
        b->n.reset += s->what == BID_RESET;
        b->n.paid_e8 = auction_sum_e8(b->n.paid_e8, s->flight_e8);
        b->n.net_e8 = auction_sum_e8(b->n.net_e8, s->flight_net_e8);
        s->refusals = 0;
    } else {
        b->n.fenced += r->status == ORDER_UNKNOWN;
        b->n.refused += r->status != ORDER_UNKNOWN;
        b->spent_e8 = auction_sum_e8(b->spent_e8, -s->flight_e8);
        s->retry_ns = now_ns + (PAUSE_NS << s->refusals);
        s->refusals = (uint8_t)(s->refusals + (s->refusals < PAUSES));
    }
    struct auction a; // decoded once already, by reply_decode()
    if (r->n_note && auction_decode(r->note, r->n_note, &a) == 0 && bids_wants(b, &a))
        bids_told(b, &a);
    else if (s->a.k.running)
        stir(b, s);
    else
        leave(b, s);
    if (taken && s->what == BID_TAKE && s->used)
        pace(b, s, now_ns);
    free_parked(b);
}

void bids_restore(struct bids *b, uint32_t revision)
{
    if (revision > b->revision)
        b->revision = revision;
}

void bids_spent(struct bids *b, int64_t e8)
{
    b->spent_e8 = auction_sum_e8(b->spent_e8, e8);
}

// ---- orders

static void mark(struct bids *b, uint16_t asset, const int64_t *px)
{
    b->out.mark[b->out.n_marks++] = (struct gateway_mark){asset, px[asset]};
}

// Its bytes are in the journal before it is handed over, and on disk before it is sent (P6).
static bool send(struct bids *b, struct slot *s, const struct bid *bid, const int64_t *px, uint64_t second)
{
    uint8_t bytes[BID_BYTES];
    size_t n = bid_encode(bid, bytes, sizeof bytes);
    memset(&b->out, 0, offsetof(struct gateway_order, mark));
    b->out.lsn = n ? b->h.put(b->h.ctx, J_BID, bytes, n) : 0;
    b->n.not_logged += b->out.lsn == 0;
    if (b->out.lsn == 0)
        return false;
    b->out.key = bid->key;
    b->out.second = second <= MOVING_TIME_MAX ? second : 0;
    mark(b, asset_of(b, s, 0), px);
    if (asset_of(b, s, 1) != asset_of(b, s, 0))
        mark(b, asset_of(b, s, 1), px);
    b->out.n_bytes = (uint16_t)n;
    memcpy(b->out.bytes, bytes, n);
    bool sent = gateway_submit(b->gw, &b->out) == 0;
    b->n.ring_full += !sent;
    return sent;
}

static int64_t floor_e8(const struct bids *b, const struct slot *s, const int64_t *px, u256 rad)
{
    int64_t up = auction_e8(b->m, s->a.debt, px, rad);
    return up > 0 && up < INT64_MAX ? up - 1 : up;
}

static void bid(struct bids *b, struct slot *s, struct bid *x, const struct bidder_plan *p, const int64_t *px,
                uint64_t second, uint64_t now_ns)
{
    if (b->outstanding >= BIDS_OUTSTANDING_MAX || s->revision == UINT32_MAX) {
        b->n.ring_full++;
        park(b, s);
        return;
    }
    x->key = (struct order_key){b->desk, s->a.id, BID_EPOCH, ++s->revision};
    x->version = s->a.version;
    if (!send(b, s, x, px, second)) {
        wheel_put(b->wheel, number(b, s), now_ns + PAUSE_NS);
        return;
    }
    s->in_flight = true;
    s->what = x->what;
    s->flight_e8 = x->value_e8;
    s->flight_net_e8 = floor_e8(b, s, px, p->net);
    s->flight_sold = bids_sold_leaves(&b->sold[asset_of(b, s, 0)], decimals_of(b, s),
                                      b->terms.sale.any ? U256_ZERO : p->taken.slice);
    b->spent_e8 = auction_sum_e8(b->spent_e8, x->value_e8);
    b->outstanding++;
    b->n.takes += x->what == BID_TAKE;
    b->n.resets += x->what == BID_RESET;
}

static void buy(struct bids *b, struct slot *s, const struct bidder_plan *p, const int64_t *px,
                uint64_t second, uint64_t now_ns)
{
    struct bid x = {.what = BID_TAKE, .amt = p->amt, .max = p->max};
    x.value_e8 = auction_e8(b->m, s->a.debt, px, p->taken.owe);
    bid(b, s, &x, p, px, second, now_ns);
}

static void consider_reset(struct bids *b, struct slot *s, const int64_t *px, uint64_t second,
                           uint64_t now_ns)
{
    struct bidder_redo r = bidder_redo(&s->a.k, &b->terms.feed, &b->terms.t, second);
    struct bid x = {.what = BID_RESET};
    if (r.pays && r.at <= second)
        bid(b, s, &x, &(struct bidder_plan){.pays = false}, px, second, now_ns);
    else
        b->n.left++; // until a price, or somebody else, changes that
}

// ---- plans

static bool held(const struct bids *b, const struct slot *s)
{
    return b->h.held(b->h.ctx, asset_of(b, s, 0)) || b->h.held(b->h.ctx, asset_of(b, s, 1));
}

static bool terms(struct bids *b, const struct slot *s, const int64_t *px)
{
    const uint16_t asset = asset_of(b, s, 0);
    u256 gone = U256_ZERO; // units that other bids leave less of its book or pool for this one
    if (b->cfg.by == BIDS_BY_REST)
        gone = bids_sold_before(&b->sold[asset], b->book[asset], px[asset], decimals_of(b, s));
    const struct exit_venue *way = b->h.way_out(b->h.ctx, s->a.coll, s->a.debt, px);
    int64_t left = INT64_MAX;
    if (b->cfg.total_e8)
        left = b->cfg.total_e8 > b->spent_e8 ? b->cfg.total_e8 - b->spent_e8 : 0;
    return bids_terms(&b->cfg, b->m, &s->a, way, gone, px, left, &b->terms);
}

// An order, or the moment to look again. True: a plan was worked out in full.
static bool plan(struct bids *b, struct slot *s, const int64_t *px, uint64_t now_ns)
{
    uint64_t second = second_of(b, now_ns), from = bids_not_before(&b->terms, &s->a, second);
    struct checked c = {0};
    uint64_t due = clip_redo_at(&c, &s->a.k);
    unpark(b, s);
    if (second >= due) {
        consider_reset(b, s, px, second, now_ns);
        return false;
    }
    if (from > second) {
        wheel_put(b->wheel, number(b, s), wake_ns(b, from < due ? from : due));
        return false;
    }
    struct bidder_plan p = bids_first(&b->terms, &s->a, second);
    if (!p.pays && p.why && strcmp(p.why, "limit") == 0) {
        b->n.limited++;
        park(b, s);
    }
    b->n.plans++;
    if (p.pays && p.at <= second)
        buy(b, s, &p, px, p.at > second ? p.at : second, now_ns);
    else
        wheel_put(b->wheel, number(b, s), wake_ns(b, p.at));
    return true;
}

static bool look(struct bids *b, struct slot *s, const int64_t *px, uint64_t now_ns)
{
    bool anew = s->dirty;
    s->dirty = false;
    b->n.replans += anew;
    b->n.wakes += !anew;
    if (s->in_flight || !s->a.k.running || b->h.killed(b->h.ctx))
        return false; // its reply, or the switch, has it planned anew
    if (now_ns < s->retry_ns) {
        b->n.waits++;
        wheel_put(b->wheel, number(b, s), s->retry_ns);
        return false;
    }
    if (held(b, s)) {
        b->n.held++;
        wheel_put(b->wheel, number(b, s), now_ns + SECOND_NS);
        return false;
    }
    return terms(b, s, px) && plan(b, s, px, now_ns);
}

static bool due(const struct slot *s, uint64_t second)
{
    struct checked c = {0};
    return second >= clip_redo_at(&c, &s->a.k);
}

// May a bid on it leave now at all?
static bool free_to_bid(const struct bids *b, const struct slot *s, uint64_t now_ns)
{
    return s->a.k.running && !s->in_flight && now_ns >= s->retry_ns && !b->h.killed(b->h.ctx) &&
           !held(b, s) && b->outstanding < BIDS_OUTSTANDING_MAX;
}

// Asked of every auction beside the wheel and the bound: is there a purchase that pays now, and no order? The
// wheel may be a tick late, so the second is that of a tick ago, and one that is due for a reset by now is
// none.
static void judge(struct bids *b, const int64_t *px, uint64_t now_ns)
{
    uint64_t second = second_of(b, now_ns > TICK_NS ? now_ns - TICK_NS : 0);
    for (uint32_t i = 0; i < b->n_used; i++) {
        struct slot *s = &b->slot[b->by_id[i].slot];
        if (!free_to_bid(b, s, now_ns) || s->a.k.tic > second || due(s, second_of(b, now_ns)) ||
            !terms(b, s, px))
            continue;
        struct bidder_plan p = bidder_now(&s->a.k, &b->terms.t, &b->terms.room, second);
        b->n.judged++;
        b->n.missed += p.pays;
    }
}

// A book moves without a price. False: it is too early to look again.
static bool look_at_books(struct bids *b, uint64_t now_ns)
{
    if (now_ns < b->books_ns + TICK_NS)
        return false;
    b->books_ns = now_ns;
    for (uint16_t i = 0; i < b->m->n_assets; i++) {
        uint64_t is = b->first[i] != NONE ? b->h.book(b->h.ctx, i) : b->book[i];
        if (is != b->book[i])
            bids_price(b, i);
        b->book[i] = is;
    }
    return true;
}

void bids_run(struct bids *b, const int64_t *px, uint64_t now_ns)
{
    uint32_t i;
    unsigned plans = 0, looks = 0;
    const bool fresh = look_at_books(b, now_ns);
    wheel_advance(b->wheel, now_ns);
    while (plans < BIDS_PLANS_A_CALL && looks++ < BIDS_LOOKS_A_CALL && wheel_take(b->wheel, &i))
        plans += look(b, &b->slot[i], px, now_ns);
    bool waiting = wheel_next(b->wheel) <= now_ns; // for their turn, with the next call
    if (b->audit && fresh && !waiting && now_ns >= b->judged_ns + JUDGE_NS) {
        b->judged_ns = now_ns;
        judge(b, px, now_ns);
    }
}

// ---- life

struct bids *bids_new(const struct bids_config *c, uint32_t desk, const struct market *m, struct gateway *gw,
                      const struct bids_hooks *h, bool audit, struct err *e)
{
    struct bids *b = pages_new(1, sizeof *b);
    uint32_t n = c->max;
    if (n == 0 || n > BIDS_MAX || c->slippage_ppm >= BIDDER_PPM) {
        err_set(e, "auctions: at most %d at once, and slippage below %d ppm", BIDS_MAX, BIDDER_PPM);
        free(b);
        return NULL;
    }
    if (b) {
        b->slot = pages_new(n, sizeof *b->slot);
        b->by_id = pages_new((size_t)n + 1, sizeof *b->by_id);
        b->free_slot = pages_new(n, sizeof *b->free_slot);
        b->wheel = wheel_new(n, TICK_NS, 0);
    }
    if (!b || !b->slot || !b->by_id || !b->free_slot || !b->wheel) {
        err_set(e, "out of memory for %u auctions", n);
        bids_free(b);
        return NULL;
    }
    b->cfg = *c;
    b->desk = desk;
    b->m = m;
    b->gw = gw;
    b->h = *h;
    b->audit = audit;
    for (uint32_t i = 0; i < n; i++)
        b->free_slot[b->n_free++] = n - 1 - i;
    memset(b->first, 0xff, sizeof b->first);
    return b;
}

void bids_free(struct bids *b)
{
    if (!b)
        return;
    wheel_free(b->wheel);
    free(b->slot);
    free(b->by_id);
    free(b->free_slot);
    free(b);
}

uint64_t bids_outstanding(const struct bids *b)
{
    return b->outstanding;
}
size_t bids_followed(const struct bids *b)
{
    return b->n_used;
}
const struct bids_counters *bids_counters(const struct bids *b)
{
    return &b->n;
}
