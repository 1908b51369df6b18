// SPDX-License-Identifier: Apache-2.0
// Maker's Liquidations 2.0 as states: is a vault unsafe, what does bark take of it, and what do steps of the
// auction give (docs/protocols/maker-dog.md). The arithmetic is econ's.
#include "protocols/protocol.h"

#include "econ/auction_clip.h"
#include "econ/bidder.h"

extern const struct protocol protocol_maker_dog;

enum { STEPS_MAX = 20, AMOUNT_BITS = 256, TIME_BITS = 48, CHIP_BITS = 64, TIP_BITS = 192, STOPPED_MAX = 3 };

enum step_kind {
    STEP_STATUS,
    STEP_TAKE,
    STEP_REDO,
    STEP_YANK,
    STEP_UPCHOST,
    STEP_FIRST,
    STEP_PLAN,
    STEP_KINDS
};
static const char *const STEPS[STEP_KINDS] = {"status", "take", "redo", "yank", "upchost", "first", "plan"};

struct run { // what the steps work on
    struct dog_vault vault;
    struct dog_room room;
    struct clip clip;
    struct clip_feed feed;
    struct outcome *out;
    uint64_t now; // of the kick: where a step names no time
    unsigned i;   // step
};

struct step {
    enum step_kind kind;
    uint64_t at;
    u256 amt, max, coin, raises, limit;
    bool calls, fails; // the callback
    struct clip_feed feed;
    u256 gas, profit, once, total;
    struct bidder_pool pool;
};

static u256 amount(struct state *s, const char *name)
{
    return state_u256(s, name, AMOUNT_BITS);
}

static u256 amount_or(struct state *s, const char *name, u256 absent)
{
    return state_u256_or(s, name, AMOUNT_BITS, absent);
}

static uint64_t second(struct state *s, const char *name, uint64_t absent)
{
    return state_u64_or(s, name, ((uint64_t)1 << TIME_BITS) - 1, absent);
}

static void read_vault(struct state *s, struct run *r)
{
    r->vault =
        (struct dog_vault){.ink = amount(s, "ink"), .art = amount(s, "art"), .rate = amount(s, "rate")};
    r->vault.spot = amount(s, "spot");
    r->vault.dust = amount(s, "dust");
    r->vault.chop = amount(s, "chop");
    r->vault.live = state_bool_or(s, "live", true);
    r->room.total_hole = amount(s, "total_hole");
    r->room.total_dirt = amount_or(s, "total_dirt", U256_ZERO);
    r->room.hole = amount(s, "hole");
    r->room.dirt = amount_or(s, "dirt", U256_ZERO);
}

static struct clip_feed read_feed(struct state *s, struct clip_feed absent)
{
    struct clip_feed f = {.val = amount_or(s, "val", absent.val), .par = amount_or(s, "par", absent.par)};
    f.has = state_bool_or(s, "has", absent.has);
    return f;
}

static void read_clip(struct state *s, struct run *r)
{
    struct clip *k = &r->clip;
    k->calc.kind = (enum curve_kind)state_choice(s, "calc", CURVE_NAMES, CURVE_KINDS, false);
    k->calc.tau = second(s, "tau", 0);
    k->calc.step = second(s, "step", 1);
    k->calc.cut = amount_or(s, "cut", U256_ZERO);
    k->buf = amount(s, "buf");
    k->cusp = amount(s, "cusp");
    k->tail = second(s, "tail", 0);
    k->chip = state_u256_or(s, "chip", CHIP_BITS, U256_ZERO);
    k->tip = state_u256_or(s, "tip", TIP_BITS, U256_ZERO);
    k->chost = amount_or(s, "chost", U256_ZERO);
    k->stopped = (unsigned)state_u64_or(s, "stopped", STOPPED_MAX, 0);
    r->feed = read_feed(s, (struct clip_feed){.has = true, .par = u256_pow10(RAY_DIGITS)});
    r->now = second(s, "at", 0);
}

static struct step read_step(struct state *s, const struct run *r)
{
    struct step t = {.kind = (enum step_kind)state_choice(s, "do", STEPS, STEP_KINDS, false)};
    t.at = second(s, "at", r->now);
    t.amt = amount_or(s, "amt", U256_MAX);
    t.max = amount_or(s, "max", U256_MAX);
    t.coin = amount_or(s, "coin", U256_MAX);
    t.calls = state_has(s, "raises") || state_has(s, "callback_fails");
    t.raises = amount_or(s, "raises", U256_ZERO);
    t.fails = state_bool_or(s, "callback_fails", false);
    t.limit = amount_or(s, "limit", U256_ZERO);
    t.feed = read_feed(s, r->feed);
    t.gas = amount_or(s, "gas", U256_ZERO);
    t.profit = amount_or(s, "profit", U256_ZERO);
    t.once = amount_or(s, "once", U256_MAX);
    t.total = amount_or(s, "total", U256_MAX);
    t.pool = bidder_pool(amount_or(s, "pool_collateral", U256_ZERO), amount_or(s, "pool_coin", U256_ZERO),
                         (uint32_t)state_u64_or(s, "pool_fee_ppm", BIDDER_PPM, 0));
    return t;
}

static const char *at(char buf[OUTCOME_NAME_MAX], const struct run *r, const char *field)
{
    return outcome_at(buf, "step", r->i, field);
}

static void tell(const struct run *r, const char *field, u256 v)
{
    char b[OUTCOME_NAME_MAX];
    outcome_u256(r->out, at(b, r, field), v);
}

static void tell_time(const struct run *r, const char *field, bool known, uint64_t v)
{
    char b[OUTCOME_NAME_MAX];
    if (known)
        outcome_u256(r->out, at(b, r, field), u256_from_u64(v));
    else
        outcome_text(r->out, at(b, r, field), "never");
}

static void tell_bool(const struct run *r, const char *field, bool v)
{
    char b[OUTCOME_NAME_MAX];
    outcome_bool(r->out, at(b, r, field), v);
}

static void tell_refused(const struct run *r, const char *why)
{
    char b[OUTCOME_NAME_MAX];
    outcome_text(r->out, at(b, r, "refused"), why ? why : "");
}

struct caller { // a buyer whose callback raises what the step says
    struct clip_buyer buyer;
    u256 raises;
    bool fails;
};

static bool raise_coin(struct clip_buyer *b, u256 owe, u256 slice)
{
    const struct caller *k = (const struct caller *)b;
    (void)owe, (void)slice;
    return !k->fails && !u256_add(b->coin, k->raises, &b->coin);
}

static void tell_taken(const struct run *r, const struct clip_taken *t)
{
    tell(r, "price", t->price);
    tell(r, "slice", t->slice);
    tell(r, "owe", t->owe);
    tell(r, "tab", t->tab);
    tell(r, "lot", t->lot);
    tell(r, "back", t->back);
    tell_bool(r, "over", t->over);
}

static void take(struct run *r, const struct step *t)
{
    struct checked c = {0};
    struct caller k = {.buyer = {.coin = t->coin}, .raises = t->raises, .fails = t->fails};
    k.buyer.call = t->calls ? raise_coin : NULL;
    struct clip_taken got = clip_take(&c, &r->clip, &r->room, &k.buyer, t->at, t->amt, t->max);
    tell_refused(r, c.why);
    if (ck_ok(&c))
        tell_taken(r, &got);
    tell(r, "dirt", r->room.dirt);
}

static void plan(struct run *r, const struct step *t)
{
    struct bidder_terms terms = {.sale = &t->pool.sale, .gas = t->gas, .profit = t->profit};
    struct bidder_budget b = {.once = t->once, .total = t->total};
    struct bidder_plan p = bidder_first(&r->clip, &terms, &b, t->at);
    tell_refused(r, p.why);
    tell_bool(r, "pays", p.pays);
    tell_time(r, "at", p.at != UINT64_MAX, p.at);
    if (!p.pays)
        return;
    tell(r, "amt", p.amt);
    tell_taken(r, &p.taken);
    tell(r, "out", p.out);
    tell(r, "net", p.net);
}

static void status(struct run *r, const struct step *t)
{
    struct checked c = {0};
    bool done = false;
    u256 price = clip_status(&c, &r->clip, t->at, &done);
    tell_refused(r, c.why);
    tell(r, "price", price);
    tell_bool(r, "needs_redo", r->clip.running && done);
    uint64_t due = clip_redo_at(&c, &r->clip);
    tell_time(r, "redo_at", due != UINT64_MAX, due);
}

static void first(struct run *r, const struct step *t)
{
    struct checked c = {0};
    struct curve_hit h =
        curve_first(&c, &r->clip.calc, r->clip.top, t->limit, ((uint64_t)1 << TIME_BITS) - 1);
    tell_refused(r, c.why);
    tell_time(r, "at", h.found, r->clip.tic + h.at);
    tell_bool(r, "proved", h.first);
}

static void other(struct run *r, const struct step *t) // redo, yank, upchost
{
    struct checked c = {0};
    u256 got = U256_ZERO;
    if (t->kind == STEP_REDO) {
        r->feed = t->feed;
        got = clip_redo(&c, &r->clip, &r->feed, t->at);
    } else if (t->kind == STEP_YANK) {
        got = clip_yank(&c, &r->clip, &r->room);
    } else {
        clip_upchost(&c, &r->clip, r->vault.dust, r->vault.chop);
        got = r->clip.chost;
    }
    tell_refused(r, c.why);
    tell(r, t->kind == STEP_REDO ? "coin" : t->kind == STEP_YANK ? "lot" : "chost", got);
    if (t->kind == STEP_REDO)
        tell(r, "top", r->clip.top);
}

static void step(struct run *r, const struct step *t)
{
    switch (t->kind) {
    case STEP_STATUS:
        status(r, t);
        return;
    case STEP_TAKE:
        take(r, t);
        return;
    case STEP_FIRST:
        first(r, t);
        return;
    case STEP_PLAN:
        plan(r, t);
        return;
    default:
        other(r, t);
    }
}

static void bark(struct run *r, bool with_clip)
{
    struct checked sides = {0}, c = {0};
    const struct dog_vault *v = &r->vault;
    outcome_bool(r->out, "liquidatable", dog_unsafe(&sides, v));
    outcome_u256(r->out, "health_collateral", ck_mul(&sides, v->ink, v->spot));
    outcome_u256(r->out, "health_debt", ck_mul(&sides, v->art, v->rate));
    struct dog_room before = r->room;
    struct dog_bark b = dog_bark(&c, v, &r->room);
    u256 coin = with_clip ? clip_kick(&c, &r->clip, &r->feed, r->now, b.tab, b.dink, true) : U256_ZERO;
    if (!ck_ok(&c)) { // a refused kick takes the bark back
        r->room = before;
        b = (struct dog_bark){0};
    }
    outcome_text(r->out, "refused", c.why ? c.why : "");
    outcome_u256(r->out, "dart", b.dart);
    outcome_u256(r->out, "dink", b.dink);
    outcome_u256(r->out, "due", b.due);
    outcome_u256(r->out, "tab", b.tab);
    outcome_bool(r->out, "partial", b.partial);
    outcome_bool(r->out, "whole_for_dust", b.dusty);
    outcome_u256(r->out, "dirt", r->room.dirt);
    outcome_u256(r->out, "total_dirt", r->room.total_dirt);
    if (with_clip) {
        outcome_u256(r->out, "top", r->clip.top);
        outcome_u256(r->out, "coin", coin);
    }
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    (void)e;
    struct run r = {.out = out};
    struct step steps[STEPS_MAX];
    struct state element;
    const struct json *it = NULL;
    bool with_clip = false;
    unsigned n = 0;
    read_vault(s, &r);
    struct state clip = state_object(s, "clip", &with_clip);
    if (with_clip)
        read_clip(&clip, &r);
    else if (state_has(s, "steps"))
        state_fail(s, s->at->line, "\"steps\" are of an auction: add \"clip\", or leave them out");
    while (state_next(s, "steps", STEPS_MAX, &it, &element)) {
        steps[n++] = read_step(&element, &r);
        if (!state_done(&element))
            return -1;
    }
    if ((with_clip && !state_done(&clip)) || !state_done(s))
        return -1;
    bark(&r, with_clip);
    for (r.i = 0; r.i < n; r.i++)
        step(&r, &steps[r.i]);
    return 0;
}

// The first test of clip.t.sol: 40 of a collateral at 4 each, a debt of 100, a penalty of 10 %.
static const char EXAMPLE[] =
    "{\"ink\": \"40000000000000000000\", \"art\": \"100000000000000000000\",\n"
    " \"rate\": \"1000000000000000000000000000\", \"spot\": \"2000000000000000000000000000\",\n"
    " \"dust\": \"20000000000000000000000000000000000000000000000\", \"chop\": \"1100000000000000000\",\n"
    " \"total_hole\": \"1000000000000000000000000000000000000000000000000\",\n"
    " \"hole\": \"1000000000000000000000000000000000000000000000000\",\n"
    " \"clip\": {\"calc\": \"stairstep\", \"cut\": \"990000000000000000000000000\", \"step\": 1,\n"
    "  \"buf\": \"1250000000000000000000000000\", \"cusp\": \"300000000000000000000000000\", \"tail\": "
    "3600,\n"
    "  \"chost\": \"22000000000000000000000000000000000000000000000\", \"val\": \"4000000000000000000\",\n"
    "  \"at\": 604411200},\n"
    " \"steps\": [{\"do\": \"plan\", \"gas\": \"1000000000000000000000000000000000000000000000\",\n"
    "   \"pool_collateral\": \"1000000000000000000000\",\n"
    "   \"pool_coin\": \"4000000000000000000000000000000000000000000000000\", \"pool_fee_ppm\": 3000},\n"
    "  {\"do\": \"take\", \"amt\": \"18000000000000000000\"}, {\"do\": \"status\", \"at\": 604411260}]}";

const struct protocol protocol_maker_dog = {
    .name = "maker-dog",
    .title = "Maker Liquidations 2.0: vaults (Vat, Dog) and their Dutch auctions (Clipper, Abaci)",
    .source = "makerdao/dss 3f30552a src/dog.sol, src/clip.sol; c8d4c806 src/abaci.sol (as in fa4f6630)",
    .example = EXAMPLE,
    .eval = eval,
};
