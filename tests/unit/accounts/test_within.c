// SPDX-License-Identifier: Apache-2.0
// market_within against the full walk: random packed books whose accounts are valid with the market's
// parameters, many just so, then parameters that move a little, far, or out of range. Whenever market_within
// says that all accounts stay valid, each is asked. BOOKS=n for another number of books.
#include <check.h>
#include <stdlib.h>

#include "accounts/moving.h"
#include "base/test_seed.h"
#include "engine/walk_book.h"
#include "engine/walk_params.h"
#include "run_suite.h"

enum { ACCOUNTS = 12, CHANGES = 60, BOOKS = 150, NOW_S = 1790000000 };

static i128 any_size(struct prng *r, unsigned most)
{
    unsigned bits = (unsigned)prng_between(r, 1, most);
    u128 v = (u128)prng_u64(r) << 64 | prng_u64(r);
    return (i128)((v >> (128 - bits)) | (u128)1 << (bits - 1));
}

static void any_position(struct prng *r, const struct market *m, unsigned i, struct position *p)
{
    *p = (struct position){.instrument = (uint16_t)i};
    if (m->instrument[i].kind == INST_RESERVE) {
        p->supply = prng_chance(r, 2, 3) ? any_size(r, 127) : 0;
        p->debt = prng_chance(r, 2, 3) ? any_size(r, 127) : 0;
        p->collateral = true;
        return;
    }
    p->size = prng_chance(r, 1, 2) ? any_size(r, 96) : -any_size(r, 96);
    p->entry = 1 + (int64_t)any_size(r, 60);
    p->funding = prng_chance(r, 1, 2) ? any_size(r, 100) : -any_size(r, 100);
}

// As large as the rule lets it be, or smaller.
static void any_account(struct prng *r, const struct market *m, uint32_t id, struct account *a)
{
    static const struct rule *const rules[] = {&rule_perp_linear_1, &rule_perp_inverse_1,
                                               &rule_perp_portfolio_1, &rule_aave_3_5};
    struct err e;
    unsigned which = (unsigned)prng_below(r, 4);
    memset(a, 0, sizeof *a);
    a->id = id;
    a->rule = rules[which];
    unsigned from = which == 1 ? WALK_LINEAR : which == 3 ? WALK_LINEAR + WALK_INVERSE : 0;
    unsigned n = which == 1 ? WALK_INVERSE : which == 3 ? WALK_RESERVES : WALK_LINEAR;
    for (unsigned k = 0; k < n && a->n_positions < 4; k++)
        if (prng_chance(r, 3, n))
            any_position(r, m, from + k, &a->position[a->n_positions++]);
    if (a->n_positions && which != 3) {
        const struct instrument *in = &m->instrument[a->position[0].instrument];
        memcpy(a->currency, in->currency, CURRENCY_LEN);
        a->cash_decimals = in->cash_decimals;
    }
    for (unsigned tries = 0; account_validate(m, a, &e) != 0; tries++) {
        if (tries > 2000) // an instrument that nobody held has become one that nobody can hold
            a->n_positions = 0;
        struct position *p = &a->position[a->n_positions ? prng_below(r, a->n_positions) : 0];
        p->supply >>= 1;
        p->debt >>= 1;
        p->size = p->size / 2 ? p->size / 2 : 1;
        p->funding /= 2;
    }
}

// Rates and indexes up to where they are refused, funding far away, tiers beyond any account.
static void far_off(struct prng *r, struct instrument *in)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    if (in->kind == INST_RESERVE) {
        in->liquidity_index = ray * (uint64_t)prng_between(r, 1, 2000);
        in->borrow_index = ray * (uint64_t)prng_between(r, 1, 2000);
        in->borrow_rate = ray / 100 * (uint64_t)prng_between(r, 0, 1010);
        in->liquidity_rate = ray / 100 * (uint64_t)prng_between(r, 0, 1010);
        in->told_at = NOW_S;
        in->lt_bps = (uint32_t)prng_between(r, 0, 10100);
        in->lb_bps = (uint32_t)prng_between(r, 9900, 20100);
    } else if (prng_chance(r, 1, 2)) {
        in->funding_index = prng_chance(r, 1, 2) ? any_size(r, 101) : -any_size(r, 101);
        in->funding_rate = (int64_t)any_size(r, 62);
        in->told_at = NOW_S;
    } else {
        in->n_tiers = 2;
        in->tier[0].rate_ppm = (uint32_t)prng_between(r, 0, 20000);
        in->tier[1] = (struct tier){any_size(r, 101), 30000};
    }
}

static bool all_valid(const struct book *b, const struct market *next, const bool *changed)
{
    static struct account scratch;
    struct err e;
    for (size_t k = 0; k < b->n_accounts; k++) {
        const struct account *a = book_account(b, k, &scratch);
        for (unsigned p = 0; p < a->n_positions; p++)
            if (changed[a->position[p].instrument] && account_validate(next, a, &e) != 0)
                return false;
    }
    return true;
}

struct sums {
    uint64_t within, asked, refused;
};

static void one_change(struct prng *r, struct book *b, struct sums *s)
{
    static struct market next;
    bool changed[MARKET_INSTRUMENTS_MAX] = {false};
    next = b->market;
    for (unsigned k = prng_chance(r, 1, 2) ? 1 : 3; k--;) {
        unsigned i = (unsigned)prng_below(r, next.n_instruments);
        struct instrument *in = &next.instrument[i];
        if (prng_chance(r, 1, 3))
            far_off(r, in);
        else if (in->kind == INST_RESERVE)
            walk_reserve(r, in, NOW_S, true);
        else
            walk_perpetual(r, in, NOW_S, true);
        changed[i] = true;
    }
    bool valid = all_valid(b, &next, changed), within = market_within(b, &next, changed);
    ck_assert_msg(valid || !within, "an account that is not valid any more is let through");
    s->within += within;
    s->asked += valid && !within;
    s->refused += !valid;
    if (valid)
        b->market = next;
}

static void one_book(uint64_t seed, struct sums *s)
{
    static struct book b;
    static struct account a;
    static int64_t px[MARKET_ASSETS_MAX];
    struct prng r;
    struct err e;
    prng_seed(&r, seed);
    ck_assert_int_eq(book_packed(&b, 0, &e), 0);
    ck_assert_int_eq(book_reserve(&b, ACCOUNTS, 0, &e), 0);
    walk_market(&r, &b.market, px);
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        any_account(&r, &b.market, i + 1, &a);
        ck_assert_msg(book_add(&b, &a, &e) == 0, "%s", e.msg);
    }
    for (unsigned k = 0; k < CHANGES; k++) {
        one_change(&r, &b, s);
        if (prng_chance(&r, 1, 3)) { // told between: valid with the parameters of now
            size_t i = prng_below(&r, ACCOUNTS);
            any_account(&r, &b.market, (uint32_t)i + 1, &a);
            ck_assert_msg(book_put(&b, i, &a, &e) == 0, "%s", e.msg);
        }
    }
    book_free(&b);
}

START_TEST(nothing_invalid_is_let_through)
{
    uint64_t seed = test_seed(20261201);
    const char *books = getenv("BOOKS");
    struct sums s = {0};
    for (uint64_t k = 0; k < (books ? strtoull(books, NULL, 0) : BOOKS); k++)
        one_book(seed + k, &s);
    printf("# changes: %llu within, %llu valid after all were asked, %llu refused\n",
           (unsigned long long)s.within, (unsigned long long)s.asked, (unsigned long long)s.refused);
    ck_assert_uint_gt(s.within, BOOKS * CHANGES / 10);
    ck_assert_uint_gt(s.refused, BOOKS * CHANGES / 100);
}
END_TEST

// Oscillating rates of a book of everyday size are never a reason to ask; the array form always is.
START_TEST(everyday_books_are_never_asked)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    static struct book b;
    static struct account a;
    static struct market next;
    bool changed[MARKET_INSTRUMENTS_MAX] = {true};
    struct err e;
    ck_assert_int_eq(book_packed(&b, 0, &e), 0);
    ck_assert_int_eq(book_reserve(&b, 1, 0, &e), 0);
    b.market.n_assets = b.market.n_instruments = 1;
    b.market.asset[0] = (struct asset){.kind = ASSET_INDEX, .decimals = 8};
    b.market.instrument[0] = (struct instrument){.kind = INST_RESERVE,
                                                 .size_decimals = 18,
                                                 .lt_bps = 8000,
                                                 .lb_bps = 10500,
                                                 .liquidity_index = ray,
                                                 .borrow_index = ray,
                                                 .told_at = NOW_S};
    a = (struct account){.id = 1, .rule = &rule_aave_3_5, .n_positions = 1};
    a.position[0] = (struct position){.collateral = true,
                                      .supply = (i128)1000000000 * 1000000000000000000,
                                      .debt = (i128)500000000 * 1000000000000000000};
    ck_assert_msg(book_add(&b, &a, &e) == 0, "%s", e.msg);
    next = b.market;
    for (unsigned k = 0; k <= 100; k++) {
        next.instrument[0].borrow_rate = ray / 100 * (k % 2 ? 100 - k : k);
        ck_assert_msg(market_within(&b, &next, changed), "at a rate of %u %%", k);
    }
    struct book array = {.market = b.market, .n_accounts = 1, .account = &a};
    ck_assert(!market_within(&array, &next, changed));
    book_free(&b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("within");
    TCase *t = tcase_create("within");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, nothing_invalid_is_let_through);
    tcase_add_test(t, everyday_books_are_never_asked);
    suite_add_tcase(s, t);
    return run_suite(s);
}
