// SPDX-License-Identifier: Apache-2.0
// The order desk: sizes orders, keeps ready orders, applies limits and the kill switch, hands orders to the
// gateway, and applies replies. It decides whether a confirmed account gets an order; it never decides
// whether an account is checked. Runs on the hot thread: no lock, no allocation, no system call after
// desk_new(). Given the same calls in the same order it writes the same records (replay).
#ifndef TRIPLINE_EXEC_DESK_H
#define TRIPLINE_EXEC_DESK_H

#include "exec/exit/exit.h"
#include "exec/exit/slip.h"
#include "exec/gateway.h"
#include "exec/kick.h"
#include "exec/order.h"
#include "exec/stages.h"
#include "exec/unworth.h"

// Where the desk writes what must survive (live: journal_put2; replay: a comparison). put returns the
// record's LSN, or 0 when it could not be written: then the order in question does not leave.
struct desk_log {
    void *ctx;
    uint64_t (*put)(void *ctx, enum journal_type type, const void *data, size_t len);
};

// Lending orders by what they earn after everything (exec/exit/worth.h, docs/worth.md).
enum desk_worth { DESK_WORTH_OFF, DESK_WORTH_DIRECT, DESK_WORTH_FLASH };
enum { DESK_LEVELS_MAX = 4 };
struct desk_worth_config {
    uint32_t mode;        // enum desk_worth; OFF: sized by the rule, none of the rest counts
    uint32_t gas;         // units of a call without the sale
    uint32_t revert_gas;  // units burnt by a lost race
    uint32_t premium_bps; // of a flash loan
    struct {
        uint32_t share_ppm, win_ppm; // as struct worth_level; the first whose win_ppm is 0 ends the table
    } level[DESK_LEVELS_MAX];
    uint64_t tip_floor, tip_cap; // wei a unit of gas
    int64_t min_expected_e8;
    uint32_t scan; // worth_params.scan
};

// Which ready order goes at the trigger, where `worth` does not decide (docs/execution.md): one whose size is
// close to the exact one, worked out then (journals from before there was the other); or one whose prices are
// close to those it was sized at.
enum desk_ready { DESK_READY_BY_SIZE, DESK_READY_BY_PRICE };

// Which books count: those of what is sold, for lending orders alone (journals from before there were the
// others); those of what is bought back too, and for bids on auctions; the same, and amounts of a market that
// counts in its quote are coins for what counts in coins, and the other way round; the same, and an order
// gets what our other ones leave.
enum desk_depth_by { DESK_DEPTH_BY_SALE, DESK_DEPTH_BY_BOTH, DESK_DEPTH_BY_UNIT, DESK_DEPTH_BY_REST };

// What selling into the market costs (docs/worth.md, section 7, "Depth"): without a book's levels nothing; by
// the books that are known; the same, and what has none gets no order.
enum desk_depth { DESK_DEPTH_NONE, DESK_DEPTH_FEED, DESK_DEPTH_REQUIRED, DESK_DEPTH_COUNT };
extern const char *const desk_depth_name[DESK_DEPTH_COUNT]; // "none", "feed", "required"
struct desk_depth_config {
    uint32_t mode;        // enum desk_depth
    uint32_t fee_ppm;     // of a taker, on what is sold into a book; < 1000000
    uint32_t unknown_ppm; // FEED: what is taken for the slippage of a perpetual without a book
    uint32_t by;          // enum desk_depth_by
};

struct desk_config {
    uint32_t desk; // order keys
    struct size_policy size;
    int64_t max_order_e8;      // largest value of one order, 1e-8 units of account; 0 = no limit
    int64_t max_minute_e8;     // value handed over in any 60 s of stream time; 0 = no limit
    int64_t max_total_e8;      // value of all sessions of the journal; 0 = no limit
    uint64_t max_price_age_ns; // oldest price the account depends on older than this: no order; 0 = no limit
    int64_t min_profit_e8;     // reward less cost must reach this; profit less cost with worth
    int64_t cost_e8;           // fixed cost of one order
    uint32_t ready_tolerance_ppm; // a ready order is used when its size is within this of the exact size
    uint32_t split_by;            // enum split_by (exec/split.h)
    uint32_t ready_by;            // enum desk_ready; what goes by stages: always by its size
    uint32_t stages;              // enum stages_policy
    struct stage_params stage;    // of it
    uint32_t ready_max;           // ready orders kept at once; 0 = 4096. Beyond it accounts go cold (counted)
    // Orders handed over that await their replies at once; 0 = GATEWAY_OUTSTANDING_MAX. The gateway must hold
    // as many.
    uint32_t outstanding_max;
    struct desk_worth_config worth;
    struct desk_depth_config depth;
    struct kick_terms kick; // of the venue's auctions: who starts one is judged by what that pays
    // Value of this session's orders on predicted prices, those that failed in a block included; 0: none
    // leaves.
    int64_t predicted_max_e8;
};

// The first that applies, checked in this order: PREDICTED_OFF, BUSY, KILLED, EPOCH, BACKOFF, RING_FULL,
// PRICE_AGE, STAGED, NO_SIZE, NO_PROFIT, LIMIT_ORDER, LIMIT_MINUTE, LIMIT_TOTAL, LIMIT_PREDICTED, NOT_LOGGED,
// SENT. Up to PRICE_AGE nothing is calculated.
enum desk_answer {
    DESK_SENT = 0,
    DESK_BUSY,   // an order of this account is in flight: siblings give one order
    DESK_KILLED, // kill switch
    DESK_LIMIT_ORDER,
    DESK_LIMIT_MINUTE,
    DESK_LIMIT_TOTAL,
    DESK_PRICE_AGE,
    DESK_NO_PROFIT,
    DESK_NO_SIZE,         // rule gives no size at these prices
    DESK_RING_FULL,       // outstanding_max orders await their replies
    DESK_EPOCH,           // the account's state is older than one that an order was already made for
    DESK_NOT_LOGGED,      // the journal did not take the order's bytes: it must not be sent
    DESK_BACKOFF,         // the venue refused this account's last orders: not before its time is up
    DESK_PREDICTED_OFF,   // on a predicted price: predicted_max_e8 is 0
    DESK_LIMIT_PREDICTED, // value of the orders on predicted prices
    DESK_STAGED,          // by its stage no order is due: another has left, or a cooldown runs
    DESK_ANSWER_COUNT
};
const char *desk_answer_name(enum desk_answer a);

// What becomes of an account's state that comes without an order of ours. Refused ones change nothing.
enum desk_told {
    TOLD_TAKEN = 0,
    TOLD_ADDED,   // a new account
    TOLD_OLD,     // an epoch below that of the state we have
    TOLD_BAD,     // account_validate refuses it
    TOLD_NO_ROOM, // a new account beyond the room set aside, or not above all others by its id; no memory
    DESK_TOLD_COUNT
};
const char *desk_told_name(enum desk_told t);

struct desk_counters {
    uint64_t answer[DESK_ANSWER_COUNT];
    uint64_t ready_made, ready_retired, ready_used, cold;
    uint64_t ready_full;  // no place for a ready order
    uint64_t staked_full; // sized for the ranking, but no place to keep it: sized again when its turn came
    uint64_t
        ready_unfit; // a ready order was there but its size was off or the rule refused it at these prices
    uint64_t ready_again, ready_valued; // ready orders used for worth_again's yes, for worth_value's
    uint64_t unworth[UNWORTH_REASONS];  // accounts' answers NO_PROFIT for want of worth, by reason
    uint64_t unworth_kept,
        unworth_full;             // of these: given again without calculation; not kept for want of room
    uint64_t predicted;           // orders handed over on predicted prices
    uint64_t stage[STAGED_COUNT]; // orders handed over on entering a stage
    uint64_t stages_ended;        // liquidations by stages that ended: healthy, warned or closed again
    uint64_t stages_undone;       // transitions whose order came to nothing: taken back
    uint64_t filled, refused;
    uint64_t undone, again;         // UNDONE; MINED of a key that is not in flight (any more)
    uint64_t fenced;                // replies that say the venue never saw the order and never will take it
    uint64_t unknown;               // replies that belong to no outstanding order
    uint64_t told[DESK_TOLD_COUNT]; // states that no order of ours brought, by what became of them
    uint64_t outstanding;
    uint64_t window_merged;      // limits.h: times the sliding window was overstated for want of memory
    int64_t value_e8, reward_e8; // of orders handed over, saturating; slippage taken off, where it is known
};

// Where the desk asks for the books of an asset's market: its bids, or its asks, amounts in coins or else in
// the quote; NULL: none is known. The
// answer stands until prices are told again. Given the same inputs of the session it gives the same levels.
struct desk_books {
    void *ctx;
    const struct slip_side *(*side)(void *ctx, uint16_t asset, bool bids, bool coins);
};

struct desk;
// book and gw stay the caller's and must outlive the desk; accounts are named by their index in the book,
// whose order must not change and which grows by desk_told() only, up to book_room() as it is now. NULL with
// *e set: out of memory or a configuration out of range.
struct desk *desk_new(const struct desk_config *c, struct book *book, struct gateway *gw,
                      const struct desk_log *log, struct err *e);
void desk_free(struct desk *d);
// Before the first order, where depth is asked for; without it no book is known.
void desk_set_books(struct desk *d, const struct desk_books *b);
// Makes or refreshes the ready order of an account that has come near (its LEVEL_WARN row fired), sized at px
// moved proportionally to the account's breach. Its bytes are logged now, hence durable soon, and offered to
// the gateway, which is told again when they will not be handed over. Cheap to call at every update: nothing
// is computed until a price of the account has moved by half the tolerance since, or its way out has changed.
void desk_prepare(struct desk *d, size_t account, const int64_t *px);
void desk_retire(struct desk *d, size_t account); // healthy again
bool desk_prepared(struct desk *d, size_t account,
                   const int64_t *px); // desk_prepare() would do nothing at px
// What the account's order would bring, and the fixed cost, to choose whose is made ready first: of the ready
// order that it has, else an estimate (estimate.h). Both in 1e-8 units of account. Changes nothing.
void desk_reward(struct desk *d, size_t account, const int64_t *px, int64_t *reward_e8, int64_t *cost_e8);
// The market already has the prices at which the account would be in breach: its ready order, if there is
// one, is offered to the gateway once more, before all others that only might be wanted. Logged nowhere.
void desk_imminent(struct desk *d, size_t account);
// What is at stake with a confirmed account: the value of the order that would go out now, 1e-8 units of
// account; INT64_MAX when it is larger than that, 0 where no order can leave whatever its size. The size is
// kept for desk_fire(), which uses it at the same prices and for the same state of the account only. With
// worth: the expected value of the ready order, where there is none the reward of the rule's own size (an
// upper bound, and cheap), 0 where it was found not worth it. READY_BY_PRICE: the value of a ready order that
// stands, as it was made.
int64_t desk_stake(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns);
// Sizes the account's order before desk_stake() is asked, which then need not. desk_ahead_forget() has to be
// called whenever prices, states of accounts or the market may be others than at desk_ahead(). It changes
// nothing that an answer, a counter or a record depends on, so it may be called at any time.
void desk_ahead(struct desk *d, size_t account, const int64_t *px);
void desk_ahead_forget(struct desk *d);
// The account will be asked about soon: fetches what the desk knows of it into the cache.
void desk_soon(struct desk *d, size_t account);
// It is the next to be asked about: its ready order too.
void desk_next(const struct desk *d, size_t account);
// What desk_stake() and desk_fire() would do with the account's ready order up to its hand-over, for nothing:
// so that all they use is in the cache. Changes nothing that an answer, a counter or a record depends on.
void desk_rehearse(struct desk *d, size_t account, const int64_t *px);
// Hands over an order for a confirmed account. now_ns: stream time; oldest_price_age_ns: age of the oldest
// price it depends on. px[asset] in quanta, <= 0 where there is none.
enum desk_answer desk_fire(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                           uint64_t oldest_price_age_ns);
// The same on predicted prices (px[asset] of the assets that decide has what predicts them) for an account
// that need not be liquidatable yet: marked, with a budget of its own besides all other limits.
enum desk_answer desk_predict(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                              uint64_t oldest_price_age_ns);
// Record J_EXITS: ways out and the price of gas, in force until the next; nothing is worth it before the
// first. 0, or -1 with *e set and nothing changed: it does not decode, or names what the market does not
// have.
int desk_exits(struct desk *d, const uint8_t *data, size_t n, struct err *e);
// Where what was bought with own money is sold for the token that was paid, at px: with depth over its book
// and the pools, else as desk_exits() last said. NULL: nothing is known of it; with DESK_DEPTH_REQUIRED a way
// that brings nothing in its place. Until the next call of the desk.
const struct exit_venue *desk_way_out(struct desk *d, uint16_t coll, uint16_t debt, const int64_t *px);
// Another with every change of the asset's book, as far as desk_way_out() depends on it; 0: it does not.
uint64_t desk_book_version(const struct desk *d, uint16_t asset);
// Applies a reply to an order: on FILLED the account in the book is replaced (epoch included), unless the
// book has a newer state already. MINED ends an order as FILLED does where it succeeded (the account's state
// has come before), else as REFUSED does; UNDONE, and MINED once more, are counted, and of the account's
// last order decide whether its value counts towards the whole run. Returns the account's index, or SIZE_MAX
// when the reply belongs to none outstanding.
size_t desk_reply(struct desk *d, const struct order_reply *r);
// An account's state without an order of ours. Of the same epoch or a newer one: put into the book, the ready
// order of the old state retired. An order in flight stays so until its own reply. A new account is added
// while there are fewer than accounts_max. *account: its index, where it was taken or added.
enum desk_told desk_told(struct desk *d, const struct account *a, size_t accounts_max, size_t *account);
// Value handed over before this session started, to count towards the limit on the whole run.
void desk_restore_spent(struct desk *d, int64_t value_e8);
bool desk_in_flight(const struct desk *d, size_t account);
void desk_kill(struct desk *d,
               bool on); // on: no order leaves until off; one already handed over is not recalled
bool desk_killed(const struct desk *d);
const struct desk_counters *desk_counters(const struct desk *d);
// Restores revision numbers after a crash so that no key is used twice. Call it for every J_READY record
// found, in any order: the latest epoch and revision win.
void desk_restore(struct desk *d, size_t account, uint32_t epoch, uint32_t last_revision);

// ---- stages (desk_stages.c); of a desk with a policy for them

// desk_fire() and desk_stake() by stages: an order leaves with a transition of the account's state and with
// nothing else, its size is the stage's, and the state is written down (J_STAGE) and durable before the order
// may be sent. The transition counts from then on, and is taken back when the order comes to nothing. An
// account of a lending rule goes as without stages.
enum desk_answer desk_fire_staged(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns,
                                  uint64_t oldest_price_age_ns);
int64_t desk_stake_staged(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns);
// Looks at an account whose prices are fit to act on: what needs no order (a liquidation has ended, a part
// waits for its cooldown) happens now. Hands nothing over.
void desk_look(struct desk *d, size_t account, const int64_t *px, uint64_t now_ns);
// After a crash: the state as the journal had it, once, before all else of the account.
void desk_restore_stage(struct desk *d, size_t account, const struct staging *st);
const struct staging *desk_stage(const struct desk *d, size_t account); // NULL: no policy

#endif
