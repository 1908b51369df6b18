// SPDX-License-Identifier: Apache-2.0
// The engine keeps accounts' rows on a device, all of them or those that prices can soon reach
// (docs/scale.md), submits price groups, and takes flags to a verdict: exact confirmation, watch list,
// re-arming (P1, P2, P4). It knows neither feeds nor orders: what leads to an order is behind hooks. Runs on
// the hot thread; no lock, allocation or system call after engine_new() (the device's own behaviour aside).
// The command stream depends only on the calls made here, never on time.
#ifndef TRIPLINE_ENGINE_ENGINE_H
#define TRIPLINE_ENGINE_ENGINE_H

#include "accounts/account.h"
#include "accounts/rowc.h"
#include "device.h"

enum { ENGINE_BATCH = 64, ENGINE_CALLS = 3 };

struct engine_price {
    uint16_t asset;
    int64_t price; // quanta, > 0
};

// Answer of the breach hook.
enum engine_verdict {
    VERDICT_TAKEN, // an order is in flight; the account leaves the watch list until engine_order_ended()
    VERDICT_KEEP,  // no order now (hold, limit, no profit ...): look again at the next update
};

struct engine_hooks {
    void *ctx;
    // Beats submitted, in order, before any event of theirs (journal).
    void (*commands)(void *ctx, const struct beat *cmd, size_t n);
    // Every event, in order, before it is acted on (journal, statistics).
    void (*event)(void *ctx, const struct beat *evt);
    // The exact rule is about to be asked about a flagged or watched account; fresh: for the first time since
    // its flag. May be NULL.
    void (*checking)(void *ctx, size_t account, bool fresh);
    // The exact rule says `account` may be liquidated at the current prices. Within a round (a group, a
    // review) the accounts come in the order of what is at stake, see engine_group().
    enum engine_verdict (*breach)(void *ctx, size_t account);
    // The account came within the warning distance (on) or left it.
    void (*near)(void *ctx, size_t account, bool on);
    // What is at stake with an account that was just found to be liquidatable, in one unit for all (1e-8
    // units of account): those with more come first. Asked once before each call of breach, at the same
    // prices. NULL: all alike, they come in the order of their flags.
    int64_t (*stake)(void *ctx, size_t account);
    // The account will be asked about soon: time to fetch what is known of it into the cache. Decides
    // nothing. May be NULL.
    void (*soon)(void *ctx, size_t account);
    // The device has flagged the account, the exact rule says that it may be liquidated, and other events may
    // still come before this flag (device_info.arrival): whatever stake() will need can be worked out now, at
    // the prices and in the state in which stake() will be asked, unless it is not asked at all. When and for
    // whom it is called is no function of the commands: it may change nothing that an answer, a count or a
    // record depends on. May be NULL.
    void (*ahead)(void *ctx, size_t account);
    // Beats are about to be submitted: the moment to read a clock, with nothing between it and the device.
    // May be NULL.
    void (*submit)(void *ctx);
    // engine_config.predict: what an order of this account is expected to bring, in one unit for all; those
    // with more are made ready first (near). r: the account's row of LEVEL_LIQUIDATE with the least Ĥ, which
    // is h at phat[asset]; a row is linear in prices. INT64_MIN: it gains nothing by being made, and is not
    // due any more. Called after all orders of a round. NULL: as without predict.
    int64_t (*expected)(void *ctx, size_t account, const struct row *r, int64_t h, const uint64_t *phat);
};

struct engine_config {
    uint32_t band_ppm; // half-width of a band around its centre
    uint32_t warn_ppm; // distance of the warning rows, see struct rule; 0 = none
    // Nested boxes: warning levels to guard as well, descending, 0 behind the last. An account is flagged
    // before it is equity * 1e6 < requirement * (1e6 + ppm) for the first level at which it has not been
    // called (engine_called), or before it may be liquidated where there is none; it has a warning row of
    // warn_ppm only then. Without boxes engine_near tells.
    uint32_t call_ppm[ENGINE_CALLS];
    // Nested boxes (docs/scale.md), used when not every account has room on the device. box_ppm: half-width
    // of the innermost; 0: chosen so that the nearest accounts fill a quarter of the device.
    uint32_t box_ppm;
    uint32_t near_rows; // rows that may be on the device, fewer than it has; 0: all that it has
    uint32_t slice;     // accounts looked at in the background after each update; 0: only in engine_idle()
    uint32_t predict; // 1: of the accounts whose orders are to be made ready those of greatest expected value
                      // first (engine_hooks.expected); 0: in the order of the list
};

struct engine_counters {
    uint64_t groups, ticks;          // submitted
    uint64_t flags[2];               // triggers by row level
    uint64_t confirmed, early;       // flags of LEVEL_LIQUIDATE by the exact rule's first answer
    uint64_t watched, rearmed;       // accounts put on the watch list; rows armed again by it
    uint64_t watch_evaluations;      // exact evaluations made for the watch list
    uint64_t recentred, rows_loaded; // bands moved, ROW commands
    uint64_t band_exits_expected, band_exits_seen;
    uint64_t device_errors; // ERROR events on commands: must stay 0
    uint64_t device_faults; // flipped memory bits that the device reported
    uint64_t rows_mended;   // rows loaded anew for them
    // nested boxes
    uint64_t boxes_background,
        boxes_foreground; // moved before their edge was reached, and after a jump across it
    uint64_t looked_background, looked_foreground; // accounts looked at for that
    uint64_t tier_changes;                         // accounts that went to another tier
    uint64_t updates_foreground;                   // groups with a box moved in the foreground
    uint64_t host_evaluations, host_flags; // rows without room on the device; flags without the device
    uint64_t rows_due;                     // accounts whose rows' span of time ended
    uint64_t units_changed;                // assets given another unit of P̂
    // parameters told
    uint64_t parameters_shifted, parameters_rebuilt; // by asset: within the rules' bounds; all made anew
    uint64_t boxes_narrowed;                         // levels whose guard got narrower by it
    uint64_t lines_stale;                            // accounts compiled anew for it when they were looked at
};

// Where the accounts are: on the device, beyond box 0, 1, ..., evaluated on the host at every update, flagged
// (watched or with an order under way, without a row on the device), without anything to watch.
enum { ENGINE_TIERS = 12 };
struct engine_tiers {
    bool boxed; // false: every account has its rows on the device, all others are 0
    uint32_t box_ppm;
    uint64_t device, beyond[ENGINE_TIERS], host, flagged, none;
    uint64_t rows_used; // on the device
    uint64_t crossed;   // accounts of which no bound holds (struct rule)
    size_t bytes;       // of host memory for rows and lists
};

struct engine;
// Arrays are made for book_room() accounts: the book may grow up to engine_room() by accounts at its end,
// each told by engine_account_changed(). Book and device stay the caller's and must outlive the engine. NULL
// with *e set when there is no memory for them. More accounts than rows, or more assets than columns: nested
// boxes.
struct engine *engine_new(const struct engine_config *c, struct book *book, struct device *dev,
                          const struct engine_hooks *hooks, struct err *e);
void engine_free(struct engine *g);
// One group of changed prices. prices[] is the full table by asset (0 = none yet) after the group. Places
// newly priced accounts, submits the ticks, re-centres bands that were left, and takes all flags to a verdict
// before it returns. Rows in which the device found a flipped bit are loaded anew at the current prices, and
// fire then if they are below zero. 0, or -1 with *e set: a row that cannot be compiled, a device that
// reported an error on a command or flipped bits without end.
// The breach hook gets the greatest stake first, among equals the greatest relative shortfall of equity below
// the requirement, then the earliest flag. With many flags the first orders do not wait for the last flag:
// after every ENGINE_BATCH-th verdict of a round the best so far are handed out until one is taken. Watched
// accounts that still breach are ranked together with what is left of the round's flags. How the device
// portions its events makes no difference, and neither does its pace: a device that is not in lockstep is
// waited for, and one that gives events by arrival has its flags judged as they come, while what follows from
// them is done in the merged order, which the hooks see. SYNC, which such a device is sent, is not told.
int engine_group(struct engine *g, const struct engine_price *changed, size_t n, const int64_t *prices,
                 struct err *e);
// Time has moved on (ns of the Unix epoch; backwards: nothing happens), to be called before the group of that
// time. Brings the market's moving parameters to now, makes the rows anew whose span ends; judges nothing. 1
// when flagged accounts are worth another look (engine_review, engine_group), 0 when not, -1 with *e set.
// Costs nothing where nothing moves with time.
int engine_time(struct engine *g, uint64_t now_ns, struct err *e);
// Evaluates the watch list once more without a price change (a hold or the kill switch ended, a limit moved
// on).
int engine_review(struct engine *g, struct err *e);
// The account's state changed (fill, deposit), or it is new at the end of the book: its rows are compiled
// anew and armed.
int engine_account_changed(struct engine *g, size_t account, struct err *e);
// Instruments' parameters are new (the caller has changed the book's market and called market_told); `was`
// holds the instruments as they were, asset[0, n), each once, are those whose rows have changed. Before it
// returns, rows on the device and accounts evaluated on the host are made anew, flagged accounts are looked
// at again, and every other account is known to be safe (docs/scale.md, "Updates"): where the rules bound
// what has changed that takes no look at most of them; where not, or with was NULL, some microseconds for
// each account that holds one of the assets. engine_time has been called with the present moment. Where a
// market begins to move with time by it, memory for the timing wheel is taken. Accounts in which an
// instrument had no weight so far keep a row that is lower than need be until it is made for another reason:
// never one that is higher.
int engine_market_changed(struct engine *g, const struct market *was, const uint16_t *asset, size_t n,
                          struct err *e);
// The order of an account ended without effect: back on the watch list, evaluated from the next update on.
void engine_order_ended(struct engine *g, size_t account);
// With call_ppm: the account stands below so many of the levels. It is flagged until the next update, which
// places it by the row that counts now.
void engine_called(struct engine *g, size_t account, unsigned level);
// With predict: rounds until every account whose order is to be made ready has had its turn, at least 1.
size_t engine_turns(const struct engine *g);
// Whether the account's breach is already known: flagged and watched, or with an order in flight.
bool engine_flagged(const struct engine *g, size_t account);
// The accounts that are within the warning distance at the prices of the last update, and some just outside,
// in no order; their number. Nested boxes (engine_tiers.boxed) have no warning rows beyond the device: there
// it is not all of them, and call_ppm is for that. Until the next call.
size_t engine_near(const struct engine *g, const uint32_t **accounts);
bool engine_placed(const struct engine *g, size_t account); // has all prices and its rows are on the device
// Accounts with positions that no row stands for yet, because an asset of theirs has had no price.
size_t engine_unplaced(const struct engine *g);
size_t engine_watching(const struct engine *g);
// How many accounts the book may come to have, by the engine's arrays and, without boxes, the device's rows.
size_t engine_room(const struct engine *g);
void engine_tiers(const struct engine *g, struct engine_tiers *out);
bool engine_moving(const struct engine *g); // boxes are on the move: engine_idle() has something to do
// Between updates: has what the next one will need before its commands leave fetched into the cache
// (base/warm.h), of the market's first assets.
void engine_warm(const struct engine *g);
// Likewise what a flag will need behind them: the exact rule is asked about an account that may be flagged
// next, a warned one (each in its turn) or else the nearest, and the answer thrown away, so that code,
// branches and memory are at hand. Changes nothing. The account, or SIZE_MAX where there is none.
size_t engine_rehearse(struct engine *g);
// Between updates: up to `accounts` of the background's work. 1 when there was some, 0 when not, -1 with *e
// set. An input like any other: the command stream depends on it.
int engine_idle(struct engine *g, uint32_t accounts, struct err *e);
const struct engine_counters *engine_counters(const struct engine *g);

#endif
