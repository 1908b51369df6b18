// SPDX-License-Identifier: Apache-2.0
// tripline lab auction, kind english: bids on Maker's flip, flap or flop in their order, and on a flip what a
// keeper would bid after each. The arithmetic is econ's (auction_english.h, bidder.h).
#include "cli/lab_auction_inside.h"

enum { KICKER = 1, BIDDER = 2, KEEPER = 3 };
enum step_kind { STEP_TEND, STEP_DENT, STEP_TICK, STEP_DEAL, STEP_KINDS };
static const char *const STEPS[STEP_KINDS] = {"tend", "dent", "tick", "deal"};
static const char *const TYPES[ENGLISH_KINDS] = {"flip", "flap", "flop"};

struct step {
    enum step_kind kind;
    uint64_t at, who;
    bool has_lot, has_bid;
    u256 lot, bid;
};

struct sale {
    struct english a;
    uint64_t at, guy, keeper_id;
    u256 tab, lot, bid;
    struct keeper keeper;
    unsigned lot_digits, bid_digits;
};

static uint64_t account(struct state *s, const char *name, uint64_t absent)
{
    uint64_t id = state_u64_or(s, name, UINT64_MAX, absent);
    if (id == 0)
        state_fail(s, s->at->line, "\"%s\" is 0, which is nobody: give a number from 1 on", name);
    return id;
}

static void read_sale(struct state *s, struct sale *x)
{
    struct english *a = &x->a;
    a->kind = (enum english_kind)state_choice(s, "type", TYPES, ENGLISH_KINDS, false);
    bool flip = a->kind == ENGLISH_FLIP, flap = a->kind == ENGLISH_FLAP;
    x->lot_digits = flap ? RAD_DIGITS : WAD_DIGITS;
    x->bid_digits = flap ? WAD_DIGITS : RAD_DIGITS;
    a->live = flip || state_bool_or(s, "live", true);
    a->beg = state_u256(s, "beg", AUCTION_LOT_BITS);
    a->pad = a->kind == ENGLISH_FLOP ? state_u256(s, "pad", AUCTION_LOT_BITS) : U256_ZERO;
    a->ttl = state_u64(s, "ttl", ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    a->tau = state_u64(s, "tau", ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    a->lid = flap ? state_u256_or(s, "lid", 256, U256_MAX) : U256_ZERO;
    a->fill = flap ? state_u256_or(s, "fill", 256, U256_ZERO) : U256_ZERO;
    x->at = auction_second(s, "at", 0);
    x->guy = account(s, "guy", KICKER);
    x->tab = flip ? state_u256(s, "tab", AUCTION_MONEY_BITS) : U256_ZERO;
    x->lot = state_u256(s, "lot", flap ? AUCTION_MONEY_BITS : AUCTION_LOT_BITS);
    x->bid = a->kind == ENGLISH_FLOP ? state_u256(s, "bid", AUCTION_MONEY_BITS)
                                     : state_u256_or(s, "bid", AUCTION_MONEY_BITS, U256_ZERO);
    x->keeper = keeper_read_market(s);
    x->keeper_id = account(s, "keeper", KEEPER);
    if (x->keeper.there && !flip)
        state_fail(s, s->at->line,
                   "a keeper's bid is known for a flip only: leave \"value\", the pool and \"gas\" out");
}

static struct step read_step(struct state *s, const struct sale *x)
{
    struct step t = {.kind = (enum step_kind)state_choice(s, "do", STEPS, STEP_KINDS, false)};
    t.at = auction_second(s, "at", x->at);
    if (t.kind != STEP_TEND && t.kind != STEP_DENT)
        return t;
    t.who = account(s, "who", BIDDER);
    t.has_lot = state_has(s, "lot");
    t.has_bid = state_has(s, "bid");
    t.lot = state_u256_or(s, "lot", 256, U256_ZERO);
    t.bid = state_u256_or(s, "bid", 256, U256_ZERO);
    return t;
}

static void bid(struct sheet_table *o, struct sale *x, const struct step *t, struct checked *c)
{
    struct english *a = &x->a;
    bool tend = t->kind == STEP_TEND;
    u256 lot = t->has_lot ? t->lot : a->lot, amount = t->has_bid ? t->bid : a->bid;
    if (tend && !t->has_bid)
        amount = english_least_bid(c, a);
    if (!tend && !t->has_lot)
        lot = english_most_lot(c, a);
    struct english_moves m = (tend ? english_tend : english_dent)(c, a, t->at, t->who, lot, amount);
    if (!ck_ok(c))
        return;
    sheet_put(o, "refund", cell_amount(m.refund, x->bid_digits));
    sheet_put(o, "income", cell_amount(m.income, x->bid_digits));
    sheet_put(o, "back", cell_amount(m.back, x->lot_digits));
}

// Of a flip: the part of its tab that was not bid is lost.
static void deal(struct sheet_table *o, struct sale *x, uint64_t at, struct checked *c)
{
    const struct english was = x->a;
    (void)english_deal(c, &x->a, at);
    if (ck_ok(c) && was.kind == ENGLISH_FLIP)
        sheet_put(o, "missing", cell_amount(ck_sub(c, was.tab, was.bid), x->bid_digits));
}

static void keeper_row(struct sheet_table *o, const struct sale *x, uint64_t now)
{
    struct bidder_terms t = keeper_terms(&x->keeper);
    struct bidder_bid p = bidder_english(&x->a, &t, &x->keeper.budget, now, x->keeper_id);
    bool runs = x->a.guy != 0;
    sheet_put(o, "keeper", cell_text(!runs || !p.pays ? "waits" : p.dent ? "dent" : "tend"));
    sheet_put(o, "would_bid", runs && p.pays ? cell_amount(p.bid, x->bid_digits) : cell_text(NULL));
    sheet_put(o, "would_lot", runs && p.pays ? cell_amount(p.lot, x->lot_digits) : cell_text(NULL));
    sheet_put(o, "net", runs && p.pays ? cell_amount(p.net, RAD_DIGITS) : cell_text(NULL));
    sheet_put(o, "why", cell_text(runs ? p.why : "over"));
}

static void row(struct sheet_table *o, struct sale *x, const char *what, uint64_t at, const struct step *t)
{
    struct checked c = {0};
    sheet_row(o);
    sheet_put(o, "do", cell_text(what));
    sheet_put(o, "at", cell_whole(at));
    sheet_put(o, "who", !t ? cell_whole(x->guy) : t->who ? cell_whole(t->who) : cell_text(NULL));
    sheet_put(o, "refund", cell_text(NULL)); // the columns' order
    sheet_put(o, "income", cell_text(NULL));
    sheet_put(o, "back", cell_text(NULL));
    sheet_put(o, "missing", cell_text(NULL));
    if (t && t->kind == STEP_TICK)
        english_tick(&c, &x->a, at);
    else if (t && t->kind == STEP_DEAL)
        deal(o, x, at, &c);
    else if (t)
        bid(o, x, t, &c);
    sheet_put(o, "guy", x->a.guy ? cell_whole(x->a.guy) : cell_text(NULL));
    sheet_put(o, "bid", cell_amount(x->a.bid, x->bid_digits));
    sheet_put(o, "lot", cell_amount(x->a.lot, x->lot_digits));
    sheet_put(o, "due", x->a.guy ? cell_whole(english_due(&x->a)) : cell_text(NULL));
    if (x->keeper.there)
        keeper_row(o, x, at);
    sheet_put(o, "refused", cell_text(c.why));
}

static void tell_end(struct sheet *o, const struct sale *x)
{
    struct checked tend = {0}, dent = {0};
    u256 least = english_least_bid(&tend, &x->a), most = english_most_lot(&dent, &x->a);
    bool runs = x->a.guy != 0;
    sheet_fact(o, "next", cell_text(!runs ? "over" : x->a.tic ? "deal" : "tick"));
    sheet_fact(o, "next_at", runs ? cell_whole(english_due(&x->a)) : cell_text(NULL));
    sheet_fact(o, "least_bid", runs && ck_ok(&tend) ? cell_amount(least, x->bid_digits) : cell_text(NULL));
    sheet_fact(o, "most_lot", runs && ck_ok(&dent) ? cell_amount(most, x->lot_digits) : cell_text(NULL));
}

int auction_english(struct state *s, struct sheet *out)
{
    static struct step step[AUCTION_STEPS];
    struct sale x = {0};
    struct state element;
    const struct json *it = NULL;
    struct checked c = {0};
    unsigned n = 0;
    read_sale(s, &x);
    while (state_next(s, "steps", AUCTION_STEPS, &it, &element)) {
        step[n++] = read_step(&element, &x);
        if (!state_done(&element))
            return -1;
    }
    if (!state_done(s))
        return -1;
    english_kick(&c, &x.a, x.at, x.guy, x.tab, x.lot, x.bid);
    sheet_fact(out, "type", cell_text(TYPES[x.a.kind]));
    sheet_fact(out, "refused", cell_text(c.why));
    if (!ck_ok(&c))
        return 0;
    row(&out->steps, &x, "kick", x.at, NULL);
    for (unsigned i = 0; i < n; i++)
        row(&out->steps, &x, STEPS[step[i].kind], step[i].at, &step[i]);
    tell_end(out, &x);
    return 0;
}

const char auction_english_example[] =
    "{\"kind\": \"english\", \"type\": \"flip\", \"beg\": \"1050000000000000000\", \"ttl\": 10800, \"tau\": "
    "172800,\n"
    " \"at\": 1583971200, \"tab\": \"50000000000000000000000000000000000000000000000\", \"lot\": "
    "\"100000000000000000000\",\n"
    " \"value\": \"1000000000000000000000000000\", \"slippage_ppm\": 20000,\n"
    " \"gas\": \"1000000000000000000000000000000000000000000000\",\n"
    " \"steps\": [{\"do\": \"tend\", \"at\": 1583971300, \"bid\": "
    "\"1000000000000000000000000000000000000000000000\"},\n"
    "  {\"do\": \"tend\", \"at\": 1583971400, \"who\": 4, \"bid\": "
    "\"1010000000000000000000000000000000000000000000\"},\n"
    "  {\"do\": \"tend\", \"at\": 1583971500, \"who\": 4, \"bid\": "
    "\"50000000000000000000000000000000000000000000000\"},\n"
    "  {\"do\": \"dent\", \"at\": 1583971600, \"lot\": \"80000000000000000000\"},\n"
    "  {\"do\": \"dent\", \"at\": 1583971700, \"who\": 3}, {\"do\": \"deal\", \"at\": 1583982000},\n"
    "  {\"do\": \"deal\", \"at\": 1583982501}]}";
