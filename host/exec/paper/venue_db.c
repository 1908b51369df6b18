// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_db.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"

// One fill an (account, epoch): a fill raises the epoch, so a second one would be a double effect. The index
// makes SQLite refuse it whatever the code above does.
// The market's versions and, of each account, by which of them and at which second its opening and its
// present state are to be valued (balances that bear interest mean nothing without).
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS market(version INTEGER PRIMARY KEY, seq INTEGER NOT NULL UNIQUE,"
    " value BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
    " opening BLOB NOT NULL, state BLOB NOT NULL,"
    " opening_market INTEGER NOT NULL DEFAULT 1, opening_at INTEGER NOT NULL DEFAULT 0,"
    " market INTEGER NOT NULL DEFAULT 1, at INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS orders(key BLOB PRIMARY KEY, seq INTEGER NOT NULL UNIQUE, desk INTEGER NOT "
    "NULL,"
    " account INTEGER NOT NULL, epoch INTEGER NOT NULL, revision INTEGER NOT NULL, status INTEGER NOT NULL,"
    " reason TEXT NOT NULL, bytes BLOB NOT NULL, reply BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS told(id INTEGER PRIMARY KEY, seq INTEGER NOT NULL UNIQUE);"
    "CREATE UNIQUE INDEX IF NOT EXISTS one_fill ON orders(account, epoch) WHERE status = 1;"
    "CREATE TABLE IF NOT EXISTS posting(id INTEGER PRIMARY KEY, key BLOB NOT NULL, account INTEGER NOT NULL,"
    " currency TEXT NOT NULL, party INTEGER NOT NULL, amount TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS by_account ON posting(account, currency);"
    "CREATE TABLE IF NOT EXISTS balance(currency TEXT NOT NULL, party INTEGER NOT NULL, amount TEXT NOT NULL,"
    " PRIMARY KEY(currency, party)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS counter(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;";

// States from before there were auctions get an empty table: nothing else is new in them.
static const char auctions[] = "CREATE TABLE IF NOT EXISTS auction(id INTEGER PRIMARY KEY,"
                               " seq INTEGER NOT NULL UNIQUE, state BLOB NOT NULL);";

// Everything was as told then, by the parameters of the start.
static const char upgrade[] = "ALTER TABLE account ADD COLUMN opening_market INTEGER NOT NULL DEFAULT 1;"
                              "ALTER TABLE account ADD COLUMN opening_at INTEGER NOT NULL DEFAULT 0;"
                              "ALTER TABLE account ADD COLUMN market INTEGER NOT NULL DEFAULT 1;"
                              "ALTER TABLE account ADD COLUMN at INTEGER NOT NULL DEFAULT 0;"
                              "INSERT INTO market SELECT 1, 0, value FROM meta WHERE name = 'market';"
                              "DELETE FROM meta WHERE name = 'market';";

static const char *const sql[VDB_STATEMENTS] = {
    [VDB_BEGIN] = "BEGIN IMMEDIATE",
    [VDB_COMMIT] = "COMMIT",
    [VDB_FIND_ORDER] = "SELECT status, bytes, reply FROM orders WHERE key = ?1",
    [VDB_PUT_ORDER] = ("INSERT INTO orders VALUES(?1, (SELECT coalesce(max(seq), 0) + 1 FROM orders),"
                       " ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"), // the parentheses: one string is meant
    [VDB_PUT_ACCOUNT] = "UPDATE account SET epoch = ?2, state = ?3, market = ?4, at = ?5 WHERE id = ?1",
    [VDB_SET_ACCOUNT] = ("INSERT INTO account VALUES(?1, ?2, ?3, ?3, ?4, ?5, ?4, ?5) ON CONFLICT(id)"
                         " DO UPDATE SET epoch = ?2, opening = ?3, state = ?3, opening_market = ?4,"
                         " opening_at = ?5, market = ?4, at = ?5"),
    [VDB_PUT_MARKET] = "INSERT INTO market VALUES(?1, ?2, ?3)",
    [VDB_SET_SECOND] = "INSERT OR REPLACE INTO counter VALUES('second', ?1)",
    [VDB_PUT_TOLD] = "INSERT INTO told VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET seq = ?2",
    [VDB_POST] = "INSERT INTO posting(key, account, currency, party, amount) VALUES(?1, ?2, ?3, ?4, ?5)",
    [VDB_GET_BALANCE] = "SELECT amount FROM balance WHERE currency = ?1 AND party = ?2",
    [VDB_SET_BALANCE] = "INSERT OR REPLACE INTO balance VALUES(?1, ?2, ?3)",
    [VDB_COUNT] = "INSERT INTO counter VALUES(?1, 1) ON CONFLICT(name) DO UPDATE SET n = n + 1",
    [VDB_PUT_AUCTION] = ("INSERT INTO auction VALUES(?1, ?2, ?3) ON CONFLICT(id)"
                         " DO UPDATE SET seq = ?2, state = ?3"),
};

static int fail(sqlite3 *db, const char *path, struct err *e)
{
    return err_set(e, "venue state %s: %s; check the file, its permissions and the space on its disk", path,
                   db ? sqlite3_errmsg(db) : "out of memory");
}

static int vfail(struct venue_db *v, struct err *e)
{
    return fail(v->db, v->path, e);
}

void venue_cash_name(const struct account *a, char out[LEDGER_NAME_LEN])
{
    (void)snprintf(out, LEDGER_NAME_LEN, "cash/%s", a->currency[0] ? a->currency : "none");
}

void venue_token_name(const struct market *m, uint16_t instrument, char out[LEDGER_NAME_LEN])
{
    (void)snprintf(out, LEDGER_NAME_LEN, "token/%s", m->instrument[instrument].name);
}

static int take_lock(struct venue_db *v, struct err *e)
{
    char name[sizeof v->path + 8];
    (void)snprintf(name, sizeof name, "%s.lock", v->path);
    v->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (v->lock < 0)
        return err_set(e, "%s: cannot create the lock file; check that the directory exists and is writable",
                       name);
    if (flock(v->lock, LOCK_EX | LOCK_NB))
        return err_set(e, "%s: another venue has this state open; stop it or name another --state", name);
    return 0;
}

static int exec_sql(struct venue_db *v, const char *text, struct err *e)
{
    return sqlite3_exec(v->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : vfail(v, e);
}

// One number; -1 when there is none.
static int64_t ask_number(struct venue_db *v, const char *text)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(v->db, text, -1, &st, NULL) != SQLITE_OK)
        return -1;
    int64_t n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    return n;
}

// Creates the schema, or makes it this version's.
static int make_schema(struct venue_db *v, struct err *e)
{
    char pragma[64];
    int64_t version = ask_number(v, "PRAGMA user_version");
    int64_t old = ask_number(v, "SELECT count(*) FROM sqlite_master WHERE name = 'account'");
    if (version == VENUE_STATE_VERSION)
        return 0;
    if (version < 0 || old < 0)
        return vfail(v, e);
    if (version != 0)
        return err_set(
            e,
            "venue state %s: written by another version of tripline; name a new --state, or go on with"
            " that version",
            v->path);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", VENUE_STATE_VERSION);
    return exec_sql(v, "BEGIN IMMEDIATE", e) || exec_sql(v, schema, e) || (old && exec_sql(v, upgrade, e)) ||
                   exec_sql(v, pragma, e) || exec_sql(v, "COMMIT", e)
               ? -1
               : 0;
}

int venue_db_open(struct venue_db *v, const char *path, bool sync, struct err *e)
{
    *v = (struct venue_db){.lock = -1};
    if (strlen(path) >= sizeof v->path)
        return err_set(e, "venue state: the path is longer than %zu characters; use a shorter one",
                       sizeof v->path);
    (void)snprintf(v->path, sizeof v->path, "%s", path);
    if (take_lock(v, e))
        return -1;
    if (sqlite3_open_v2(path, &v->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        return vfail(v, e);
    sqlite3_busy_timeout(v->db, 5000); // a reader (venue ledger) may hold it for a moment
    if (exec_sql(v, "PRAGMA journal_mode=WAL", e) ||
        exec_sql(v, sync ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF", e) || make_schema(v, e) ||
        exec_sql(v, auctions, e))
        return -1;
    for (unsigned i = 0; i < VDB_STATEMENTS; i++) {
        if (sqlite3_prepare_v3(v->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &v->st[i], NULL) != SQLITE_OK)
            return vfail(v, e);
    }
    return 0;
}

void venue_db_close(struct venue_db *v)
{
    for (unsigned i = 0; i < VDB_STATEMENTS; i++)
        sqlite3_finalize(v->st[i]);
    sqlite3_close(v->db);
    if (v->lock >= 0)
        close(v->lock);
    *v = (struct venue_db){.lock = -1};
}

// Runs a statement that gives no rows.
static int run(struct venue_db *v, enum venue_statement s, struct err *e)
{
    int rc = sqlite3_step(v->st[s]);
    int rst = sqlite3_reset(v->st[s]);
    (void)sqlite3_clear_bindings(v->st[s]);
    return rc == SQLITE_DONE && rst == SQLITE_OK ? 0 : vfail(v, e);
}

int venue_db_begin(struct venue_db *v, struct err *e)
{
    return run(v, VDB_BEGIN, e);
}
int venue_db_commit(struct venue_db *v, struct err *e)
{
    return run(v, VDB_COMMIT, e);
}

int venue_db_filled(struct venue_db *v, struct err *e)
{
    int64_t n = ask_number(v, "SELECT count(*) FROM market");
    return n < 0 ? vfail(v, e) : n > 0;
}

static int put_instance(struct venue_db *v, struct err *e)
{
    sqlite3_stmt *st;
    uint64_t instance;
    if (getrandom(&instance, sizeof instance, 0) != (ssize_t)sizeof instance)
        return err_set(e, "venue state %s: no random number for its identity", v->path);
    if (sqlite3_prepare_v2(v->db, "INSERT INTO meta VALUES('instance', ?1)", -1, &st, NULL) != SQLITE_OK)
        return vfail(v, e);
    sqlite3_bind_blob(st, 1, &instance, sizeof instance, SQLITE_STATIC);
    int rc = sqlite3_step(st);
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : vfail(v, e);
}

static int fill_accounts(struct venue_db *v, const struct book *b, uint8_t *buf, struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(v->db, "INSERT INTO account(id, epoch, opening, state) VALUES(?1, ?2, ?3, ?3)", -1,
                           &st, NULL) != SQLITE_OK)
        return vfail(v, e);
    int bad = 0;
    for (size_t i = 0; i < b->n_accounts && !bad; i++) {
        struct account scratch;
        const struct account *a = book_account(b, i, &scratch);
        size_t n = account_encode(a, buf, ACCOUNT_BYTES_MAX);
        if (n == 0) {
            bad = err_set(e, "account %u cannot be encoded; check its names and numbers", a->id);
            break;
        }
        sqlite3_bind_int64(st, 1, a->id);
        sqlite3_bind_int64(st, 2, a->epoch);
        sqlite3_bind_blob(st, 3, buf, (int)n, SQLITE_STATIC);
        if (sqlite3_step(st) != SQLITE_DONE || sqlite3_reset(st) != SQLITE_OK)
            bad = vfail(v, e);
    }
    sqlite3_finalize(st);
    return bad;
}

int venue_db_fill(struct venue_db *v, const struct book *b, struct err *e)
{
    uint8_t *buf = malloc(MARKET_BYTES_MAX);
    if (!buf)
        return err_set(e, "venue state %s: out of memory", v->path);
    size_t n = market_encode(&b->market, buf, MARKET_BYTES_MAX);
    int bad = n == 0 ? err_set(e, "venue state %s: the market cannot be encoded", v->path) : 0;
    bad = bad || venue_db_begin(v, e) || venue_db_put_market(v, 1, 0, buf, n, e) || put_instance(v, e) ||
          fill_accounts(v, b, buf, e) || venue_db_commit(v, e);
    free(buf);
    return bad ? -1 : 0;
}

int venue_db_find(struct venue_db *v, const struct order_key *k, struct venue_stored *out, struct err *e)
{
    uint8_t key[ORDER_KEY_BYTES];
    order_key_encode(k, key);
    sqlite3_stmt *st = v->st[VDB_FIND_ORDER];
    (void)sqlite3_reset(st);
    sqlite3_bind_blob(st, 1, key, sizeof key, SQLITE_TRANSIENT);
    int rc = sqlite3_step(st);
    if (rc == SQLITE_DONE) {
        (void)sqlite3_reset(st);
        return 0;
    }
    if (rc != SQLITE_ROW)
        return vfail(v, e);
    // Left on its row so that the pointers stay.
    out->status = (uint8_t)sqlite3_column_int(st, 0);
    out->bytes = sqlite3_column_blob(st, 1);
    out->n_bytes = (size_t)sqlite3_column_bytes(st, 1);
    out->reply = sqlite3_column_blob(st, 2);
    out->n_reply = (size_t)sqlite3_column_bytes(st, 2);
    return 1;
}

void venue_db_done(struct venue_db *v)
{
    (void)sqlite3_reset(v->st[VDB_FIND_ORDER]);
    (void)sqlite3_clear_bindings(v->st[VDB_FIND_ORDER]);
}

int venue_db_put_order(struct venue_db *v, const struct order_reply *r, const uint8_t *bytes, size_t n_bytes,
                       const uint8_t *reply, size_t n_reply, struct err *e)
{
    uint8_t key[ORDER_KEY_BYTES];
    order_key_encode(&r->key, key);
    sqlite3_stmt *st = v->st[VDB_PUT_ORDER];
    sqlite3_bind_blob(st, 1, key, sizeof key, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, r->key.desk);
    sqlite3_bind_int64(st, 3, r->key.account);
    sqlite3_bind_int64(st, 4, r->key.epoch);
    sqlite3_bind_int64(st, 5, r->key.revision);
    sqlite3_bind_int(st, 6, r->status);
    sqlite3_bind_text(st, 7, r->reason, -1, SQLITE_STATIC);
    sqlite3_bind_blob(st, 8, n_bytes ? bytes : key, (int)n_bytes, SQLITE_STATIC); // empty blob, not NULL
    sqlite3_bind_blob(st, 9, reply, (int)n_reply, SQLITE_STATIC);
    return run(v, VDB_PUT_ORDER, e);
}

static int write_account(struct venue_db *v, enum venue_statement s, const struct account *a,
                         const struct venue_as_of *as_of, struct err *e)
{
    uint8_t buf[ACCOUNT_BYTES_MAX];
    size_t n = account_encode(a, buf, sizeof buf);
    if (n == 0)
        return err_set(e, "venue state %s: account %u cannot be encoded", v->path, a->id);
    sqlite3_stmt *st = v->st[s];
    sqlite3_bind_int64(st, 1, a->id);
    sqlite3_bind_int64(st, 2, a->epoch);
    sqlite3_bind_blob(st, 3, buf, (int)n, SQLITE_STATIC);
    sqlite3_bind_int64(st, 4, as_of->market);
    sqlite3_bind_int64(st, 5, (sqlite3_int64)as_of->second);
    return run(v, s, e);
}

int venue_db_put_account(struct venue_db *v, const struct account *a, const struct venue_as_of *as_of,
                         struct err *e)
{
    return write_account(v, VDB_PUT_ACCOUNT, a, as_of, e);
}

int venue_db_set_account(struct venue_db *v, const struct account *a, const struct venue_as_of *as_of,
                         uint64_t seq, struct err *e)
{
    sqlite3_bind_int64(v->st[VDB_PUT_TOLD], 1, a->id);
    sqlite3_bind_int64(v->st[VDB_PUT_TOLD], 2, (sqlite3_int64)seq);
    return write_account(v, VDB_SET_ACCOUNT, a, as_of, e) || run(v, VDB_PUT_TOLD, e) ? -1 : 0;
}

int venue_db_put_market(struct venue_db *v, uint32_t version, uint64_t seq, const uint8_t *bytes, size_t n,
                        struct err *e)
{
    sqlite3_bind_int64(v->st[VDB_PUT_MARKET], 1, version);
    sqlite3_bind_int64(v->st[VDB_PUT_MARKET], 2, (sqlite3_int64)seq);
    sqlite3_bind_blob(v->st[VDB_PUT_MARKET], 3, bytes, (int)n, SQLITE_STATIC);
    return run(v, VDB_PUT_MARKET, e);
}

int venue_db_set_second(struct venue_db *v, uint64_t second, struct err *e)
{
    sqlite3_bind_int64(v->st[VDB_SET_SECOND], 1, (sqlite3_int64)second);
    return run(v, VDB_SET_SECOND, e);
}

int venue_db_told(struct venue_db *v, void (*fn)(void *ctx, uint32_t id, uint32_t market, uint64_t seq),
                  void *ctx, struct err *e)
{
    static const char text[] = "SELECT id, 0, seq FROM told UNION ALL"
                               " SELECT 0, version, seq FROM market WHERE version > 1 ORDER BY 3";
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(v->db, text, -1, &st, NULL) != SQLITE_OK)
        return vfail(v, e);
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        fn(ctx, (uint32_t)sqlite3_column_int64(st, 0), (uint32_t)sqlite3_column_int64(st, 1),
           (uint64_t)sqlite3_column_int64(st, 2));
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : vfail(v, e);
}

static int get_balance(struct venue_db *v, const char *currency, uint8_t party, i256 *out, struct err *e)
{
    sqlite3_stmt *st = v->st[VDB_GET_BALANCE];
    sqlite3_bind_text(st, 1, currency, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 2, party);
    int rc = sqlite3_step(st), bad = 0;
    *out = i256_from_i64(0);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        if (!text || i256_parse(text, out))
            bad = err_set(e, "venue state %s: balance of %s is not a number; restore it from a copy", v->path,
                          currency);
    } else if (rc != SQLITE_DONE) {
        bad = vfail(v, e);
    }
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return bad;
}

int venue_db_post(struct venue_db *v, const struct order_key *k, const char *currency, uint8_t party,
                  i256 amount, struct err *e)
{
    uint8_t key[ORDER_KEY_BYTES];
    char text[I256_DIGITS_MAX];
    i256 was;
    order_key_encode(k, key);
    (void)i256_format(amount, text, sizeof text);
    sqlite3_stmt *st = v->st[VDB_POST];
    sqlite3_bind_blob(st, 1, key, sizeof key, SQLITE_STATIC);
    sqlite3_bind_int64(st, 2, k->account);
    sqlite3_bind_text(st, 3, currency, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 4, party);
    sqlite3_bind_text(st, 5, text, -1, SQLITE_STATIC);
    if (run(v, VDB_POST, e) || get_balance(v, currency, party, &was, e))
        return -1;
    (void)i256_format(i256_add(was, amount), text, sizeof text);
    st = v->st[VDB_SET_BALANCE];
    sqlite3_bind_text(st, 1, currency, -1, SQLITE_STATIC);
    sqlite3_bind_int(st, 2, party);
    sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
    return run(v, VDB_SET_BALANCE, e);
}

int venue_db_count(struct venue_db *v, const char *what, struct err *e)
{
    sqlite3_bind_text(v->st[VDB_COUNT], 1, what, -1, SQLITE_STATIC);
    return run(v, VDB_COUNT, e);
}
