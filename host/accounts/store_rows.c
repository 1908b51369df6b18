// SPDX-License-Identifier: Apache-2.0
// Rows of the store's tables (store_schema.c). The reader trusts none of them: another program may have
// written the file.
#include "accounts/store_sql.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/decimal.h"
#include "accounts/rules/rule.h"

static const char *const ASSET_KINDS[] = {
    [ASSET_MARK] = "mark", [ASSET_INDEX] = "index", [ASSET_RECIPROCAL] = "reciprocal"};
static const char *const INST_KINDS[] = {
    [INST_LINEAR] = "linear", [INST_INVERSE] = "inverse", [INST_RESERVE] = "reserve"};

static sqlite3_stmt *prepare(struct store *s, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        store_failed(s, e);
    return st;
}

// ---- writing
// -------------------------------------------------------------------------------------------------

// Binds columns of an INSERT one after the other.
struct binder {
    sqlite3_stmt *st;
    int col;
};

static void bind_int(struct binder *b, int64_t v)
{
    sqlite3_bind_int64(b->st, ++b->col, v);
}
static void bind_null(struct binder *b)
{
    sqlite3_bind_null(b->st, ++b->col);
}
static void bind_text(struct binder *b, const char *s)
{
    sqlite3_bind_text(b->st, ++b->col, s, -1, SQLITE_TRANSIENT);
}
static void bind_wide(struct binder *b, i128 v)
{
    char text[DEC_TEXT_MAX];
    int_format(v, text);
    bind_text(b, text);
}

static int step_insert(struct store *s, struct binder *b, struct err *e)
{
    int rc = sqlite3_step(b->st);
    sqlite3_reset(b->st);
    b->col = 0;
    return rc == SQLITE_DONE ? 0 : store_failed(s, e);
}

static int write_assets(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO assets VALUES (?,?,?,?,?,?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; rc == 0 && i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        bind_int(&b, i);
        bind_text(&b, a->name);
        bind_text(&b, ASSET_KINDS[a->kind]);
        bind_text(&b, a->source);
        bind_int(&b, a->decimals);
        if (a->kind == ASSET_RECIPROCAL)
            bind_int(&b, a->base);
        else
            bind_null(&b);
        bind_int(&b, a->stale_ms);
        bind_int(&b, a->guard_ppm);
        bind_int(&b, a->spread_ppm);
        rc = step_insert(s, &b, e);
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_tiers(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {prepare(s, "INSERT INTO tiers VALUES (?,?,?,?)", e), 0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        for (unsigned k = 0; rc == 0 && k < m->instrument[i].n_tiers; k++) {
            bind_int(&b, i);
            bind_int(&b, k);
            bind_wide(&b, m->instrument[i].tier[k].floor);
            bind_int(&b, m->instrument[i].tier[k].rate_ppm);
            rc = step_insert(s, &b, e);
        }
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_instruments(struct store *s, const struct market *m, struct err *e)
{
    struct binder b = {
        prepare(s, "INSERT INTO instruments VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                e),
        0};
    int rc = b.st ? 0 : -1;
    for (unsigned i = 0; rc == 0 && i < m->n_instruments; i++) {
        const struct instrument *x = &m->instrument[i];
        bind_int(&b, i);
        bind_text(&b, x->name);
        bind_text(&b, INST_KINDS[x->kind]);
        bind_int(&b, x->asset);
        if (x->kind == INST_INVERSE)
            bind_int(&b, x->inverse);
        else
            bind_null(&b);
        bind_int(&b, x->size_decimals);
        bind_text(&b, x->currency);
        bind_int(&b, x->cash_decimals);
        bind_int(&b, x->fee_ppm);
        bind_int(&b, x->penalty_ppm);
        bind_int(&b, x->lt_bps);
        bind_int(&b, x->lb_bps);
        bind_int(&b, x->fee_bps);
        bind_int(&b, x->emode);
        bind_int(&b, x->emode_lt_bps);
        bind_int(&b, x->emode_lb_bps);
        bind_wide(&b, (i128)x->liquidity_index); // market_check bounds it by 1e33
        bind_wide(&b, (i128)x->borrow_index);
        bind_wide(&b, (i128)x->liquidity_rate);
        bind_wide(&b, (i128)x->borrow_rate);
        bind_wide(&b, x->funding_index);
        bind_wide(&b, x->funding_rate);
        bind_int(&b, (int64_t)x->told_at);
        bind_int(&b, x->ramp_from_bps);
        bind_int(&b, x->emode_ramp_from_bps);
        bind_int(&b, (int64_t)x->ramp_start);
        bind_int(&b, (int64_t)x->ramp_end);
        bind_int(&b, (int64_t)x->grace_until);
        rc = step_insert(s, &b, e);
    }
    sqlite3_finalize(b.st);
    return rc;
}

static int write_positions(struct store *s, struct binder *b, const struct account *a, struct err *e)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        bind_int(b, a->id);
        bind_int(b, p->instrument);
        bind_wide(b, p->size);
        bind_int(b, p->entry);
        bind_wide(b, p->supply);
        bind_wide(b, p->debt);
        bind_int(b, p->collateral);
        if (p->funding)
            bind_wide(b, p->funding);
        else
            bind_null(b);
        if (step_insert(s, b, e))
            return -1;
    }
    return 0;
}

static int write_accounts(struct store *s, const struct book *bk, struct err *e)
{
    struct binder acc = {prepare(s, "INSERT INTO accounts VALUES (?,?,?,?,?,?,?,?)", e), 0};
    struct binder pos = {prepare(s, "INSERT INTO positions VALUES (?,?,?,?,?,?,?,?)", e), 0};
    int rc = acc.st && pos.st ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < bk->n_accounts; i++) {
        const struct account *a = &bk->account[i];
        bind_int(&acc, a->id);
        bind_text(&acc, a->name);
        bind_text(&acc, a->rule->name);
        bind_text(&acc, a->currency);
        bind_int(&acc, a->cash_decimals);
        bind_wide(&acc, a->cash);
        bind_int(&acc, a->emode);
        bind_int(&acc, a->epoch);
        rc = step_insert(s, &acc, e) || write_positions(s, &pos, a, e) ? -1 : 0;
    }
    sqlite3_finalize(acc.st);
    sqlite3_finalize(pos.st);
    return rc;
}

int store_write_rows(struct store *s, const struct book *b, struct err *e)
{
    if (store_create_tables(s, e))
        return -1;
    return write_assets(s, &b->market, e) || write_instruments(s, &b->market, e) ||
                   write_tiers(s, &b->market, e) || write_accounts(s, b, e)
               ? -1
               : 0;
}

// ---- reading
// -------------------------------------------------------------------------------------------------

// Takes the columns of a row one after the other; `bad` names the first one that does not hold what it must.
struct columns {
    sqlite3_stmt *st;
    int col;
    const char *bad;
};

static uint64_t col_int(struct columns *c, uint64_t max)
{
    int col = c->col++;
    int64_t v = sqlite3_column_int64(c->st, col);
    if (sqlite3_column_type(c->st, col) != SQLITE_INTEGER || v < 0 || (uint64_t)v > max) {
        c->bad = c->bad ? c->bad : sqlite3_column_name(c->st, col);
        return 0;
    }
    return (uint64_t)v;
}

static uint64_t col_optional_int(struct columns *c, uint64_t max)
{
    if (sqlite3_column_type(c->st, c->col) != SQLITE_NULL)
        return col_int(c, max);
    c->col++;
    return 0;
}

static const char *col_text(struct columns *c)
{
    int col = c->col++;
    const char *s = (const char *)sqlite3_column_text(c->st, col);
    if (!s || strlen(s) != (size_t)sqlite3_column_bytes(c->st, col)) {
        c->bad = c->bad ? c->bad : sqlite3_column_name(c->st, col);
        return "";
    }
    return s;
}

static void col_string(struct columns *c, char *out, size_t size)
{
    const char *col = sqlite3_column_name(c->st, c->col);
    const char *s = col_text(c);
    if (strlen(s) >= size) {
        c->bad = c->bad ? c->bad : col;
        return;
    }
    memset(out, 0, size);
    memcpy(out, s, strlen(s));
}

static i128 col_wide(struct columns *c)
{
    const char *col = sqlite3_column_name(c->st, c->col);
    i128 v = 0;
    if (int_parse(col_text(c), &v))
        c->bad = c->bad ? c->bad : col;
    return v;
}

static i128 col_optional_wide(struct columns *c)
{
    if (sqlite3_column_type(c->st, c->col) != SQLITE_NULL)
        return col_wide(c);
    c->col++;
    return 0;
}

static u128 col_amount(struct columns *c)
{
    const char *col = sqlite3_column_name(c->st, c->col);
    i128 v = col_wide(c);
    if (v < 0)
        c->bad = c->bad ? c->bad : col;
    return v < 0 ? 0 : (u128)v;
}

static uint8_t col_kind(struct columns *c, const char *const *kinds, size_t n)
{
    const char *col = sqlite3_column_name(c->st, c->col);
    const char *s = col_text(c);
    for (size_t i = 1; i < n; i++)
        if (strcmp(s, kinds[i]) == 0)
            return (uint8_t)i;
    c->bad = c->bad ? c->bad : col;
    return 0;
}

// Steps to the next row: 1, 0 at the end, -1 on failure.
static int next_row(struct store *s, struct columns *c, struct err *e)
{
    int rc = sqlite3_step(c->st);
    c->col = 0;
    c->bad = NULL;
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : store_failed(s, e);
}

static int row_bad(const struct store *s, const char *table, const char *which, const char *column,
                   struct err *e)
{
    return err_set(e, "%s: table %s, row %s: column %s is out of range; restore the store or import it again",
                   s->path, table, which, column);
}

// The query of this schema version, or that of version 2, whose stores know nothing of time and spreads.
static sqlite3_stmt *prepare_read(struct store *s, const char *sql, const char *sql_2, struct err *e)
{
    return prepare(s, s->version == STORE_SCHEMA_NO_TIME ? sql_2 : sql, e);
}

static int read_assets(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare_read(
            s,
            "SELECT id,name,kind,source,decimals,base,stale_ms,guard_ppm,spread_ppm FROM assets ORDER BY id",
            "SELECT id,name,kind,source,decimals,base,stale_ms,guard_ppm,0 FROM assets ORDER BY id", e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t id = col_int(&c, MARKET_ASSETS_MAX - 1);
        if (c.bad || id != m->n_assets) {
            err_set(e, "%s: table assets: ids must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        struct asset *a = &m->asset[id];
        col_string(&c, a->name, NAME_LEN);
        a->kind = col_kind(&c, ASSET_KINDS, sizeof ASSET_KINDS / sizeof *ASSET_KINDS);
        col_string(&c, a->source, NAME_LEN);
        a->decimals = (uint8_t)col_int(&c, DECIMALS_MAX);
        a->base = (uint16_t)col_optional_int(&c, MARKET_ASSETS_MAX - 1);
        a->stale_ms = (uint32_t)col_int(&c, UINT32_MAX);
        a->guard_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        a->spread_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        m->n_assets++;
        rc = c.bad ? row_bad(s, "assets", a->name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static void take_instrument(struct columns *c, struct instrument *x)
{
    col_string(c, x->name, NAME_LEN);
    x->kind = col_kind(c, INST_KINDS, sizeof INST_KINDS / sizeof *INST_KINDS);
    x->asset = (uint16_t)col_int(c, MARKET_ASSETS_MAX - 1);
    x->inverse = (uint16_t)col_optional_int(c, MARKET_ASSETS_MAX - 1);
    x->size_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    col_string(c, x->currency, CURRENCY_LEN);
    x->cash_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    x->fee_ppm = (uint32_t)col_int(c, UINT32_MAX);
    x->penalty_ppm = (uint32_t)col_int(c, UINT32_MAX);
    x->lt_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->lb_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->fee_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode = (uint8_t)col_int(c, UINT8_MAX);
    x->emode_lt_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode_lb_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->liquidity_index = col_amount(c);
    x->borrow_index = col_amount(c);
    x->liquidity_rate = col_amount(c);
    x->borrow_rate = col_amount(c);
    x->funding_index = col_wide(c);
    i128 rate = col_wide(c);
    if (rate < INT64_MIN || rate > INT64_MAX)
        c->bad = c->bad ? c->bad : "funding_rate";
    x->funding_rate = (int64_t)rate;
    x->told_at = col_int(c, INT64_MAX);
    x->ramp_from_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->emode_ramp_from_bps = (uint32_t)col_int(c, UINT32_MAX);
    x->ramp_start = col_int(c, INT64_MAX);
    x->ramp_end = col_int(c, INT64_MAX);
    x->grace_until = col_int(c, INT64_MAX);
}

#define INSTRUMENT_COLUMNS                                                                                   \
    "SELECT "                                                                                                \
    "id,name,kind,asset,inverse,size_decimals,currency,cash_decimals,fee_ppm,penalty_ppm,lt_bps,lb_bps,"     \
    "fee_bps,emode,emode_lt_bps,emode_lb_bps,liquidity_index,borrow_index,"
#define MOVING_COLUMNS                                                                                       \
    "liquidity_rate,borrow_rate,funding_index,funding_rate,told_at,ramp_from_bps,emode_ramp_from_bps,ramp_"  \
    "start,"                                                                                                 \
    "ramp_end,grace_until"

static int read_instruments(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare_read(s, INSTRUMENT_COLUMNS MOVING_COLUMNS " FROM instruments ORDER BY id",
                     INSTRUMENT_COLUMNS "'0','0','0','0',0,0,0,0,0,0 FROM instruments ORDER BY id", e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t id = col_int(&c, MARKET_INSTRUMENTS_MAX - 1);
        if (c.bad || id != m->n_instruments) {
            err_set(e, "%s: table instruments: ids must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        take_instrument(&c, &m->instrument[id]);
        m->n_instruments++;
        rc = c.bad ? row_bad(s, "instruments", m->instrument[id].name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int read_tiers(struct store *s, struct market *m, struct err *e)
{
    struct columns c = {
        prepare(s, "SELECT instrument,tier,floor,rate_ppm FROM tiers ORDER BY instrument,tier", e), 0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        rc = -1;
        uint64_t i = col_int(&c, MARKET_INSTRUMENTS_MAX - 1), k = col_int(&c, TIERS_MAX - 1);
        if (c.bad || i >= m->n_instruments || k != m->instrument[i].n_tiers) {
            err_set(e, "%s: table tiers: tiers of an instrument must be 0, 1, 2 ... without a hole", s->path);
            break;
        }
        struct instrument *x = &m->instrument[i];
        x->tier[k].floor = col_wide(&c);
        x->tier[k].rate_ppm = (uint32_t)col_int(&c, UINT32_MAX);
        x->n_tiers++;
        rc = c.bad ? row_bad(s, "tiers", x->name, c.bad, e) : 0;
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int count_accounts(struct store *s, size_t *n, struct err *e)
{
    struct columns c = {prepare(s, "SELECT count(*) FROM accounts", e), 0, NULL};
    int rc = c.st ? next_row(s, &c, e) : -1;
    if (rc == 1)
        *n = (size_t)col_int(&c, UINT32_MAX);
    sqlite3_finalize(c.st);
    return rc == 1 ? 0 : -1;
}

static int take_account(struct store *s, struct columns *c, struct account *a, struct err *e)
{
    a->id = (uint32_t)col_int(c, UINT32_MAX);
    col_string(c, a->name, NAME_LEN);
    const char *rule = col_text(c);
    a->rule = rule_find(rule);
    if (!a->rule)
        return err_set(e, "%s: account %u: unknown rule '%.*s'; `tripline rule` lists the known ones",
                       s->path, a->id, NAME_LEN, rule);
    col_string(c, a->currency, CURRENCY_LEN);
    a->cash_decimals = (uint8_t)col_int(c, DECIMALS_MAX);
    a->cash = col_wide(c);
    a->emode = (uint8_t)col_int(c, UINT8_MAX);
    a->epoch = (uint32_t)col_int(c, UINT32_MAX);
    return c->bad ? row_bad(s, "accounts", a->name, c->bad, e) : 0;
}

static int read_accounts(struct store *s, struct book *b, size_t n, struct err *e)
{
    struct columns c = {
        prepare(s, "SELECT id,name,rule,currency,cash_decimals,cash,emode,epoch FROM accounts ORDER BY id",
                e),
        0, NULL};
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        if (b->n_accounts == n)
            rc = err_set(e, "%s: changed while it was read; try again", s->path);
        else
            rc = take_account(s, &c, &b->account[b->n_accounts++], e);
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int take_position(struct store *s, struct columns *c, struct account *a, struct err *e)
{
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return err_set(e, "%s: account %u: more than %d positions", s->path, a->id, ACCOUNT_POSITIONS_MAX);
    struct position *p = &a->position[a->n_positions++];
    p->instrument = (uint16_t)col_int(c, MARKET_INSTRUMENTS_MAX - 1);
    p->size = col_wide(c);
    p->entry = (int64_t)col_int(c, INT64_MAX);
    p->supply = col_wide(c);
    p->debt = col_wide(c);
    p->collateral = col_int(c, 1) != 0;
    p->funding = col_optional_wide(c);
    return c->bad ? row_bad(s, "positions", a->name, c->bad, e) : 0;
}

static int read_positions(struct store *s, struct book *b, struct err *e)
{
    struct columns c = {
        prepare_read(s,
                     "SELECT account,instrument,size,entry,supply,debt,collateral,funding FROM positions"
                     " ORDER BY account,instrument",
                     "SELECT account,instrument,size,entry,supply,debt,collateral,NULL FROM positions"
                     " ORDER BY account,instrument",
                     e),
        0, NULL};
    size_t i = 0; // both lists ascend by account: one walk
    int rc = c.st ? 0 : -1;
    while (rc == 0 && (rc = next_row(s, &c, e)) == 1) {
        uint64_t id = col_int(&c, UINT32_MAX);
        while (i < b->n_accounts && b->account[i].id < id)
            i++;
        if (c.bad || i == b->n_accounts || b->account[i].id != id)
            rc = err_set(e, "%s: table positions: position of an account that does not exist", s->path);
        else
            rc = take_position(s, &c, &b->account[i], e);
    }
    sqlite3_finalize(c.st);
    return rc;
}

static int check_rows(const struct store *s, const struct book *b, struct err *e)
{
    struct err why;
    if (market_check(&b->market, &why))
        return err_set(e, "%s: %.400s", s->path, why.msg);
    for (size_t i = 0; i < b->n_accounts; i++)
        if (account_check(&b->market, &b->account[i], &why))
            return err_set(e, "%s: %.400s", s->path, why.msg);
    return 0;
}

int store_read_rows(struct store *s, struct book *out, struct err *e)
{
    size_t n = 0;
    memset(out, 0, sizeof *out);
    if (read_assets(s, &out->market, e) || read_instruments(s, &out->market, e) ||
        read_tiers(s, &out->market, e) || count_accounts(s, &n, e))
        return -1;
    out->account = calloc(n ? n : 1, sizeof *out->account);
    if (!out->account)
        return err_set(e, "%s: out of memory for %zu accounts", s->path, n);
    if (read_accounts(s, out, n, e) || read_positions(s, out, e) || check_rows(s, out, e)) {
        book_free(out);
        return -1;
    }
    return 0;
}
