// SPDX-License-Identifier: Apache-2.0
#include "chain/tables.h"

#include <stdarg.h>

// clang-format off
static const char SCHEMA[] =
    "CREATE TABLE chain_meta (one INTEGER PRIMARY KEY CHECK (one = 1), phase INTEGER NOT NULL, chain_id INTEGER NOT NULL,"
    " from_block INTEGER NOT NULL, rule TEXT NOT NULL, search_next INTEGER NOT NULL, settle_to INTEGER NOT NULL,"
    " seq INTEGER NOT NULL,"
    " last_id INTEGER NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL, hash BLOB NOT NULL, parent BLOB NOT NULL,"
    " pool BLOB NOT NULL, provider BLOB NOT NULL, configurator BLOB NOT NULL, oracle BLOB NOT NULL,"
    " revision INTEGER NOT NULL, bitmaps INTEGER NOT NULL) STRICT;"
    "CREATE TABLE chain_reserves (reserve INTEGER PRIMARY KEY, instrument INTEGER NOT NULL UNIQUE, listed INTEGER NOT NULL,"
    " asset BLOB NOT NULL, atoken BLOB NOT NULL, vtoken BLOB NOT NULL) STRICT;"
    "CREATE TABLE chain_accounts (address BLOB PRIMARY KEY, id INTEGER NOT NULL UNIQUE) STRICT, WITHOUT ROWID;"
    "CREATE TABLE chain_found (n INTEGER PRIMARY KEY, address BLOB NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE chain_anchors (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;"
    "CREATE TABLE chain_blocks (number INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL,"
    " parent BLOB NOT NULL) STRICT;"
    "CREATE TABLE chain_touched (number INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (number, key)) STRICT, WITHOUT ROWID;";

static const char *const SQL[N_CHAIN_SQL] = {
    [SQL_META] = ("SELECT phase,chain_id,from_block,rule,search_next,settle_to,seq,last_id,block,time,hash,parent,pool,provider,"
                 "configurator,oracle,revision,bitmaps FROM chain_meta"),
    [SQL_META_PUT] = "INSERT OR REPLACE INTO chain_meta VALUES (1,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [SQL_RESERVES] = "SELECT reserve,instrument,listed,asset,atoken,vtoken FROM chain_reserves",
    [SQL_RESERVE_PUT] = "INSERT OR REPLACE INTO chain_reserves VALUES (?,?,?,?,?,?)",
    [SQL_ID] = "SELECT id FROM chain_accounts WHERE address = ?",
    [SQL_ADDRESS] = "SELECT address FROM chain_accounts WHERE id = ?",
    [SQL_ACCOUNT_PUT] = "INSERT INTO chain_accounts VALUES (?,?)",
    [SQL_ACCOUNT_FROM] = "SELECT id,address FROM chain_accounts WHERE id >= ? ORDER BY id LIMIT ?",
    [SQL_ACCOUNTS] = "SELECT count(*) FROM chain_accounts",
    [SQL_FOUND_PUT] = "INSERT OR IGNORE INTO chain_found (address) VALUES (?)",
    [SQL_FOUND] = "SELECT address FROM chain_found ORDER BY n LIMIT ?",
    [SQL_FOUND_DONE] = "DELETE FROM chain_found WHERE address = ?",
    [SQL_FOUND_COUNT] = "SELECT count(*) FROM chain_found",
    [SQL_FOUND_ALL] = "INSERT OR IGNORE INTO chain_found (address) SELECT address FROM chain_accounts ORDER BY id",
    [SQL_ANCHOR_PUT] = "INSERT OR REPLACE INTO chain_anchors VALUES (?,?)",
    [SQL_ANCHORS] = "SELECT number,hash FROM chain_anchors ORDER BY number",
    [SQL_ANCHORS_CLEAR] = "DELETE FROM chain_anchors",
    [SQL_BLOCK_PUT] = "INSERT OR REPLACE INTO chain_blocks VALUES (?,?,?,?)",
    [SQL_BLOCK_BEFORE] = "SELECT number,time,hash,parent FROM chain_blocks WHERE number < ? ORDER BY number DESC LIMIT 1",
    [SQL_BLOCKS_CLEAR] = "DELETE FROM chain_blocks",
    [SQL_TOUCH] = "INSERT OR IGNORE INTO chain_touched VALUES (?,?)",
    [SQL_TOUCHED] = "SELECT DISTINCT key FROM chain_touched WHERE number > ?",
    [SQL_FORGET_BLOCKS] = "DELETE FROM chain_blocks WHERE number > ?",
    [SQL_FORGET_TOUCHED] = "DELETE FROM chain_touched WHERE number > ?",
    [SQL_PRUNE_BLOCKS] = "DELETE FROM chain_blocks WHERE number <="
                         " (SELECT number FROM chain_blocks ORDER BY number DESC LIMIT 1 OFFSET ?)",
    // What the oldest kept block changed is never asked for: nobody goes back beyond it.
    [SQL_PRUNE_TOUCHED] = "DELETE FROM chain_touched WHERE number <= (SELECT min(number) FROM chain_blocks)",
};
// clang-format on

int tables_exist(struct chain_tables *t, struct err *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(store_live_db(t->store), "SELECT 1 FROM sqlite_schema WHERE name = 'chain_meta'",
                           -1, &st, NULL) != SQLITE_OK)
        return store_live_failed(t->store, e);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_live_failed(t->store, e);
}

int tables_create(struct chain_tables *t, struct err *e)
{
    return sqlite3_exec(store_live_db(t->store), SCHEMA, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : store_live_failed(t->store, e);
}

void tables_close(struct chain_tables *t)
{
    for (int q = 0; q < N_CHAIN_SQL; q++) {
        sqlite3_finalize(t->st[q]);
        t->st[q] = NULL;
    }
}

// ---- statements

static void bind(sqlite3_stmt *st, const char *args, va_list ap)
{
    for (int i = 1; *args; args++, i++) {
        switch (*args) {
        case 'i':
            sqlite3_bind_int64(st, i, (int64_t)va_arg(ap, uint64_t));
            break;
        case 's':
            sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
            break;
        case 'k': {
            const void *p = va_arg(ap, const void *);
            sqlite3_bind_blob(st, i, p, (int)va_arg(ap, size_t), SQLITE_TRANSIENT);
            break;
        }
        default:
            sqlite3_bind_blob(st, i, va_arg(ap, const void *), *args == 'a' ? ADDRESS_BYTES : WORD_BYTES,
                              SQLITE_TRANSIENT);
        }
    }
}

static int step(struct chain_tables *t, enum chain_sql q, struct err *e, const char *args, va_list ap)
{
    if (!t->st[q] && sqlite3_prepare_v2(store_live_db(t->store), SQL[q], -1, &t->st[q], NULL) != SQLITE_OK)
        return store_live_failed(t->store, e);
    if (args) {
        sqlite3_reset(t->st[q]);
        bind(t->st[q], args, ap);
    }
    int rc = sqlite3_step(t->st[q]);
    if (rc == SQLITE_ROW)
        return 1;
    rc = rc == SQLITE_DONE ? 0 : store_live_failed(t->store, e);
    sqlite3_reset(t->st[q]);
    return rc;
}

int tables_row(struct chain_tables *t, enum chain_sql q, struct err *e, const char *args, ...)
{
    va_list ap;
    va_start(ap, args);
    int rc = step(t, q, e, args, ap);
    va_end(ap);
    return rc;
}

int tables_run(struct chain_tables *t, enum chain_sql q, struct err *e, const char *args, ...)
{
    va_list ap;
    va_start(ap, args);
    int rc = step(t, q, e, args, ap);
    va_end(ap);
    return rc;
}

void tables_end(struct chain_tables *t, enum chain_sql q)
{
    if (t->st[q])
        sqlite3_reset(t->st[q]);
}

uint64_t tables_u64(struct chain_tables *t, enum chain_sql q, int col)
{
    return (uint64_t)sqlite3_column_int64(t->st[q], col);
}

int tables_blob(struct chain_tables *t, enum chain_sql q, int col, void *out, size_t n)
{
    const void *p = sqlite3_column_blob(t->st[q], col);
    if (!p || (size_t)sqlite3_column_bytes(t->st[q], col) != n)
        return -1;
    memcpy(out, p, n);
    return 0;
}

// ---- what several need

static int damaged(struct chain_tables *t, const char *table, struct err *e)
{
    return err_set(e, "%s: table %s is damaged: index again into a new store", store_live_path(t->store),
                   table);
}

static int take_reserves(struct chain_tables *t, struct chain_pool *p, struct err *e)
{
    int rc = tables_row(t, SQL_RESERVES, e, "");
    for (; rc == 1; rc = tables_row(t, SQL_RESERVES, e, NULL)) {
        uint64_t id = tables_u64(t, SQL_RESERVES, 0), instrument = tables_u64(t, SQL_RESERVES, 1);
        if (id >= CHAIN_RESERVES_MAX || instrument >= MARKET_INSTRUMENTS_MAX)
            break;
        struct chain_reserve *r = &p->reserve[id];
        r->instrument = (uint16_t)instrument;
        r->listed = tables_u64(t, SQL_RESERVES, 2);
        if (tables_blob(t, SQL_RESERVES, 3, r->asset.b, ADDRESS_BYTES) ||
            tables_blob(t, SQL_RESERVES, 4, r->atoken.b, ADDRESS_BYTES) ||
            tables_blob(t, SQL_RESERVES, 5, r->vtoken.b, ADDRESS_BYTES))
            break;
    }
    tables_end(t, SQL_RESERVES);
    return rc == 1 ? damaged(t, "chain_reserves", e) : rc;
}

static int take_meta(struct chain_tables *t, struct chain_meta *m, struct chain_pool *p)
{
    const enum chain_sql q = SQL_META;
    const char *rule = (const char *)sqlite3_column_text(t->st[q], 3);
    if (!rule || tables_u64(t, q, 0) > PHASE_FOLLOWING)
        return -1;
    m->phase = (enum chain_phase)tables_u64(t, q, 0);
    m->chain_id = tables_u64(t, q, 1);
    m->from = tables_u64(t, q, 2);
    (void)snprintf(m->rule, sizeof m->rule, "%s", rule);
    m->search_next = tables_u64(t, q, 4);
    m->settle_to = tables_u64(t, q, 5);
    m->seq = tables_u64(t, q, 6);
    m->last_id = (uint32_t)tables_u64(t, q, 7);
    m->at.number = tables_u64(t, q, 8);
    m->at.timestamp = tables_u64(t, q, 9);
    p->revision = tables_u64(t, q, 16);
    p->emode_bitmaps = tables_u64(t, q, 17);
    return tables_blob(t, q, 10, m->at.hash.b, WORD_BYTES) ||
                   tables_blob(t, q, 11, m->at.parent.b, WORD_BYTES) ||
                   tables_blob(t, q, 12, p->pool.b, ADDRESS_BYTES) ||
                   tables_blob(t, q, 13, p->provider.b, ADDRESS_BYTES) ||
                   tables_blob(t, q, 14, p->configurator.b, ADDRESS_BYTES) ||
                   tables_blob(t, q, 15, p->oracle.b, ADDRESS_BYTES)
               ? -1
               : 0;
}

int tables_meta_get(struct chain_tables *t, struct chain_meta *m, struct chain_pool *p, struct err *e)
{
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
        p->reserve[i] = (struct chain_reserve){.instrument = UINT16_MAX};
    int rc = tables_row(t, SQL_META, e, "");
    if (rc == 1)
        rc = take_meta(t, m, p) ? damaged(t, "chain_meta", e) : 0;
    else if (rc == 0)
        rc = damaged(t, "chain_meta", e);
    tables_end(t, SQL_META);
    return rc ? -1 : take_reserves(t, p, e);
}

int tables_meta_put(struct chain_tables *t, const struct chain_meta *m, const struct chain_pool *p,
                    struct err *e)
{
    if (tables_run(t, SQL_META_PUT, e, "iiisiiiiiiwwaaaaii", (uint64_t)m->phase, m->chain_id, m->from,
                   m->rule, m->search_next, m->settle_to, m->seq, (uint64_t)m->last_id, m->at.number,
                   m->at.timestamp, m->at.hash.b, m->at.parent.b, p->pool.b, p->provider.b, p->configurator.b,
                   p->oracle.b, p->revision, (uint64_t)p->emode_bitmaps))
        return -1;
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++) {
        const struct chain_reserve *r = &p->reserve[i];
        if (r->instrument != UINT16_MAX &&
            tables_run(t, SQL_RESERVE_PUT, e, "iiiaaa", (uint64_t)i, (uint64_t)r->instrument,
                       (uint64_t)r->listed, r->asset.b, r->atoken.b, r->vtoken.b))
            return -1;
    }
    return 0;
}

int tables_id(struct chain_tables *t, const struct evm_address *a, uint32_t *id, struct err *e)
{
    int rc = tables_row(t, SQL_ID, e, "a", a->b);
    if (rc == 1)
        *id = (uint32_t)tables_u64(t, SQL_ID, 0);
    tables_end(t, SQL_ID);
    return rc;
}

int tables_address(struct chain_tables *t, uint32_t id, struct evm_address *a, struct err *e)
{
    int rc = tables_row(t, SQL_ADDRESS, e, "i", (uint64_t)id);
    if (rc == 1 && tables_blob(t, SQL_ADDRESS, 0, a->b, ADDRESS_BYTES))
        rc = damaged(t, "chain_accounts", e);
    tables_end(t, SQL_ADDRESS);
    return rc;
}

int tables_count(struct chain_tables *t, enum chain_sql q, uint64_t *out, struct err *e)
{
    int rc = tables_row(t, q, e, "");
    if (rc == 1)
        *out = tables_u64(t, q, 0);
    tables_end(t, q);
    return rc == 1 ? 0 : -1;
}
