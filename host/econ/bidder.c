// SPDX-License-Identifier: Apache-2.0
#include "econ/bidder.h"

enum { NS_DIGITS = 9, POOL_BITS = 200 };

static u256 pool_out(const struct bidder_sale *sale, u256 q)
{
    const struct bidder_pool *p = (const struct bidder_pool *)sale;
    u256 paid, all, out;
    q = u256_bits(q) > POOL_BITS ? u256_shl(u256_from_u64(1), POOL_BITS) : q;
    if (u256_is_zero(p->collateral) || u256_is_zero(q))
        return U256_ZERO;
    (void)u256_mul(q, u256_from_u64(p->keep_ppm), &paid);
    (void)u256_mul(p->collateral, u256_from_u64(BIDDER_PPM), &all);
    (void)u256_add(all, paid, &all);
    (void)u256_mul_div(p->coin, paid, all, &out, NULL); // paid < all: at most the coin there is
    return out;
}

struct bidder_pool bidder_pool(u256 collateral, u256 coin, uint32_t fee_ppm)
{
    struct bidder_pool p = {.sale = {.out = pool_out, .slop = u256_from_u64(1)}, .coin = coin};
    p.collateral = u256_bits(collateral) > POOL_BITS ? U256_ZERO : collateral;
    p.keep_ppm = fee_ppm <= BIDDER_PPM ? BIDDER_PPM - fee_ppm : 0;
    return p;
}

u256 bidder_room(const struct bidder_budget *b)
{
    u256 left;
    if (u256_sub(b->total, b->spent, &left))
        return U256_ZERO;
    return ck_min(b->once, left);
}

// Is a less b, for comparing profits that may be negative: out - owe as two sums.
struct money {
    u256 out, owe;
};

static bool better(struct money a, struct money b) // a.out - a.owe > b.out - b.owe; amounts below 2^255
{
    u256 x, y;
    bool over = u256_add(a.out, b.owe, &x);
    if (u256_add(b.out, a.owe, &y))
        return false;
    return over || u256_cmp(x, y) > 0;
}

// One question: the best amount at one second.
struct search {
    const struct clip *k;
    const struct bidder_terms *t;
    uint64_t now;
    u256 room;
    struct money best;
    struct clip_taken taken;
    u256 amt;
    bool any;        // something legal is within the room
    bool beyond;     // something legal is not
    const char *why; // the contract's last refusal
};

// What amt brings; remembers it if it is the best so far.
static struct money consider(struct search *s, u256 amt)
{
    struct checked c = {0};
    struct clip_taken t = clip_quote(&c, s->k, s->now, amt, U256_MAX);
    if (!ck_ok(&c) || u256_is_zero(t.slice)) {
        s->why = c.why ? c.why : s->why;
        return (struct money){.out = U256_ZERO, .owe = U256_ZERO};
    }
    struct money m = {s->t->sale->out(s->t->sale, t.slice), t.owe};
    if (u256_cmp(t.owe, s->room) > 0) {
        s->beyond = true;
        return m;
    }
    if (!s->any || better(m, s->best)) {
        s->best = m;
        s->taken = t;
        s->amt = amt;
        s->any = true;
    }
    return m;
}

// The best of 1..most, over which the profit rises and then falls but for the sale's slop: thirds.
static void search_parts(struct search *s, u256 most)
{
    u256 lo = u256_from_u64(1), hi = most, wide;
    while (!u256_sub(hi, lo, &wide) && u256_cmp(wide, u256_from_u64(2)) > 0) {
        u256 third = u256_div(wide, u256_from_u64(3), NULL), a, b;
        (void)u256_add(lo, third, &a);
        (void)u256_sub(hi, third, &b);
        if (better(consider(s, b), consider(s, a)))
            (void)u256_add(a, u256_from_u64(1), &lo);
        else
            hi = b;
    }
    for (u256 q = lo; u256_cmp(q, hi) <= 0; (void)u256_add(q, u256_from_u64(1), &q))
        (void)consider(s, q);
}

// Parts leave a tab of chost or more, so their price is at most tab - chost; and they leave collateral.
static u256 most_part(const struct search *s, u256 price)
{
    u256 coin = U256_ZERO, lot;
    if (u256_is_zero(price) || u256_sub(s->k->tab, s->k->chost, &coin) ||
        u256_sub(s->k->lot, u256_from_u64(1), &lot))
        return U256_ZERO;
    return ck_min(u256_div(ck_min(coin, s->room), price, NULL), lot);
}

// The auction as it is at this second and price, for the hundreds of questions that follow: the same answers
// without the power that a price takes.
static struct clip standing(const struct clip *k, u256 price, uint64_t now)
{
    struct clip flat = *k;
    if (u256_is_zero(price))
        return flat;
    flat.calc = (struct curve){.kind = CURVE_STAIRSTEP, .step = 1, .cut = u256_pow10(RAY_DIGITS)};
    flat.cusp = U256_ZERO;
    flat.top = price;
    flat.tic = now;
    return flat;
}

struct bidder_plan bidder_now(const struct clip *k, const struct bidder_terms *t,
                              const struct bidder_budget *b, uint64_t now)
{
    struct checked c = {0};
    bool done = false;
    struct search s = {.k = k, .t = t, .now = now, .room = bidder_room(b), .why = "price"};
    struct bidder_plan p = {.at = now};
    u256 price = clip_status(&c, k, now, &done), cost;
    if (!ck_ok(&c) || done || !k->running) {
        p.why = c.why ? c.why : done ? "reset" : "Clipper/not-running-auction";
        return p;
    }
    const struct clip flat = standing(k, price, now);
    s.k = &flat;
    search_parts(&s, most_part(&s, price));
    (void)consider(&s, k->lot); // all: the whole lot, or as much as the tab buys
    if (!s.any) {
        p.why = s.beyond ? "limit" : s.why;
        return p;
    }
    p.amt = s.amt;
    p.max = price;
    p.taken = s.taken;
    p.out = s.best.out;
    u256 least = ck_max(t->profit, u256_from_u64(1));
    bool over = u256_add(s.taken.owe, t->gas, &cost);
    over = over || u256_sub(p.out, cost, &p.net);
    p.pays = !over && u256_cmp(p.net, least) >= 0;
    p.net = over ? U256_ZERO : p.net;
    p.why = p.pays ? NULL : "price";
    return p;
}

struct bidder_plan bidder_first(const struct clip *k, const struct bidder_terms *t,
                                const struct bidder_budget *b, uint64_t now)
{
    struct checked c = {0};
    struct bidder_plan p = bidder_now(k, t, b, now > k->tic ? now : k->tic);
    uint64_t end = clip_redo_at(&c, k), lo = p.at, hi = end - 1; // the last second to buy at
    if (p.pays || !k->running || k->stopped >= 3 || end <= p.at || end == UINT64_MAX) {
        p.at = p.pays ? p.at : end;
        return p;
    }
    struct bidder_plan last = bidder_now(k, t, b, hi);
    if (!last.pays) {
        last.at = end;
        return last;
    }
    while (hi - lo > 1) { // not at lo, pays at hi
        uint64_t mid = lo + (hi - lo) / 2;
        p = bidder_now(k, t, b, mid);
        if (p.pays) {
            hi = mid;
            last = p;
        } else {
            lo = mid;
        }
    }
    return last;
}

uint64_t bidder_wake_ns(const struct bidder_plan *p, uint64_t lead_ns)
{
    u128 ns = (u128)p->at * (uint64_t)u256_to_u128(u256_pow10(NS_DIGITS));
    if (ns > UINT64_MAX || p->at == UINT64_MAX)
        return UINT64_MAX;
    return (uint64_t)ns > lead_ns ? (uint64_t)ns - lead_ns : 0;
}

struct bidder_redo bidder_redo(const struct clip *k, const struct clip_feed *f, const struct bidder_terms *t,
                               uint64_t now)
{
    struct checked c = {0};
    struct clip after = *k;
    struct bidder_redo r = {.at = clip_redo_at(&c, k)};
    u256 net;
    if (!ck_ok(&c) || r.at == UINT64_MAX)
        return r;
    r.at = r.at > now ? r.at : now;
    r.coin = clip_redo(&c, &after, f, r.at);
    r.pays = ck_ok(&c) && !u256_sub(r.coin, t->gas, &net) && u256_cmp(net, ck_max(t->profit, ck_u64(1))) >= 0;
    return r;
}

struct bidder_bid bidder_english(const struct english *a, const struct bidder_terms *t,
                                 const struct bidder_budget *b, uint64_t now, uint64_t who)
{
    struct checked c = {0};
    struct bidder_bid p = {.bid = a->bid, .lot = a->lot, .dent = u256_cmp(a->bid, a->tab) == 0};
    struct english after = *a;
    if (a->kind != ENGLISH_FLIP)
        ck_fail(&c, "flip only");
    if (p.dent) {
        p.lot = english_most_lot(&c, a);
        (void)english_dent(&c, &after, now, who, p.lot, p.bid);
    } else {
        p.bid = english_least_bid(&c, a);
        (void)english_tend(&c, &after, now, who, p.lot, p.bid);
    }
    p.why = a->guy == who ? "ours" : c.why; // who bids above himself pays for nothing
    if (p.why)
        return p;
    p.at = english_due(&after);
    u256 cost = ck_add(&c, p.bid, t->gas), out = t->sale->out(t->sale, p.lot);
    bool loss = u256_sub(out, cost, &p.net);
    p.net = loss ? U256_ZERO : p.net;
    if (!ck_ok(&c) || loss || ck_lt(p.net, ck_max(t->profit, ck_u64(1))))
        p.why = "price";
    else if (u256_cmp(p.bid, bidder_room(b)) > 0)
        p.why = "limit";
    p.pays = p.why == NULL;
    return p;
}
