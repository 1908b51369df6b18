// SPDX-License-Identifier: Apache-2.0
#include "run/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/bytes.h"
#include "exec/gateway.h"

// Behind a message about a record that begins with another version byte than ours.
#define OTHER_VERSION "; another version of tripline wrote it: replay it with that one"

// What the session has put out and the journal has not been compared with yet.
struct expected {
    struct expected *next;
    uint8_t type;
    uint32_t len;
    uint8_t data[];
};

struct replay {
    const char *backend;
    bool audit;
    struct replay_result *out;
    struct session *session;
    struct device *device;
    struct gateway *gateway;
    struct session_config cfg;
    struct book book;
    char *policy; // text of J_POLICY, or NULL
    size_t policy_len;
    bool begun;
    bool have_market; // the one at the start of the segment: what follows are new parameters
    bool faulted; // the device of this segment reported a flipped bit: nothing more of it is fed or compared
    uint64_t doubts; // mismatches since the newest input: a flipped bit shows before it is reported
    char doubt[256]; // the first of them
    struct expected *first, **last;
    bool out_of_memory;
};

static bool is_output(uint8_t type)
{
    return type == J_COMMANDS || type == J_EVENT || type == J_READY || type == J_ORDER || type == J_UNWORTH ||
           type == J_STAGE || type == J_BID || type == J_MARGIN_CALL;
}

// The session's log during a replay: outputs are kept for comparison, inputs it was just given are not.
static uint64_t expect(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    struct replay *r = ctx;
    if (!is_output((uint8_t)type))
        return 1;
    struct expected *x = malloc(sizeof *x + na + nb);
    if (!x) {
        r->out_of_memory = true;
        return 1;
    }
    x->next = NULL;
    x->type = (uint8_t)type;
    x->len = (uint32_t)(na + nb);
    memcpy(x->data, a, na);
    if (nb)
        memcpy(x->data + na, b, nb);
    *r->last = x;
    r->last = &x->next;
    return 1;
}

static void drop_first(struct replay *r)
{
    struct expected *x = r->first;
    r->first = x->next;
    if (!r->first)
        r->last = &r->first;
    free(x);
}

static void mismatch(struct replay *r, uint64_t lsn, const char *what)
{
    if (r->doubts++ == 0)
        (void)snprintf(r->doubt, sizeof r->doubt, "record ending at byte %" PRIu64 ": %s", lsn, what);
}

// All of an input's outputs have been seen: what differs does so for no reason that the journal gives.
static void settle(struct replay *r)
{
    if (r->doubts && r->out->mismatches == 0)
        memcpy(r->out->first, r->doubt, sizeof r->out->first);
    r->out->mismatches += r->doubts;
    r->doubts = 0;
}

static bool tells_fault(const struct journal_record *rec)
{
    struct beat b;
    struct abi_error x;
    if (rec->type != J_EVENT || rec->len != sizeof b)
        return false;
    memcpy(&b, rec->data, sizeof b);
    if (abi_opcode(&b) != ABI_EVT_ERROR)
        return false;
    abi_unpack_error(&b, &x);
    return x.code == ABI_ERR_PARITY;
}

static void drop_all(struct replay *r)
{
    while (r->first)
        drop_first(r);
}

static void compare(struct replay *r, const struct journal_record *rec)
{
    struct expected *x = r->first;
    r->out->commands += rec->type == J_COMMANDS ? rec->len / sizeof(struct beat) : 0;
    r->out->events += rec->type == J_EVENT;
    r->out->orders += rec->type == J_ORDER;
    if (!x) {
        mismatch(r, rec->lsn, "the journal has an output that the replay does not make");
        return;
    }
    if (x->type != rec->type || x->len != rec->len || memcmp(x->data, rec->data, rec->len) != 0)
        mismatch(r, rec->lsn, "the replay's output differs");
    drop_first(r);
}

// Closes a segment. Outputs left over are a mismatch only where the journal ended cleanly.
static void end_segment(struct replay *r, uint64_t lsn, bool clean)
{
    if (r->first && clean && !r->faulted)
        mismatch(r, lsn, "the replay makes an output that the journal does not have");
    settle(r);
    drop_all(r);
    if (r->session && r->audit) {
        const struct audit *a = session_audit(r->session);
        r->out->audit.updates += a->updates;
        r->out->audit.evaluations += a->evaluations;
        r->out->audit.breaches += a->breaches;
        r->out->audit.missed += a->missed;
        r->out->audit.unconfirmed_orders += a->unconfirmed_orders;
    }
    session_free(r->session);
    if (r->device)
        device_close(r->device);
    if (r->gateway)
        r->gateway->ops->close(r->gateway);
    book_free(&r->book);
    free(r->policy);
    r->policy = NULL;
    r->session = NULL;
    r->device = NULL;
    r->gateway = NULL;
    r->book = (struct book){0};
    r->begun = r->have_market = false;
    r->faulted = false;
}

static int add_account(struct replay *r, const struct journal_record *rec, struct err *e)
{
    static struct account account; // one replay at a time
    if (account_decode(rec->data, rec->len, &account) != rec->len)
        return err_set(e, "account record ending at byte %" PRIu64 " cannot be decoded%s", rec->lsn,
                       rec->len && !codec_known(*(const uint8_t *)rec->data) ? OTHER_VERSION : "");
    if (!r->book.packed && book_packed(&r->book, 0, e) != 0)
        return -1;
    return book_append(&r->book, &account, e);
}

static int keep_policy(struct replay *r, const struct journal_record *rec, struct err *e)
{
    free(r->policy);
    r->policy = malloc(rec->len + 1u);
    if (!r->policy)
        return err_set(e, "out of memory for a policy file of %u bytes", rec->len);
    memcpy(r->policy, rec->data, rec->len);
    r->policy_len = rec->len;
    return 0;
}

// The first input after the accounts: everything is known that a session needs.
static int begin(struct replay *r, struct err *e)
{
    r->cfg.policy_file = "policy file in the journal";
    r->cfg.policy = r->policy;
    r->cfg.policy_len = r->policy_len;
    struct device_config dc = {
        .backend = r->backend, .lanes = r->cfg.lanes, .slots = r->cfg.slots, .assets = r->cfg.assets};
    if (device_open(&dc, &r->device, e) != 0)
        return -1;
    const struct device_info *i = &r->device->info;
    if (i->lanes != r->cfg.lanes || i->slots != r->cfg.slots || i->assets != r->cfg.assets)
        return err_set(
            e, "the journal was written on a device of %u x %u rows and %u assets, %s has %u x %u and %u",
            r->cfg.lanes, r->cfg.slots, r->cfg.assets, i->backend, i->lanes, i->slots, i->assets);
    r->gateway = gateway_null_open();
    if (!r->gateway)
        return err_set(e, "out of memory for a gateway");
    const struct session_log log = {r, expect};
    r->session = session_new(&r->cfg, &r->book, r->device, r->gateway, &log, r->audit, e);
    r->begun = r->session != NULL;
    return r->begun ? 0 : -1;
}

static int decode_market(const struct journal_record *rec, struct market *m, struct err *e)
{
    return market_decode(rec->data, rec->len, m) == rec->len
               ? 0
               : err_set(e, "market record ending at byte %" PRIu64 " cannot be decoded%s", rec->lsn,
                         rec->len && !codec_known(*(const uint8_t *)rec->data) ? OTHER_VERSION : "");
}

static int feed_input(struct replay *r, const struct journal_record *rec, struct err *e)
{
    static struct order_reply reply; // 7 KiB; one replay at a time
    static struct market market;
    settle(r);
    if (!r->begun && begin(r, e) != 0)
        return -1;
    switch (rec->type) {
    case J_FRAME:
        if (rec->len < 8)
            return err_set(e, "frame record of %u bytes", rec->len);
        r->out->frames++;
        return session_frame(r->session, le64_load(rec->data), rec->data + 8, rec->len - 8, rec->len - 8, e);
    case J_CLOCK:
        return rec->len == 8 ? session_clock(r->session, le64_load(rec->data), e)
                             : err_set(e, "clock record of %u bytes", rec->len);
    case J_READ:
        return rec->len == 8 ? session_read(r->session, le64_load(rec->data), e)
                             : err_set(e, "read record of %u bytes", rec->len);
    case J_IDLE:
        return rec->len == 4 ? session_idle(r->session, le32_load(rec->data), e)
                             : err_set(e, "idle record of %u bytes", rec->len);
    case J_SPENT:
        if (rec->len != 8)
            return err_set(e, "spent record of %u bytes", rec->len);
        session_spent(r->session, (int64_t)le64_load(rec->data));
        return 0;
    case J_BUDGET:
        if (rec->len != 8)
            return err_set(e, "budget record of %u bytes", rec->len);
        session_budget(r->session, (int64_t)le64_load(rec->data));
        return 0;
    case J_RESTORE:
        if (rec->len != 12)
            return err_set(e, "restore record of %u bytes", rec->len);
        session_restore(r->session, le32_load(rec->data), le32_load(rec->data + 4), le32_load(rec->data + 8));
        return 0;
    case J_STAGED:
        return session_restage(r->session, rec->data, rec->len, e);
    case J_CALLED:
        return session_recall(r->session, rec->data, rec->len, e);
    case J_CONTROL:
        return rec->len == 1 ? session_kill(r->session, rec->data[0] != 0, e)
                             : err_set(e, "control record of %u bytes", rec->len);
    case J_MARKET:
        return decode_market(rec, &market, e) == 0 ? session_market(r->session, &market, e) : -1;
    case J_TOLD:
    case J_EXITS:
    case J_AUCTION:
        return session_input(r->session, (enum journal_type)rec->type, rec->data, rec->len, e);
    default:
        if (reply_decode(rec->data, rec->len, &reply) != 0)
            return err_set(e, "reply record ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
        r->out->replies++;
        return session_reply(r->session, &reply, e);
    }
}

// From the report of a flipped bit to the end of the segment.
static bool skipped(struct replay *r, const struct journal_record *rec)
{
    if (!r->faulted && tells_fault(rec)) {
        r->faulted = true;
        r->doubts = 0;
        r->out->faulted++;
        drop_all(r);
    }
    return r->faulted && rec->type != J_HEADER && rec->type != J_END;
}

static int take(struct replay *r, const struct journal_record *rec, struct err *e)
{
    r->out->records++;
    r->out->clean_end = rec->type == J_END;
    if (skipped(r, rec))
        return 0;
    switch (rec->type) {
    case J_HEADER:
        end_segment(r, rec->lsn, false);
        r->out->segments++;
        return config_parse((const char *)rec->data, rec->len, &r->cfg, e);
    case J_MARKET:
        if (r->have_market)
            return feed_input(r, rec, e);
        r->have_market = true;
        return decode_market(rec, &r->book.market, e);
    case J_ACCOUNT:
        return add_account(r, rec, e);
    case J_POLICY:
        return keep_policy(r, rec, e);
    case J_RESTORE:
    case J_SPENT:
    case J_STAGED:
    case J_CALLED:
    case J_AUCTION:
    case J_BUDGET:
    case J_FRAME:
    case J_CLOCK:
    case J_READ:
    case J_IDLE:
    case J_CONTROL:
    case J_TOLD:
    case J_EXITS:
    case J_REPLY:
        return feed_input(r, rec, e);
    case J_END:
        end_segment(r, rec->lsn, true);
        return 0;
    default:
        if (is_output(rec->type))
            compare(r, rec);
        return 0;
    }
}

int replay_journal(const char *path, const char *backend, bool audit,
                   bool (*progress)(void *ctx, double share), void *ctx, struct replay_result *out,
                   struct err *e)
{
    struct journal_reader *reader;
    struct replay r = {.backend = backend, .audit = audit, .out = out};
    struct journal_record rec;
    struct stat st;
    int rc;
    *out = (struct replay_result){0};
    r.last = &r.first;
    if (journal_reader_open(path, &reader, e) != 0)
        return -1;
    double size = stat(path, &st) == 0 && st.st_size > 0 ? (double)st.st_size : 1.0;
    while ((rc = journal_next(reader, &rec, e)) == 1) {
        if (take(&r, &rec, e) != 0 || r.out_of_memory) {
            rc = r.out_of_memory ? err_set(e, "out of memory") : -1;
            break;
        }
        if (progress && out->records % 4096 == 0 && !progress(ctx, (double)rec.lsn / size)) {
            rc = err_set(e, "stopped at byte %" PRIu64, rec.lsn);
            break;
        }
    }
    out->torn_bytes = journal_reader_torn(reader);
    end_segment(&r, 0, false);
    journal_reader_close(reader);
    return rc < 0 ? -1 : 0;
}
