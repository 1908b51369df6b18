// SPDX-License-Identifier: Apache-2.0
#include "bench/load_t0.h"

#include <stdio.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "base/prng.h"

// Maintenance margin of 0.5 %, and a penalty with which nothing short of closing all of a position restores
// health (its reward eats what it frees): so the ready order is the order, wherever in its band a hit is.
enum {
    PPM = 1000000,
    RATE_PPM = 5000,
    FEE_PPM = 500,
    PENALTY_PPM = 7500,
    SIZE_DECIMALS = 6,
    CASH_DECIMALS = 6,
    STALE_MS = 5000,
    GUARD_PPM = 50000,
};
// What the others are away from their liquidation at the first prices, every asset moving against them, in
// ppm. A hit is 2,000 off: it reaches nobody, nor anybody's warning distance (1,500 before the end with
// warn_ppm 300,000). NEAR accounts, the watched one among them, and a quarter of a small book, are near; then
// nobody is for a while, and beyond that as many in each octave. So an engine that fills a quarter of a
// device of 16,384 rows has exactly the near ones there, each with two rows: 4,096.
enum {
    NEAR = 2048,
    NEAR_LO = 6000,
    NEAR_HI = 9000,
    FAR_LO = 20000,
    OCTAVES = 5, // up to 64 %
};
enum { NOTIONAL_OCTAVES = 13, NOTIONAL_LEAST = 100 }; // 100 to 800,000 dollars

static int64_t pow10_i64(unsigned n)
{
    int64_t p = 1;
    while (n--)
        p *= 10;
    return p;
}

static void make_market(struct market *m)
{
    m->n_assets = m->n_instruments = T0_INSTRUMENTS;
    for (uint16_t i = 0; i < T0_INSTRUMENTS; i++) {
        struct asset *a = &m->asset[i];
        struct instrument *s = &m->instrument[i];
        (void)snprintf(a->name, sizeof a->name, "%s", t0_instrument[i].name);
        (void)snprintf(a->source, sizeof a->source, "%s", t0_instrument[i].name);
        (void)snprintf(s->name, sizeof s->name, "%s", t0_instrument[i].name);
        (void)snprintf(s->currency, sizeof s->currency, "USDC");
        a->kind = ASSET_MARK;
        a->decimals = T0_PRICE_DECIMALS;
        a->guard_ppm = GUARD_PPM;
        a->stale_ms = i == T0_WATCHED ? STALE_MS : 0; // the others are told once
        s->kind = INST_LINEAR;
        s->asset = i;
        s->size_decimals = SIZE_DECIMALS;
        s->cash_decimals = CASH_DECIMALS;
        s->n_tiers = 1;
        s->tier[0].rate_ppm = RATE_PPM;
        s->fee_ppm = FEE_PPM;
        s->penalty_ppm = PENALTY_PPM;
    }
}

static void begin_account(struct account *a, uint32_t id)
{
    memset(a, 0, sizeof *a);
    a->id = id;
    a->rule = &rule_perp_linear_1;
    (void)snprintf(a->currency, sizeof a->currency, "USDC");
    a->cash_decimals = CASH_DECIMALS;
}

// Adds a position and as much cash as it needs so that it alone would end at the price `at`: long when that
// is below the first price.
static void add_position(struct account *a, uint16_t instrument, i128 size, int64_t entry, int64_t at)
{
    bool is_long = at < t0_instrument[instrument].price;
    struct position *p = &a->position[a->n_positions++];
    p->instrument = instrument;
    p->size = is_long ? size : -size;
    p->entry = entry;
    // cash + s (at - entry) = rate |s| at, in 1e-6 of size times price, then in quanta of cash.
    i128 need = is_long ? (i128)(entry - at) * PPM : (i128)(at - entry) * PPM;
    need += (i128)at * RATE_PPM;
    a->cash +=
        need * size / PPM / pow10_i64(SIZE_DECIMALS + (unsigned)T0_PRICE_DECIMALS - (unsigned)CASH_DECIMALS);
}

// Long two coins; its end is in the middle of its step.
static void make_watched(struct account *a)
{
    begin_account(a, T0_ACCOUNT);
    add_position(a, T0_WATCHED, 2 * pow10_i64(SIZE_DECIMALS), t0_instrument[T0_WATCHED].price,
                 t0_price(T0_BREACH, UINT64_C(1) << (T0_ID_BITS - 1)));
}

static int64_t draw_distance(struct prng *r, bool near)
{
    if (near)
        return prng_between(r, NEAR_LO, NEAR_HI);
    int64_t from = (int64_t)FAR_LO << prng_below(r, OCTAVES);
    return prng_between(r, from, 2 * from - 1);
}

static void draw_position(struct prng *r, struct account *a, uint16_t instrument, int64_t ppm, bool is_long)
{
    const int64_t price = t0_instrument[instrument].price;
    // Entered where it is at a loss now, by up to a thirtieth: cash stays above zero.
    int64_t by = prng_between(r, 0, price / 30), entry = is_long ? price + by : price - by;
    int64_t at = price + (is_long ? -1 : 1) * (int64_t)((i128)price * ppm / PPM);
    i128 dollars = (i128)NOTIONAL_LEAST << prng_below(r, NOTIONAL_OCTAVES);
    dollars = dollars * prng_between(r, PPM, 2 * PPM - 1) / PPM;
    i128 size = dollars * pow10_i64(T0_PRICE_DECIMALS + SIZE_DECIMALS) / price;
    add_position(a, instrument, size, entry, at);
}

// Half hold the watched instrument alone, a fifth a second one beside it, the rest another one only.
static void draw_account(struct prng *r, struct account *a, uint32_t id, bool near)
{
    uint64_t kind = prng_below(r, 10);
    uint16_t other = (uint16_t)(1 + prng_below(r, T0_INSTRUMENTS - 1));
    int64_t ppm = draw_distance(r, near);
    bool is_long = prng_chance(r, 3, 5);
    begin_account(a, id);
    if (kind < 7)
        draw_position(r, a, T0_WATCHED, ppm, is_long);
    if (kind >= 5)
        draw_position(r, a, other, ppm, is_long);
}

int load_t0_book(uint64_t seed, uint32_t accounts, struct book *out, struct err *e)
{
    static const char what[] = "book in the shape of STAC-T0";
    struct account a;
    struct prng rng;
    prng_seed(&rng, seed);
    if (accounts == 0)
        return err_set(e, "%s: no accounts: give at least 1", what);
    if (book_packed(out, 0, e) != 0)
        return -1;
    make_market(&out->market);
    uint32_t near = accounts / 4 < NEAR ? accounts / 4 + 1 : NEAR, every = accounts / near;
    int rc = book_reserve(out, accounts, 0, e);
    make_watched(&a);
    for (uint32_t id = T0_ACCOUNT; rc == 0; id++) {
        rc = book_add(out, &a, e);
        if (id == accounts)
            break;
        draw_account(&rng, &a, id + 1, id % every == 0 && id / every < near);
    }
    if (rc != 0)
        book_free(out);
    return rc;
}
