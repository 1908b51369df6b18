// SPDX-License-Identifier: Apache-2.0
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"

enum {
    SEED = 7,
    LANES = 128,
    SLOTS = 128, // 16,384 rows, of which boxes fill a quarter
    ASSETS = 16,
    RING_BYTES = 1 << 25, // more than a rig puts: nobody waits for the disk
    STEP_NS = 100000,
    OTHER_ID = 99,
    FIRST_PPM = 20, // of the ladders' first rung under the start
    STEP_PPM = 6,
    CLEAR_PPM = 400,
    BARE_ROWS = 1024, // of which boxes fill a quarter
};
#define E12(units) ((int64_t)((units)*1000000000000))
#define START_NS   UINT64_C(1780272000000000000)

static const struct gen_price PRICES[QUOTED] = {
    [Q_BTC] = {"BTC_USDC-PERPETUAL", GEN_LINEAR, E12(60000)},
    [Q_ETH] = {"ETH_USDC-PERPETUAL", GEN_LINEAR, E12(3000)},
    [Q_SOL] = {"SOL_USDC-PERPETUAL", GEN_LINEAR, E12(150)},
    [Q_BTC_INVERSE] = {"BTC-PERPETUAL", GEN_INVERSE, E12(60000)},
    [Q_ETH_INVERSE] = {"ETH-PERPETUAL", GEN_INVERSE, E12(3000)},
    [Q_BTC_INDEX] = {"btc_usd", GEN_INDEX, E12(60000)},
    [Q_ETH_INDEX] = {"eth_usd", GEN_INDEX, E12(3000)},
    [Q_SOL_INDEX] = {"sol_usd", GEN_INDEX, E12(150)},
    [Q_USDC_INDEX] = {"usdc_usd", GEN_INDEX, E12(1)},
};

static struct book all; // background, ladders, the one that is held; ids ascend
static uint32_t far_id, held_id;

void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)fprintf(stderr, "hot_guard: ");
    (void)vfprintf(stderr, fmt, ap);
    (void)fprintf(stderr, "\n");
    va_end(ap);
    exit(EXIT_FAILURE);
}

// ---- prices

double rig_start_price(enum quoted q)
{
    return (double)PRICES[q].price_e12 / 1e12;
}

static double below_start(enum quoted q, double ppm)
{
    return rig_start_price(q) * (1 - ppm / 1e6);
}

enum quoted rig_ladder_price(enum ladder l)
{
    return l == LADDER_PERP ? Q_BTC : Q_ETH_INDEX;
}

// Account k falls half a step above rung k, the next one half a step below it.
double rig_rung(enum ladder l, unsigned step)
{
    return below_start(rig_ladder_price(l), FIRST_PPM + STEP_PPM * (double)step);
}

static uint16_t asset_of(enum quoted q)
{
    for (uint16_t i = 0; i < all.market.n_assets; i++)
        if (strcmp(all.market.asset[i].source, PRICES[q].name) == 0)
            return i;
    die("no asset is priced by %s", PRICES[q].name);
}

static int64_t quanta(enum quoted q, double price)
{
    double unit = 1;
    for (unsigned i = 0; i < all.market.asset[asset_of(q)].decimals; i++)
        unit *= 10;
    return (int64_t)(price * unit + 0.5);
}

// ---- accounts

static uint16_t instrument_of(enum quoted q)
{
    uint16_t a = asset_of(q);
    for (uint16_t i = 0; i < all.market.n_instruments; i++)
        if (all.market.instrument[i].asset == a)
            return i;
    die("no instrument of %s", PRICES[q].name);
}

static const struct rule *rule_of(const char *begin)
{
    const struct rule *r;
    for (size_t i = 0; (r = rule_at(i)); i++)
        if (strncmp(r->name, begin, strlen(begin)) == 0)
            return r;
    die("no rule called %s", begin);
}

// Sets *amount, which is in [0, 2^bits): the least with which the account may not be liquidated where more of
// it is healthier, else the greatest with which it may not.
static void bisect(struct account *a, i128 *amount, unsigned bits, bool healthier, const int64_t *px)
{
    i128 least = 0;
    for (unsigned k = bits; k-- > 0;) {
        struct health h;
        *amount = least + ((i128)1 << k);
        a->rule->health(&all.market, a, px, &h);
        if (h.liquidatable == healthier)
            least = *amount;
    }
    *amount = least + healthier;
}

// Long two coins, healthy from `price` on upwards.
static void perp_falling_at(struct account *a, enum quoted q, double price, int64_t *px)
{
    const struct instrument *s = &all.market.instrument[instrument_of(q)];
    i128 size = 2;
    for (unsigned i = 0; i < s->size_decimals; i++)
        size *= 10;
    a->rule = rule_of("perp-linear");
    a->cash_decimals = s->cash_decimals;
    memcpy(a->currency, s->currency, sizeof a->currency);
    a->n_positions = 1;
    a->position[0] = (struct position){
        .instrument = instrument_of(q), .size = size, .entry = quanta(q, rig_start_price(q))};
    px[s->asset] = quanta(q, price);
    bisect(a, &a->cash, 60, true, px);
}

static void borrower_falling_at(struct account *a, enum quoted q, enum quoted owed, double price, int64_t *px)
{
    uint16_t coll = instrument_of(q), debt = instrument_of(owed);
    const struct instrument *s = &all.market.instrument[coll];
    i128 supply = 20;
    for (unsigned i = 0; i < s->size_decimals; i++)
        supply *= 10;
    a->rule = rule_of("aave-3.5");
    a->n_positions = 2;
    unsigned c = coll > debt;
    a->position[c] = (struct position){.instrument = coll, .collateral = true, .supply = supply};
    a->position[1 - c] = (struct position){.instrument = debt};
    px[s->asset] = quanta(q, price);
    bisect(a, &a->position[1 - c].debt, 60, false, px);
}

// A generated account that would survive all prices at 0.75 of the start and at 1.25.
static bool is_far(const struct account *a, const int64_t *px)
{
    int64_t moved[MARKET_ASSETS_MAX];
    struct health h;
    for (int s = 3; s <= 5; s += 2) {
        for (uint16_t i = 0; i < all.market.n_assets; i++)
            moved[i] = px[i] / 4 * s;
        a->rule->health(&all.market, a, moved, &h);
        if (h.liquidatable)
            return false;
    }
    return a->rule == rule_of("perp-linear");
}

// May it be liquidated when one price alone falls below the ladders and the account that is held?
static bool in_the_way(const struct account *a, int64_t *px)
{
    static const enum quoted moves[] = {Q_BTC, Q_ETH_INDEX, Q_SOL_INDEX};
    struct health h = {0};
    for (size_t i = 0; i < sizeof moves / sizeof *moves && !h.liquidatable; i++) {
        int64_t *p = &px[asset_of(moves[i])], was = *p;
        *p = quanta(moves[i], below_start(moves[i], CLEAR_PPM));
        a->rule->health(&all.market, a, px, &h);
        *p = was;
    }
    return h.liquidatable;
}

static void clear_the_way(int64_t *px)
{
    size_t kept = 0;
    for (size_t i = 0; i < all.n_accounts; i++)
        if (!in_the_way(&all.account[i], px))
            all.account[kept++] = all.account[i];
    all.n_accounts = kept;
}

void rig_accounts(uint32_t background)
{
    struct err e;
    int64_t px[MARKET_ASSETS_MAX] = {0};
    const struct gen_options o = {.seed = SEED,
                                  .accounts = background,
                                  .prices = PRICES,
                                  .n_prices = QUOTED,
                                  .near_ppm = GEN_NEAR_PPM,
                                  .guard_ppm = GEN_GUARD_PPM};
    if (accounts_generate(&o, &all, &e) != 0)
        die("book: %s", e.msg);
    for (enum quoted q = 0; q < QUOTED; q++)
        px[asset_of(q)] = quanta(q, rig_start_price(q));
    clear_the_way(px);
    for (size_t i = 0; i < all.n_accounts && !far_id; i++)
        if (is_far(&all.account[i], px))
            far_id = all.account[i].id;
    if (!far_id)
        die("no account of the book is far from everything");
    size_t n = all.n_accounts, more = LADDERS * LADDER_STEPS + 1;
    all.account = realloc(all.account, (n + more) * sizeof *all.account);
    if (!all.account)
        die("out of memory");
    memset(all.account + n, 0, more * sizeof *all.account);
    for (size_t i = 0; i < more; i++) {
        struct account *a = &all.account[n + i];
        int64_t at[MARKET_ASSETS_MAX];
        double above =
            FIRST_PPM + STEP_PPM * ((double)(i % LADDER_STEPS) - 0.5); // half a step above its rung
        memcpy(at, px, sizeof at);
        a->id = background + (uint32_t)i + 1;
        if (i < LADDER_STEPS)
            perp_falling_at(a, Q_BTC, below_start(Q_BTC, above), at);
        else if (i < (size_t)LADDERS * LADDER_STEPS)
            borrower_falling_at(a, Q_ETH_INDEX, Q_USDC_INDEX, below_start(Q_ETH_INDEX, above), at);
        else
            borrower_falling_at(a, Q_SOL_INDEX, Q_ETH_INDEX, below_start(Q_SOL_INDEX, HELD_PPM), at);
        if (account_validate(&all.market, a, &e) != 0)
            die("account %u: %s", a->id, e.msg);
    }
    all.n_accounts = n + more;
    held_id = all.account[n + more - 1].id;
}

uint32_t rig_far_account(void)
{
    return far_id;
}
uint32_t rig_near_account(void)
{
    return held_id;
}

// ---- frames

void frame_begin(struct rig *r)
{
    deribit_begin(&r->enc, r->payload, sizeof r->payload, 10, r->seq++);
}

static void finish(struct rig *r, struct frame *f, const uint8_t *payload, size_t len)
{
    static struct gen_frame g;
    const struct frame_options o = {.vlans = 1};
    memcpy(frame_payload(&g, &o), payload, len);
    frame_finish(&g, &o, 10, 6100, len);
    f->ns = r->now_ns;
    f->len = g.len;
    f->wire = g.wire;
    memcpy(f->data, g.buf, g.len);
    r->now_ns += STEP_NS;
}

void frame_end(struct rig *r, struct frame *f)
{
    size_t len = deribit_end(&r->enc);
    if (!len)
        die("a packet does not fit");
    finish(r, f, r->payload, len);
}

static struct deribit_ticker ticker(const struct rig *r, uint32_t id, double price, double index)
{
    return (struct deribit_ticker){.id = id,
                                   .state = INSTRUMENT_OPEN,
                                   .ts_ms = r->now_ns / 1000000,
                                   .mark = price,
                                   .index = index,
                                   .bid = price,
                                   .ask = price,
                                   .last = price,
                                   .has_last = true};
}

void frame_price(struct rig *r, enum quoted q, double price, double index)
{
    const struct deribit_ticker t = ticker(r, (uint32_t)q + 1, price, index != 0 ? index : price);
    r->price[q] = price;
    if (PRICES[q].kind == GEN_INDEX)
        deribit_put_index(&r->enc, PRICES[q].name, price, r->now_ns / 1000000);
    else
        deribit_put_ticker(&r->enc, &t);
}

void frame_price_only(struct rig *r, enum quoted q, double price, struct frame *f)
{
    frame_begin(r);
    frame_price(r, q, price, 0);
    frame_end(r, f);
}

void frame_order_book(struct rig *r, struct frame *f)
{
    const struct deribit_level levels[] = {{true, 1, 59999, 10}, {false, 1, 60001, 10}};
    frame_begin(r);
    deribit_put_book(&r->enc, (uint32_t)Q_BTC + 1, r->now_ns / 1000000, r->seq - 1, r->seq, levels, 2);
    frame_end(r, f);
}

void frame_other_ticker(struct rig *r, struct frame *f)
{
    const struct deribit_ticker t = ticker(r, OTHER_ID, 1, 1);
    frame_begin(r);
    deribit_put_ticker(&r->enc, &t);
    frame_end(r, f);
}

void frame_foreign(struct rig *r, struct frame *f)
{
    static const uint8_t payload[64] = {0xff, 0xff, 0xff, 0xff};
    finish(r, f, payload, sizeof payload);
}

// ---- the session

static int take_order(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    return 0;
}
static const struct gateway_ops gateway_ops = {.submit = take_order};
static struct gateway gateway = {.ops = &gateway_ops};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    return journal_put2(ctx, type, a, na, b, nb);
}

static void copy_book(struct book *b)
{
    struct err e;
    memset(b, 0, sizeof *b);
    if (book_packed(b, 0, &e) != 0)
        die("book: %s", e.msg);
    b->market = all.market;
    for (size_t i = 0; i < all.n_accounts; i++)
        if (book_append(b, &all.account[i], &e) != 0)
            die("book: %s", e.msg);
}

static void open_journal(struct rig *r, const char *dir)
{
    struct err e;
    size_t n = strlen(dir) + sizeof "/hot_guard.journal";
    r->journal_path = malloc(n);
    if (!r->journal_path)
        die("out of memory");
    (void)snprintf(r->journal_path, n, "%s/hot_guard.journal", dir);
    (void)unlink(r->journal_path);
    if (journal_open_ring(r->journal_path, false, RING_BYTES, &r->journal, &e) != 0)
        die("journal: %s", e.msg);
}

static void define_all(struct rig *r)
{
    static struct frame f;
    for (uint32_t i = 0; i <= QUOTED; i++) {
        if (i < QUOTED && PRICES[i].kind == GEN_INDEX)
            continue;
        const struct deribit_instrument d = {.id = i < QUOTED ? i + 1 : OTHER_ID,
                                             .name = i < QUOTED ? PRICES[i].name : "XRP_USDC-PERPETUAL",
                                             .base = "X",
                                             .quote = "USD",
                                             .settle = "USD",
                                             .size = "X",
                                             .state = INSTRUMENT_OPEN};
        frame_begin(r);
        deribit_put_instrument_v2(&r->enc, &d);
        frame_end(r, &f);
        rig_take(r, &f);
    }
}

void rig_open(struct rig *r, enum rig_kind kind, const char *dir)
{
    struct err e;
    struct session_config c;
    static struct frame f;
    const struct device_config dc = {
        .backend = "vector", .isa = "avx2", .lanes = LANES, .slots = SLOTS, .assets = ASSETS};
    memset(r, 0, sizeof *r);
    r->now_ns = START_NS;
    config_default(&c);
    if (kind == RIG_BARE) {
        c.engine.warn_ppm = 0;
        c.engine.near_rows = BARE_ROWS;
    }
    copy_book(&r->book);
    open_journal(r, dir);
    if (device_open(&dc, &r->dev, &e) != 0)
        die("device: %s", e.msg);
    const struct session_log log = {r->journal, put};
    r->session = session_new(&c, &r->book, r->dev, &gateway, &log, false, &e);
    if (!r->session || session_begin(r->session, &e) != 0)
        die("session: %s", e.msg);
    define_all(r);
    frame_begin(r);
    for (enum quoted q = 0; q < QUOTED; q++)
        frame_price(r, q, rig_start_price(q), 0);
    frame_end(r, &f);
    rig_take(r, &f);
    if (engine_unplaced(session_engine(r->session)))
        die("%zu accounts have no price", engine_unplaced(session_engine(r->session)));
}

void rig_close(struct rig *r)
{
    struct err e;
    session_free(r->session);
    device_close(r->dev);
    if (journal_close(r->journal, &e) != 0)
        die("journal: %s", e.msg);
    (void)unlink(r->journal_path);
    free(r->journal_path);
    book_free(&r->book);
}
