// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/econ's auctions for tests/diff/auctions_diff.py: one command a line on stdin,
// numbers decimal, one answer a line on stdout: why (- when nothing failed), then values. A malformed line
// ends the program with status 2. Commands are in COMMANDS; what each reads and tells is in its function.
#include "econ/auction_discount.h"
#include "econ/auction_time.h"
#include "econ/bidder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_MAX = 4096, LINE = 1 << 17 };

static struct clip clip;
static struct dog_room room;
static struct english english;
static struct bidder_pool pool;
static struct table {
    struct bidder_sale sale;
    unsigned n;
    u256 out[TABLE_MAX];
} table;
static const struct bidder_sale *sale;
static struct bidder_budget budget;

static u256 get(void)
{
    u256 v;
    const char *t = strtok(NULL, " \n");
    if (!t || !u256_parse(t, &v)) {
        fprintf(stderr, "auctions_driver: a number is missing or wrong: %s\n", t ? t : "");
        exit(2);
    }
    return v;
}

static uint64_t small(void)
{
    return get().w[0];
}

static void put(u256 v)
{
    char text[U256_DIGITS_MAX];
    u256_format(v, text);
    printf(" %s", text);
}

static void put64(uint64_t v)
{
    put(u256_from_u64(v));
}

static void why(const struct checked *c)
{
    printf("%s |", c->why ? c->why : "-");
}

static struct curve get_curve(void)
{
    struct curve k = {.kind = (enum curve_kind)small()};
    k.tau = small();
    k.step = small();
    k.cut = get();
    return k;
}

static void cmd_rpow(void)
{
    struct checked c = {0};
    u256 x = get(), n = get(), base = get(), z = auction_rpow(&c, x, n, base);
    why(&c);
    put(z);
}

static void cmd_price(void)
{
    struct checked c = {0};
    struct curve k = get_curve();
    u256 top = get(), p = curve_price(&c, &k, top, small());
    why(&c);
    put(p);
}

static void cmd_first(void)
{
    struct checked c = {0};
    struct curve k = get_curve();
    u256 top = get(), limit = get();
    struct curve_hit h = curve_first(&c, &k, top, limit, small());
    why(&c);
    put64(h.found);
    put64(h.first);
    put64(h.at);
}

static void cmd_clip(void)
{
    clip = (struct clip){.calc = get_curve(), .buf = get()};
    clip.cusp = get();
    clip.tail = small();
    clip.chip = get();
    clip.tip = get();
    clip.chost = get();
    clip.stopped = (unsigned)small();
    printf("- |");
}

static void cmd_stop(void)
{
    clip.stopped = (unsigned)small();
    printf("- |");
}

static void cmd_room(void)
{
    room.total_hole = get();
    room.total_dirt = get();
    room.hole = get();
    room.dirt = get();
    printf("- |");
}

static struct clip_feed get_feed(void)
{
    struct clip_feed f = {.val = get()};
    f.has = small() != 0;
    f.par = get();
    return f;
}

static void put_clip(void)
{
    put64(clip.running);
    put(clip.tab);
    put(clip.lot);
    put(clip.top);
    put64(clip.tic);
    put(room.total_dirt);
    put(room.dirt);
}

static void cmd_kick(void)
{
    struct checked c = {0};
    struct clip_feed f = get_feed();
    uint64_t now = small();
    u256 tab = get(), lot = get();
    u256 coin = clip_kick(&c, &clip, &f, now, tab, lot, small() != 0);
    why(&c);
    put(coin);
    put_clip();
}

static void cmd_status(void)
{
    struct checked c = {0};
    bool done;
    u256 p = clip_status(&c, &clip, small(), &done);
    why(&c);
    put(p);
    put64(done);
}

static void cmd_redo(void)
{
    struct checked c = {0};
    struct clip_feed f = get_feed();
    u256 coin = clip_redo(&c, &clip, &f, small());
    why(&c);
    put(coin);
    put_clip();
}

static void cmd_redoat(void)
{
    struct checked c = {0};
    uint64_t at = clip_redo_at(&c, &clip);
    why(&c);
    put64(at);
}

static void cmd_upchost(void)
{
    struct checked c = {0};
    u256 dust = get();
    clip_upchost(&c, &clip, dust, get());
    why(&c);
    put(clip.chost);
}

static void cmd_yank(void)
{
    struct checked c = {0};
    u256 lot = clip_yank(&c, &clip, &room);
    why(&c);
    put(lot);
    put_clip();
}

struct caller {
    struct clip_buyer buyer;
    uint64_t kind, now; // 1 raises, 2 fails, 3 and 4 try the same auction again, and raise
    u256 raises;
    bool let_in;
};

static bool called(struct clip_buyer *b, u256 owe, u256 slice)
{
    struct caller *k = (struct caller *)b;
    struct checked c = {0};
    struct clip_buyer again = {.coin = U256_MAX};
    struct clip_feed f = {.val = u256_pow10(18), .has = true, .par = u256_pow10(27)};
    if (k->kind == 3)
        (void)clip_take(&c, &clip, &room, &again, k->now, slice, U256_MAX);
    else if (k->kind == 4)
        (void)clip_redo(&c, &clip, &f, k->now);
    k->let_in = k->kind >= 3 && (ck_ok(&c) || strcmp(c.why, "Clipper/system-locked") != 0);
    (void)owe;
    return k->kind != 2 && !u256_add(b->coin, k->raises, &b->coin);
}

static void cmd_take(void)
{
    struct checked c = {0};
    struct caller k = {.now = small()};
    u256 amt = get(), max = get();
    k.buyer.coin = get();
    k.kind = small();
    k.raises = get();
    k.buyer.call = k.kind ? called : NULL;
    struct clip_taken t = clip_take(&c, &clip, &room, &k.buyer, k.now, amt, max);
    why(&c);
    put(t.price);
    put(t.owe);
    put(t.slice);
    put(t.tab);
    put(t.lot);
    put(t.back);
    put(t.dug);
    put64(t.over);
    put64(t.adjusted);
    put64(k.let_in);
    put(k.buyer.coin);
    put_clip();
}

static void cmd_english(void)
{
    english = (struct english){.kind = (enum english_kind)small()};
    english.live = small() != 0;
    english.beg = get();
    english.pad = get();
    english.ttl = small();
    english.tau = small();
    english.fill = get();
    english.lid = get();
    printf("- |");
}

static void put_english(const struct checked *c, struct english_moves m)
{
    why(c);
    put(m.refund);
    put(m.income);
    put(m.back);
    put64(english.guy);
    put(english.bid);
    put(english.lot);
    put(english.tab);
    put64(english.tic);
    put64(english.end);
    put(english.fill);
}

static void cmd_ekick(void)
{
    struct checked c = {0};
    uint64_t now = small(), guy = small();
    u256 tab = get(), lot = get();
    english_kick(&c, &english, now, guy, tab, lot, get());
    put_english(&c, (struct english_moves){0});
}

static void cmd_etick(void)
{
    struct checked c = {0};
    english_tick(&c, &english, small());
    put_english(&c, (struct english_moves){0});
}

static void cmd_etend(void)
{
    struct checked c = {0};
    uint64_t now = small(), who = small();
    u256 lot = get();
    struct english_moves m = english_tend(&c, &english, now, who, lot, get());
    put_english(&c, m);
}

static void cmd_edent(void)
{
    struct checked c = {0};
    uint64_t now = small(), who = small();
    u256 lot = get();
    struct english_moves m = english_dent(&c, &english, now, who, lot, get());
    put_english(&c, m);
}

static void cmd_edeal(void)
{
    struct checked c = {0};
    u256 lot = english_deal(&c, &english, small());
    put_english(&c, (struct english_moves){.back = lot});
}

static void cmd_enext(void)
{
    struct checked c = {0}, d = {0};
    u256 least = english_least_bid(&c, &english), most = english_most_lot(&d, &english);
    printf("- |");
    put64(ck_ok(&c));
    put(least);
    put64(ck_ok(&d));
    put(most);
    put64(english_due(&english));
}

static void cmd_disc(void)
{
    struct checked c = {0};
    struct discount d = {.adjusted = get()};
    d.liability_value = get();
    d.liability = get();
    d.collateral_value = get();
    d.balance = get();
    d.most = (uint32_t)small();
    bool part = small() != 0;
    u256 repay = get();
    struct discount_out o = part ? discount_part(&c, &d, repay) : discount_most(&c, &d);
    why(&c);
    put64(o.violation);
    put(o.factor);
    put(o.repay);
    put(o.yield);
}

static void cmd_reached(void)
{
    struct checked c = {0};
    u256 value = get();
    uint32_t most = (uint32_t)small();
    u256 at = discount_reached(&c, value, most, get());
    why(&c);
    put(at);
}

static void cmd_tcurve(void)
{
    struct checked c = {0};
    u256 share = time_curve(&c, small());
    why(&c);
    put(share);
}

static void cmd_telapsed(void)
{
    struct checked c = {0};
    uint64_t warned = small(), t = time_elapsed(&c, warned, small());
    why(&c);
    put64(t);
}

static void cmd_tamounts(void)
{
    struct checked c = {0};
    u256 v[5];
    for (int i = 0; i < 5; i++)
        v[i] = get();
    uint64_t t = small();
    struct time_amounts a = time_amounts(&c, v[0], v[1], v[2], v[3], v[4], t, (uint32_t)small());
    why(&c);
    put(a.out0);
    put(a.out1);
    put(a.repay0);
    put(a.repay1);
}

static void cmd_tfirst(void)
{
    uint64_t t = time_first(get());
    printf("- |");
    put64(t);
}

static u256 table_out(const struct bidder_sale *s, u256 q)
{
    const struct table *t = (const struct table *)s;
    u256 last = u256_from_u64(t->n - 1);
    return t->out[ck_min(q, last).w[0]];
}

static void cmd_pool(void)
{
    u256 collateral = get(), coin = get();
    pool = bidder_pool(collateral, coin, (uint32_t)small());
    sale = &pool.sale;
    printf("- |");
    put(sale->out(sale, get()));
}

static void cmd_table(void)
{
    table.sale = (struct bidder_sale){.out = table_out, .slop = get()};
    table.n = (unsigned)small();
    if (table.n == 0 || table.n > TABLE_MAX)
        exit(2);
    for (unsigned i = 0; i < table.n; i++)
        table.out[i] = get();
    sale = &table.sale;
    printf("- |");
}

static void cmd_budget(void)
{
    budget.once = get();
    budget.total = get();
    budget.spent = get();
    printf("- |");
    put(bidder_room(&budget));
}

static void cmd_plan(void)
{
    bool first = small() != 0;
    uint64_t now = small(), lead = small();
    struct bidder_terms t = {.sale = sale, .gas = get()};
    t.profit = get();
    struct bidder_plan p =
        first ? bidder_first(&clip, &t, &budget, now) : bidder_now(&clip, &t, &budget, now);
    printf("%s |", p.why ? p.why : "-");
    put64(p.pays);
    put64(p.at);
    put(p.amt);
    put(p.max);
    put(p.taken.owe);
    put(p.taken.slice);
    put(p.out);
    put(p.net);
    put64(bidder_wake_ns(&p, lead));
}

static void cmd_predo(void)
{
    uint64_t now = small();
    struct clip_feed f = get_feed();
    struct bidder_terms t = {.sale = sale, .gas = get()};
    t.profit = get();
    struct bidder_redo r = bidder_redo(&clip, &f, &t, now);
    printf("- |");
    put64(r.pays);
    put64(r.at);
    put(r.coin);
}

static void cmd_pbid(void)
{
    uint64_t now = small(), who = small();
    struct bidder_terms t = {.sale = sale, .gas = get()};
    t.profit = get();
    struct bidder_bid b = bidder_english(&english, &t, &budget, now, who);
    printf("%s |", b.why ? b.why : "-");
    put64(b.pays);
    put64(b.dent);
    put(b.bid);
    put(b.lot);
    put(b.net);
    put64(b.at);
}

static const struct {
    const char *name;
    void (*run)(void);
} COMMANDS[] = {
    {"rpow", cmd_rpow},         {"price", cmd_price},     {"first", cmd_first},
    {"clip", cmd_clip},         {"stop", cmd_stop},       {"room", cmd_room},
    {"kick", cmd_kick},         {"status", cmd_status},   {"redo", cmd_redo},
    {"redoat", cmd_redoat},     {"upchost", cmd_upchost}, {"yank", cmd_yank},
    {"take", cmd_take},         {"english", cmd_english}, {"ekick", cmd_ekick},
    {"etick", cmd_etick},       {"etend", cmd_etend},     {"edent", cmd_edent},
    {"edeal", cmd_edeal},       {"enext", cmd_enext},     {"disc", cmd_disc},
    {"reached", cmd_reached},   {"tcurve", cmd_tcurve},   {"telapsed", cmd_telapsed},
    {"tamounts", cmd_tamounts}, {"tfirst", cmd_tfirst},   {"pool", cmd_pool},
    {"table", cmd_table},       {"budget", cmd_budget},   {"plan", cmd_plan},
    {"predo", cmd_predo},       {"pbid", cmd_pbid},
};

int main(void)
{
    static char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0, n = sizeof COMMANDS / sizeof COMMANDS[0];
        while (name && i < n && strcmp(COMMANDS[i].name, name) != 0)
            i++;
        if (!name || i == n) {
            fprintf(stderr, "auctions_driver: no command: %s\n", name ? name : "");
            return 2;
        }
        COMMANDS[i].run();
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
