// SPDX-License-Identifier: Apache-2.0
// State of the paper venue in SQLite: accounts, orders with their replies, and a double-entry ledger.
// Everything that belongs to one order is one transaction. Any failure is final for the process: the caller
// stops, and the database is as of the last commit. One thread; not for a hot path.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_DB_H
#define TRIPLINE_EXEC_PAPER_VENUE_DB_H

#include <sqlite3.h>

#include "exec/paper/wire.h"

enum { VENUE_STATE_VERSION = 2 }; // PRAGMA user_version; 0: of before there was a clock

enum venue_statement {
    VDB_BEGIN,
    VDB_COMMIT,
    VDB_FIND_ORDER,
    VDB_PUT_ORDER,
    VDB_PUT_ACCOUNT,
    VDB_SET_ACCOUNT,
    VDB_PUT_MARKET,
    VDB_SET_SECOND,
    VDB_PUT_TOLD,
    VDB_POST,
    VDB_GET_BALANCE,
    VDB_SET_BALANCE,
    VDB_COUNT,
    VDB_PUT_AUCTION,
    VDB_STATEMENTS
};

// What an account's books are up to: they hold its balances by these parameters at this second.
struct venue_as_of {
    uint32_t market; // version
    uint64_t second; // of the Unix epoch; 0: as the parameters were told
};

// A state read back. The book's market is the present one; as_of goes by the account's index.
struct venue_state {
    struct book book;
    struct venue_as_of *as_of;
    uint32_t market;     // version of the present market, from 1
    uint64_t market_seq; // number of its change among the states without an order; 0: none
    uint64_t second;     // the latest that an order told; 0: none did
    uint64_t instance;
};

struct venue_db {
    sqlite3 *db;
    sqlite3_stmt *st[VDB_STATEMENTS];
    char path[512];
    int lock; // descriptor of the lock file: one venue a state
};

struct venue_stored { // an order that is known; pointers valid until venue_db_done
    uint8_t status;
    const uint8_t *bytes;
    size_t n_bytes; // 0: fenced before it was seen
    const uint8_t *reply;
    size_t n_reply;
};

// Opens for the venue: creates the schema when the file is new, brings an older one up to date (one
// transaction), takes the lock. sync: commits survive a power loss (synchronous=FULL); without it they
// survive the death of the process only. 0 or -1.
int venue_db_open(struct venue_db *v, const char *path, bool sync, struct err *e);
void venue_db_close(struct venue_db *v);
// 1 when accounts were put in already, 0 when not, -1 on error.
int venue_db_filled(struct venue_db *v, struct err *e);
// Puts a book in, in one transaction.
int venue_db_fill(struct venue_db *v, const struct book *b, struct err *e);
// Reads it back; on success the caller frees *s by venue_state_free. A schema that is not this version's is
// an error with its remedy.
int venue_db_load(sqlite3 *db, const char *path, struct venue_state *s, struct err *e);
void venue_state_free(struct venue_state *s);
// The encoding of a version's parameters into buf (MARKET_BYTES_MAX), its length in *n, its number in *seq.
int venue_db_market(sqlite3 *db, const char *path, uint32_t version, uint8_t *buf, size_t *n, uint64_t *seq,
                    struct err *e);

int venue_db_begin(struct venue_db *v, struct err *e);
int venue_db_commit(struct venue_db *v, struct err *e);
int venue_db_find(struct venue_db *v, const struct order_key *k, struct venue_stored *out,
                  struct err *e);       // 1/0/-1
void venue_db_done(struct venue_db *v); // ends a find
int venue_db_put_order(struct venue_db *v, const struct order_reply *r, const uint8_t *bytes, size_t n_bytes,
                       const uint8_t *reply, size_t n_reply, struct err *e);
int venue_db_put_account(struct venue_db *v, const struct account *a, const struct venue_as_of *as_of,
                         struct err *e);
// A state that no order brought, under its number: what the ledger holds against the account begins anew with
// it. The account may be new.
int venue_db_set_account(struct venue_db *v, const struct account *a, const struct venue_as_of *as_of,
                         uint64_t seq, struct err *e);
// New parameters under their version and number. The versions before stay: books may be up to them only.
int venue_db_put_market(struct venue_db *v, uint32_t version, uint64_t seq, const uint8_t *bytes, size_t n,
                        struct err *e);
int venue_db_set_second(struct venue_db *v, uint64_t second, struct err *e);
// Calls fn for each account that ever had one, with the number of its last, and for each change of parameters
// (market: its version, id 0), ascending by number.
int venue_db_told(struct venue_db *v, void (*fn)(void *ctx, uint32_t id, uint32_t market, uint64_t seq),
                  void *ctx, struct err *e);
int venue_db_post(struct venue_db *v, const struct order_key *k, const char *currency, uint8_t party,
                  i256 amount, struct err *e);
int venue_db_count(struct venue_db *v, const char *what, struct err *e); // adds one to a counter
// One page of balances and the totals, for LEDGER.
int venue_db_balances(struct venue_db *v, uint32_t first_row, struct wire_balances *out, struct err *e);

// `tripline venue ledger`: prints balances and checks conservation (venue_ledger.c). 0 sound, 1 broken, -1
// error.
int venue_ledger(const char *path, FILE *out, struct err *e);

// Ledger name of what a flow of this account moves: its settlement cash ("cash/USDC") or a reserve's token
// ("token/WETH"). Cash goes by the currency alone: market_check sees to one quantum each.
void venue_cash_name(const struct account *a, char out[LEDGER_NAME_LEN]);
void venue_token_name(const struct market *m, uint16_t instrument, char out[LEDGER_NAME_LEN]);

#endif
