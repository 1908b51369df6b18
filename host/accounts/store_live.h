// SPDX-License-Identifier: Apache-2.0
// A store that stays open and is changed account by account, in transactions of the caller's: for whoever
// follows a venue's or chain's state. Tables of its own it keeps beside the store's, in the same transactions
// (store_live_db). The store can be read by others between two transactions. Not for the hot path; one
// thread. 0, or -1 with *e set.
#ifndef TRIPLINE_ACCOUNTS_STORE_LIVE_H
#define TRIPLINE_ACCOUNTS_STORE_LIVE_H

#include <sqlite3.h>

#include "accounts/account.h"
#include "base/err.h"

struct store_live;
// Opens or creates it. *empty: there is no store in it yet, store_live_market comes first. NULL with *e set.
struct store_live *store_live_open(const char *path, bool *empty, struct err *e);
// Ends a transaction that is open without effect.
void store_live_close(struct store_live *s);
sqlite3 *store_live_db(struct store_live *s);
const char *store_live_path(const struct store_live *s);
// SQLite's last error into *e; -1.
int store_live_failed(struct store_live *s, struct err *e);

int store_live_begin(struct store_live *s, struct err *e);
int store_live_commit(struct store_live *s, struct err *e);
void store_live_rollback(struct store_live *s);

// Inside a transaction.
int store_live_read_market(struct store_live *s, struct market *m, struct err *e);
// Writes the market in place of the one there; accounts stay. The first one creates the tables.
int store_live_market(struct store_live *s, const struct market *m, struct err *e);
// Account by id: 1 found, 0 not there, -1.
int store_live_get(struct store_live *s, uint32_t id, struct account *a, struct err *e);
// New or in place of the one with its id, checked against m.
int store_live_put(struct store_live *s, const struct market *m, const struct account *a, struct err *e);

#endif
