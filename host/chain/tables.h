// SPDX-License-Identifier: Apache-2.0
// The chain's tables beside the account store's, in one SQLite file and its transactions, so that accounts
// and the block they are of never part:
//   chain_meta      one row: chain, pool, rule, phase, block
//   chain_reserves  pool's id -> instrument, tokens
//   chain_accounts  address -> account id
//   chain_found     borrowers found by their logs and not yet read
//   chain_anchors   blocks at which accounts were read before the first common one
//   chain_blocks    the last blocks applied, to find where a reorganisation begins
//   chain_touched   what each of them changed, to read that again
// Functions give 0 (or a count) or -1 with *e set; one thread.
#ifndef TRIPLINE_CHAIN_TABLES_H
#define TRIPLINE_CHAIN_TABLES_H

#include "accounts/store_live.h"
#include "chain/read.h"

enum { CHAIN_UNDO_BLOCKS = 128 };

enum chain_phase {
    PHASE_NEW,       // nothing there
    PHASE_FINDING,   // reading logs for borrowers, up to block `at`
    PHASE_READING,   // reading those found, at `at` or an anchor after it
    PHASE_SETTLING,  // accounts are of several blocks up to settle_to: the next step makes them one
    PHASE_FOLLOWING, // accounts and market are those of block `at`
};

struct chain_meta {
    enum chain_phase phase;
    uint64_t chain_id, from; // from: first block that is searched
    char rule[NAME_LEN];
    uint64_t search_next; // first block whose logs have not been searched
    uint64_t settle_to;   // see PHASE_SETTLING
    uint64_t seq;         // states applied: blocks, and ways back
    uint32_t last_id;     // highest account id given
    struct chain_block at;
};

enum chain_sql {
    SQL_META,
    SQL_META_PUT,
    SQL_RESERVES,
    SQL_RESERVE_PUT,
    SQL_ID,
    SQL_ADDRESS,
    SQL_ACCOUNT_PUT,
    SQL_ACCOUNT_FROM,
    SQL_ACCOUNTS,
    SQL_FOUND_PUT,
    SQL_FOUND,
    SQL_FOUND_DONE,
    SQL_FOUND_COUNT,
    SQL_FOUND_ALL,
    SQL_ANCHOR_PUT,
    SQL_ANCHORS,
    SQL_ANCHORS_CLEAR,
    SQL_BLOCK_PUT,
    SQL_BLOCK_BEFORE,
    SQL_BLOCKS_CLEAR,
    SQL_TOUCH,
    SQL_TOUCHED,
    SQL_FORGET_BLOCKS,
    SQL_FORGET_TOUCHED,
    SQL_PRUNE_BLOCKS,
    SQL_PRUNE_TOUCHED,
    N_CHAIN_SQL,
};

struct chain_tables {
    struct store_live *store;
    sqlite3_stmt *st[N_CHAIN_SQL];
};

// Are the tables there? 1, 0, -1. They are made by tables_create.
int tables_exist(struct chain_tables *t, struct err *e);
int tables_create(struct chain_tables *t, struct err *e);
void tables_close(struct chain_tables *t);

// A statement with its arguments: "i" uint64_t, "a" const struct evm_address *, "w" const struct word *, "s"
// const char *, "k" const void * and size_t (a blob). tables_run for one that gives no rows; tables_row steps
// a query: the first time with arguments (args NULL afterwards), 1 a row, 0 the end, -1. tables_end resets
// it.
int tables_run(struct chain_tables *t, enum chain_sql q, struct err *e, const char *args, ...);
int tables_row(struct chain_tables *t, enum chain_sql q, struct err *e, const char *args, ...);
void tables_end(struct chain_tables *t, enum chain_sql q);
// Columns of the row: -1 (the file was changed by someone) when it is not n bytes long.
uint64_t tables_u64(struct chain_tables *t, enum chain_sql q, int col);
int tables_blob(struct chain_tables *t, enum chain_sql q, int col, void *out, size_t n);

int tables_meta_get(struct chain_tables *t, struct chain_meta *m, struct chain_pool *p, struct err *e);
int tables_meta_put(struct chain_tables *t, const struct chain_meta *m, const struct chain_pool *p,
                    struct err *e);
// Id of an account: 1 with *id, 0 unknown, -1.
int tables_id(struct chain_tables *t, const struct evm_address *a, uint32_t *id, struct err *e);
int tables_address(struct chain_tables *t, uint32_t id, struct evm_address *a, struct err *e);
// A count (SQL_FOUND_COUNT, SQL_ACCOUNTS).
int tables_count(struct chain_tables *t, enum chain_sql q, uint64_t *out, struct err *e);

#endif
