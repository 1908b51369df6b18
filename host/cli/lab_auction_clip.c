// SPDX-License-Identifier: Apache-2.0
// tripline lab auction, kind clip: Maker's Dutch auction over its seconds, with takes and redos. The
// arithmetic is econ's (auction_clip.h, bidder.h).
#include "cli/lab_auction_inside.h"

enum { CHIP_BITS = 64, STOPPED_MAX = 3 };
enum step_kind { STEP_TAKE, STEP_REDO, STEP_KINDS };
static const char *const STEPS[STEP_KINDS] = {"take", "redo"};

struct step {
    enum step_kind kind;
    uint64_t at;
    u256 amt, max, coin;
    struct clip_feed feed;
};

struct sale { // what the file says
    struct clip clip;
    struct clip_feed feed;
    uint64_t at;
    u256 tab, lot, limit;
    bool limited;
    struct keeper keeper;
    struct span span;
};

static void read_clip(struct state *s, struct sale *x)
{
    struct clip *k = &x->clip;
    k->calc.kind = (enum curve_kind)state_choice(s, "calc", CURVE_NAMES, CURVE_KINDS, false);
    if (k->calc.kind == CURVE_LINEAR)
        k->calc.tau = state_u64(s, "tau", ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    else
        k->calc.cut = state_u256(s, "cut", AUCTION_LOT_BITS);
    if (k->calc.kind == CURVE_STAIRSTEP)
        k->calc.step = state_u64(s, "step", ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    k->buf = state_u256(s, "buf", AUCTION_LOT_BITS);
    k->cusp = state_u256(s, "cusp", AUCTION_LOT_BITS);
    k->tail = state_u64(s, "tail", ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    k->chip = state_u256_or(s, "chip", CHIP_BITS, U256_ZERO);
    k->tip = state_u256_or(s, "tip", AUCTION_MONEY_BITS, U256_ZERO);
    k->chost = state_u256_or(s, "chost", AUCTION_MONEY_BITS, U256_ZERO);
    k->stopped = (unsigned)state_u64_or(s, "stopped", STOPPED_MAX, 0);
}

static struct clip_feed read_feed(struct state *s, struct clip_feed absent)
{
    struct clip_feed f = {.val = state_u256_or(s, "val", AUCTION_LOT_BITS, absent.val)};
    f.par = state_u256_or(s, "par", AUCTION_LOT_BITS, absent.par);
    f.has = state_bool_or(s, "has", absent.has);
    return f;
}

static void read_sale(struct state *s, struct sale *x)
{
    read_clip(s, x);
    x->feed = read_feed(s, (struct clip_feed){.has = true, .par = u256_pow10(RAY_DIGITS)});
    if (!state_has(s, "val"))
        state_fail(s, s->at->line, "\"val\" is missing: add the oracle's price, a wad");
    x->at = auction_second(s, "at", 0);
    x->tab = state_u256(s, "tab", AUCTION_MONEY_BITS);
    x->lot = state_u256(s, "lot", AUCTION_LOT_BITS);
    x->limited = state_has(s, "limit");
    x->limit = state_u256_or(s, "limit", 256, U256_ZERO);
    x->keeper = keeper_read_market(s);
    x->span = span_read(s);
}

static struct step read_step(struct state *s, const struct sale *x)
{
    struct step t = {.kind = (enum step_kind)state_choice(s, "do", STEPS, STEP_KINDS, false)};
    t.at = auction_second(s, "at", x->at);
    t.feed = x->feed;
    if (t.kind == STEP_REDO) {
        t.feed = read_feed(s, x->feed);
        return t;
    }
    t.amt = state_u256_or(s, "amt", 256, U256_MAX);
    t.max = state_u256_or(s, "max", 256, U256_MAX);
    t.coin = state_u256_or(s, "coin", 256, U256_MAX);
    return t;
}

static void tell_redo(struct sheet *o, const struct sale *x, uint64_t redo_at)
{
    sheet_fact(o, "redo_at", cell_time(redo_at));
    if (!x->keeper.there)
        return;
    struct bidder_terms t = keeper_terms(&x->keeper);
    struct bidder_redo r = bidder_redo(&x->clip, &x->feed, &t, x->at);
    sheet_fact(o, "redo_earns", cell_amount(r.coin, RAD_DIGITS));
    sheet_fact(o, "redo_pays", cell_bool(r.pays));
}

static void tell_limit(struct sheet *o, const struct sale *x)
{
    struct checked c = {0};
    struct curve_hit h =
        curve_first(&c, &x->clip.calc, x->clip.top, x->limit, ((uint64_t)1 << AUCTION_TIME_BITS) - 1);
    sheet_fact(o, "limit_at",
               ck_ok(&c) ? cell_time(h.found ? x->clip.tic + h.at : UINT64_MAX) : cell_text(c.why));
    sheet_fact(o, "limit_proved", cell_bool(ck_ok(&c) && h.first));
}

static void tell_plan(struct sheet *o, const struct sale *x)
{
    struct bidder_terms t = keeper_terms(&x->keeper);
    struct bidder_plan p = bidder_first(&x->clip, &t, &x->keeper.budget, x->span.from);
    sheet_fact(o, "first_pays", cell_bool(p.pays));
    sheet_fact(o, "first_at", cell_time(p.pays ? p.at : UINT64_MAX));
    sheet_fact(o, "first_why", cell_text(p.why));
    if (!p.pays)
        return;
    sheet_fact(o, "first_price", cell_amount(p.taken.price, RAY_DIGITS));
    sheet_fact(o, "first_amt", cell_amount(p.amt, WAD_DIGITS));
    sheet_fact(o, "first_slice", cell_amount(p.taken.slice, WAD_DIGITS));
    sheet_fact(o, "first_owe", cell_amount(p.taken.owe, RAD_DIGITS));
    sheet_fact(o, "first_out", cell_amount(p.out, RAD_DIGITS));
    sheet_fact(o, "first_net", cell_amount(p.net, RAD_DIGITS));
    sheet_fact(o, "wake_ns", cell_time(bidder_wake_ns(&p, x->keeper.lead_ns)));
}

static void price_row(struct sheet_table *o, const struct sale *x, uint64_t now)
{
    struct checked c = {0};
    bool done = false;
    u256 price = clip_status(&c, &x->clip, now, &done), all;
    sheet_row(o);
    sheet_put(o, "at", cell_whole(now));
    sheet_put(o, "after", cell_whole(now - x->at));
    sheet_put(o, "price", ck_ok(&c) ? cell_amount(price, RAY_DIGITS) : cell_text(NULL));
    sheet_put(o, "reset", cell_bool(done));
    if (x->keeper.there) {
        struct bidder_terms t = keeper_terms(&x->keeper);
        struct bidder_plan p = bidder_now(&x->clip, &t, &x->keeper.budget, now);
        bool any = !u256_is_zero(p.taken.slice) && !u256_add(p.taken.owe, t.gas, &all);
        sheet_put(o, "slice", any ? cell_amount(p.taken.slice, WAD_DIGITS) : cell_text(NULL));
        sheet_put(o, "owe", any ? cell_amount(p.taken.owe, RAD_DIGITS) : cell_text(NULL));
        sheet_put(o, "out", any ? cell_amount(p.out, RAD_DIGITS) : cell_text(NULL));
        sheet_put(o, "net", any ? cell_less(p.out, all, RAD_DIGITS) : cell_text(NULL));
        sheet_put(o, "pays", cell_bool(p.pays));
        sheet_put(o, "why", cell_text(p.why));
    }
    sheet_put(o, "refused", cell_text(c.why));
}

static void take(struct sheet_table *o, struct clip *k, const struct step *t, struct checked *c)
{
    struct dog_room room = {.total_dirt = k->tab, .dirt = k->tab}; // this auction alone owes
    struct clip_buyer buyer = {.coin = t->coin};
    struct clip_taken got = clip_take(c, k, &room, &buyer, t->at, t->amt, t->max);
    if (!ck_ok(c))
        return;
    sheet_put(o, "price", cell_amount(got.price, RAY_DIGITS));
    sheet_put(o, "slice", cell_amount(got.slice, WAD_DIGITS));
    sheet_put(o, "owe", cell_amount(got.owe, RAD_DIGITS));
    sheet_put(o, "adjusted", cell_bool(got.adjusted));
    sheet_put(o, "back", cell_amount(got.back, WAD_DIGITS));
    sheet_put(o, "over", cell_bool(got.over));
    if (got.over) // what it owed and nobody pays any more: the venue's loss
        sheet_put(o, "missing", cell_amount(ck_sub(c, got.dug, got.owe), RAD_DIGITS));
}

static void step_row(struct sheet_table *o, struct clip *k, const struct step *t)
{
    static const char *const HEAD[] = {"price", "slice", "owe",     "adjusted",
                                       "back",  "over",  "missing", "earns"};
    struct checked c = {0};
    sheet_row(o);
    sheet_put(o, "do", cell_text(STEPS[t->kind]));
    sheet_put(o, "at", cell_whole(t->at));
    for (unsigned i = 0; i < sizeof HEAD / sizeof *HEAD; i++)
        sheet_put(o, HEAD[i], cell_text(NULL)); // the columns' order, whatever the first step is
    if (t->kind == STEP_TAKE) {
        take(o, k, t, &c);
    } else {
        u256 coin = clip_redo(&c, k, &t->feed, t->at);
        sheet_put(o, "earns", ck_ok(&c) ? cell_amount(coin, RAD_DIGITS) : cell_text(NULL));
        sheet_put(o, "price", ck_ok(&c) ? cell_amount(k->top, RAY_DIGITS) : cell_text(NULL));
    }
    struct checked after = {0};
    sheet_put(o, "tab", cell_amount(k->tab, RAD_DIGITS));
    sheet_put(o, "lot", cell_amount(k->running ? k->lot : U256_ZERO, WAD_DIGITS));
    sheet_put(o, "redo_at", cell_time(clip_redo_at(&after, k)));
    sheet_put(o, "refused", cell_text(c.why));
}

int auction_clip(struct state *s, struct sheet *out)
{
    static struct step step[AUCTION_STEPS];
    struct sale x = {0};
    struct state element;
    const struct json *it = NULL;
    struct checked c = {0}, redo = {0};
    unsigned n = 0;
    read_sale(s, &x);
    while (state_next(s, "steps", AUCTION_STEPS, &it, &element)) {
        step[n++] = read_step(&element, &x);
        if (!state_done(&element))
            return -1;
    }
    if (!state_done(s))
        return -1;
    u256 coin = clip_kick(&c, &x.clip, &x.feed, x.at, x.tab, x.lot, true);
    uint64_t redo_at = clip_redo_at(&redo, &x.clip);
    span_settle(s, &x.span, x.at, x.at, redo_at == UINT64_MAX ? x.at : redo_at);
    if (s->top->failed)
        return -1;
    sheet_fact(out, "calc", cell_text(CURVE_NAMES[x.clip.calc.kind]));
    sheet_fact(out, "refused", cell_text(c.why));
    if (!ck_ok(&c))
        return 0;
    sheet_fact(out, "top", cell_amount(x.clip.top, RAY_DIGITS));
    sheet_fact(out, "kick_earns", cell_amount(coin, RAD_DIGITS));
    tell_redo(out, &x, redo_at);
    if (x.limited)
        tell_limit(out, &x);
    if (x.keeper.there)
        tell_plan(out, &x);
    for (uint64_t t = x.span.from; t <= x.span.until; t += x.span.every)
        price_row(&out->over, &x, t);
    for (unsigned i = 0; i < n; i++)
        step_row(&out->steps, &x.clip, &step[i]);
    return 0;
}

// The auction of clip.t.sol's first test, with a keeper that sells at 4 less 1 %.
const char auction_clip_example[] =
    "{\"kind\": \"clip\", \"calc\": \"stairstep\", \"cut\": \"990000000000000000000000000\", \"step\": 1,\n"
    " \"buf\": \"1250000000000000000000000000\", \"cusp\": \"300000000000000000000000000\", \"tail\": 3600,\n"
    " \"chip\": \"20000000000000000\", \"tip\": \"2000000000000000000000000000000000000000000000\",\n"
    " \"chost\": \"22000000000000000000000000000000000000000000000\",\n"
    " \"val\": \"4000000000000000000\", \"at\": 604411200,\n"
    " \"tab\": \"110000000000000000000000000000000000000000000000\", \"lot\": \"40000000000000000000\",\n"
    " \"value\": \"4000000000000000000000000000\", \"slippage_ppm\": 10000,\n"
    " \"gas\": \"1000000000000000000000000000000000000000000000\", \"lead_ns\": 250000000, \"every\": 10,\n"
    " \"steps\": [{\"do\": \"take\", \"at\": 604411230, \"amt\": \"18000000000000000000\"},\n"
    "  {\"do\": \"take\", \"at\": 604411330}, {\"do\": \"redo\", \"at\": 604411330, \"val\": "
    "\"3500000000000000000\"},\n"
    "  {\"do\": \"take\", \"at\": 604411340}]}";
