// SPDX-License-Identifier: Apache-2.0
// What the tests of stores share: a store in a directory of its own, books to put into it, and changes behind
// its back.
#ifndef TRIPLINE_TEST_STORE_BASE_H
#define TRIPLINE_TEST_STORE_BASE_H

#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "accounts/book_random.h"
#include "accounts/store.h"

static char dir[] = "/tmp/tripline-store-XXXXXX";
static char path[128];

static inline void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/t.db", dir);
}

static inline void teardown(void)
{
    unlink(path);
    rmdir(dir);
}

static inline struct book *generate(uint64_t with_seed, uint32_t accounts)
{
    struct gen_options o = {
        .seed = with_seed, .accounts = accounts, .near_ppm = GEN_NEAR_PPM, .guard_ppm = GEN_GUARD_PPM};
    struct book *b = malloc(sizeof *b);
    struct err e = {""};
    ck_assert_msg(accounts_generate(&o, b, &e) == 0, "%s", e.msg);
    return b;
}

static inline void drop(struct book *b)
{
    book_free(b);
    free(b);
}

static inline bool book_equal(const struct book *a, const struct book *b)
{
    static uint8_t x[MARKET_BYTES_MAX], y[MARKET_BYTES_MAX];
    size_t n = market_encode(&a->market, x, sizeof x), k = market_encode(&b->market, y, sizeof y);
    if (n == 0 || n != k || memcmp(x, y, n) != 0 || a->n_accounts != b->n_accounts)
        return false;
    struct account left, right;
    for (size_t i = 0; i < a->n_accounts; i++)
        if (!account_equal(book_account(a, i, &left), book_account(b, i, &right)))
            return false;
    return true;
}

static inline void save(const struct book *b)
{
    struct err e = {""};
    ck_assert_msg(store_save(path, b, &e) == 0, "%s", e.msg);
}

// Changes the file behind the store's back.
static inline void tamper(const char *sql)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    int rc = sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;", NULL, NULL,
                          NULL);
    rc = rc ? rc : sqlite3_exec(db, sql, NULL, NULL, &why);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, why ? why : "");
    sqlite3_close(db);
}

static inline void expect_load_error(const char *text)
{
    struct book *b = malloc(sizeof *b);
    struct err e = {""};
    ck_assert_int_eq(store_load(path, b, &e), -1);
    ck_assert_msg(strstr(e.msg, text) != NULL, "expected '%s' in: %s", text, e.msg);
    ck_assert_msg(strstr(e.msg, path) != NULL, "no path in: %s", e.msg);
    ck_assert(!b->account && !b->packed);
    free(b);
}

#endif
