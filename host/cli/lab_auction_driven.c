// SPDX-License-Identifier: Apache-2.0
// tripline lab auction, kinds discount (Euler's vault kit: driven by the price) and time (Aloe II). The
// arithmetic is econ's (auction_discount.h, auction_time.h).
#include "cli/lab_auction_inside.h"
#include "econ/auction_discount.h"
#include "econ/auction_time.h"

enum { PPM = BIDDER_PPM, MOST = 10000, FACTOR_DIGITS = 18, ASSETS_BITS = 112, SHARE_DIGITS = 12 };

// ---- by the price

struct slide { // the collateral's price falls from `from` to `to`, in 1e-6 of what the file has
    struct discount d;
    uint64_t from, to, by;
    struct keeper keeper;
    u256 repay; // a part; U256_MAX: the most
};

struct fallen { // at one price
    struct checked c;
    struct discount d;
    struct discount_out o;
    u256 out, all; // the keeper's
    bool pays;
};

static void read_slide(struct state *s, struct slide *x)
{
    x->d.adjusted = state_u256(s, "adjusted", AUCTION_MONEY_BITS);
    x->d.liability_value = state_u256(s, "liability_value", AUCTION_MONEY_BITS);
    x->d.liability = state_u256(s, "liability", ASSETS_BITS);
    x->d.collateral_value = state_u256(s, "collateral_value", AUCTION_MONEY_BITS);
    x->d.balance = state_u256(s, "balance", ASSETS_BITS);
    x->d.most = (uint32_t)state_u64(s, "max_discount", MOST);
    x->repay = state_u256_or(s, "repay", ASSETS_BITS, U256_MAX);
    x->from = state_u64_or(s, "from_ppm", PPM, PPM);
    x->to = state_u64_or(s, "to_ppm", PPM, PPM / 2);
    x->by = state_u64_or(s, "by_ppm", PPM, PPM / 50);
    x->keeper = keeper_read(s);
    if (x->by == 0)
        state_fail(s, s->at->line, "\"by_ppm\" is 0: give the step between two rows, 1 or more");
    else if (x->to > x->from)
        state_fail(s, s->at->line, "\"to_ppm\" is above \"from_ppm\": the price falls, give a lower one");
    else if ((x->from - x->to) / x->by >= SHEET_ROWS)
        state_fail(s, s->at->line, "more than %d rows: give a larger \"by_ppm\"", SHEET_ROWS);
}

static struct fallen fall(const struct slide *x, uint64_t ppm)
{
    struct fallen f = {.d = x->d};
    f.d.adjusted = ck_mul_div(&f.c, x->d.adjusted, ck_u64(ppm), ck_u64(PPM));
    f.d.collateral_value = ck_mul_div(&f.c, x->d.collateral_value, ck_u64(ppm), ck_u64(PPM));
    f.o = u256_cmp(x->repay, U256_MAX) == 0 ? discount_most(&f.c, &f.d) : discount_part(&f.c, &f.d, x->repay);
    if (!ck_ok(&f.c) || !f.o.violation)
        return f;
    u256 worth = u256_is_zero(f.d.balance) ? U256_ZERO
                                           : ck_full_div(&f.c, f.o.yield, f.d.collateral_value, f.d.balance);
    u256 cost = ck_full_div_up(&f.c, f.o.repay, f.d.liability_value, f.d.liability);
    f.pays = keeper_pays(&x->keeper, &f.c, worth, cost, &f.out, &f.all);
    return f;
}

static void slide_row(struct sheet_table *o, const struct slide *x, uint64_t ppm)
{
    struct fallen f = fall(x, ppm);
    bool due = ck_ok(&f.c) && f.o.violation;
    sheet_row(o);
    sheet_put(o, "ppm", cell_whole(ppm));
    sheet_put(o, "adjusted", cell_amount(f.d.adjusted, 0));
    sheet_put(o, "violation", cell_bool(due));
    sheet_put(o, "factor", due ? cell_amount(f.o.factor, FACTOR_DIGITS) : cell_text(NULL));
    sheet_put(o, "repay", due ? cell_amount(f.o.repay, 0) : cell_text(NULL));
    sheet_put(o, "yield", due ? cell_amount(f.o.yield, 0) : cell_text(NULL));
    if (x->keeper.there) {
        sheet_put(o, "out", due ? cell_amount(f.out, 0) : cell_text(NULL));
        sheet_put(o, "net", due ? cell_less(f.out, f.all, 0) : cell_text(NULL));
        sheet_put(o, "pays", cell_bool(f.pays));
    }
    sheet_put(o, "refused", cell_text(f.c.why));
}

// The profit is not one-way in the price (less collateral is given for less), so every millionth is looked
// at.
static void tell_slide(struct sheet *o, const struct slide *x)
{
    uint64_t ppm = x->from;
    while (ppm > x->to && !fall(x, ppm).pays)
        ppm--;
    struct fallen f = fall(x, ppm);
    sheet_fact(o, "first_pays", cell_bool(f.pays));
    sheet_fact(o, "first_ppm", cell_time(f.pays ? ppm : UINT64_MAX));
    if (f.pays)
        sheet_fact(o, "first_net", cell_less(f.out, f.all, 0));
}

int auction_discount(struct state *s, struct sheet *out)
{
    struct slide x = {0};
    read_slide(s, &x);
    bool wanted = state_has(s, "factor");
    u256 factor = state_u256_or(s, "factor", AUCTION_LOT_BITS, U256_ZERO);
    if (!state_done(s))
        return -1;
    if (wanted) {
        struct checked c = {0};
        u256 at = discount_reached(&c, x.d.liability_value, x.d.most, factor);
        sheet_fact(out, "reached_adjusted", ck_ok(&c) ? cell_amount(at, 0) : cell_text(NULL));
        sheet_fact(out, "reached_refused", cell_text(c.why));
    }
    if (x.keeper.there)
        tell_slide(out, &x);
    for (uint64_t i = 0; i <= (x.from - x.to) / x.by; i++)
        slide_row(&out->over, &x, x.from - i * x.by);
    return 0;
}

const char auction_discount_example[] =
    "{\"kind\": \"discount\", \"adjusted\": \"8500000000\", \"liability_value\": \"8000000000\",\n"
    " \"liability\": \"8000000000\", \"collateral_value\": \"10000000000\", \"balance\": "
    "\"5000000000000000000\",\n"
    " \"max_discount\": 1500, \"gas\": \"5000000\", \"slippage_ppm\": 3000, \"factor\": "
    "\"980000000000000000\",\n"
    " \"from_ppm\": 1000000, \"to_ppm\": 700000, \"by_ppm\": 20000}";

// ---- by time

struct warned {
    u256 price, value, assets0, assets1, debt0, debt1; // prices in 2^-128
    uint64_t at, begins;
    uint32_t close;
    bool shared;
    u256 share;
    struct keeper keeper;
    struct span span;
};

struct given { // t seconds into the auction
    struct checked c;
    struct time_amounts a;
    u256 out, all;
    bool pays;
};

static void read_warned(struct state *s, struct warned *x)
{
    x->price = state_u256(s, "price_x128", 256);
    x->value = state_u256_or(s, "value_x128", 256, x->price);
    x->assets0 = state_u256(s, "assets0", AUCTION_LOT_BITS);
    x->assets1 = state_u256(s, "assets1", AUCTION_LOT_BITS);
    x->debt0 = state_u256(s, "debt0", AUCTION_LOT_BITS);
    x->debt1 = state_u256(s, "debt1", AUCTION_LOT_BITS);
    x->at = auction_second(s, "warned", 0);
    x->begins = x->at + TIME_GRACE;
    x->close = (uint32_t)state_u64_or(s, "close", TIME_CLOSE, TIME_CLOSE);
    x->shared = state_has(s, "share");
    x->share = state_u256_or(s, "share", AUCTION_LOT_BITS, U256_ZERO);
    bool valued = state_has(s, "value_x128");
    x->keeper = keeper_read(s);
    x->keeper.there = x->keeper.there || valued;
    x->span = span_read(s);
    span_settle(s, &x->span, x->at, x->begins, x->begins + 2 * (uint64_t)TIME_GRACE);
}

static struct given give(const struct warned *x, uint64_t t)
{
    struct given g = {0};
    u256 one = u256_shl(ck_u64(1), 128);
    g.a = time_amounts(&g.c, x->price, x->assets0, x->assets1, x->debt0, x->debt1, t, x->close);
    u256 worth = ck_add(&g.c, g.a.out1, ck_full_div(&g.c, g.a.out0, x->value, one));
    u256 cost = ck_add(&g.c, g.a.repay1, ck_full_div_up(&g.c, g.a.repay0, x->value, one));
    g.pays = keeper_pays(&x->keeper, &g.c, worth, cost, &g.out, &g.all);
    return g;
}

static void time_row(struct sheet_table *o, const struct warned *x, uint64_t now)
{
    struct checked c = {0}, share = {0};
    uint64_t t = time_elapsed(&c, x->at, now);
    struct given g = give(x, t);
    bool ok = ck_ok(&c) && ck_ok(&g.c);
    u256 part = time_curve(&share, t);
    sheet_row(o);
    sheet_put(o, "at", cell_whole(now));
    sheet_put(o, "after", ck_ok(&c) ? cell_whole(t) : cell_text(NULL));
    sheet_put(o, "share", ck_ok(&c) && ck_ok(&share) ? cell_amount(part, SHARE_DIGITS) : cell_text(NULL));
    sheet_put(o, "out0", ok ? cell_amount(g.a.out0, 0) : cell_text(NULL));
    sheet_put(o, "out1", ok ? cell_amount(g.a.out1, 0) : cell_text(NULL));
    sheet_put(o, "repay0", ok ? cell_amount(g.a.repay0, 0) : cell_text(NULL));
    sheet_put(o, "repay1", ok ? cell_amount(g.a.repay1, 0) : cell_text(NULL));
    if (x->keeper.there) {
        sheet_put(o, "out", ok ? cell_amount(g.out, 0) : cell_text(NULL));
        sheet_put(o, "net", ok ? cell_less(g.out, g.all, 0) : cell_text(NULL));
        sheet_put(o, "pays", cell_bool(ok && g.pays));
    }
    sheet_put(o, "refused", cell_text(c.why ? c.why : g.c.why));
}

// The share never falls before TIME_ALL, where the close factor begins to count, which may give less.
static void tell_time(struct sheet *o, const struct warned *x)
{
    uint64_t lo = 0, hi = TIME_ALL;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (give(x, mid).pays)
            hi = mid;
        else
            lo = mid + 1;
    }
    struct given g = give(x, lo);
    sheet_fact(o, "first_pays", cell_bool(g.pays));
    sheet_fact(o, "first_at", cell_time(g.pays ? x->begins + lo : UINT64_MAX));
    if (g.pays)
        sheet_fact(o, "first_net", cell_less(g.out, g.all, 0));
}

int auction_time(struct state *s, struct sheet *out)
{
    struct warned x = {0};
    read_warned(s, &x);
    if (!state_done(s))
        return -1;
    sheet_fact(out, "begins_at", cell_whole(x.begins));
    sheet_fact(out, "all_at", cell_whole(x.begins + TIME_ALL));
    if (x.shared)
        sheet_fact(out, "share_at", cell_whole(x.begins + time_first(x.share)));
    if (x.keeper.there)
        tell_time(out, &x);
    for (uint64_t t = x.span.from; t <= x.span.until; t += x.span.every)
        time_row(&out->over, &x, t);
    return 0;
}

const char auction_time_example[] =
    "{\"kind\": \"time\", \"price_x128\": \"680564733841876926926749214863536422912000\",\n"
    " \"assets0\": \"500000\", \"assets1\": \"1000000000\", \"debt0\": \"0\", \"debt1\": \"1900000000\",\n"
    " \"warned\": 1700000000, \"gas\": \"3000000\", \"slippage_ppm\": 2000, \"share\": \"1000000000000\", "
    "\"every\": 60}";
