// SPDX-License-Identifier: Apache-2.0
// What a session puts first into its journal, what it carries over from before, and what may be read of it.
#include "accounts/book.h"
#include "base/bytes.h"
#include "run/inside.h"

int session_begin(struct session *s, struct err *e)
{
    char text[4096];
    size_t n = config_format(&s->cfg, text, sizeof text);
    if (n == 0)
        return err_set(e, "the settings do not fit a journal header");
    session_put(s, J_HEADER, text, n, NULL, 0);
    n = market_encode(&s->book->market, s->scratch, sizeof s->scratch);
    if (n == 0)
        return err_set(e, "the market does not fit a journal record");
    session_put(s, J_MARKET, s->scratch, n, NULL, 0);
    if (s->cfg.policy_len > JOURNAL_RECORD_MAX)
        return err_set(e, "%s: a policy file has at most %d bytes", s->cfg.policy_file, JOURNAL_RECORD_MAX);
    if (s->cfg.policy)
        session_put(s, J_POLICY, s->cfg.policy, s->cfg.policy_len, NULL, 0);
    for (size_t i = 0; i < s->book->n_accounts; i++) {
        n = account_encode(book_account(s->book, i, &s->account), s->scratch, sizeof s->scratch);
        if (n == 0)
            return err_set(e, "account %u does not fit a journal record", book_id(s->book, i));
        session_put(s, J_ACCOUNT, s->scratch, n, NULL, 0);
    }
    return 0;
}

void session_restore(struct session *s, uint32_t account_id, uint32_t epoch, uint32_t revision)
{
    uint8_t rec[12];
    le32_store(rec, account_id);
    le32_store(rec + 4, epoch);
    le32_store(rec + 8, revision);
    session_put(s, J_RESTORE, rec, sizeof rec, NULL, 0);
    if (epoch == BID_EPOCH) {
        if (s->bids)
            bids_restore(s->bids, revision);
        return;
    }
    size_t i = book_find(s->book, account_id);
    if (i != SIZE_MAX)
        desk_restore(s->desk, i, epoch, revision);
}

void session_spent(struct session *s, int64_t value_e8)
{
    uint8_t rec[8];
    le64_store(rec, (uint64_t)value_e8);
    session_put(s, J_SPENT, rec, sizeof rec, NULL, 0);
    desk_restore_spent(s->desk, value_e8);
}

int session_restage(struct session *s, const uint8_t *data, size_t n, struct err *e)
{
    struct staging st;
    uint32_t id;
    if (stage_decode(data, n, &id, &st) != 0)
        return err_set(e, "a stage of %zu bytes that cannot be decoded", n);
    session_put(s, J_STAGED, data, n, NULL, 0);
    size_t i = book_find(s->book, id);
    if (i != SIZE_MAX)
        desk_restore_stage(s->desk, i, &st);
    return 0;
}

const struct desk_counters *session_desk_counters(const struct session *s)
{
    return desk_counters(s->desk);
}
const struct feed *session_feed(const struct session *s)
{
    return s->feed;
}
const struct oracle *session_oracle(const struct session *s)
{
    return s->oracle;
}
const struct engine *session_engine(const struct session *s)
{
    return s->engine;
}
struct desk *session_desk(struct session *s)
{
    return s->desk;
}
uint32_t session_stages(const struct session *s)
{
    return s->cfg.desk.stages;
}
const struct audit *session_audit(const struct session *s)
{
    return s->audited ? &s->audit : NULL;
}
const struct session_counters *session_counters(const struct session *s)
{
    return &s->count;
}
bool session_due(const struct session *s, uint64_t until_ns)
{
    return feed_due(s->feed, until_ns);
}
