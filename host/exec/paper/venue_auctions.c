// SPDX-License-Identifier: Apache-2.0
// Auctions of the paper venue: how they begin, who buys, who is told. What is kept on disk: venue_lots.c.
#include "exec/paper/venue_auctions.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts/moving.h"
#include "base/prng.h"
#include "exec/kick.h"
#include "exec/paper/socket.h"
#include "exec/paper/venue_inside.h"
#include "exec/paper/venue_lots.h"

enum { BPS = 10000, PERCENT = 100, BPS_TO_RAY_DIGITS = 23, BPS_TO_WAD_DIGITS = 14 };

static u256 of_bps(uint32_t bps, unsigned digits)
{
    u256 v;
    (void)u256_mul(u256_from_u64(bps), u256_pow10(digits), &v);
    return v;
}

// ---- the rival

// Its mind is made up by the auction's number and beginning alone, whenever and however often it is asked.
static void plan_rival(const struct venue *v, struct venue_auction *x)
{
    const struct auction_spec *s = v->o->auctions;
    struct checked c = {0};
    x->rival_at = UINT64_MAX;
    if (!s || !s->rival_pct || !x->a.k.running || x->rival == x->a.k.tic)
        return;
    uint64_t seed = v->o->seed;
    seed = splitmix64(&seed) ^ ((uint64_t)x->a.id << 40 | x->a.k.tic);
    bool comes = splitmix64(&seed) % PERCENT < s->rival_pct;
    uint32_t wants =
        s->rival_from_bps + (uint32_t)(splitmix64(&seed) % (s->rival_to_bps - s->rival_from_bps + 1));
    u256 oracle = auction_rdiv(&c, x->a.k.top, x->a.k.buf); // top was the oracle's price times buf
    u256 limit = auction_rmul(&c, oracle, of_bps(wants, BPS_TO_RAY_DIGITS));
    struct curve_hit h = curve_first(&c, &x->a.k.calc, x->a.k.top, limit, x->a.k.tail);
    if (comes && ck_ok(&c) && h.found)
        x->rival_at = x->a.k.tic + h.at;
}

// ---- changes

// After an event of number i: who watches is told, and the rival thinks anew.
static void changed(struct venue *v, uint32_t i)
{
    struct told_list *l = &v->auctions.told;
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next_auction == i)
            v->client[k].next_auction = told_node(l, i)->after;
    told_mark(l, i, l->seq + 1);
    for (unsigned k = 0; k < CLIENTS_MAX; k++)
        if (v->client[k].watching && v->client[k].next_auction == TOLD_NONE)
            v->client[k].next_auction = i;
    plan_rival(v, &v->auctions.at[i]);
}

static void note(struct venue *v, const struct auction *a)
{
    v->reply.n_note = (uint16_t)auction_encode(a, v->reply.note, sizeof v->reply.note);
}

static void event(struct auction *a, enum auction_event what, uint32_t by, uint64_t second,
                  const struct clip_taken *t)
{
    a->version++;
    a->event = (uint8_t)what;
    a->by = by;
    a->second = second;
    a->slice = t ? u256_to_u128(t->slice) : 0;
    a->owe = t ? t->owe : U256_ZERO;
}

// ---- beginning

static bool sold_by_auction(const struct venue *v, const struct account *a)
{
    const struct auction_spec *s = v->o->auctions;
    return s && a->rule->borrowing && (!s->rule[0] || strcmp(s->rule, a->rule->name) == 0);
}

// A liquidation as an auction sees it.
struct sides {
    struct flow *gets, *pays;
    i256 repaid; // debt units, > 0
    u256 chop;   // wad
    bool barked; // by Maker's dog: the protocol took all of it itself, and has paid who barked
};

// The liquidator's two sides. Where the liquidator only barks, the venue's: of a collateral that has a chop
// of its own (accounts/rules/maker), and less what the bark is paid.
static bool sides_of(const struct venue *v, const struct account *a, struct settlement *s, struct sides *x)
{
    *x = (struct sides){.barked = a->rule->borrowing->paid};
    if (!kick_sides(s, x->barked ? PARTY_VENUE : PARTY_LIQUIDATOR, &x->gets, &x->pays))
        return false;
    x->repaid = i256_neg(x->pays->amount);
    x->chop = of_bps(v->o->auctions->chop_bps, BPS_TO_WAD_DIGITS);
    if (!x->barked)
        return true;
    x->chop = u256_from_u128(term_get(&v->s.book.market.instrument[x->gets->instrument].terms, TERM_CHOP));
    for (unsigned i = 0; i < s->n; i++)
        if (s->flow[i].party == PARTY_LIQUIDATOR && s->flow[i].instrument == x->pays->instrument)
            x->repaid = i256_sub(x->repaid, s->flow[i].amount);
    return !u256_is_zero(x->chop) && i256_sign(x->repaid) > 0;
}

// The two sides become the auction's; what the venue pays beside the debt stays its own.
static void hand_over(struct settlement *s, struct sides *x)
{
    i256 beside = i256_add(x->pays->amount, x->repaid);
    x->gets->party = x->pays->party = PARTY_AUCTION;
    x->pays->amount = i256_neg(x->repaid);
    if (i256_sign(beside) != 0)
        s->flow[s->n++] = (struct flow){PARTY_VENUE, x->pays->instrument, beside};
}

static struct clip terms_of(const struct venue *v, uint16_t debt, u256 chop, struct checked *c)
{
    const struct auction_spec *s = v->o->auctions;
    struct clip k = {.calc = s->calc,
                     .buf = of_bps(s->buf_bps, BPS_TO_RAY_DIGITS),
                     .cusp = of_bps(s->cusp_bps, BPS_TO_RAY_DIGITS),
                     .chip = of_bps(s->chip_bps, BPS_TO_WAD_DIGITS),
                     .tail = s->tail};
    u256 dust = U256_ZERO;
    if (!auction_rad(&v->s.book.market, debt, v->px, s->tip_e8, false, &k.tip) ||
        !auction_rad(&v->s.book.market, debt, v->px, s->dust_e8, true, &dust))
        ck_fail(c, "no price for tip and dust");
    clip_upchost(c, &k, dust, chop);
    return k;
}

// Who begins or resets gets it from the venue, in whole units.
static void pay_incentive(struct settlement *s, uint16_t debt, u256 coin)
{
    i128 units = (i128)u256_to_u128(u256_div(coin, u256_pow10(RAY_DIGITS), NULL));
    if (units == 0 || s->n + 2 > FLOWS_MAX)
        return;
    s->flow[s->n++] = (struct flow){PARTY_LIQUIDATOR, debt, i256_from_i128(units)};
    s->flow[s->n++] = (struct flow){PARTY_VENUE, debt, i256_from_i128(-units)};
}

bool venue_kick(struct venue *v, const struct account *a)
{
    const struct market *m = &v->s.book.market;
    struct sides sides;
    struct checked c = {0};
    if (!sold_by_auction(v, a) || !sides_of(v, a, &v->settlement, &sides))
        return false;
    uint16_t coll = (uint16_t)sides.gets->instrument, debt = (uint16_t)sides.pays->instrument;
    u128 lot = (u128)i256_to_i128(sides.gets->amount), repaid = (u128)i256_to_i128(sides.repaid);
    struct venue_auction *x = &v->auctions.kicked;
    *x = (struct venue_auction){.lent = (i128)repaid};
    x->a = (struct auction){.id = v->auctions.n + 1, .account = a->id, .coll = coll, .debt = debt};
    x->a.k = terms_of(v, debt, sides.chop, &c);
    struct clip_feed f = auction_feed(m, coll, debt, v->px);
    u256 tab = ck_mul(&c, u256_from_u128(repaid), u256_pow10(RAY_DIGITS));
    tab = auction_wmul(&c, tab, sides.chop);
    u256 coin = clip_kick(&c, &x->a.k, &f, v->s.second, tab, u256_from_u128(lot), true);
    event(&x->a, AUCTION_KICKED, v->order.key.desk, v->s.second, NULL);
    if (!ck_ok(&c) || x->a.id == 0 || v->settlement.n + 2 > FLOWS_MAX)
        return false;
    note(v, &x->a);
    if (v->reply.n_note == 0)
        return false; // of another size than a keeper takes: sold at once
    hand_over(&v->settlement, &sides);
    if (!sides.barked)
        pay_incentive(&v->settlement, debt, coin);
    return true;
}

int venue_put_kick(struct venue *v, struct err *e)
{
    return v->reply.status == ORDER_FILLED && v->reply.n_note ? lots_put(v, &v->auctions.kicked, e) : 0;
}

void venue_kicked(struct venue *v)
{
    struct venue_auctions *x = &v->auctions;
    if (v->reply.status != ORDER_FILLED || v->reply.n_note == 0)
        return;
    x->at[x->n] = x->kicked; // lots_put() has made room
    changed(v, x->n++);
}

// ---- purchases

static void move(struct settlement *s, uint8_t from, uint8_t to, uint16_t token, i128 amount)
{
    if (amount == 0)
        return;
    s->flow[s->n++] = (struct flow){from, token, i256_from_i128(-amount)};
    s->flow[s->n++] = (struct flow){to, token, i256_from_i128(amount)};
}

// The flows of a purchase by `party`, and of the end where it is one, into v->settlement.
static void book_purchase(struct venue *v, struct venue_auction *x, uint8_t party, const struct clip_taken *t)
{
    struct settlement *s = &v->settlement;
    i128 pays = (i128)auction_units_up(t->owe);
    s->n = 0;
    move(s, party, PARTY_AUCTION, x->a.debt, pays);
    move(s, PARTY_AUCTION, party, x->a.coll, (i128)u256_to_u128(t->slice));
    x->lent -= pays;
    if (!t->over)
        return;
    move(s, PARTY_AUCTION, PARTY_OTHERS, x->a.coll, (i128)u256_to_u128(t->back));
    move(s, PARTY_AUCTION, PARTY_VENUE, x->a.debt, x->lent < 0 ? -x->lent : 0);
    move(s, PARTY_DEFICIT, PARTY_AUCTION, x->a.debt, x->lent > 0 ? x->lent : 0);
    x->lent = 0;
}

// A purchase by `party`; false with the contract's reason, and nothing has changed.
static bool take(struct venue *v, struct venue_auction *x, uint8_t party, uint32_t desk, u256 amt, u256 max,
                 uint64_t second, const char **why)
{
    struct checked c = {0};
    struct clip_buyer b = {.coin = U256_MAX};
    struct dog_room room = {U256_MAX, U256_MAX, U256_MAX, U256_MAX};
    struct clip_taken would = clip_quote(&c, &x->a.k, second, amt, max);
    if (ck_ok(&c) && u256_is_zero(would.slice))
        ck_fail(&c, "nothing to buy for what is asked");
    struct clip_taken t = {0};
    if (ck_ok(&c))
        t = clip_take(&c, &x->a.k, &room, &b, second, amt, max);
    *why = c.why;
    if (!ck_ok(&c))
        return false;
    book_purchase(v, x, party, &t);
    event(&x->a, AUCTION_TAKEN, desk, second, &t);
    return true;
}

static int rival_buys(struct venue *v, uint32_t i, struct err *e)
{
    struct venue_auction *x = &v->auctions.at[i];
    struct checked c = {0};
    const char *why;
    uint64_t second = x->rival_at;
    x->rival = x->a.k.tic;
    x->rival_at = UINT64_MAX;
    u256 part = ck_mul_div(&c, x->a.k.lot, ck_u64(v->o->auctions->rival_part_pct), ck_u64(PERCENT));
    if (!take(v, x, PARTY_OTHERS, 0, ck_max(part, ck_u64(1)), U256_MAX, second, &why) &&
        !take(v, x, PARTY_OTHERS, 0, x->a.k.lot, U256_MAX, second, &why)) // a part would leave dust
        return 0;
    const struct order_key k = {0, x->a.id, BID_EPOCH, x->a.version};
    if (venue_db_begin(&v->db, e) || lots_put(v, x, e) || lots_post(v, &k, e) || venue_db_commit(&v->db, e))
        return -1;
    changed(v, i);
    return 0;
}

int venue_rival(struct venue *v, uint64_t second, struct err *e)
{
    for (;;) {
        uint32_t first = TOLD_NONE;
        uint64_t at = second;
        for (uint32_t i = 0; i < v->auctions.n; i++) {
            const struct venue_auction *x = &v->auctions.at[i];
            if (x->a.k.running && x->rival_at < at) {
                first = i;
                at = x->rival_at;
            }
        }
        if (first == TOLD_NONE)
            return 0;
        if (rival_buys(v, first, e))
            return -1;
    }
}

// ---- bids

static bool reset(struct venue *v, struct venue_auction *x, const struct wire_order *w, const char **why)
{
    struct checked c = {0};
    memset(v->px, 0, sizeof v->px);
    for (unsigned i = 0; i < w->n_marks; i++)
        v->px[w->mark[i].asset] = w->mark[i].price;
    struct clip_feed f = auction_feed(&v->s.book.market, x->a.coll, x->a.debt, v->px);
    u256 coin = clip_redo(&c, &x->a.k, &f, v->s.second);
    *why = c.why;
    v->settlement.n = 0;
    if (!ck_ok(&c))
        return false;
    pay_incentive(&v->settlement, x->a.debt, coin);
    event(&x->a, AUCTION_RESET, v->bid.key.desk, v->s.second, NULL);
    return true;
}

// Fills v->reply; *x as it is after, v->settlement the flows.
static void decide(struct venue *v, struct venue_auction *x, const struct wire_order *w)
{
    const char *why = NULL;
    bool done = false;
    if (!x)
        why = "no such auction";
    else if (v->o->refuse_pct && venue_refuses(v, &v->bid.key))
        why = "refused at random (test aid)";
    else if (x->a.version != v->bid.version)
        why = "the auction is not as it was when this was planned";
    else if (v->bid.what == BID_RESET)
        done = reset(v, x, w, &why);
    else
        done = take(v, x, PARTY_LIQUIDATOR, v->bid.key.desk, v->bid.amt, v->bid.max, v->s.second, &why);
    v->reply.key = v->bid.key;
    v->reply.status = done ? ORDER_TAKEN : ORDER_REFUSED;
    v->reply.has_account = false;
    v->reply.n_note = 0;
    memset(v->reply.reason, 0, sizeof v->reply.reason);
    (void)snprintf(v->reply.reason, sizeof v->reply.reason, "%s", why ? why : "");
    if (x)
        note(v, &x->a);
}

int venue_on_bid(struct venue *v, struct client *c, const struct wire_order *w, struct err *e)
{
    uint32_t i = v->bid.key.account - 1;
    struct venue_auction *x = i < v->auctions.n ? &v->auctions.at[i] : NULL;
    bool later = venue_take_second(v, w->second);
    if (x)
        v->auctions.was = *x;
    decide(v, x, w);
    bool done = v->reply.status == ORDER_TAKEN;
    size_t n = reply_encode(&v->reply, v->reply_bytes, sizeof v->reply_bytes);
    if (n == 0)
        return err_set(e, "venue: the reply for auction %u cannot be encoded", v->bid.key.account);
    if (venue_db_begin(&v->db, e) || (later && venue_db_set_second(&v->db, v->s.second, e)) ||
        venue_db_put_order(&v->db, &v->reply, w->bytes, w->n_bytes, v->reply_bytes, n, e) ||
        (done && (lots_put(v, x, e) || lots_post(v, &v->bid.key, e))) || venue_db_commit(&v->db, e))
        return -1;
    if (done) {
        changed(v, i);
        v->fills++;
        if (v->o->crash_after && v->fills >= v->o->crash_after)
            (void)kill(getpid(), SIGKILL);
    }
    venue_send_reply(v, c, v->reply_bytes, n);
    return 0;
}

bool venue_by_wall(const struct venue *v)
{
    return v->o->auctions && v->o->auctions->wall;
}

int venue_wall(struct venue *v, struct err *e)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    if (!venue_by_wall(v) || (uint64_t)t.tv_sec > MOVING_TIME_MAX)
        return 0;
    return venue_rival(v, (uint64_t)t.tv_sec, e);
}

// ---- telling

int venue_tell_auctions(struct venue *v, struct client *c)
{
    while (c->fd >= 0 && c->watching && c->room && c->next_auction != TOLD_NONE) {
        const struct told_node *x = told_node(&v->auctions.told, c->next_auction);
        const struct auction *a = &v->auctions.at[c->next_auction].a;
        // Over before the client came: nothing to it.
        bool tell = a->k.running || x->seq > c->auctions_from;
        if (tell) {
            uint8_t bytes[AUCTION_BYTES];
            size_t n = auction_encode(a, bytes, sizeof bytes);
            int rc = socket_try_send(c->fd, v->out, wire_put_auction(bytes, n, v->out, sizeof v->out));
            if (rc < 0)
                venue_drop(c);
            if (rc <= 0)
                return c->fd >= 0;
            c->room--;
        }
        c->next_auction = x->after;
    }
    return 0;
}

void venue_watch_auctions(struct venue *v, struct client *c)
{
    c->next_auction = told_after(&v->auctions.told, 0);
    c->auctions_from = v->auctions.told.seq;
}

// ---- life

int venue_auctions_start(struct venue *v, struct err *e)
{
    if (lots_load(v, e))
        return -1;
    for (uint32_t i = 0; i < v->auctions.n; i++)
        plan_rival(v, &v->auctions.at[i]);
    return 0;
}

void venue_auctions_free(struct venue_auctions *x)
{
    free(x->at);
    told_free(&x->told);
}
