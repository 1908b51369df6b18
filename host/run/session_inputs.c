// SPDX-License-Identifier: Apache-2.0
// A session's inputs: frames, replies, times and the kill switch, each logged before what follows from it,
// and the prices that they bring to the engine.
#include "run/inside.h"

#include "base/bytes.h"
#include "base/warm.h"

enum { CLOCK_STEP_NS = 100000000 }; // stream time follows frames of no interest at least this closely

// ---- the feed's hooks, and what they bring to the engine

void session_advance(struct session *s, uint64_t ns)
{
    if (ns > s->now_ns)
        s->now_ns = ns;
}

// The frame at work has an effect: it will be in the log. Stream time moves with logged inputs only: a replay
// knows no others.
static inline void take_frame(struct session *s)
{
    if (s->frame_taken)
        return;
    s->frame_taken = true;
    session_advance(s, s->frame_ns);
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct session *s = ctx;
    take_frame(s);
    bool updated = oracle_msg(s->oracle, p, m);
    if (updated && !p->used)
        feed_use(s->feed, p);
}

void session_check(struct session *s, int rc)
{
    if (rc != 0)
        s->failed = -1;
    else if (s->looks)
        session_look_all(s);
}

void session_forget(struct session *s)
{
    s->asked++;
    s->oldest = 0;
    s->predicted.known = false;
    desk_ahead_forget(s->desk);
}

bool session_tell_time(struct session *s)
{
    session_forget(s);
    int rc = s->failed ? 0 : engine_time(s->engine, s->now_ns, &s->why);
    if (rc < 0)
        s->failed = -1;
    return rc > 0;
}

void session_apply(struct session *s, const struct price_change *changed, size_t n, bool review)
{
    struct engine_price group[MARKET_ASSETS_MAX];
    for (size_t i = 0; i < n; i++)
        group[i] = (struct engine_price){changed[i].asset, changed[i].price};
    review |= session_tell_time(s);
    if (s->failed)
        return;
    if (n)
        session_check(s, engine_group(s->engine, group, n, oracle_prices(s->oracle), &s->why));
    else if (review && engine_watching(s->engine))
        session_check(s, engine_review(s->engine, &s->why));
    if (n && s->ahead.n && !s->failed) // without new prices the input may be in no log
        next_review(s);
    if (s->bids)
        session_bids_run(s, changed, n);
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct session *s = ctx;
    struct price_change changed[MARKET_ASSETS_MAX];
    bool touched;
    take_frame(s);
    size_t n = oracle_end(s->oracle, p, s->now_ns, changed, &touched);
    if (s->failed)
        return;
    stamp(s, STAMP_DECODED, clock_ticks());
    if (s->first && n) {
        s->decoded = true;
        s->stamps.at[STAMP_SUBMITTED] = 0; // those before were of packets without prices
    }
    session_apply(s, changed, n, touched);
    s->first &= n == 0; // a frame may set free others that waited: the first group is measured
    if (s->first)
        s->stamps.at[STAMP_DECODED] = 0;
}

// Time alone may change a price (a mean over a window) or a hold.
static void on_time(struct session *s)
{
    struct price_change changed[MARKET_ASSETS_MAX];
    bool touched;
    size_t n = oracle_time(s->oracle, s->now_ns, changed, &touched);
    if (!s->failed)
        session_apply(s, changed, n, true);
}

// ---- inputs

int session_verdict(const struct session *s, struct err *e)
{
    return s->failed ? err_set(e, "%s", s->why.msg) : 0;
}

// Frames of no interest tell the time too. It becomes an input of its own once it matters: before what may
// let an order go, and when nothing else has moved stream time for a while (a price becomes stale, the window
// of a limit slides).
void session_catch_up(struct session *s)
{
    struct err e;
    if (s->heard_ns > s->now_ns)
        (void)session_clock(s, s->heard_ns, &e); // a failure stays with the session
}

int session_frame(struct session *s, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen,
                  struct err *e)
{
    enum { PREFETCHED = 256 }; // the front of the frame: its headers and first messages
    const struct feed_sink sink = {s, on_msg, on_end};
    if (ts_ns >= s->heard_ns)
        s->heard_ns = ts_ns;
    else
        session_catch_up(
            s); // the time heard before goes into the log on its own: this frame does not tell it
    s->frame = data;
    s->frame_ns = ts_ns;
    s->frame_len = caplen;
    s->frame_taken = s->frame_logged = false;
    warm(data, caplen < PREFETCHED ? caplen : PREFETCHED);
    begin_stamps(s);
    // Whatever the arbiter has seen may decide what it does later, so it is in the log, copies included.
    if (feed_frame(s->feed, ts_ns, data, caplen, wirelen, &sink) == DROP_NONE)
        take_frame(s);
    log_frame(s);
    s->frame_taken = s->frame_logged = true;
    end_stamps(s);
    s->frame = NULL;
    if (s->heard_ns - s->now_ns >= CLOCK_STEP_NS || (!s->cfg.polled && feed_due(s->feed, s->heard_ns)))
        session_catch_up(s);
    return session_verdict(s, e);
}

int session_reply(struct session *s, const struct order_reply *r, struct err *e)
{
    session_catch_up(s);
    if (s->failed)
        return session_verdict(s, e);
    size_t n = reply_encode(r, s->scratch, sizeof s->scratch);
    if (n == 0)
        return err_set(e, "a reply of status %u that has no encoding", r->status);
    session_put(s, J_REPLY, s->scratch, n, NULL, 0);
    if (r->sent_after_ns)
        hist_record(&s->stage[r->waited ? STAGE_SEND_COLD : STAGE_SEND], r->sent_after_ns);
    if (r->status == ORDER_STATE) {
        session_state(s, &r->account);
        return session_verdict(s, e);
    }
    if (session_bids_reply(s, r))
        return session_verdict(s, e);
    session_book(s, r);
    size_t account = desk_reply(s->desk, r);
    if (account == SIZE_MAX)
        return session_verdict(s, e);
    (void)session_tell_time(s); // the next update looks at what is flagged
    if (s->failed)
        return session_verdict(s, e);
    if (r->status == ORDER_FILLED || (r->status == ORDER_MINED && r->mined.success))
        session_account_changed(s, account);
    else
        engine_order_ended(s->engine, account);
    return session_verdict(s, e);
}

int session_kill(struct session *s, bool on, struct err *e)
{
    uint8_t what = on;
    if (on == desk_killed(s->desk))
        return 0;
    if (!on) // the look that comes with the time would let orders go, past the switch
        session_catch_up(s);
    if (s->failed)
        return session_verdict(s, e);
    session_put(s, J_CONTROL, &what, 1, NULL, 0);
    desk_kill(s->desk, on);
    if (!on) {
        oracle_resume(s->oracle);
        session_bids_resume(s);
        on_time(s);
    }
    return session_verdict(s, e);
}

// An input that is a time: logged, and stream time is not before it any more.
static void take_time(struct session *s, enum journal_type type, uint64_t ns)
{
    uint8_t ts[8];
    le64_store(ts, ns);
    session_put(s, type, ts, sizeof ts, NULL, 0);
    session_advance(s, ns);
    if (s->heard_ns < ns)
        s->heard_ns = ns;
}

int session_clock(struct session *s, uint64_t now_ns, struct err *e)
{
    const struct feed_sink sink = {s, on_msg, on_end};
    if (now_ns <= s->now_ns)
        return 0;
    take_time(s, J_CLOCK, now_ns);
    feed_time(s->feed, now_ns, &sink); // what was kept and is due
    on_time(s);
    return session_verdict(s, e);
}

int session_read(struct session *s, uint64_t until_ns, struct err *e)
{
    const struct feed_sink sink = {s, on_msg, on_end};
    take_time(s, J_READ, until_ns);
    feed_read(s->feed, until_ns, &sink);
    on_time(s);
    return session_verdict(s, e);
}
