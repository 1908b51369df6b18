// SPDX-License-Identifier: Apache-2.0
// Inside of the session only: state shared by session.c (life, holds, orders), session_inputs.c (frames,
// replies, time), measure.c (latency), updates.c (states, parameters and prices that are told) and pairs.c
// (accounts that are there twice).
#ifndef TRIPLINE_RUN_INSIDE_H
#define TRIPLINE_RUN_INSIDE_H

#include "accounts/pair.h"
#include "accounts/store.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "oracle/told.h"
#include "run/expect.h"
#include "run/session.h"

// A breached account that got no order: the reason is counted once, when it changes.
// CLEAR on top of it: no hold, as on_stake() found for the on_breach() that follows. PREDICTED: an odd
// account's breach, counted.
enum { WHY_NONE = 0, WHY_HOLD = 1, WHY_DESK = 32, WHY_PREDICTED = 127, WHY_CLEAR = 128 };

enum { SESSION_LAPSES = 64, NEXT_KEPT_MAX = 1024 };

struct session {
    struct session_config cfg;
    struct book *book;
    struct gateway *gw;
    struct session_log log;
    struct feed *feed;
    struct oracle *oracle;
    struct engine *engine;
    struct desk *desk;
    struct device *dev;
    bool audited;
    bool looks;  // after an update: audited, or margin calls are asked for
    bool staged; // the desk has a policy of stages
    struct audit audit;
    struct session_counters count;
    uint8_t *reason; // by account
    // Holds and times of prices, asked of the oracle once for each call of the engine: nothing changes them
    // meanwhile.
    struct {
        uint64_t asked; // known since session.asked was this
        enum hold hold;
        uint64_t age; // of the price, ns
    } held[MARKET_ASSETS_MAX];
    uint64_t rehearsed; // calls of session_warm() after a group
    uint64_t asked;     // calls of the engine so far, and one
    uint64_t oldest;    // age of the oldest price among them
    uint64_t now_ns;    // stream time
    uint64_t heard_ns;  // latest time that a frame told, also of those that are not logged
    int failed;
    struct err why;

    // the frame at work
    const uint8_t *frame; // NULL: none is
    uint64_t frame_ns;
    size_t frame_len;
    bool frame_taken;  // it had an effect, or may have one later
    bool frame_logged; // so it is in the log
    // What is measured. Stamps are taken on the way, histograms filled when the frame is done, when there is
    // no more room for what was taken, and at once of what is no frame's.
    struct frame_stamps stamps;
    uint64_t arrived; // of the next frame, 0 = when it is handed over
    bool first;       // the frame's first group is under way, or still to come
    bool decoded;     // it had prices
    uint64_t t_check; // the exact rule was about to be asked
    struct {
        uint64_t ticks;
        uint8_t stage;
    } lapse[SESSION_LAPSES];
    size_t n_lapses;
    struct hist stage[STAGE_COUNT];
    struct hist cycles;
    uint8_t scratch[MARKET_BYTES_MAX];
    struct account account; // unpacked from the book
    size_t accounts_max;    // new accounts are taken up to so many
    struct market next;     // scratch of session_market(): the new parameters, then those before

    // paired books (accounts/pair.h)
    bool paired;
    struct pairing pair;
    bool *near;         // by account: within the warning distance
    struct account odd; // scratch: the odd one of an account
    // Prices with each deciding asset at its predicting one's.
    struct {
        bool known;
        int64_t px[MARKET_ASSETS_MAX];
    } predicted;

    struct told_group told; // scratch of session_input()
    struct session_money money;
    struct {
        int64_t px[MARKET_ASSETS_MAX]; // of next_prices()
        uint32_t kept[NEXT_KEPT_MAX];  // pairs whose order is kept for what may be told next, near or not
        size_t n, at;
    } ahead;
    struct session_books *books; // NULL: without depth
    struct expect expect;        // of prices and orders, with predict
    struct bids *bids;           // NULL: auctions are not followed
    struct calls *calls;         // NULL: no margin calls
};

// The frame at work goes into the log before whatever else does and before any order, and at the latest when
// it is done: the log's order is that of cause and effect, and what it costs to copy a frame comes behind the
// device's commands.
static inline void log_frame(struct session *s)
{
    if (!s->frame_taken || s->frame_logged)
        return;
    uint8_t ts[8];
    s->frame_logged = true;
    le64_store(ts, s->frame_ns);
    s->log.put(s->log.ctx, J_FRAME, ts, sizeof ts, s->frame, s->frame_len);
}

static inline uint64_t session_put(struct session *s, enum journal_type type, const void *a, size_t na,
                                   const void *b, size_t nb)
{
    log_frame(s);
    return s->log.put(s->log.ctx, type, a, na, b, nb);
}

// session.c
// P5: the first hold among the assets the account depends on, and the age of its oldest price.
enum hold session_hold(struct session *s, size_t account, uint64_t *oldest_age);
// The accounts' states as an order's reply or a told state has left them in the book: to the engine.
void session_account_changed(struct session *s, size_t account);

// updates.c. A state that no order of ours brought; refused when it would be one account more than `most`.
void session_told(struct session *s, const struct account *a, size_t most);

// session_inputs.c
// Before an input that may let an order go: the time of frames that were not logged is logged.
void session_catch_up(struct session *s);
// Brings what moves with time alone to stream time. True when flagged accounts are worth another look for it.
bool session_tell_time(struct session *s);
// The engine is about to be called: what is known of holds, and what was sized ahead, may be another.
void session_forget(struct session *s);
// Takes the engine's answer: a failure stays with the session; else the audit looks at everything.
void session_check(struct session *s, int rc);
int session_verdict(const struct session *s, struct err *e);
// Stream time never runs backwards, whatever a capture says.
void session_advance(struct session *s, uint64_t ns);
// The prices of one group, or, where there are none, another look at what waits: a hold may have ended.
void session_apply(struct session *s, const struct price_change *changed, size_t n, bool review);

// updates.c
// An account's state that no order brought (ORDER_STATE), logged already.
void session_state(struct session *s, const struct account *a);
// What a transaction has brought and cost (ORDER_MINED), or not after all (ORDER_UNDONE); other replies
// nothing.
void session_book(struct session *s, const struct order_reply *r);

// session_calls.c
int session_calls_open(struct session *s, struct err *e);
// With s->looks. Prices, or an account, have changed: the audit, and margin calls.
void session_look_all(struct session *s);
// session_books.c
// After the desk is there: it asks for the feed's books, where its depth says so. 0, or -1 with *e set.
int session_books_open(struct session *s, struct err *e);
void session_books_free(struct session *s);
// session_bids.c
int session_bids_open(struct session *s, struct err *e);
void session_bids_room(struct session *s);   // the gateway holds orders and bids: so many fewer orders
void session_bids_resume(struct session *s); // what is followed is planned anew
// With s->bids. Prices have changed, or time has.
void session_bids_run(struct session *s, const struct price_change *changed, size_t n);
int session_auction(struct session *s, const uint8_t *data, size_t n, struct err *e); // J_AUCTION
// What a reply, logged already, says of auctions. True: it is a bid's, and there is no more to it.
bool session_bids_reply(struct session *s, const struct order_reply *r);

// pairs.c; of a paired book only
// Is the book paired, and in its order? 0, or -1 with *e set: its market is, and it is not.
int pairs_open(struct session *s, struct err *e);
static inline size_t pairs_even(size_t account) // of either one
{
    return account & ~(size_t)1;
}
// Of a paired book's account: the one that the other predicts.
static inline bool is_odd(const struct session *s, size_t account)
{
    return s->paired && account != pairs_even(account);
}
// The exact rule says that the odd account may be liquidated: predicted of its even one.
enum engine_verdict pairs_breach(struct session *s, size_t odd);
void pairs_near(struct session *s, size_t account, bool on);
// ORDER_STATE.
void pairs_state(struct session *s, const struct account *a);
// The even account has a new state in the book, which the engine knows: the odd one gets it too.
void pairs_follow(struct session *s, size_t even);

// next.c; with predict
// engine_hooks.expected.
int64_t next_value(struct session *s, size_t account, const struct row *r, int64_t h, const uint64_t *phat);
// The rest of a paired book only.
// P(breach) of an even account whose row comes to h: the most that the candidates of one of its prices make
// of it, 2^-32.
uint64_t next_breach(const struct session *s, const struct row *r, int64_t h, const uint64_t *phat);
bool next_wanted(const struct session *s); // does the session make orders for what is told next?
// The told prices with the likeliest next one at which the even account may be liquidated; NULL: none as
// likely as predict_keep_ppm says. Good until the next call.
const int64_t *next_prices(struct session *s, size_t even);
// Nobody of the pair is near any more: its order is retired, or kept for what may be told next.
void next_keep(struct session *s, size_t even);
void next_review(struct session *s); // a few of those that are kept, after the orders of a group

// measure.c
void record_lapses(struct session *s);
void begin_stamps(struct session *s); // a frame is handed over
void end_stamps(struct session *s);   // all that follows from it is done
static inline void took(struct session *s, enum stage st, uint64_t from, uint64_t to)
{
    if (from == 0 || to < from)
        return;
    s->lapse[s->n_lapses].ticks = to - from;
    s->lapse[s->n_lapses++].stage = (uint8_t)st;
    if (s->n_lapses == SESSION_LAPSES || !s->frame)
        record_lapses(s);
}

// A point that the frame's first group reaches for the first time.
static inline void stamp(struct session *s, enum stamp p, uint64_t ticks)
{
    if (s->first && s->stamps.at[p] == 0)
        s->stamps.at[p] = ticks;
}

#endif
