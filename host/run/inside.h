// SPDX-License-Identifier: Apache-2.0
// Inside of the session only: state shared by session.c (frames, orders, time) and updates.c (states and
// parameters that are told between prices).
#ifndef TRIPLINE_RUN_INSIDE_H
#define TRIPLINE_RUN_INSIDE_H

#include "accounts/store.h"
#include "run/session.h"

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
    struct audit audit;
    struct session_counters count;
    uint8_t *reason; // by account
    // Holds and times of prices, asked of the oracle once for each call of the engine: nothing changes them
    // meanwhile.
    struct {
        bool known;
        enum hold hold;
        uint64_t age; // of the price, ns
    } held[MARKET_ASSETS_MAX];
    uint64_t oldest;   // age of the oldest price among them
    uint64_t now_ns;   // stream time
    uint64_t heard_ns; // latest time that a frame told, also of those that are not logged
    int failed;
    struct err why;

    // the frame at work
    const uint8_t *frame;
    uint64_t frame_ns;
    size_t frame_len;
    bool frame_logged;
    uint64_t t_frame, t_prices, t_check; // TSC ticks; 0 = not reached in this frame
    bool submitted;
    struct hist stage[STAGE_COUNT];
    struct hist cycles;
    uint8_t scratch[MARKET_BYTES_MAX];
    struct account account; // unpacked from the book
    size_t accounts_max;    // new accounts are taken up to so many
    struct market next;     // scratch of session_market(): the new parameters, then those before
};

// session.c
uint64_t session_put(struct session *s, enum journal_type type, const void *a, size_t na, const void *b,
                     size_t nb);
// Before an input that may let an order go: the time of frames that were not logged is logged.
void session_catch_up(struct session *s);
// Brings what moves with time alone to stream time. True when flagged accounts are worth another look for it.
bool session_tell_time(struct session *s);
// The engine is about to be called: what is known of holds, and what was sized ahead, may be another.
void session_forget(struct session *s);
// Takes the engine's answer: a failure stays with the session; else the audit looks at everything.
void session_check(struct session *s, int rc);
int session_verdict(const struct session *s, struct err *e);

// updates.c
// An account's state that no order brought (ORDER_STATE), logged already.
void session_state(struct session *s, const struct account *a);

#endif
