// SPDX-License-Identifier: Apache-2.0
// Inside of the engine folder only: state shared by engine.c (groups, events), hot.c (rows on the device),
// place.c (all accounts on the device), tiers.c and move.c (nested boxes: more accounts than the device
// holds), watch.c (verdicts).
#ifndef TRIPLINE_ENGINE_INTERNAL_H
#define TRIPLINE_ENGINE_INTERNAL_H

#include <assert.h>

#include "accounts/book.h"
#include "engine/engine.h"
#include "engine/far.h"
#include "engine/rank.h"
#include "engine/wheel.h"

enum {
    BEATS_BATCH = 256,
    FAULTS_KEPT = 8,
    ENGINE_RULES = 8,
};
#define NO_ROW     UINT32_MAX
#define NO_ACCOUNT UINT32_MAX

// What the host knows of one row address.
struct placed_row {
    uint32_t account; // index in the book, NO_ACCOUNT when free
    uint32_t before;  // who had it before; a flag of that time may still be on its way
    uint32_t sibling; // the account's next row of the same level, NO_ROW
    bool armed;       // as the device has it once it has caught up
    struct row row;   // its coefficients; of a free address those that the device still holds
};

struct account_state {
    uint32_t row[ROW_LEVELS]; // address of its first row by level, NO_ROW; the others are chained
    bool placed;
    bool missing;     // nested boxes: has positions and lacks a price, counted in engine.unplaced
    bool watched;     // on the watch list
    bool in_flight;   // the breach hook took it
    bool warm;        // its LEVEL_WARN row has fired and is not armed again
    bool due;         // its order is to be made ready, or anew
    bool fresh;       // flagged since the last verdict: its first evaluation decides confirmed / early
    bool calm;        // the last verdict was "not liquidatable", and whether it may leave the list is open
    uint32_t seen;    // round in which the watch list last evaluated it
    uint32_t warm_at; // its place in the list of warm accounts
    int64_t warm_h;   // Ĥ of the liquidation row when its order was last made ready
};
enum { ENGINE_LINE = 64 };
static_assert(2 * sizeof(struct account_state) == ENGINE_LINE,
              "no account across two lines: engine.acct is aligned");

// What the exact rule says of an account.
struct judged {
    bool liquidatable;
    uint32_t shortfall; // see watch.c
};
// The same of one whose flag came in before its turn (device_info.arrival).
struct judged_ahead {
    uint64_t instant; // engine.instant for which it holds
    uint32_t account;
    struct judged is;
};

struct engine {
    struct engine_config cfg;
    struct book *book;
    struct device *dev;
    struct engine_hooks hooks;
    struct engine_counters count;

    // prices and bands by asset
    int64_t px[MARKET_ASSETS_MAX];
    uint64_t phat[MARKET_ASSETS_MAX];
    struct grid grid[MARKET_ASSETS_MAX];
    struct band band[MARKET_ASSETS_MAX]; // grid[].band, in the form rules take
    bool used[MARKET_ASSETS_MAX];        // some account depends on it
    bool tracked[MARKET_ASSETS_MAX];     // the device has its price

    // Nested boxes, when not all accounts have a row on the device (`boxed`).
    bool boxed;
    struct far far;
    struct boxes box;
    struct grid full[MARKET_ASSETS_MAX];      // the asset's unit with all that 34 bits hold
    struct band full_band[MARKET_ASSETS_MAX]; // the same in prices
    double spread[MARKET_ASSETS_MAX];
    uint64_t dev_lo[MARKET_ASSETS_MAX], dev_hi[MARKET_ASSETS_MAX]; // band that the device was told
    uint32_t
        waiting[MARKET_ASSETS_MAX];     // accounts that wait for the asset's first price, chained; NO_ACCOUNT
    bool unit_moves[MARKET_ASSETS_MAX]; // rows on the device are being compiled for a new band
    struct pending {
        uint16_t asset;
        uint8_t tier;
    } pending[MARKET_ASSETS_MAX * TIER_LISTS]; // lists to walk in the background, a ring
    uint32_t pending_first, n_pending;
    bool is_pending[MARKET_ASSETS_MAX][TIER_LISTS];
    uint16_t near[MARKET_ASSETS_MAX]; // assets with a level near its edge, for the background to move
    uint32_t n_near;
    bool is_near[MARKET_ASSETS_MAX];
    uint64_t *free_row; // bitmap of addresses
    uint32_t rows_used;
    uint32_t columns_least; // that every row of the device has
    size_t unplaced;
    uint8_t *called; // by account: how many of cfg.call_ppm it stands below; NULL: none are guarded

    // Parameters that change (change.c).
    uint32_t changes;                                   // so far, see far_line.stamp
    uint32_t changed_at[MARKET_ASSETS_MAX][BOX_LEVELS]; // lines behind the level made before it are stale
    uint64_t spent[MARKET_ASSETS_MAX][BOX_LEVELS];      // of the others' spare, in parts of 2^SHIFT_BITS
    uint64_t fallen[MARKET_ASSETS_MAX]; // sum of all `down` since all rows over the asset were made anew
    const struct rule *rule[ENGINE_RULES];
    unsigned n_rules; // of accounts compiled so far; ENGINE_RULES + 1: more than are noted
    uint32_t *crossed;
    uint32_t n_crossed;

    // Rows in time.
    bool moves;   // something in the market moves rows with the clock
    bool clocked; // or exact answers alone
    struct wheel *wheel;
    uint64_t now_ns;
    bool window_set; // what market_window was called with last
    unsigned window_tier;
    uint64_t window_s;

    struct account account, other; // scratch of book_account
    struct account_state *acct;
    size_t accounts_max;     // that all arrays by account have room for
    struct placed_row *row;  // by address
    struct placed_row *next; // place_all()'s scratch, same size
    double *radius;          // by address of `next`
    uint32_t *order;
    uint32_t rows_max; // addresses that may hold rows
    uint32_t rows_all; // that the device has

    uint32_t *watch; // accounts, in the order they were flagged
    size_t n_watch;
    bool unswept;    // some account on it is calm, or has left it
    uint32_t *fresh; // flagged, not confirmed yet, in the order of their flags
    size_t n_fresh;
    struct rank rank;   // confirmed in this round, waiting for the breach hook
    unsigned confirmed; // since the last time that all of `rank` was handed out
    bool reading;       // the flags of a group's ticks are being read
    uint32_t *warm;
    size_t n_warm, warm_next;
    unsigned prepared;          // orders made ready in this round
    uint32_t group;             // sequence of price groups, as in TICK
    uint32_t round;             // walks over the watch list: one a group, one a review
    uint64_t instant;           // another one with each call that asks the exact rule
    struct judged_ahead *ahead; // by the account's first address; NULL: the device gives one stream

    struct beat out[BEATS_BATCH];
    size_t n_out;
    size_t n_whole; // of them, up to the end of the last complete command
    bool loading;   // the beat that is queued next does not complete its command
    uint64_t mark;  // token of the newest SYNC
    bool synced;    // it has been answered
    // Flipped bits that the device reported and that are not mended yet.
    struct fault {
        uint32_t row;
        uint16_t asset;
    } fault[FAULTS_KEPT];
    size_t n_faults;
    bool fault_all; // more of them, or in memory that all rows share

    bool failed; // the device reported an error
    struct err why;

    // With predict: who is due waits here, by what is expected of the order; ids 0 without.
    struct rank wanted;
    size_t warm_seen; // of the list's front, looked at since they came
};

// engine.c
void engine_emit(struct engine *g, const struct beat *b); // queues one command beat
// Submits what is queued and takes every event of it, of complete commands, before it returns: what the
// engine knows then is a function of the commands alone, whatever the device's pace.
void engine_drain(struct engine *g);

// due.c: rows in time
int due_open(struct engine *g, struct err *e);
void due_close(struct engine *g);
// The market's parameters are new: as they are now.
int due_market(struct engine *g, struct err *e);
// The account's state is new: the clock counts from now on where its rule remembers moments.
void due_account(struct engine *g, size_t account);
// Length of what due_window sets, in seconds, from the second that has begun.
uint64_t due_span_s(unsigned tier);
// What is compiled next holds for the span of this tier, from now on, and, but for TIER_HOT, lasts through
// small changes of parameters; due_note has it made anew before that
// ends.
void due_window(struct engine *g, unsigned tier);
void due_note(struct engine *g, uint32_t account, unsigned tier);

// hot.c: rows on the device
// An asset's band [lo, hi] to the device, and its price when `set`.
void hot_band(struct engine *g, uint16_t asset, uint64_t lo, uint64_t hi, bool set);
// The rows of what happens to the account next: the call that it has not had, marked LEVEL_LIQUIDATE, or its
// liquidation and, with warn_ppm, its warning. As struct rule's `rows`.
int hot_rows_called(const struct engine *g, size_t account, const struct account *a, const struct band *band,
                    uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e);
static inline int hot_rows(const struct engine *g, size_t account, const struct account *a,
                           const struct band *band, uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX],
                           struct err *e)
{
    return g->called ? hot_rows_called(g, account, a, band, warn_ppm, out, e)
                     : a->rule->rows(&g->book->market, a, band, warn_ppm, out, e);
}
// Rows of an account for the bands in grid[], in the rule's order, and their number. 0, or -1 with *e set.
int hot_compile(struct engine *g, size_t account, struct row out[RULE_ROWS_MAX], unsigned *n, struct err *e);
// The address in which an account has the next row of the level: `after` another, or the first (NO_ROW).
// NO_ROW: none.
static inline uint32_t hot_row(const struct engine *g, size_t account, unsigned level, uint32_t after)
{
    return after == NO_ROW ? g->acct[account].row[level] : g->row[after].sibling;
}
// The address is the account's from now on, the last of its level.
void hot_join(struct engine *g, uint32_t account, uint8_t level, uint32_t address);
// Least Ĥ of the rows of a level that the account has on the device; INT64_MAX when it has none.
int64_t hot_least(const struct engine *g, uint32_t account, unsigned level);
// Loads a row into an address and remembers it.
void hot_load(struct engine *g, uint32_t address, uint32_t account, const struct row *r, bool armed);
// Clears an address that stays the account's: its rule gives no row of this level now.
void hot_clear(struct engine *g, uint32_t address, uint8_t level);
// Loads what stands at the address, as the host knows it, once more; the assets in also[] (by number, false:
// not) are named too, whatever the device has there.
void hot_again(struct engine *g, uint32_t address, const bool also[MARKET_ASSETS_MAX]);
// Compiles and loads anew the rows an account has on the device, armed as they are.
int hot_reload(struct engine *g, size_t account, struct err *e);
// An address for a row over assets below `columns`, the lowest free; NO_ROW when there is none.
uint32_t hot_take(struct engine *g, uint32_t columns);
// Gives back an address that was taken and holds no row.
void hot_give(struct engine *g, uint32_t address);
// Takes an account's rows off the device.
void hot_leave(struct engine *g, uint32_t account);
// Sorts order[0, n) by radius, nearest first.
void hot_sort(struct engine *g, uint32_t n);

// place.c: every account has its rows on the device
// The asset left its band, or is new: new centre at its price, BAND to the device.
int place_centre(struct engine *g, uint16_t asset, struct err *e);
// Compiles and loads anew every row that holds one of the marked assets.
int place_reload(struct engine *g, const bool *marked, struct err *e);
// Band and price of a tracked asset, as the host knows them, once more.
void place_band_again(struct engine *g, uint16_t asset);
// Compiles and loads the rows of one placed account, armed.
int place_account(struct engine *g, size_t account, struct err *e);
// Takes an account's rows off the device: a price it needs has not come yet.
void place_lift(struct engine *g, size_t account);
// Places every account whose prices are now all known: nearest rows at the lowest addresses.
int place_new(struct engine *g, struct err *e);

// tiers.c: nested boxes: where an account belongs
int tiers_open(struct engine *g, struct err *e);
void tiers_close(struct engine *g);
// The asset has its first price, or needs another unit: unit, bands, boxes.
int tiers_track(struct engine *g, uint16_t asset, struct err *e);
// All levels' boxes of an asset around its price, at once: before anything is placed by them.
void tiers_centre_all(struct engine *g, uint16_t asset);
// The account's line, out of every list, for the span of time of a tier; *any false when there is nothing to
// watch.
int tiers_compile(struct engine *g, uint32_t account, unsigned tier, bool *any, struct err *e);
// Its line is to be replaced, because its span ends or parameters have changed: compiled and placed anew.
int tiers_due(struct engine *g, uint32_t account, struct err *e);
// Puts a compiled account where it belongs by the present boxes.
int tiers_arrive(struct engine *g, uint32_t account, struct err *e);
// Looks where an account that was put belongs now, and puts it there.
int tiers_place(struct engine *g, uint32_t account, struct err *e);
// The row of an account without one on the device is below zero: flagged, on the watch list.
void tiers_flag(struct engine *g, uint32_t account);
// An order of the account is under way: its rows on the device are free for others.
void tiers_release(struct engine *g, uint32_t account);
// A flagged account without a row on the device that the exact rule calls healthy: placed and armed again,
// true; or false while its row is below zero (or engine.failed).
bool tiers_rearm(struct engine *g, uint32_t account);

// arrive.c: nested boxes: accounts placed for the first time
void arrive_wait(struct engine *g, uint32_t account); // at the start: waits for the prices of its assets
// The marked assets have their first price: places the accounts that waited for it.
int arrive_priced(struct engine *g, const bool *fresh, struct err *e);
// The account's state is new: compiled and placed anew, or to be placed when its last price comes.
int arrive_changed(struct engine *g, uint32_t account, struct err *e);

// move.c: nested boxes: when they move
// After the ticks of a group: levels that prices have left are moved and their accounts placed anew, now;
// those near their edge are queued for the background. Accounts evaluated on the host are.
int move_after(struct engine *g, const struct engine_price *changed, size_t n, struct err *e);
// Looks at up to so many of the accounts that are queued.
int move_some(struct engine *g, uint32_t accounts, struct err *e);
// Every account that holds the asset is compiled and placed anew, nearest tiers first. Those flagged are,
// when they are armed again.
int move_recompile(struct engine *g, uint16_t asset, struct err *e);
// Levels whose guard the price is outside of, around the price: marks the lists that have to be walked now,
// which move_walk does. The walks are only begun: all boxes of a group move before anything is placed by
// them.
void move_jump(struct engine *g, uint16_t asset, bool walk[TIER_LISTS]);
int move_walk(struct engine *g, uint16_t asset, const bool walk[TIER_LISTS], struct err *e);
// Has the background move the levels near whose edge the price is.
void move_look_ahead(struct engine *g, uint16_t asset);
// Puts the band of an asset's guard on the device if it is another one than before.
void move_band(struct engine *g, uint16_t asset);

// change.c: nested boxes: instruments' parameters are new
// `was` holds the instruments as they were; asset[0, n) those whose rows have changed. NULL: not known how.
int change_market(struct engine *g, const struct market *was, const uint16_t *asset, size_t n, struct err *e);
// Notes of a line just compiled for the tier what later changes will ask.
void change_note(struct engine *g, uint32_t account, const struct account *a, unsigned tier);
// Was the line of an account of this tier, or that goes there, made for parameters that have changed since by
// more than its spare?
bool change_stale(const struct engine *g, uint32_t account, unsigned tier);

// mend.c
void mend_note(struct engine *g, const struct abi_error *x); // an ERROR event of code PARITY
// Loads anew what was reported, until nothing more is. 0, or -1 with *e set.
int mend(struct engine *g, struct err *e);

// watch.c
void watch_flag(struct engine *g, uint32_t account, uint8_t level); // a row fired
// Events as they came in, before their turn: judges whom they flag, and remembers it for watch_flag's sake.
void watch_ahead(struct engine *g, const struct beat *evt, size_t n);
void watch_verdicts(struct engine *g);               // first evaluation of fresh flags
void watch_cool(struct engine *g, uint32_t account); // its warning row is gone
// Everything on the list that this round has not evaluated yet, fresh flags included, to orders in ranked
// order.
void watch_round(struct engine *g);
// The same; then who is healthy again leaves the list, and warm accounts are looked at.
void watch_review(struct engine *g);
void watch_forget(struct engine *g, uint32_t account); // its rows are new: off all lists

#endif
