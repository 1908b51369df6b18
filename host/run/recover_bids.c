// SPDX-License-Identifier: Apache-2.0
#include "run/recover_bids.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"

static int on_bid(struct bids_scan *s, const struct journal_record *rec, struct err *e)
{
    struct bid b;
    if (bid_decode(rec->data, rec->len, &b) != 0)
        return err_set(e, "bid ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    if (s->n == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        struct open_bid *p = realloc(s->open, room * sizeof *p);
        if (!p)
            return err_set(e, "out of memory");
        s->open = p;
        s->room = room;
    }
    s->open[s->n++] = (struct open_bid){b.key, b.value_e8};
    s->paid_e8 = auction_sum_e8(s->paid_e8, b.value_e8);
    bids_scan_restore(s, b.key.revision);
    return 0;
}

int bids_scan_record(struct bids_scan *s, const struct journal_record *rec, struct err *e)
{
    if (rec->type == J_BID)
        return on_bid(s, rec, e);
    if (rec->len != 8)
        return err_set(e, "budget record of %u bytes", rec->len);
    s->paid_e8 = (int64_t)le64_load(rec->data);
    return 0;
}

// Bids are few at a time: what is open lies at the end.
void bids_scan_reply(struct bids_scan *s, const struct order_reply *r)
{
    for (size_t i = s->n; i-- > 0;)
        if (order_key_cmp(&s->open[i].key, &r->key) == 0) {
            s->paid_e8 = auction_sum_e8(s->paid_e8, r->status == ORDER_TAKEN ? 0 : -s->open[i].value_e8);
            s->open[i] = s->open[--s->n];
            return;
        }
}

void bids_scan_restore(struct bids_scan *s, uint32_t revision)
{
    if (revision > s->revision)
        s->revision = revision;
}
