// SPDX-License-Identifier: Apache-2.0
// Import: exact amounts, both formats give the same book, stores take a file as a whole or not at all. What
// is refused: test_import_refused.c.
#include <check.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accounts/decimal.h"
#include "accounts/export.h"
#include "accounts/import_base.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;
static char dir[] = "/tmp/tripline-import-XXXXXX";

// ---- whole files

START_TEST(test_examples_exact)
{
    const struct market *m = &base.market;
    ck_assert_uint_eq(m->n_assets, 6);
    ck_assert_uint_eq(m->n_instruments, 5);
    ck_assert_uint_eq(m->asset[1].base, 0);
    ck_assert_uint_eq(m->asset[1].stale_ms, 60000);           // its base's
    ck_assert(m->instrument[0].tier[2].floor == 10050000000); // 100.5 BTC
    ck_assert_uint_eq(m->instrument[0].inverse, 1);
    char text[DEC_TEXT_MAX];
    dec_format((i128)m->instrument[4].liquidity_index, 27, text);
    ck_assert_str_eq(text, "1.128447000000000000000000001"); // no double could
    ck_assert_uint_eq(base.n_accounts, 3);
    const struct account *a = &base.account[0];
    ck_assert_uint_eq(a->id, 7);
    ck_assert_str_eq(a->name, "Delta, \"one\"");
    ck_assert(a->cash == 1234560000);
    ck_assert_uint_eq(a->n_positions, 2);
    ck_assert(a->position[0].size == 2500 && a->position[0].entry == 63999999999999);
    ck_assert(a->position[1].size == -2500000 && a->position[1].entry == 11000000);
    a = &base.account[2];
    ck_assert_uint_eq(a->emode, 1);
    ck_assert(a->position[0].supply == (i128)10500000000000000000ull && a->position[0].collateral);
    ck_assert(a->position[1].debt == 12000250000 && !a->position[1].collateral);
}
END_TEST

START_TEST(test_json_equals_csv)
{
    struct book b = {0};
    take("book.json", &b);
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    size_t n = market_encode(&base.market, x, sizeof x);
    ck_assert_uint_eq(market_encode(&b.market, y, sizeof y), n);
    ck_assert_mem_eq(x, y, n);
    ck_assert_uint_eq(b.n_accounts, base.n_accounts);
    for (size_t i = 0; i < b.n_accounts; i++)
        ck_assert(account_equal(&b.account[i], &base.account[i]));
    book_free(&b);
}
END_TEST

// Scenarios and weights: added to a store, replaced as a whole, written out and read again.
START_TEST(test_scenarios)
{
    static const char FIRST[] = SHOCK "down,BTC_USDC-PERPETUAL,-150000\nup,PEPE_USDC-PERPETUAL,1000000\n"
                                      "down,PEPE_USDC-PERPETUAL,-1000000\n";
    static const char SECOND[] = SHOCK "down,PEPE_USDC-PERPETUAL,7\n";
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    struct book a = {0}, b = {0}, c = {0}, none = {0};
    struct err e = {""};
    ck_assert_msg(import_text("a.csv", FIRST, sizeof FIRST - 1, &base, &a, &e) >= 0, "%s", e.msg);
    const struct market *m = &a.market;
    int btc = market_instrument(m, "BTC_USDC-PERPETUAL"), pepe = market_instrument(m, "PEPE_USDC-PERPETUAL");
    ck_assert_uint_eq(m->n_scenarios, 2);
    ck_assert_str_eq(m->scenario[0].name, "down");
    ck_assert(m->scenario[0].shock_ppm[btc] == -150000 && m->scenario[0].shock_ppm[pepe] == -1000000);
    ck_assert(m->scenario[1].shock_ppm[btc] == 0 && m->scenario[1].shock_ppm[pepe] == 1000000);
    ck_assert_msg(import_text("b.csv", SECOND, sizeof SECOND - 1, &a, &b, &e) >= 0, "%s", e.msg);
    ck_assert_uint_eq(b.market.n_scenarios, 2);
    ck_assert(b.market.scenario[0].shock_ppm[btc] == 0 && b.market.scenario[0].shock_ppm[pepe] == 7);
    ck_assert(b.market.scenario[1].shock_ppm[pepe] == 1000000);
    a.market.instrument[btc].profit_weight_ppm = 900000;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    ck_assert_int_eq(book_export(&a, f), 0);
    fclose(f);
    ck_assert_msg(import_text("c.json", text, len, &none, &c, &e) >= 0, "%s", e.msg);
    size_t n = market_encode(&a.market, x, sizeof x);
    ck_assert_uint_eq(market_encode(&c.market, y, sizeof y), n);
    ck_assert_mem_eq(x, y, n);
    free(text);
    book_free(&a);
    book_free(&b);
    book_free(&c);
}
END_TEST

// Where an account's currency comes from: its perpetuals, or what is given where it has none.
START_TEST(test_currencies)
{
    struct book out;
    struct err e = {""};
    ck_assert_str_eq(base.market.instrument[0].currency, "BTC");
    ck_assert_str_eq(base.market.instrument[3].currency, "");
    ck_assert_str_eq(base.account[0].currency, "USDC");
    ck_assert_str_eq(base.account[1].currency, "BTC");
    ck_assert_str_eq(base.account[2].currency, "");
    add_eth_inverse(&base.market);
    ck_assert_msg(import_string("x.csv",
                                CUR "1,perp-inverse-1,,1,ETH-PERPETUAL,1,1\n2,perp-inverse-1,ETH,1,,,\n"
                                    "3,perp-linear-1,,,,,\n4,perp-inverse-1,BTC,1,BTC-PERPETUAL,1,1\n",
                                &base, &out, &e) == 4,
                  "%s", e.msg);
    static const char *const want[] = {"ETH", "ETH", "", "BTC"};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_str_eq(out.account[i].currency, want[i]);
        ck_assert(out.account[i].cash == (i == 2 ? 0 : 100000000)); // decimals come with the currency
    }
    // Both checks of a finished account name both currencies: the structure's and the rule's own.
    struct account a = out.account[0];
    memcpy(a.currency, "BTC", 4);
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 1: ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    a = out.account[3]; // 4: a second position, in the other coin
    a.position[a.n_positions] = out.account[0].position[0];
    a.n_positions++;
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg, "account 4: ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    ck_assert_int_eq(a.rule->validate(&out.market, &a, &e), -1);
    ck_assert_str_eq(e.msg,
                     "account 4: instrument ETH-PERPETUAL settles in ETH, the account's cash is in BTC");
    memset(a.currency, 0, sizeof a.currency);
    ck_assert_int_eq(account_check(&out.market, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no currency"));
    memcpy(a.currency, "btc", 4);
    ck_assert_int_eq(account_check(NULL, &a, &e), -1);
    memset(a.currency, 'B', sizeof a.currency); // not terminated
    ck_assert_int_eq(account_check(NULL, &a, &e), -1);
    book_free(&out);
}
END_TEST

START_TEST(test_too_many_positions)
{
    struct book b = {0}, out;
    struct err e = {""};
    size_t size = 1 << 16, n = 0;
    char *text = malloc(size);
    memcpy(&b.market, &base.market, sizeof b.market);
    for (unsigned i = b.market.n_instruments; i < 80; i++) {
        b.market.instrument[i] = b.market.instrument[2];
        (void)snprintf(b.market.instrument[i].name, NAME_LEN, "X-%u", i);
    }
    b.market.n_instruments = 80;
    n += (size_t)snprintf(text, size, "account,rule,instrument,size,entry\n");
    for (unsigned i = 79; i > 79 - 65; i--)
        n += (size_t)snprintf(text + n, size - n, "1,perp-linear-1,X-%u,1,1\n", i);
    ck_assert_int_eq(import_text("x.csv", text, n, &b, &out, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:66: account 1: more than 64 positions") != NULL, "%s", e.msg);
    free(text);
}
END_TEST

// ---- merging and stores
// --------------------------------------------------------------------------------------

START_TEST(test_merge)
{
    struct book out;
    struct err e = {""};
    // Account 7 changes, 8 is new, 9 and 11 stay.
    ck_assert_int_eq(import_string("x.csv",
                                   ACC "8,new,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,60000,,,\n"
                                       "7,,perp-linear-1,99,,BTC_USDC-PERPETUAL,1,60000,,,\n",
                                   &base, &out, &e),
                     2);
    ck_assert_uint_eq(out.n_accounts, 4);
    ck_assert_uint_eq(out.account[0].id, 7);
    ck_assert(out.account[0].cash == 99000000);
    ck_assert_uint_eq(out.account[0].n_positions, 1);
    ck_assert_uint_eq(out.account[0].epoch, 1); // a new state
    ck_assert_uint_eq(out.account[1].id, 8);
    ck_assert_uint_eq(out.account[1].epoch, 0);
    ck_assert(account_equal(&out.account[2], &base.account[1]));
    ck_assert(account_equal(&out.account[3], &base.account[2]));
    // The same file again changes nothing, so it is no new state.
    struct book again;
    ck_assert_int_eq(
        import_string("x.csv", ACC "7,,perp-linear-1,99,,BTC_USDC-PERPETUAL,1,60000,,,\n", &out, &again, &e),
        1);
    ck_assert_uint_eq(again.account[0].epoch, 1);
    book_free(&again);
    book_free(&out);
    // Parameters of an instrument may change, and accounts of the store are judged by the new ones.
    ck_assert_int_eq(import_string("x.csv",
                                   INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDC,6,0:20000,1,2\n",
                                   &base, &out, &e),
                     0);
    ck_assert_uint_eq(out.n_accounts, 3);
    ck_assert_uint_eq(out.market.instrument[1].tier[0].rate_ppm, 20000);
    ck_assert_uint_eq(out.market.instrument[1].n_tiers, 1);
    book_free(&out);
    ck_assert_int_eq(
        import_string("x.csv",
                      INS "BTC_USDC-PERPETUAL,linear,BTC_USDC-PERPETUAL,4,USDC,6,0:20000,600000,600000\n",
                      &base, &out, &e),
        -1);
    ck_assert_msg(strstr(e.msg, "an account of the store does not fit") != NULL, "%s", e.msg);
}
END_TEST

// Ids of every kind of spacing, each named twice and far apart: found again whatever else shares its place in
// the hash.
START_TEST(test_many_accounts)
{
    enum { N = 4000 };
    static uint32_t id[N];
    struct prng r;
    struct book out;
    struct err e = {""};
    size_t size = (size_t)N * 2 * 64, n = 0;
    char *text = malloc(size);
    prng_seed(&r, seed + 5);
    for (unsigned i = 0; i < N; i++) // strictly ascending, so distinct
        id[i] = _i == 0   ? 100 + i
                : _i == 1 ? (i + 1) << 16
                          : i * 1000000 + 100 + (uint32_t)prng_below(&r, 999000);
    n += (size_t)snprintf(text, size, "account,rule,cash,instrument,size,entry\n");
    for (unsigned half = 0; half < 2; half++)
        for (unsigned i = 0; i < N; i++)
            n += (size_t)snprintf(text + n, size - n, "%u,perp-linear-1,%u,%s,1,1\n", id[i], i,
                                  half ? "BTC_USDC-PERPETUAL" : "PEPE_USDC-PERPETUAL");
    ck_assert_msg(import_text("x.csv", text, n, &base, &out, &e) == N, "%s", e.msg);
    ck_assert_uint_eq(out.n_accounts, N + 3);
    for (unsigned i = 0; i < N; i++) { // the store's three come first
        const struct account *a = &out.account[i + 3];
        ck_assert(a->id == id[i] && a->n_positions == 2 && a->cash == (i128)i * 1000000);
    }
    book_free(&out);
    free(text);
}
END_TEST

START_TEST(test_store_all_or_nothing)
{
    char db[160], csv[160];
    struct err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(db, sizeof db, "%s/s.db", dir);
    (void)snprintf(csv, sizeof csv, "%s/x.csv", dir);
    // A first import that fails leaves no file behind.
    write_text(csv, ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n");
    ck_assert_int_eq(store_import(db, csv, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "x.csv:2: there is no instrument"));
    ck_assert_int_ne(access(db, F_OK), 0);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), 3);
    uint64_t before = fingerprint(db);
    // Two good accounts before a bad one: none is taken, the file is not touched.
    write_text(
        csv,
        ACC "1,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n2,,perp-linear-1,1,,BTC_USDC-PERPETUAL,1,1,,,\n"
            "3,,perp-linear-1,1,,BTC_USDC-PERPETUAL,x,1,,,\n");
    ck_assert_int_eq(store_import(db, csv, &e), -1);
    ck_assert_msg(strstr(e.msg, "x.csv:4: size: 'x' is not a number") != NULL, "%s", e.msg);
    ck_assert(fingerprint(db) == before);
    ck_assert_int_eq(store_import(db, "/nonexistent/y.csv", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/y.csv: No such file"));
    ck_assert_int_eq(store_import(db, dir, &e), -1);
    struct book b;
    ck_assert_int_eq(store_load(db, &b, &e), 0);
    struct account one;
    for (size_t i = 0; i < 3; i++)
        ck_assert(account_equal(book_account(&b, i, &one), &base.account[i]));
    book_free(&b);
    unlink(db);
    unlink(csv);
    rmdir(dir);
}
END_TEST

// A disk that is full in the middle of the transaction.
START_TEST(test_import_disk_full)
{
    char db[160];
    struct err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(db, sizeof db, "%s/s.db", dir);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), 3);
    uint64_t before = fingerprint(db);
    struct rlimit limit = {16384, 16384};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, db));
    ck_assert(fingerprint(db) == before);
    unlink(db);
    ck_assert_int_eq(store_import(db, "tests/data/accounts/book.json", &e), -1);
    ck_assert_int_ne(access(db, F_OK), 0);
    ck_assert_int_eq(store_save(db, &base, &e), -1);
    ck_assert_int_ne(access(db, F_OK), 0);
    rmdir(dir);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    seed = test_seed(20261120);
    Suite *s = suite_create("accounts/import");
    TCase *t = tcase_create("import");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, load_base, free_base);
    tcase_add_test(t, test_examples_exact);
    tcase_add_test(t, test_json_equals_csv);
    tcase_add_test(t, test_scenarios);
    tcase_add_test(t, test_currencies);
    tcase_add_test(t, test_too_many_positions);
    tcase_add_test(t, test_merge);
    tcase_add_loop_test(t, test_many_accounts, 0, 3);
    tcase_add_test(t, test_store_all_or_nothing);
    tcase_add_test(t, test_import_disk_full);
    suite_add_tcase(s, t);
    return run_suite(s);
}
