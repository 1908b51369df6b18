// SPDX-License-Identifier: Apache-2.0
// Inside of the store: the SQLite schema and its rows. Only store*.c and import*.c include this.
#ifndef TRIPLINE_ACCOUNTS_STORE_SQL_H
#define TRIPLINE_ACCOUNTS_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>

#include "accounts/store.h"

enum {
    STORE_APPLICATION_ID = 0x74726970, // "trip" in the file header: this is one of ours
    STORE_SCHEMA_VERSION = 7,          // PRAGMA user_version; 7: with open orders
    STORE_SCHEMA_NO_ORDERS = 6,        // without them; with terms of any rule and what it remembers
    STORE_SCHEMA_CREDITS = 5,          // with the first four terms as columns
    STORE_SCHEMA_NO_CREDIT = 4,        // without them; with further eMode categories
    STORE_SCHEMA_NO_EMODES =
        3,                // without them; what moves with time, spreads, amounts of accounts as integers
    STORE_SCHEMA_OLD = 2, // without these, all amounts as text. All five are read, and written anew
    STORE_SCHEMA_NO_CURRENCY = 1, // refused
};

// An open store. Functions below give 0, or -1 with *e naming the path and SQLite's reason.
struct store {
    sqlite3 *db;
    const char *path; // caller's
    int version;      // schema that the file has; 0: none yet
};

// Opens for writing, taking the write lock at once. `*empty` says that the file holds nothing yet (it is
// created when it does not exist); a file that is something else is refused.
int store_begin_write(struct store *s, const char *path, bool *empty, struct err *e);
// Ends the transaction and closes. store_end(.., false) rolls back.
int store_end(struct store *s, bool commit, struct err *e);

// A store that a failed command has created must not stay behind, empty.
bool store_exists(const char *path);
void store_remove(const char *path);

// Sets SQLite's last error; returns -1.
int store_failed(struct store *s, struct err *e);
int store_exec(struct store *s, const char *sql, struct err *e);
// Creates the tables, empty, in place of any that are there.
int store_create_tables(struct store *s, struct err *e);
// Empties (or creates) the tables and writes the market; accounts come after it. Inside the caller's
// transaction.
int store_write_market(struct store *s, const struct market *m, struct err *e);

// Writes accounts, ids ascending: checks each (account_check) before it is written. store_put_end always.
struct account_sink {
    sqlite3_stmt *account, *position;
    uint32_t last; // id
};
int store_put_begin(struct store *s, struct account_sink *w, struct err *e);
int store_put(struct store *s, struct account_sink *w, const struct market *m, const struct account *a,
              struct err *e);
void store_put_end(struct account_sink *w);

// Writes the market in place of the one in the tables; accounts stay. Inside the caller's transaction.
int store_rewrite_market(struct store *s, const struct market *m, struct err *e);

// One account by its id: 1, 0 not there, -1; structurally sound by itself. store_get_end always.
struct account_source {
    sqlite3_stmt *account, *position;
};
int store_get_begin(struct store *s, struct account_source *r, struct err *e);
int store_get(struct store *s, struct account_source *r, uint32_t id, struct account *a, struct err *e);
void store_get_end(struct account_source *r);

// Reads the market, structurally sound (market_check); then the accounts, one after the other by id, each
// structurally sound (account_check, rule known) and with v->validate also valid by its rule. Inside the
// caller's transaction.
int store_read_market(struct store *s, struct market *m, struct err *e);
int store_read_accounts(struct store *s, const struct market *m, const struct store_visitor *v,
                        struct err *e);

#endif
