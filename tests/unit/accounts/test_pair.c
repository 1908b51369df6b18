// SPDX-License-Identifier: Apache-2.0
// Pairs (accounts/pair.h): names, what is taken for a paired market and what is not, ids, whole books; and
// that the rules judge an odd account at the market's prices as its even one at the same numbers.
#include "accounts/pair.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/export.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "run_suite.h"

enum { RESERVES = 7, ASSETS = 6, ROUNDS = 3000 };
static const u128 RAY = (u128)1000000000 * 1000000000 * 1000000000;
static const uint64_t T0 = 1790000000;

static struct market m, was;
static struct pairing p;
static struct prng rnd;
static struct err e;

static void plain_market(void)
{
    memset(&m, 0, sizeof m);
    m.n_assets = ASSETS;
    m.n_instruments = RESERVES;
    for (uint16_t i = 0; i < ASSETS; i++) {
        m.asset[i] = (struct asset){.kind = i % 2 ? ASSET_INDEX : ASSET_MARK,
                                    .decimals = 8,
                                    .stale_ms = 500,
                                    .guard_ppm = i % 2 ? 0 : 1000,
                                    .spread_ppm = 1000u * i};
        (void)snprintf(m.asset[i].name, NAME_LEN, "A%u", i);
        (void)snprintf(m.asset[i].source, NAME_LEN, "a%u_usd", i);
    }
    for (uint16_t i = 0; i < RESERVES; i++) {
        m.instrument[i] = (struct instrument){.kind = INST_RESERVE,
                                              .size_decimals = 6,
                                              .asset = i % ASSETS,
                                              .lt_bps = 8000,
                                              .lb_bps = 10500,
                                              .fee_bps = 1000,
                                              .liquidity_index = RAY,
                                              .borrow_index = RAY};
        (void)snprintf(m.instrument[i].name, NAME_LEN, "I%u", i);
    }
}

static void paired_market(void)
{
    plain_market();
    ck_assert_msg(market_pair(&m, &e) == 0, "%s", e.msg);
}

START_TEST(test_market)
{
    plain_market();
    was = m;
    ck_assert(!market_pairing(&m, &p));
    ck_assert_int_eq(market_pair(&m, &e), 0);
    ck_assert_msg(market_check(&m, &e) == 0, "%s", e.msg);
    ck_assert(market_pairing(&m, &p));
    ck_assert_uint_eq(p.assets, ASSETS);
    ck_assert_uint_eq(p.instruments, RESERVES);
    for (unsigned i = 0; i < ASSETS; i++) {
        const struct asset *told = &m.asset[i], *market = &m.asset[p.predicts[i]];
        char name[NAME_LEN + 1];
        (void)snprintf(name, sizeof name, "%s~", was.asset[i].name);
        ck_assert_str_eq(told->name, was.asset[i].name);
        ck_assert_str_eq(market->name, name);
        ck_assert_str_eq(told->source, "");
        ck_assert_str_eq(market->source, was.asset[i].source);
        ck_assert_uint_eq(told->kind, ASSET_TOLD);
        ck_assert_uint_eq(market->kind, was.asset[i].kind);
        ck_assert_uint_eq(told->stale_ms, PAIR_STALE_MS);
        ck_assert_uint_eq(market->stale_ms, 500);
        ck_assert_uint_eq(market->guard_ppm, was.asset[i].guard_ppm);
        ck_assert_uint_eq(told->guard_ppm, 0);
    }
    for (unsigned i = 0; i < RESERVES; i++)
        ck_assert_uint_eq(m.instrument[RESERVES + i].asset, p.predicts[m.instrument[i].asset]);
}
END_TEST

// Names that fill their room, that are alike but for their end, and that are taken already.
START_TEST(test_names)
{
    plain_market();
    memset(m.asset[0].name, 'x', NAME_LEN - 1);
    memset(m.asset[1].name, 'x', NAME_LEN - 1);
    m.asset[1].name[NAME_LEN - 2] = 'y';
    memcpy(m.asset[2].name, "A3~", 4);
    memcpy(m.asset[4].name, "A3~2", 5);
    memset(m.instrument[0].name, 'z', NAME_LEN - 2);
    ck_assert_int_eq(market_pair(&m, &e), 0);
    ck_assert_msg(market_check(&m, &e) == 0, "%s", e.msg);
    ck_assert(market_pairing(&m, &p));
    ck_assert_uint_eq(strlen(m.asset[ASSETS].name), NAME_LEN - 1);
    ck_assert_str_eq(m.asset[ASSETS].name + NAME_LEN - 3, "x~");
    ck_assert_str_eq(m.asset[ASSETS + 1].name + NAME_LEN - 4, "x~2");
    ck_assert_str_eq(m.asset[ASSETS + 3].name, "A3~3");
    ck_assert_str_eq(m.instrument[RESERVES].name + NAME_LEN - 3, "z~");
}
END_TEST

START_TEST(test_codec)
{
    static uint8_t buf[MARKET_BYTES_MAX];
    static struct market back;
    paired_market();
    size_t n = market_encode(&m, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(market_decode(buf, n, &back), n);
    ck_assert(market_pairing(&back, &p));
    ck_assert_int_eq(market_follows(&m, &back, &e), 0);
}
END_TEST

static void refused(const char *why)
{
    was = m;
    ck_assert_int_eq(market_pair(&m, &e), -1);
    ck_assert_msg(strstr(e.msg, why) != NULL, "%s: %s", why, e.msg);
    ck_assert_int_eq(memcmp(&m, &was, sizeof m), 0);
}

START_TEST(test_refused)
{
    plain_market();
    m.instrument[3].kind = INST_LINEAR;
    refused("I3");
    plain_market();
    m.asset[2] = (struct asset){.name = "R", .kind = ASSET_RECIPROCAL, .base = 1};
    refused("asset R");
    paired_market();
    refused("asset A0");
    plain_market();
    m.n_instruments = 0;
    refused("no reserves");
    plain_market();
    m.n_assets = MARKET_ASSETS_MAX / 2 + 1;
    refused("room");
    plain_market();
    m.n_instruments = MARKET_INSTRUMENTS_MAX / 2 + 1;
    refused("room");
}
END_TEST

// Whatever is not what market_pair makes is no paired market.
START_TEST(test_not_paired)
{
    static struct market good;
    paired_market();
    good = m;
#define NOT_PAIRED(change)                                                                                   \
    do {                                                                                                     \
        m = good;                                                                                            \
        change;                                                                                              \
        ck_assert_msg(!market_pairing(&m, &p), "%s", #change);                                               \
    } while (0)
    NOT_PAIRED(m.instrument[RESERVES + 2].lt_bps++);
    NOT_PAIRED(m.instrument[2].borrow_index++);
    NOT_PAIRED(m.instrument[RESERVES + 6].grace_until = 5);
    NOT_PAIRED(m.instrument[RESERVES].asset++);
    NOT_PAIRED(m.instrument[1].asset = ASSETS + 1);
    NOT_PAIRED(memcpy(m.instrument[RESERVES].name, "other", 6));
    NOT_PAIRED(memcpy(m.asset[ASSETS].name, "other", 6));
    NOT_PAIRED(m.asset[1].kind = ASSET_INDEX);
    NOT_PAIRED(m.asset[ASSETS + 1].kind = ASSET_TOLD);
    NOT_PAIRED(m.asset[ASSETS + 5].decimals++);
    NOT_PAIRED(m.asset[ASSETS + 4].spread_ppm++);
    NOT_PAIRED(m.n_assets--);
    NOT_PAIRED(m.n_instruments--);
    NOT_PAIRED(m.n_assets -= 2);
    NOT_PAIRED(m.n_instruments -= 2);
    NOT_PAIRED(m.n_instruments = 0);
#undef NOT_PAIRED
    m = good;
    ck_assert(market_pairing(&m, &p) && market_mirrors(&m));
    m.instrument[4].told_at = m.instrument[RESERVES + 4].told_at = T0;
    ck_assert(market_pairing(&m, &p) && market_follows(&good, &m, &e) == 0);
    m.instrument[4].lt_bps--;
    ck_assert(!market_mirrors(&m) && market_follows(&good, &m, &e) == 0);
}
END_TEST

// ---- what the rules say

static u128 random_index(void)
{
    return RAY + RAY / 1000 * prng_below(&rnd, 3000);
}

static void random_reserve(struct instrument *s)
{
    bool moves = prng_chance(&rnd, 1, 2);
    *s = (struct instrument){.kind = INST_RESERVE,
                             .size_decimals = (uint8_t)prng_between(&rnd, 0, 18),
                             .asset = (uint16_t)prng_below(&rnd, ASSETS),
                             .lt_bps = (uint32_t)prng_between(&rnd, 0, 9500),
                             .lb_bps = (uint32_t)prng_between(&rnd, 10000, 11500),
                             .fee_bps = (uint32_t)prng_between(&rnd, 0, 3000),
                             .liquidity_index = random_index(),
                             .borrow_index = random_index(),
                             .told_at = moves ? T0 - prng_below(&rnd, 100000) : 0,
                             .liquidity_rate = moves ? RAY / 1000 * prng_below(&rnd, 300) : 0,
                             .borrow_rate = moves ? RAY / 1000 * prng_below(&rnd, 500) : 0};
    s->emode = (uint8_t)prng_below(&rnd, 3);
    if (s->emode) {
        s->emode_lt_bps = (uint32_t)prng_between(&rnd, 8000, 9800);
        s->emode_lb_bps = (uint32_t)prng_between(&rnd, 10000, 10300);
    }
    if (s->emode == 1) {
        s->n_emodes = 1;
        s->emodes[0] = (struct emode){.id = 2, .lt_bps = 9000, .lb_bps = 10100};
    }
    if (moves && prng_chance(&rnd, 1, 4)) {
        s->ramp_from_bps = s->lt_bps + 100;
        s->ramp_start = T0 - 500;
        s->ramp_end = T0 + 500;
    }
    if (prng_chance(&rnd, 1, 6))
        s->grace_until = T0 + 10;
}

static i128 units(const struct instrument *s)
{
    i128 v = (i128)prng_between(&rnd, 1, 1000000);
    for (unsigned d = 0; d < s->size_decimals; d++)
        v *= 10;
    return v / prng_between(&rnd, 1, 1000);
}

static bool random_account(struct account *a)
{
    static const char *const rules[] = {"aave-1.19", "aave-3.3", "aave-3.4",
                                        "aave-3.5",  "aave-3.6", "aave-3.7"};
    memset(a, 0, sizeof *a);
    a->id = (uint32_t)prng_between(&rnd, 1, INT32_MAX);
    a->rule = rule_find(rules[prng_below(&rnd, 6)]);
    a->emode = (uint8_t)prng_below(&rnd, 3);
    for (uint16_t i = 0; i < RESERVES; i++) {
        if (prng_chance(&rnd, 1, 2))
            continue;
        struct position *x = &a->position[a->n_positions++];
        const struct instrument *s = &m.instrument[i];
        x->instrument = i;
        x->supply = prng_chance(&rnd, 2, 3) ? units(s) : 0;
        x->debt = prng_chance(&rnd, 1, 3) ? units(s) / 2 : 0;
        x->collateral = x->supply && prng_chance(&rnd, 3, 4);
    }
    return account_validate(&m, a, NULL) == 0;
}

static void same_size(const struct account *even, const struct account *odd, const int64_t *px)
{
    static struct order_size x, y;
    const struct size_policy policy = {.target_ppm = 1100000, .dust = 100};
    int rc = even->rule->size(&m, even, px, &policy, &x);
    ck_assert_int_eq(odd->rule->size(&m, odd, px, &policy, &y), rc);
    if (rc)
        return;
    ck_assert(x.full == y.full && x.n == y.n);
    ck_assert(i256_cmp(x.value, y.value) == 0 && i256_cmp(x.reward, y.reward) == 0);
    for (unsigned i = 0; i < x.n; i++)
        ck_assert(y.leg[i].instrument == x.leg[i].instrument + RESERVES && y.leg[i].qty == x.leg[i].qty);
}

static void same_rows(const struct account *even, const struct account *odd, const int64_t *px)
{
    static struct affine x[RULE_ROWS_MAX], y[RULE_ROWS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    for (unsigned i = 0; i < 2 * ASSETS; i++)
        band[i] = (struct band){px[i] - px[i] / 50, px[i] + px[i] / 50};
    int n = even->rule->rows(&m, even, band, 300000, x, &e);
    ck_assert_int_eq(odd->rule->rows(&m, odd, band, 300000, y, &e), n);
    for (int k = 0; k < n; k++) {
        ck_assert(x[k].level == y[k].level && x[k].n == y[k].n);
        ck_assert(i256_cmp(x[k].c, y[k].c) == 0 && i256_cmp(x[k].slack, y[k].slack) == 0);
        for (unsigned i = 0; i < x[k].n; i++)
            ck_assert(y[k].asset[i] == p.predicts[x[k].asset[i]] && i256_cmp(x[k].a[i], y[k].a[i]) == 0);
    }
}

START_TEST(test_judged_alike)
{
    static struct account even, odd;
    unsigned judged = 0, liquidatable = 0;
    prng_seed(&rnd, test_seed(20261130));
    for (unsigned round = 0; round < test_rounds(ROUNDS); round++) {
        int64_t px[MARKET_ASSETS_MAX];
        struct health x, y;
        plain_market();
        for (unsigned i = 0; i < RESERVES; i++) {
            char name[NAME_LEN];
            memcpy(name, m.instrument[i].name, NAME_LEN);
            random_reserve(&m.instrument[i]);
            memcpy(m.instrument[i].name, name, NAME_LEN);
        }
        m.lasting = prng_chance(&rnd, 1, 2);
        if (market_check(&m, &e) != 0)
            continue;
        ck_assert_int_eq(market_pair(&m, &e), 0);
        ck_assert(market_pairing(&m, &p));
        market_now(&m, T0 * 1000000000);
        market_window(&m, T0 * 1000000000, (T0 + 600) * 1000000000);
        for (unsigned i = 0; i < ASSETS; i++)
            px[i] = px[p.predicts[i]] = prng_between(&rnd, 1000000, INT64_C(1000000000000));
        if (!random_account(&even) || account_even(&even) != 0)
            continue;
        memset(&odd, 0xee, sizeof odd);
        account_odd(&p, &even, &odd);
        ck_assert_uint_eq(odd.id, even.id + 1);
        ck_assert(!pair_predicts(even.id) && pair_predicts(odd.id) && pair_id(odd.id) == pair_id(even.id));
        ck_assert_msg(account_validate(&m, &odd, &e) == 0, "%s", e.msg);
        even.rule->health(&m, &even, px, &x);
        odd.rule->health(&m, &odd, px, &y);
        ck_assert_int_eq(x.liquidatable, y.liquidatable);
        ck_assert(i256_cmp(x.equity, y.equity) == 0 && i256_cmp(x.requirement, y.requirement) == 0);
        same_size(&even, &odd, px);
        same_rows(&even, &odd, px);
        judged++;
        liquidatable += x.liquidatable;
    }
    ck_assert_uint_gt(judged, test_rounds(ROUNDS) / 3);
    ck_assert_uint_gt(liquidatable, judged / 20);
    ck_assert_uint_lt(liquidatable, judged);
}
END_TEST

// ---- books

static void fill_book(struct book *b, uint32_t step, unsigned n)
{
    static struct account a;
    memset(b, 0, sizeof *b);
    plain_market();
    ck_assert_int_eq(book_packed(b, 0, &e), 0);
    b->market = m;
    for (uint32_t i = 1; i <= n; i++) {
        while (!random_account(&a))
            ;
        a.id = i * step;
        a.epoch = i;
        ck_assert_msg(book_append(b, &a, &e) == 0, "%s", e.msg);
    }
}

START_TEST(test_book)
{
    static struct book b, before;
    static struct account x, y, odd;
    prng_seed(&rnd, test_seed(20261131));
    fill_book(&before, 3, 300);
    prng_seed(&rnd, test_seed(20261131));
    fill_book(&b, 3, 300);
    ck_assert_msg(book_pair(&b, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(b.n_accounts, 600);
    ck_assert(market_pairing(&b.market, &p));
    for (size_t i = 0; i < 300; i++) {
        const struct account *a = book_account(&before, i, &x), *even = book_account(&b, 2 * i, &y);
        ck_assert_uint_eq(even->id, 2 * a->id);
        ck_assert_uint_eq(even->epoch, a->epoch);
        ck_assert_uint_eq(even->n_positions, a->n_positions);
        ck_assert_int_eq(memcmp(even->position, a->position, a->n_positions * sizeof a->position[0]), 0);
        account_odd(&p, even, &odd);
        const struct account *other = book_account(&b, 2 * i + 1, &x);
        ck_assert_uint_eq(other->id, odd.id);
        ck_assert_int_eq(memcmp(other->position, odd.position, odd.n_positions * sizeof odd.position[0]), 0);
        ck_assert_uint_eq(book_find(&b, odd.id), 2 * i + 1);
    }
    book_free(&b);
    book_free(&before);
}
END_TEST

START_TEST(test_book_refused)
{
    static struct book b;
    static struct account one;
    prng_seed(&rnd, 7);
    fill_book(&b, UINT32_C(1) << 30, 2); // 2^30 has a double, 2^31 has none
    ck_assert_int_eq(book_pair(&b, &e), -1);
    ck_assert_msg(strstr(e.msg, "2147483648") != NULL, "%s", e.msg);
    ck_assert_uint_eq(b.n_accounts, 2);
    ck_assert_uint_eq(b.market.n_assets, ASSETS);
    ck_assert_uint_eq(book_id(&b, 1), UINT32_C(1) << 31);
    book_free(&b);
    b.account = &one;
    b.n_accounts = 1;
    ck_assert_int_eq(book_pair(&b, &e), -1);
    b.account = NULL;
    fill_book(&b, 1, 2);
    b.market.instrument[0].kind = INST_LINEAR;
    ck_assert_int_eq(book_pair(&b, &e), -1);
    ck_assert_uint_eq(b.n_accounts, 2);
    book_free(&b);
}
END_TEST

// A store holds no told assets; an export of one does not come back.
START_TEST(test_not_stored)
{
    static struct book b;
    char dir[] = "/tmp/tl-pair-XXXXXX", path[64], file[64];
    ck_assert(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof path, "%s/store", dir);
    (void)snprintf(file, sizeof file, "%s/book.json", dir);
    prng_seed(&rnd, 8);
    fill_book(&b, 1, 2);
    ck_assert_int_eq(book_pair(&b, &e), 0);
    ck_assert_int_eq(store_save(path, &b, &e), -1);
    ck_assert_msg(strstr(e.msg, "A0") != NULL, "%s", e.msg);
    ck_assert_int_ne(access(path, F_OK), 0);
    FILE *f = fopen(file, "w");
    ck_assert(f != NULL && book_export(&b, f) == 0 && fclose(f) == 0);
    ck_assert_int_eq(store_import(path, file, &e), -1);
    ck_assert_msg(strstr(e.msg, "kind") != NULL, "%s", e.msg);
    b.market.asset[0].source[0] = 'x';
    ck_assert_int_eq(asset_check(&b.market, 0, &e), -1);
    b.market.asset[0].source[0] = '\0';
    b.market.asset[0].base = 1;
    ck_assert_int_eq(asset_check(&b.market, 0, &e), -1);
    b.market.asset[0].base = 0;
    ck_assert_int_eq(asset_check(&b.market, 0, &e), 0);
    b.market.asset[1] = (struct asset){.name = "R", .kind = ASSET_RECIPROCAL, .base = 0};
    ck_assert_int_eq(asset_check(&b.market, 1, &e), -1);
    book_free(&b);
    (void)unlink(file);
    (void)unlink(path);
    (void)rmdir(dir);
}
END_TEST

int main(void)
{
    Suite *su = suite_create("pair");
    TCase *tc = tcase_create("pair");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_market);
    tcase_add_test(tc, test_names);
    tcase_add_test(tc, test_codec);
    tcase_add_test(tc, test_refused);
    tcase_add_test(tc, test_not_paired);
    tcase_add_test(tc, test_judged_alike);
    tcase_add_test(tc, test_book);
    tcase_add_test(tc, test_book_refused);
    tcase_add_test(tc, test_not_stored);
    suite_add_tcase(su, tc);
    return run_suite(su);
}
