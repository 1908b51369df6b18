// SPDX-License-Identifier: Apache-2.0
// Store: what is saved loads equal, whatever else the file holds is refused with a reason, a save that fails
// leaves the old content; and the generator's promises, judged by the rules' exact health.
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "accounts/decimal.h"
#include "accounts/export.h"
#include "accounts/reciprocal.h"
#include "accounts/store_base.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;

// Fingerprints of the first 100 and 10,000 accounts that seed 1 gives.
#define PINNED      UINT64_C(0xb9d8716d9e1f37bd)
#define PINNED_MANY UINT64_C(0x74baa48fb6d10c25)

static void write_file(const char *content, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(content, 1, n, f), n);
    fclose(f);
}

// ---- round trips
// ---------------------------------------------------------------------------------------------

START_TEST(test_round_trip)
{
    struct book *a = generate(seed, 120), *b = calloc(1, sizeof *b);
    struct err e = {""};
    a->account[3].epoch = UINT32_MAX;
    for (size_t i = 5; i < 8; i++) { // accounts without positions between others
        a->account[i].n_positions = 0;
        memset(a->account[i].position, 0, sizeof a->account[i].position);
    }
    save(a);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(a, b));
    // Saving replaces: a smaller book leaves nothing of the larger one.
    struct book *c = generate(seed + 1, 5);
    save(c);
    book_free(b);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(b, c));
    drop(a);
    drop(b);
    drop(c);
}
END_TEST

// The widest integers that a rule accepts.
START_TEST(test_wide_integers)
{
    struct book *a = generate(seed, 1), *b = calloc(1, sizeof *b);
    struct account *x = &a->account[0];
    struct err e = {""};
    int btc = market_instrument(&a->market, "BTC_USDC-PERPETUAL");
    memset(x, 0, sizeof *x);
    x->id = UINT32_MAX;
    x->rule = rule_find("perp-linear-1");
    memcpy(x->currency, "USDC", 5);
    x->cash_decimals = 6;
    x->cash = -((i128)1 << 99) + 1;
    x->n_positions = 1;
    x->position[0].instrument = (uint16_t)btc;
    x->position[0].size = -((i128)1 << 70) - 12345;
    x->position[0].entry = INT64_MAX;
    a->market.instrument[btc].tier[1].floor = ((i128)1 << 90) + 1;
    a->market.instrument[btc].n_tiers = 2;
    save(a);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(a, b));
    drop(a);
    drop(b);
}
END_TEST

START_TEST(test_empty_book)
{
    struct book *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct err e = {""};
    save(a);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(a, b) || b->n_accounts == 0);
    drop(a);
    drop(b);
}
END_TEST

// ---- files that are not stores
// -------------------------------------------------------------------------------

START_TEST(test_not_a_store)
{
    static const char garbage[4096] = "this is no database, but it is long enough to be looked at as one";
    struct book *a = generate(seed, 1);
    struct err e = {""};
    expect_load_error("No such file");
    expect_load_error("tripline accounts gen");
    write_file(garbage, sizeof garbage);
    expect_load_error("is not a tripline store");
    ck_assert_int_eq(store_save(path, a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "is not a tripline store"));
    unlink(path);
    tamper("CREATE TABLE mine (x); INSERT INTO mine VALUES (1);");
    expect_load_error("SQLite file of another program");
    ck_assert_int_eq(store_save(path, a, &e), -1);
    tamper("UPDATE mine SET x = 2"); // still there
    unlink(path);
    write_file("", 0);
    expect_load_error("is empty");
    save(a);
    tamper("PRAGMA user_version = 8");
    expect_load_error("schema version 8, this tripline has version 7");
    ck_assert_int_eq(store_save(path, a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "schema version 8"));
    // Stores from before currencies: told how to bring them along.
    tamper("PRAGMA user_version = 1; ALTER TABLE accounts DROP COLUMN currency");
    expect_load_error("schema version 1 names no settlement currencies");
    expect_load_error("add \"currency\" to each perpetual");
    ck_assert_int_eq(store_save(path, a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "schema version 1"));
    drop(a);
}
END_TEST

struct damage {
    const char *sql, *error;
};
static const struct damage DAMAGE[] = {
    {"UPDATE accounts SET cash = 'abc' WHERE id = 2", "column cash"},
    {"UPDATE accounts SET cash = '007' WHERE id = 2", "column cash"},
    {"UPDATE accounts SET cash = '1.5' WHERE id = 2", "column cash"},
    {"UPDATE accounts SET cash = '170141183460469231731687303715884105728' WHERE id = 2", "column cash"},
    {"UPDATE accounts SET cash = 5.0 WHERE id = 2", "column cash"},
    {"UPDATE accounts SET cash = x'35' WHERE id = 2", "column cash"},
    {"UPDATE positions SET size = 1e30 WHERE account = 2", "column size"},
    {"DELETE FROM accounts WHERE id = 12", "position of an account that does not exist"},
    {"UPDATE accounts SET rule = 'nope-9' WHERE id = 2", "unknown rule 'nope-9'"},
    {"UPDATE accounts SET cash_decimals = 19 WHERE id = 2", "column cash_decimals"},
    {"UPDATE accounts SET currency = 'BTCBTCBT' WHERE id = 2", "column currency"},
    {"UPDATE accounts SET currency = 'btc' WHERE id = 2", "currency must be 1 to 7"},
    {"UPDATE accounts SET currency = 'XYZ' WHERE id = 2", "the account's cash is in XYZ"},
    {"UPDATE accounts SET currency = '' WHERE id = 2", "the account's cash is in no currency"},
    {"UPDATE accounts SET currency = 'USDC' WHERE id = 3", "a lending account has no settlement currency"},
    {"UPDATE instruments SET currency = 'a,b' WHERE kind = 'linear'", "currency must be 1 to 7"},
    {"UPDATE instruments SET currency = '' WHERE kind = 'inverse'", "currency must be 1 to 7"},
    {"UPDATE instruments SET currency = 'USDC' WHERE kind = 'reserve'",
     "perpetual's parameters on a reserve"},
    {"UPDATE instruments SET currency = 'USDC' WHERE kind = 'inverse'", "cash_decimals of USDC are"},
    {"UPDATE accounts SET epoch = 4294967296 WHERE id = 2", "column epoch"},
    {"UPDATE accounts SET epoch = -1 WHERE id = 2", "column epoch"},
    {"UPDATE accounts SET name = 'a name that is far too long for its column'", "column name"},
    {"UPDATE accounts SET name = 'a' || char(0) || 'b'", "column name"},
    {"UPDATE accounts SET name = 'a' || char(10) || 'b'", "control characters"},
    {"DELETE FROM positions WHERE account = 2; UPDATE accounts SET id = 4294967296 WHERE id = 2",
     "column id"},
    {"UPDATE accounts SET id = 0 WHERE id = 1; UPDATE positions SET account = 0 WHERE account = 1",
     "account id must be"},
    {"DELETE FROM accounts WHERE id = 2", "position of an account that does not exist"},
    {"UPDATE positions SET instrument = 200 WHERE account = 2", "instrument that does not exist"},
    {"UPDATE positions SET instrument = 300 WHERE account = 2", "column instrument"},
    {"UPDATE positions SET size = '1e3'", "column size"},
    {"UPDATE positions SET entry = -5 WHERE account = 2", "column entry"},
    {"UPDATE positions SET supply = '-5' WHERE account = 3", "must not be negative"},
    {"UPDATE positions SET collateral = 7 WHERE account = 3", "column collateral"},
    {"DELETE FROM assets WHERE id = 1", "without a hole"},
    {"UPDATE assets SET decimals = 40 WHERE id = 0", "column decimals"},
    {"UPDATE assets SET kind = 'dream' WHERE id = 0", "column kind"},
    {"UPDATE assets SET base = 1 WHERE id = 1", "base must be a mark or index asset"},
    {"UPDATE assets SET name = name || ',' WHERE id = 0", "without blank"},
    {"UPDATE instruments SET asset = 99 WHERE id = 0", "asset must be"},
    {"UPDATE instruments SET id = 77 WHERE id = 3", "without a hole"},
    {"UPDATE instruments SET liquidity_index = '-1' WHERE kind = 'reserve'", "liquidity_index"},
    {"UPDATE instruments SET borrow_index = '5' WHERE kind = 'reserve'", "liquidity_index and borrow_index"},
    {"DELETE FROM tiers WHERE instrument = 0 AND tier = 0", "table tiers"},
    {"DELETE FROM tiers WHERE instrument = 0", "maintenance tiers"},
    {"UPDATE tiers SET rate_ppm = 5 WHERE tier = 2", "must ascend"},
    {"UPDATE instruments SET fee_ppm = 999999, penalty_ppm = 999999 WHERE kind = 'linear'",
     "fee and penalty"},
    {"DROP TABLE tiers", "no such table"},
};

START_TEST(test_damaged_rows)
{
    const struct damage *d = &DAMAGE[_i];
    struct book *a = generate(1, 12); // fixed: account 2 has a perpetual, account 3 a loan
    ck_assert_str_ne(a->account[1].rule->name, "aave-3.5");
    ck_assert_str_eq(a->account[2].rule->name, "aave-3.5");
    save(a);
    tamper(d->sql);
    expect_load_error(d->error);
    drop(a);
}
END_TEST

// The schema itself refuses what the program would never write.
START_TEST(test_schema_checks)
{
    static const char *const bad[] = {"UPDATE accounts SET cash = 1.5",
                                      "UPDATE accounts SET cash = '1.5'",
                                      "UPDATE accounts SET cash = ''",
                                      "UPDATE accounts SET cash = '-'",
                                      "UPDATE accounts SET cash = '--1'",
                                      "UPDATE accounts SET cash = '01'",
                                      "UPDATE accounts SET cash = '1-2'",
                                      "UPDATE accounts SET cash = '-0'",
                                      "UPDATE accounts SET epoch = -1",
                                      "UPDATE accounts SET currency = 'TOOLONGX'",
                                      "UPDATE accounts SET currency = 'usdc'",
                                      "UPDATE accounts SET currency = NULL",
                                      "UPDATE instruments SET currency = '' WHERE kind = 'linear'",
                                      "UPDATE instruments SET currency = 'X' WHERE kind = 'reserve'",
                                      "UPDATE accounts SET id = 0",
                                      "DELETE FROM assets",
                                      "DELETE FROM accounts",
                                      "UPDATE positions SET supply = '-1'",
                                      "UPDATE positions SET supply = -1",
                                      "UPDATE positions SET size = x'31'",
                                      "UPDATE positions SET debt = 2.5",
                                      "UPDATE positions SET instrument = 255"};
    static const char *const good[] = {
        "UPDATE accounts SET cash = '-1'", "UPDATE accounts SET cash = '0'", "UPDATE accounts SET cash = -5",
        "UPDATE accounts SET cash = '170141183460469231731687303715884105727'"};
    struct book *a = generate(seed, 20);
    sqlite3 *db;
    save(a);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(sqlite3_exec(db, bad[i], NULL, NULL, NULL) != SQLITE_OK, "taken: %s", bad[i]);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(sqlite3_exec(db, good[i], NULL, NULL, NULL) == SQLITE_OK, "refused: %s", good[i]);
    sqlite3_close(db);
    drop(a);
}
END_TEST

// ---- failing saves
// -------------------------------------------------------------------------------------------

START_TEST(test_failed_save_keeps_content)
{
    struct book *a = generate(seed, 10), *bad = generate(seed, 10), *b = calloc(1, sizeof *b);
    struct err e = {""};
    bad->account[4].id = bad->account[3].id;
    ck_assert_int_eq(store_save(path, bad, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "ascend by id"));
    ck_assert_int_ne(access(path, F_OK), 0); // nothing was created
    save(a);
    ck_assert_int_eq(store_save(path, bad, &e), -1);
    sqlite3 *db; // somebody else is writing
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct book *other = generate(seed + 9, 10);
    ck_assert_int_eq(store_save(path, other, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "locked"));
    sqlite3_close(db);
    ck_assert_msg(store_load(path, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(a, b));
    drop(a);
    drop(b);
    drop(bad);
    drop(other);
}
END_TEST

START_TEST(test_unwritable)
{
    struct book *a = generate(seed, 1);
    struct err e = {""};
    ck_assert_int_eq(store_save("/nonexistent-dir/x.db", a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent-dir/x.db"));
    ck_assert_int_eq(store_save(dir, a, &e), -1); // a directory
    struct book *b = calloc(1, sizeof *b);
    ck_assert_int_eq(store_load(dir, b, &e), -1);
    drop(b);
    drop(a);
}
END_TEST

// ---- generator
// -----------------------------------------------------------------------------------------------

static void prices_at(const struct market *m, const struct gen_price *p, size_t n, double move, int64_t *px)
{
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        for (size_t k = 0; k < n; k++) {
            if (strcmp(p[k].name, a->source) != 0)
                continue;
            double unit = 1;
            for (unsigned d = a->decimals; d < 12; d++)
                unit *= 10;
            bool dollar = strcmp(a->source, "usdc_usd") == 0;
            px[i] = (int64_t)((double)p[k].price_e12 / unit * (dollar ? 1 : 1 + move) + 0.5);
        }
    }
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind == ASSET_RECIPROCAL)
            px[i] = reciprocal_price(px[m->asset[i].base], m->asset[m->asset[i].base].decimals,
                                     m->asset[i].decimals);
}

static size_t count_liquidatable(const struct book *b, const struct gen_price *p, size_t n, double move)
{
    int64_t px[MARKET_ASSETS_MAX] = {0};
    size_t count = 0;
    prices_at(&b->market, p, n, move, px);
    for (size_t i = 0; i < b->n_accounts; i++) {
        struct health h;
        b->account[i].rule->health(&b->market, &b->account[i], px, &h);
        count += h.liquidatable;
    }
    return count;
}

START_TEST(test_generate_spread)
{
    size_t n;
    const struct gen_price *p = gen_default_prices(&n);
    for (uint64_t k = 0; k < 5; k++) {
        struct book *b = generate(seed + k, 300);
        size_t kinds[3] = {0};
        for (size_t i = 0; i < b->n_accounts; i++)
            for (size_t r = 0; r < 3; r++)
                kinds[r] += b->account[i].rule == rule_find(r == 0   ? "perp-linear-1"
                                                            : r == 1 ? "perp-inverse-1"
                                                                     : "aave-3.5");
        ck_assert_uint_ge(kinds[0], 140); // 60 %, 20 %, 20 % of 300 within four standard deviations
        ck_assert_uint_le(kinds[0], 214);
        ck_assert_uint_ge(kinds[1], 32);
        ck_assert_uint_ge(kinds[2], 32);
        for (unsigned i = 0; i < b->market.n_assets; i++)
            ck_assert_uint_eq(b->market.asset[i].guard_ppm,
                              b->market.asset[i].kind == ASSET_MARK ? GEN_GUARD_PPM : 0);
        ck_assert_uint_eq(count_liquidatable(b, p, n, 0), 0);
        ck_assert_uint_eq(count_liquidatable(b, p, n, -0.00029), 0);
        ck_assert_uint_eq(count_liquidatable(b, p, n, 0.00029), 0);
        size_t calm = count_liquidatable(b, p, n, -0.004) + count_liquidatable(b, p, n, 0.004);
        size_t gap = count_liquidatable(b, p, n, -0.12), crash = count_liquidatable(b, p, n, -0.25);
        printf("# seed %llu: within 0.4 %% %zu, -12 %% %zu, -25 %% %zu of 300\n",
               (unsigned long long)(seed + k), calm, gap, crash);
        ck_assert_uint_ge(calm, 2); // a few
        ck_assert_uint_le(calm, 45);
        ck_assert_uint_ge(gap, 36); // dozens
        ck_assert_uint_ge(crash, gap);
        ck_assert_uint_le(crash, 200); // and not nearly all
        drop(b);
    }
}
END_TEST

// Two instruments that settle in BTC, one in ETH: an account may hold both of the former, none a mixture.
START_TEST(test_generate_currencies)
{
    static const struct gen_price some[] = {{"BTC-PERPETUAL", GEN_INVERSE, 64000000000000000},
                                            {"ETH-PERPETUAL", GEN_INVERSE, 3200000000000000},
                                            {"BTC-27NOV26", GEN_INVERSE, 64500000000000000},
                                            {"SOL_USDC-PERPETUAL", GEN_LINEAR, 150000000000000},
                                            {"SOL_USDT-PERPETUAL", GEN_LINEAR, 150000000000000},
                                            {"XRP_USDC-PERPETUAL", GEN_LINEAR, 520000000000}};
    static const char *const currency[] = {"BTC", "ETH", "BTC", "USDC", "USDT", "USDC"};
    struct gen_options o = {.seed = seed, .accounts = 200, .prices = some, .n_prices = 6};
    struct book *b = calloc(1, sizeof *b);
    struct err e = {""};
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    unsigned seen[6] = {0}, several = 0;
    for (unsigned i = 0; i < 6; i++)
        ck_assert_str_eq(b->market.instrument[i].currency, currency[i]);
    for (size_t i = 0; i < b->n_accounts; i++) {
        const struct account *a = &b->account[i];
        several += a->n_positions > 1 && a->rule == rule_find("perp-inverse-1");
        for (unsigned k = 0; k < a->n_positions; k++) {
            ck_assert_str_eq(a->currency, currency[a->position[k].instrument]);
            seen[a->position[k].instrument]++;
        }
    }
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_gt(seen[i], 0);
    ck_assert_uint_gt(several, 0);
    static const struct gen_price bad[] = {{"btc-PERPETUAL", GEN_INVERSE, 64000000000000000}};
    book_free(b);
    o.prices = bad;
    o.n_prices = 1;
    ck_assert_int_eq(accounts_generate(&o, b, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "'btc' is no settlement currency"));
    free(b);
}
END_TEST

START_TEST(test_generate_near_share)
{
    size_t n;
    const struct gen_price *p = gen_default_prices(&n);
    struct gen_options o = {.seed = seed, .accounts = 200, .near_ppm = MARKET_PPM};
    struct book *b = malloc(sizeof *b);
    struct err e = {""};
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(count_liquidatable(b, p, n, 0), 0);
    // Every account of the share goes at 3 % in its own direction; coin against coin does not move with the
    // market.
    size_t hit = count_liquidatable(b, p, n, -0.031) + count_liquidatable(b, p, n, 0.031);
    ck_assert_uint_ge(hit, 180);
    for (unsigned i = 0; i < b->market.n_assets; i++)
        ck_assert_uint_eq(b->market.asset[i].guard_ppm, 0);
    drop(b);
}
END_TEST

START_TEST(test_generate_deterministic)
{
    struct book *a = generate(seed, 100), *b = generate(seed, 100), *c = generate(seed + 1, 100);
    ck_assert(book_equal(a, b));
    ck_assert(!book_equal(a, c));
    drop(a);
    drop(b);
    drop(c);
}
END_TEST

// A seed names the same book on every machine and compiler. Changes with the generator and with a rule's
// arithmetic: then the new value goes here.
START_TEST(test_generate_pinned)
{
    struct book *a = generate(1, 10000);
    static uint8_t buf[ACCOUNT_BYTES_MAX];
    uint64_t h = UINT64_C(14695981039346656037); // FNV-1a
    for (size_t i = 0; i < a->n_accounts; i++) {
        size_t n = account_encode(&a->account[i], buf, sizeof buf);
        for (size_t k = 0; k < n; k++)
            h = (h ^ buf[k]) * UINT64_C(1099511628211);
        ck_assert_msg(i != 99 || h == PINNED, "fingerprint is now 0x%llx", (unsigned long long)h);
    }
    ck_assert_msg(h == PINNED_MANY, "fingerprint is now 0x%llx", (unsigned long long)h);
    drop(a);
}
END_TEST

START_TEST(test_generate_own_prices)
{
    static const struct gen_price some[] = {{"BTC-PERPETUAL", GEN_INVERSE, 25448570000000000},
                                            {"ETH_USDC-PERPETUAL", GEN_LINEAR, 1666354900000000},
                                            {"eth_btc", GEN_INDEX, 65556000000}};
    static const struct gen_price lending[] = {{"btc_usd", GEN_INDEX, 25448570000000000},
                                               {"eth_usd", GEN_INDEX, 1668720000000000}};
    static const struct gen_price nothing[] = {{"eth_btc", GEN_INDEX, 65556000000}};
    static const struct gen_price twice[] = {{"X-PERPETUAL", GEN_LINEAR, 1000000000000},
                                             {"X-PERPETUAL", GEN_LINEAR, 1000000000000}};
    struct gen_options o = {
        .seed = seed, .accounts = 60, .prices = some, .n_prices = 3, .near_ppm = GEN_NEAR_PPM};
    struct book *b = calloc(1, sizeof *b);
    struct err e = {""};
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(b->market.n_instruments, 2);
    ck_assert_uint_eq(b->market.n_assets, 3);
    ck_assert_uint_eq(count_liquidatable(b, some, 3, 0), 0);
    book_free(b);
    o.prices = lending; // no dollars: coin against coin
    o.n_prices = 2;
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    for (size_t i = 0; i < b->n_accounts; i++)
        ck_assert_str_eq(b->account[i].rule->name, "aave-3.5");
    book_free(b);
    o.prices = nothing;
    o.n_prices = 1;
    ck_assert_int_eq(accounts_generate(&o, b, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "no account can be made"));
    o.prices = twice;
    o.n_prices = 2;
    ck_assert_int_eq(accounts_generate(&o, b, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "used twice"));
    drop(b);
}
END_TEST

// ---- export
// --------------------------------------------------------------------------------------------------

START_TEST(test_export_import)
{
    char json[160], again[160];
    (void)snprintf(json, sizeof json, "%s/x.json", dir);
    (void)snprintf(again, sizeof again, "%s/y.db", dir);
    struct book *a = generate(seed, 60), *b = calloc(1, sizeof *b);
    struct err e = {""};
    (void)snprintf(a->account[7].name, NAME_LEN, "quote \" and \\ and \xc3\xa9");
    FILE *f = fopen(json, "w");
    ck_assert_int_eq(book_export(a, f), 0);
    fclose(f);
    ck_assert_msg(store_import(again, json, &e) == 60, "%s", e.msg);
    ck_assert_msg(store_load(again, b, &e) == 0, "%s", e.msg);
    ck_assert(book_equal(a, b));
    unlink(json);
    unlink(again);
    drop(a);
    drop(b);
}
END_TEST

int main(void)
{
    seed = test_seed(20261120);
    Suite *s = suite_create("accounts/store");
    TCase *t = tcase_create("store");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_round_trip);
    tcase_add_test(t, test_wide_integers);
    tcase_add_test(t, test_empty_book);
    tcase_add_test(t, test_not_a_store);
    tcase_add_loop_test(t, test_damaged_rows, 0, (int)(sizeof DAMAGE / sizeof *DAMAGE));
    tcase_add_test(t, test_schema_checks);
    tcase_add_test(t, test_failed_save_keeps_content);
    tcase_add_test(t, test_unwritable);
    tcase_add_test(t, test_generate_spread);
    tcase_add_test(t, test_generate_currencies);
    tcase_add_test(t, test_generate_near_share);
    tcase_add_test(t, test_generate_deterministic);
    tcase_add_test(t, test_generate_pinned);
    tcase_add_test(t, test_generate_own_prices);
    tcase_add_test(t, test_export_import);
    suite_add_tcase(s, t);
    return run_suite(s);
}
