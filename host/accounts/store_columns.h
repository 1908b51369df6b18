// SPDX-License-Identifier: Apache-2.0
// Inside of the store: what its tables' schemas, INSERTs and SELECTs are made of. Only store_schema.c,
// store_rows.c and store_accounts.c.
#ifndef TRIPLINE_ACCOUNTS_STORE_COLUMNS_H
#define TRIPLINE_ACCOUNTS_STORE_COLUMNS_H

#include <string.h>

#include "accounts/decimal.h"
#include "accounts/store_sql.h"

// ---- schema

#define CANONICAL(col)                                                                                       \
    "length(" col ") BETWEEN 1 AND 40 AND (" col " = '0' OR (ltrim(" col                                     \
    ", '-') GLOB '[1-9]*' AND substr(" col ", 2) NOT GLOB '*[^0-9]*' AND " col " GLOB '[-1-9]*'))"
#define WIDE(col) "TEXT NOT NULL CHECK (" CANONICAL(col) ")"
// An integer where 64 bits hold it, which is read several times faster, else canonical text.
#define ANY_WIDE(col)                                                                                        \
    "ANY NOT NULL CHECK (typeof(" col ") = 'integer' OR (typeof(" col ") = 'text' AND " CANONICAL(col) "))"
#define OPTIONAL_WIDE(col)                                                                                   \
    "ANY CHECK (" col " IS NULL OR typeof(" col ") = 'integer' OR (typeof(" col                              \
    ") = 'text' AND " CANONICAL(col) "))"
#define NAT(col, max)     "INTEGER NOT NULL CHECK (" col " BETWEEN 0 AND " max ")"
#define OPTIONAL_NAT(col) "INTEGER CHECK (" col " IS NULL OR " col " >= 0)"
#define MONEY(col)        "TEXT NOT NULL CHECK (length(" col ") < 8 AND " col " NOT GLOB '*[^A-Z0-9]*')"

// ---- writing

static inline sqlite3_stmt *prepare(struct store *s, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) != SQLITE_OK)
        store_failed(s, e);
    return st;
}

// The query of this schema version, or that of version 2, whose stores know nothing of time and spreads.
static inline sqlite3_stmt *prepare_read(struct store *s, const char *sql, const char *sql_2, struct err *e)
{
    return prepare(s, s->version == STORE_SCHEMA_OLD ? sql_2 : sql, e);
}

// Binds columns of an INSERT one after the other.
struct binder {
    sqlite3_stmt *st;
    int col;
};

static inline void bind_int(struct binder *b, int64_t v)
{
    sqlite3_bind_int64(b->st, ++b->col, v);
}
static inline void bind_null(struct binder *b)
{
    sqlite3_bind_null(b->st, ++b->col);
}
static inline void bind_text(struct binder *b, const char *s)
{
    sqlite3_bind_text(b->st, ++b->col, s, -1, SQLITE_TRANSIENT);
}
static inline void bind_wide(struct binder *b, i128 v)
{
    char text[DEC_TEXT_MAX];
    int_format(v, text);
    bind_text(b, text);
}

static inline int step_insert(struct store *s, struct binder *b, struct err *e)
{
    int rc = sqlite3_step(b->st);
    sqlite3_reset(b->st);
    b->col = 0;
    return rc == SQLITE_DONE ? 0 : store_failed(s, e);
}

// ---- reading

// Takes the columns of a row one after the other; `bad` names the first one that does not hold what it must.
struct columns {
    sqlite3_stmt *st;
    int col;
    const char *bad;
};

static inline void col_is_bad(struct columns *c, int col)
{
    c->bad = c->bad ? c->bad : sqlite3_column_name(c->st, col);
}

static inline uint64_t col_int(struct columns *c, uint64_t max)
{
    int col = c->col++;
    int64_t v = sqlite3_column_int64(c->st, col);
    if (sqlite3_column_type(c->st, col) != SQLITE_INTEGER || v < 0 || (uint64_t)v > max) {
        col_is_bad(c, col);
        return 0;
    }
    return (uint64_t)v;
}

// Within -most .. most.
static inline int64_t col_signed(struct columns *c, int64_t most)
{
    int col = c->col++;
    int64_t v = sqlite3_column_int64(c->st, col);
    if (sqlite3_column_type(c->st, col) != SQLITE_INTEGER || v < -most || v > most) {
        col_is_bad(c, col);
        return 0;
    }
    return v;
}

static inline uint64_t col_optional_int(struct columns *c, uint64_t max)
{
    if (sqlite3_column_type(c->st, c->col) != SQLITE_NULL)
        return col_int(c, max);
    c->col++;
    return 0;
}

static inline const char *col_text(struct columns *c)
{
    int col = c->col++;
    const char *s = (const char *)sqlite3_column_text(c->st, col);
    if (!s || strlen(s) != (size_t)sqlite3_column_bytes(c->st, col)) {
        col_is_bad(c, col);
        return "";
    }
    return s;
}

static inline void col_string(struct columns *c, char *out, size_t size)
{
    int col = c->col;
    const char *s = col_text(c);
    size_t n = strlen(s);
    if (n >= size) {
        col_is_bad(c, col);
        return;
    }
    memcpy(out, s, n);
    memset(out + n, 0, size - n);
}

static inline i128 col_wide(struct columns *c)
{
    int col = c->col;
    i128 v = 0;
    if (int_parse(col_text(c), &v))
        col_is_bad(c, col);
    return v;
}

static inline u128 col_amount(struct columns *c)
{
    int col = c->col;
    i128 v = col_wide(c);
    if (v < 0)
        col_is_bad(c, col);
    return v < 0 ? 0 : (u128)v;
}

// An ANY_WIDE column, or a WIDE one.
static inline i128 col_any_wide(struct columns *c)
{
    int type = sqlite3_column_type(c->st, c->col);
    if (type == SQLITE_INTEGER)
        return sqlite3_column_int64(c->st, c->col++);
    if (type != SQLITE_TEXT)
        col_is_bad(c, c->col);
    return col_wide(c);
}

static inline i128 col_optional_any_wide(struct columns *c)
{
    if (sqlite3_column_type(c->st, c->col) != SQLITE_NULL)
        return col_any_wide(c);
    c->col++;
    return 0;
}

static inline uint8_t col_kind(struct columns *c, const char *const *kinds, size_t n)
{
    int col = c->col;
    const char *s = col_text(c);
    for (size_t i = 1; i < n; i++)
        if (strcmp(s, kinds[i]) == 0)
            return (uint8_t)i;
    col_is_bad(c, col);
    return 0;
}

// Steps to the next row: 1, 0 at the end, -1 on failure.
static inline int next_row(struct store *s, struct columns *c, struct err *e)
{
    int rc = sqlite3_step(c->st);
    c->col = 0;
    c->bad = NULL;
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : store_failed(s, e);
}

static inline int row_bad(const struct store *s, const char *table, const char *which, const char *column,
                          struct err *e)
{
    return err_set(e, "%s: table %s, row %s: column %s is out of range; restore the store or import it again",
                   s->path, table, which, column);
}

#endif
