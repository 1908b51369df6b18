// SPDX-License-Identifier: Apache-2.0
#include "run/recover.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "exec/desk.h"
#include "journal/journal.h"
#include "run/recover_bids.h"

// All that is known of one account while scanning.
struct entry {
    struct order_key newest; // last J_READY; account 0 = none
    struct order_key sent;   // last J_ORDER handed over
    bool newest_open, sent_open;
    bool sent_void; // it came to nothing: its value is not in spent_e8
    int64_t sent_value_e8;
    bool staged;
    struct staging stage; // the last J_STAGE, with what the replies made of it
    uint8_t called;       // levels of margin calls that it is below
};

struct scan {
    struct entry *at; // ascending by account id
    size_t n, room;
    int64_t spent_e8;
    size_t segments, first_accounts;
    struct bids_scan bids;
};

static struct entry *entry_of(struct scan *s, uint32_t account)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->at[mid].newest.account < account)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < s->n && s->at[lo].newest.account == account)
        return &s->at[lo];
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 256;
        struct entry *p = realloc(s->at, room * sizeof *p);
        if (!p)
            return NULL;
        s->at = p;
        s->room = room;
    }
    memmove(&s->at[lo + 1], &s->at[lo], (s->n - lo) * sizeof *s->at);
    s->n++;
    memset(&s->at[lo], 0, sizeof s->at[lo]);
    s->at[lo].newest.account = account;
    return &s->at[lo];
}

static int on_ready(struct scan *s, const struct journal_record *rec, struct err *e)
{
    struct order_key k;
    const uint8_t *bytes;
    size_t n;
    if (ready_record_decode(rec->data, rec->len, &k, &bytes, &n) != 0)
        return err_set(e, "ready order ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    struct entry *x = entry_of(s, k.account);
    if (!x)
        return err_set(e, "out of memory");
    x->newest = k;
    x->newest_open = true;
    return 0;
}

static int on_order(struct scan *s, const struct journal_record *rec, struct err *e)
{
    struct order_record o;
    if (order_record_decode(rec->data, rec->len, &o) != 0)
        return err_set(e, "order ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    if (o.answer != DESK_SENT)
        return 0;
    struct entry *x = entry_of(s, o.key.account);
    if (!x)
        return err_set(e, "out of memory");
    x->sent = o.key;
    x->sent_open = true;
    x->sent_void = false;
    x->sent_value_e8 = o.value_e8;
    s->spent_e8 += o.value_e8;
    return 0;
}

static int on_reply(struct scan *s, const struct journal_record *rec, struct err *e)
{
    static struct order_reply r;
    if (reply_decode(rec->data, rec->len, &r) != 0)
        return err_set(e, "reply ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    if (r.status == ORDER_STATE || r.key.account == 0) // no order's
        return 0;
    if (is_bid(&r.key)) {
        bids_scan_reply(&s->bids, &r);
        return 0;
    }
    // A chain's block that was undone: the transaction is looked for where it was logged (exec/evm/txlog.h),
    // and may still have its effect.
    bool undone = r.status == ORDER_UNDONE;
    bool took_place = undone || r.status == ORDER_FILLED || (r.status == ORDER_MINED && r.mined.success);
    struct entry *x = entry_of(s, r.key.account);
    if (!x)
        return err_set(e, "out of memory");
    if (x->staged && x->stage.open && x->stage.epoch == r.key.epoch && x->stage.revision == r.key.revision)
        stage_settled(&x->stage, took_place);
    if (order_key_cmp(&x->newest, &r.key) == 0)
        x->newest_open &= undone;
    if (order_key_cmp(&x->sent, &r.key) == 0) {
        if (x->sent_void == took_place)
            s->spent_e8 += took_place ? x->sent_value_e8 : -x->sent_value_e8;
        x->sent_void = !took_place;
        x->sent_open &= undone;
    }
    return 0;
}

// A restarted run has looked up what was open before it, and carries the revisions on.
static int on_restore(struct scan *s, const struct journal_record *rec, struct err *e)
{
    if (rec->len != 12)
        return err_set(e, "restore record of %u bytes", rec->len);
    if (le32_load(rec->data + 4) == BID_EPOCH) {
        bids_scan_restore(&s->bids, le32_load(rec->data + 8));
        return 0;
    }
    struct entry *x = entry_of(s, le32_load(rec->data));
    if (!x)
        return err_set(e, "out of memory");
    uint32_t epoch = le32_load(rec->data + 4), revision = le32_load(rec->data + 8);
    if (epoch > x->newest.epoch || (epoch == x->newest.epoch && revision > x->newest.revision)) {
        x->newest.epoch = epoch;
        x->newest.revision = revision;
        x->newest_open = false;
    }
    return 0;
}

static int on_stage(struct scan *s, const struct journal_record *rec, struct err *e)
{
    struct staging st;
    uint32_t account;
    if (stage_decode(rec->data, rec->len, &account, &st) != 0)
        return err_set(e, "stage ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    struct entry *x = entry_of(s, account);
    if (!x)
        return err_set(e, "out of memory");
    x->staged = true;
    x->stage = st;
    return 0;
}

static int on_call(struct scan *s, const struct journal_record *rec, struct err *e)
{
    struct call_record c;
    if (call_decode(rec->data, rec->len, &c) != 0)
        return err_set(e, "margin call ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    struct entry *x = entry_of(s, c.account);
    if (!x)
        return err_set(e, "out of memory");
    x->called = c.entered ? c.level : (uint8_t)(c.level - 1);
    return 0;
}

static int take(struct scan *s, const struct journal_record *rec, struct err *e)
{
    switch (rec->type) {
    case J_HEADER:
        s->segments++;
        return 0;
    case J_ACCOUNT:
        s->first_accounts += s->segments == 1;
        return 0;
    case J_READY:
        return on_ready(s, rec, e);
    case J_ORDER:
        return on_order(s, rec, e);
    case J_REPLY:
        return on_reply(s, rec, e);
    case J_RESTORE:
        return on_restore(s, rec, e);
    case J_STAGE:
    case J_STAGED:
        return on_stage(s, rec, e);
    case J_MARGIN_CALL:
    case J_CALLED:
        return on_call(s, rec, e);
    case J_BID:
    case J_BUDGET:
        return bids_scan_record(&s->bids, rec, e);
    case J_SPENT:
        if (rec->len != 8)
            return err_set(e, "spent record of %u bytes", rec->len);
        s->spent_e8 = (int64_t)le64_load(rec->data);
        return 0;
    default:
        return 0;
    }
}

static int collect(const struct scan *s, struct recover *out, struct err *e)
{
    out->account = calloc(s->n + 2, sizeof *out->account);
    out->open = calloc(2 * s->n + s->bids.n + 1, sizeof *out->open);
    out->stage = calloc(s->n + 1, sizeof *out->stage);
    out->called = calloc(s->n + 1, sizeof *out->called);
    if (!out->account || !out->open || !out->stage || !out->called)
        return err_set(e, "out of memory for %zu accounts", s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct entry *x = &s->at[i];
        out->account[out->n_accounts++] =
            (struct recover_account){x->newest.account, x->newest.epoch, x->newest.revision};
        if (x->staged)
            stage_encode(x->newest.account, &x->stage, out->stage[out->n_stages++]);
        if (x->called)
            call_encode(
                &(struct call_record){.account = x->newest.account, .level = x->called, .entered = true},
                out->called[out->n_called++]);
        if (x->newest_open)
            out->open[out->n_open++] = x->newest;
        if (x->sent_open && !(x->newest_open && order_key_cmp(&x->sent, &x->newest) == 0))
            out->open[out->n_open++] = x->sent;
    }
    for (size_t i = 0; i < s->bids.n; i++)
        out->open[out->n_open++] = s->bids.open[i].key;
    out->paid_e8 = s->bids.paid_e8;
    if (s->bids.revision) // of any auction: bids count on from there
        out->account[out->n_accounts++] = (struct recover_account){1, BID_EPOCH, s->bids.revision};
    return 0;
}

int recover_scan(const char *path, struct recover *out, struct err *e)
{
    struct journal_reader *reader;
    struct journal_record rec;
    struct scan s = {0};
    int rc;
    *out = (struct recover){0};
    if (journal_reader_open(path, &reader, e) != 0)
        return -1;
    while ((rc = journal_next(reader, &rec, e)) == 1) {
        out->clean_end = rec.type == J_END;
        if (take(&s, &rec, e) != 0) {
            rc = -1;
            break;
        }
    }
    journal_reader_close(reader);
    out->spent_e8 = s.spent_e8;
    out->first_accounts = s.first_accounts;
    if (rc == 0)
        rc = collect(&s, out, e);
    free(s.at);
    free(s.bids.open);
    if (rc != 0)
        recover_free(out);
    return rc;
}

void recover_free(struct recover *r)
{
    free(r->account);
    free(r->open);
    free(r->stage);
    free(r->called);
    *r = (struct recover){0};
}
