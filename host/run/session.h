// SPDX-License-Identifier: Apache-2.0
// One session: feed → oracle → engine → device → confirm → desk → gateway, with everything it is told and
// does put into a log. `run` feeds it from ports and the venue, `replay` from a journal; it cannot tell the
// two apart, which is why a replay is exact. Runs on the hot thread; no lock, allocation or system call after
// session_new(). A paired book (accounts/pair.h, docs/pairs.md) is told by its market; states and replies are
// of its even accounts.
#ifndef TRIPLINE_RUN_SESSION_H
#define TRIPLINE_RUN_SESSION_H

#include "base/hist.h"
#include "exec/gateway.h"
#include "feed/feed.h"
#include "journal/journal.h"
#include "oracle/oracle.h"
#include "run/audit.h"
#include "run/bids.h"
#include "run/config.h"
#include "run/stamps.h"

// Where records go. Inputs (J_FRAME, J_CLOCK, J_READ, J_CONTROL, J_REPLY, J_TOLD, J_EXITS, ...) are put
// before their effects; a frame and the commands that follow from it only when the device has been given the
// commands, before any event is taken or any order leaves.
struct session_log {
    void *ctx;
    uint64_t (*put)(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb);
};

// Host stages, in nanoseconds by the TSC (P7: measured). The device's own time is in none of the first five;
// those from TO_COMMAND on are whole ways and hold whatever was waited for, a software device's work
// included, but of a simulated device the time that simulating took, which says nothing. Of each frame the
// first group.
enum stage {
    STAGE_DECODE,     // frame handed over by the port -> prices of its group known
    STAGE_SUBMIT,     // prices known -> first command beat handed to the device
    STAGE_CONFIRM,    // flag taken up -> the exact rule has confirmed it
    STAGE_SIZE,       // confirmed -> its order is sized and waits for its turn
    STAGE_ORDER,      // its turn -> order handed to the gateway
    STAGE_SEND,       // handed over -> last byte written to the venue's socket; its bytes were on disk
    STAGE_SEND_COLD,  // the same for orders that had to wait for the disk (both by CLOCK_MONOTONIC)
    STAGE_TO_COMMAND, // frame in the ring (session_arrived(), else handed over) -> first command beat handed
                      // over
    STAGE_TO_FLAG,    // frame in the ring -> first flag seen
    STAGE_TO_ORDER,   // frame in the ring -> order that was ready handed to the gateway, each
    STAGE_TO_COLD,    // frame in the ring -> order made at the trigger handed to the gateway, each
    STAGE_TO_DONE,    // frame in the ring -> all that follows from it done, a look at what is near included
    STAGE_COUNT
};
const char *stage_name(enum stage s);
// Whether the device's work lies inside: of a simulated one that is the time that simulating takes, which is
// nobody's latency.
static inline bool stage_holds_device(enum stage s)
{
    return s > STAGE_TO_COMMAND;
}

struct session_counters {
    uint64_t held[HOLD_COUNT];                   // accounts that came under each hold while breached (P5)
    uint64_t refused_by_desk[DESK_ANSWER_COUNT]; // accounts for which the desk gave this answer
    uint64_t markets[2];                         // parameters told: taken, refused
    uint64_t
        unpaired;  // states refused: not of an even account, or with positions in copies (accounts/pair.h)
    uint64_t kept; // times that an order was kept for what may be told next, nobody being near
    uint64_t predicted[2];  // breaches of odd accounts; orders on predicted prices
    uint64_t tick_triggers; // triggers with cause TICK, i.e. with a tick-to-trigger latency
};

// What transactions have brought and cost (ORDER_MINED), less what was taken back (ORDER_UNDONE).
struct session_money {
    i128 profit[MARKET_INSTRUMENTS_MAX]; // by instrument, token units
    i128 gas_wei, paid_wei;              // for gas; to the blocks' makers beside that
    int64_t mined, reverted;             // transactions in a block, with effect and without
    uint64_t undone;
};

struct session;
// Everything handed in stays the caller's. audit: brute-force check of every update (P1, P2).
struct session *session_new(const struct session_config *c, struct book *book, struct device *dev,
                            struct gateway *gw, const struct session_log *log, bool audit, struct err *e);
void session_free(struct session *s);
// Journal header, market, policy file and accounts: the start of a session in the log.
int session_begin(struct session *s, struct err *e);
// After a crash: keys of this account and epoch up to `revision` are used up. Between session_begin() and the
// first input. Unknown account ids are ignored (the account is gone from the store).
void session_restore(struct session *s, uint32_t account_id, uint32_t epoch, uint32_t revision);
// Value handed over by earlier sessions of the journal; counts towards the limit on the whole run.
void session_spent(struct session *s, int64_t value_e8);
// Paid in auctions by earlier sessions, open bids included; counts towards auction_total_e8.
void session_budget(struct session *s, int64_t paid_e8);
// An account's stage of liquidation before this session (J_STAGED, exec/stages.h). 0, or -1 with *e set.
uint32_t session_stages(const struct session *s); // enum stages_policy
int session_restage(struct session *s, const uint8_t *data, size_t n, struct err *e);
// The margin calls that an account had before this session (J_CALLED): it is not called again for them.
int session_recall(struct session *s, const uint8_t *data, size_t n, struct err *e);
const struct calls *session_calls(const struct session *s); // NULL: none are asked for
const struct desk_counters *session_desk_counters(const struct session *s);
// Inputs. 0, or -1 with *e set: the session must stop. Every frame that a protocol takes is logged, copies of
// the other line included: they decide how long the feed waits for what is missing. A frame that the feed
// drops is not; the time it tells goes into the log as J_CLOCK before it can decide anything. ts_ns is when
// the frame came; its prices are as old as that, also when stream time is further on already.
int session_frame(struct session *s, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen,
                  struct err *e);
int session_reply(struct session *s, const struct order_reply *r, struct err *e);
// Instruments' parameters are new from here on: `next` is the whole market (market_follows). One that does
// not follow, or that some account would not be valid in, is refused and counted: the old parameters stay.
int session_market(struct session *s, const struct market *next, struct err *e);
// ORDER_INPUT: a record of prices told by a chain's oracle (J_TOLD), of ways out (J_EXITS), or of an auction
// (J_AUCTION; one that is known already, or when none is followed, is not logged). One that does
// not decode, or names what the market does not have, is an error: the session's caller made it.
int session_input(struct session *s, enum journal_type type, const uint8_t *data, size_t n, struct err *e);
int session_kill(struct session *s, bool on, struct err *e); // off: also ends every HOLD_HALT of the oracle
int session_clock(struct session *s, uint64_t now_ns, struct err *e); // stream time moved without a packet
// Ports that are polled (session_config.polled): every frame that came before until_ns has been given.
int session_read(struct session *s, uint64_t until_ns, struct err *e);
// Nothing to do just now: up to so many accounts are looked at whose boxes move (docs/scale.md). Logged when
// there are.
int session_idle(struct session *s, uint32_t accounts, struct err *e);
// What the next frame will need before its commands leave is fetched into the cache: what is done for
// accounts by the dozen puts it out, and what a flag would need is gone over now and then. Changes nothing
// that counts; to be called when frames have been taken and none is known to wait. session_idle() does it
// itself when it has done something.
void session_warm(struct session *s);
// Whether packets wait for others that are missing and will not be waited for any longer at until_ns:
// session_clock(), or where ports are polled session_read(), then lets them go.
bool session_due(const struct session *s, uint64_t until_ns);

const struct feed *session_feed(const struct session *s);
const struct oracle *session_oracle(const struct session *s);
const struct engine *session_engine(const struct session *s);
struct desk *session_desk(struct session *s);
const struct bids *session_bids(const struct session *s);   // NULL: auctions are not followed
uint64_t session_outstanding(const struct session *s);      // orders and bids that await their replies
const struct audit *session_audit(const struct session *s); // NULL without audit
const struct session_counters *session_counters(const struct session *s);
const struct session_money *session_money(const struct session *s);
const struct hist *session_stage(const struct session *s, enum stage st);
// Where latency is measured. The next frame has been in the ring since `ticks` (clock_ticks(); once, for that
// frame alone).
void session_arrived(struct session *s, uint64_t ticks);
// Of the last frame; stays until the next one.
const struct frame_stamps *session_stamps(const struct session *s);
// Empties all histograms: what came before was warm-up.
void session_measure_anew(struct session *s);
const struct hist *session_cycles(const struct session *s); // tick-to-trigger, device cycles

#endif
