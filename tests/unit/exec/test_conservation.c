// SPDX-License-Identifier: Apache-2.0
// Settlement conserves: thousands of random liquidations of a generated book under every rule, partial, full
// and with deficits, checked to the last unit; and the check itself notices a single unit.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "exec/marks.h"
#include "exec/paper/venue_books.h"
#include "run_suite.h"

enum { ACCOUNTS = 600, ROUNDS = 12 };

static struct book book;
static int64_t start_px[MARKET_ASSETS_MAX];

// Start prices of the generated market in each asset's quanta.
static void set_start_prices(void)
{
    size_t n;
    const struct gen_price *g = gen_default_prices(&n);
    for (unsigned a = 0; a < book.market.n_assets; a++) {
        const struct asset *as = &book.market.asset[a];
        start_px[a] = 0;
        for (size_t i = 0; i < n; i++) {
            if (strcmp(g[i].name, as->source) == 0) {
                i256 v = i256_mul(i256_from_i64(g[i].price_e12), i256_pow10(as->decimals));
                start_px[a] = i256_to_i64(i256_div_floor(v, i256_pow10(12)));
            }
        }
    }
}

static void load(uint64_t seed)
{
    struct err e;
    static const char *const lending[] = {"aave-1.19", "aave-3.3", "aave-3.4",
                                          "aave-3.5",  "aave-3.6", "aave-3.7"};
    struct gen_options o = {.seed = seed,
                            .accounts = ACCOUNTS,
                            .lending = lending[seed % (sizeof lending / sizeof *lending)],
                            .near_ppm = GEN_NEAR_PPM};
    ck_assert_msg(accounts_generate(&o, &book, &e) == 0, "%s", e.msg);
    set_start_prices();
}

static bool priced(const struct account *a)
{
    struct marks_assets s;
    ck_assert_int_eq(marks_of(&book.market, a, &s), 0);
    for (unsigned i = 0; i < s.n; i++)
        if (start_px[s.asset[i]] <= 0)
            return false;
    return s.n > 0;
}

// Prices at which the account is liquidatable: its breach, then further in the same direction half of the
// time.
static bool breach(struct prng *r, const struct account *a, int64_t *px)
{
    struct marks_assets s;
    int64_t from[MARKET_ASSETS_MAX];
    (void)marks_of(&book.market, a, &s);
    memcpy(from, start_px, sizeof from);
    for (unsigned i = 0; i < s.n; i++)
        from[s.asset[i]] = start_px[s.asset[i]] * prng_between(r, 900, 1100) / 1000;
    if (marks_breach(&book.market, a, &s, from, px) < 0)
        return false;
    if (prng_chance(r, 1, 2)) {
        int64_t gap = prng_between(r, 1, 400);
        for (unsigned i = 0; i < s.n; i++) {
            int64_t *p = &px[s.asset[i]], was = from[s.asset[i]];
            *p = *p > was ? *p + *p * gap / 1000 : *p < was ? *p - *p * gap / 1000 : *p;
        }
    }
    struct health h;
    a->rule->health(&book.market, a, px, &h);
    return h.liquidatable;
}

static bool random_order(struct prng *r, const struct account *a, const int64_t *px, struct order *o)
{
    static struct order_size s;
    struct size_policy policy = {(uint32_t)prng_between(r, 1010000, 1500000), prng_between(r, 0, 100)};
    if (a->rule->size(&book.market, a, px, &policy, &s))
        return false;
    *o = (struct order){.key = {1, a->id, a->epoch, 1}, .full = s.full, .n = s.n};
    memcpy(o->leg, s.leg, s.n * sizeof s.leg[0]);
    if (prng_chance(r, 1, 3)) { // less than the plan: any amount is a legal wish, the rule judges it
        for (unsigned i = 0; i < o->n; i++)
            if (o->leg[i].qty > 1)
                o->leg[i].qty = 1 + (i128)(prng_unit(r) * (double)(o->leg[i].qty - 1));
    }
    return true;
}

struct tally {
    unsigned fills[3], deficits, partial, refused;
};

static unsigned rule_index(const struct account *a)
{
    return a->rule == &rule_perp_linear_1 ? 0 : a->rule == &rule_perp_inverse_1 ? 1 : 2;
}

static void one_settlement(struct prng *r, struct account *a, struct tally *t)
{
    static struct settlement s;
    static struct account after, untouched;
    static struct order o;
    int64_t px[MARKET_ASSETS_MAX];
    struct err e;
    if (!priced(a) || !breach(r, a, px) || !random_order(r, a, px, &o))
        return;
    untouched = *a;
    if (books_settle(&book.market, a, px, &o, &after, &s, &e)) {
        t->refused++;
        return;
    }
    ck_assert_int_eq(memcmp(&untouched, a, sizeof untouched), 0);
    ck_assert_msg(books_conserve(&book.market, a, &after, &s, &e) == 0, "account %u (%s): %s", a->id,
                  a->rule->name, e.msg);
    ck_assert_uint_eq(after.epoch, a->epoch + 1);
    ck_assert_msg(account_validate(&book.market, &after, &e) == 0, "%s", e.msg);
    t->fills[rule_index(a)]++;
    t->partial += !o.full;
    for (unsigned i = 0; i < s.n; i++)
        t->deficits += s.flow[i].party == PARTY_DEFICIT;
    // One unit astray is noticed: in a flow, or in the account.
    unsigned k = (unsigned)prng_below(r, s.n);
    struct flow was = s.flow[k];
    s.flow[k].amount = i256_add(was.amount, i256_from_i64(prng_chance(r, 1, 2) ? 1 : -1));
    ck_assert_int_eq(books_conserve(&book.market, a, &after, &s, &e), -1);
    s.flow[k] = was;
    after.cash++;
    ck_assert_int_eq(books_conserve(&book.market, a, &after, &s, &e), -1);
    after.cash--;
    *a = after;
}

START_TEST(random_settlements_conserve)
{
    struct prng r;
    uint64_t seed = test_seed(41);
    struct tally t = {0};
    prng_seed(&r, seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        load(seed + round);
        for (unsigned pass = 0; pass < 4; pass++)
            for (size_t i = 0; i < book.n_accounts; i++)
                one_settlement(&r, &book.account[i], &t);
        book_free(&book);
    }
    printf("# fills: linear %u, inverse %u, aave %u; partial %u, deficits %u, refused %u\n", t.fills[0],
           t.fills[1], t.fills[2], t.partial, t.deficits, t.refused);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_gt(t.fills[i], 300);
    ck_assert_uint_gt(t.deficits, 50);
    ck_assert_uint_gt(t.partial, 300);
}
END_TEST

START_TEST(refusals_have_no_effect)
{
    static struct settlement s;
    static struct account after;
    struct prng r;
    prng_seed(&r, test_seed(42));
    load(7);
    unsigned seen = 0;
    for (size_t i = 0; i < book.n_accounts && seen < 50; i++) {
        struct account *a = &book.account[i];
        static struct order o;
        int64_t px[MARKET_ASSETS_MAX];
        struct err e;
        if (!priced(a) || !breach(&r, a, px) || !random_order(&r, a, px, &o))
            continue;
        struct order x = o;
        x.key.epoch++;
        ck_assert_int_eq(books_settle(&book.market, a, px, &x, &after, &s, &e), -1);
        ck_assert_ptr_nonnull(strstr(e.msg, "epoch"));
        ck_assert_int_eq(books_settle(&book.market, a, start_px, &o, &after, &s, &e), -1); // healthy there
        uint16_t asset = book.market.instrument[a->position[0].instrument].asset;
        px[asset] = 0;
        ck_assert_int_eq(books_settle(&book.market, a, px, &o, &after, &s, &e), -1);
        ck_assert_ptr_nonnull(strstr(e.msg, "no mark"));
        seen++;
    }
    ck_assert_uint_eq(seen, 50);
    book_free(&book);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conservation");
    TCase *t = tcase_create("books");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, random_settlements_conserve);
    tcase_add_test(t, refusals_have_no_effect);
    suite_add_tcase(s, t);
    return run_suite(s);
}
