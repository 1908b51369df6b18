// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_lots.h"

#include <stdlib.h>

#include "base/cursor.h"

enum { LOT_BYTES = AUCTION_BYTES + 16 + 8, ROOM_MIN = 64 };

static int fail(struct venue *v, struct err *e)
{
    return err_set(e, "venue state %s: %s; check the file, its permissions and the space on its disk",
                   v->db.path, sqlite3_errmsg(v->db.db));
}

static int make_room(struct venue *v, struct err *e)
{
    struct venue_auctions *x = &v->auctions;
    if (x->n + 1 < x->room)
        return 0;
    uint32_t room = x->room ? 2 * x->room : ROOM_MIN;
    struct venue_auction *p = realloc(x->at, room * sizeof *p);
    if (!p)
        return err_set(e, "venue: out of memory for %u auctions", room);
    x->at = p;
    x->room = room;
    return told_room(&x->told, room, e);
}

int lots_put(struct venue *v, const struct venue_auction *x, struct err *e)
{
    uint8_t buf[LOT_BYTES];
    struct wcur c = wcur_of(buf, sizeof buf);
    size_t n = auction_encode(&x->a, buf, sizeof buf);
    if (n == 0)
        return err_set(e, "venue: auction %u cannot be encoded", x->a.id);
    (void)wcur_take(&c, n);
    put_i128(&c, x->lent);
    put_u64(&c, x->rival);
    sqlite3_stmt *st = v->db.st[VDB_PUT_AUCTION];
    sqlite3_bind_int64(st, 1, x->a.id);
    sqlite3_bind_int64(st, 2, (sqlite3_int64)v->auctions.told.seq + 1);
    sqlite3_bind_blob(st, 3, buf, (int)wcur_done(&c), SQLITE_STATIC);
    int rc = sqlite3_step(st), rst = sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st);
    return rc == SQLITE_DONE && rst == SQLITE_OK ? make_room(v, e) : fail(v, e);
}

int lots_post(struct venue *v, const struct order_key *k, struct err *e)
{
    char name[LEDGER_NAME_LEN];
    for (unsigned i = 0; i < v->settlement.n; i++) {
        const struct flow *f = &v->settlement.flow[i];
        venue_token_name(&v->s.book.market, (uint16_t)f->instrument, name);
        if (venue_db_post(&v->db, k, name, f->party, f->amount, e))
            return -1;
    }
    return 0;
}

static int damaged(struct venue *v, uint32_t id, struct err *e)
{
    return err_set(e, "venue state %s: auction %u is damaged; restore it from a copy", v->db.path, id);
}

static int take_row(struct venue *v, sqlite3_stmt *st, struct err *e)
{
    struct venue_auctions *x = &v->auctions;
    const struct market *m = &v->s.book.market;
    struct venue_auction *y;
    const uint8_t *blob = sqlite3_column_blob(st, 1);
    if (!blob || sqlite3_column_bytes(st, 1) != LOT_BYTES)
        return damaged(v, x->n + 1, e);
    if (make_room(v, e))
        return -1;
    y = &x->at[x->n];
    struct rcur c = rcur_of(blob + AUCTION_BYTES, LOT_BYTES - AUCTION_BYTES);
    if (auction_decode(blob, AUCTION_BYTES, &y->a) || y->a.id != ++x->n || y->a.coll >= m->n_instruments ||
        y->a.debt >= m->n_instruments)
        return damaged(v, x->n, e);
    y->lent = get_i128(&c);
    y->rival = get_u64(&c);
    y->rival_at = UINT64_MAX;
    return 0;
}

int lots_load(struct venue *v, struct err *e)
{
    sqlite3_stmt *st;
    if (make_room(v, e))
        return -1;
    if (sqlite3_prepare_v2(v->db.db, "SELECT id, state FROM auction ORDER BY id", -1, &st, NULL) != SQLITE_OK)
        return fail(v, e);
    int rc, bad = 0;
    while (!bad && (rc = sqlite3_step(st)) == SQLITE_ROW)
        bad = take_row(v, st, e);
    sqlite3_finalize(st);
    if (bad || rc != SQLITE_DONE)
        return bad ? -1 : fail(v, e);
    if (sqlite3_prepare_v2(v->db.db, "SELECT id, seq FROM auction ORDER BY seq", -1, &st, NULL) != SQLITE_OK)
        return fail(v, e);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        told_mark(&v->auctions.told, (uint32_t)sqlite3_column_int64(st, 0) - 1,
                  (uint64_t)sqlite3_column_int64(st, 1));
    sqlite3_finalize(st);
    return rc == SQLITE_DONE ? 0 : fail(v, e);
}
