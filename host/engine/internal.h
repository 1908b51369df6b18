// SPDX-License-Identifier: Apache-2.0
// Inside of the engine folder only: state shared by engine.c (groups, events), place.c (rows, bands) and
// watch.c (verdicts).
#ifndef TRIPLINE_ENGINE_INTERNAL_H
#define TRIPLINE_ENGINE_INTERNAL_H

#include "engine/engine.h"

enum {
    BEATS_BATCH = 256,
    FAULTS_KEPT = 8,
};
#define NO_ROW     UINT32_MAX
#define NO_ACCOUNT UINT32_MAX

// What the host knows of one row address.
struct placed_row {
    uint32_t account; // index in the book, NO_ACCOUNT when free
    bool armed;       // as the device has it once it has caught up
    struct row row;
};

struct account_state {
    uint32_t row[RULE_ROWS_MAX]; // address by level, NO_ROW
    bool placed;
    bool watched;   // on the watch list
    bool in_flight; // the breach hook took it
    bool warm;      // its LEVEL_WARN row has fired and is not armed again
    bool due;       // its order is to be made ready, or anew
    bool fresh;     // flagged since the last verdict: its first evaluation decides confirmed / early
    uint32_t seen;  // round in which the watch list last evaluated it
    int64_t warm_h; // Ĥ of the liquidation row when its order was last made ready
};

struct engine {
    struct engine_config cfg;
    const struct book *book;
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

    struct account_state *acct;
    struct placed_row *row;  // by address
    struct placed_row *next; // place_all()'s scratch, same size
    double *radius;          // by address of `next`
    uint32_t *order;
    uint32_t rows_max;

    uint32_t *watch; // accounts, in the order they were flagged
    size_t n_watch;
    uint32_t *warm;
    size_t n_warm;
    unsigned prepared; // orders made ready in this round
    uint32_t group;    // sequence of price groups, as in TICK
    uint32_t round;    // walks over the watch list: one a group, one a review

    struct beat out[BEATS_BATCH];
    size_t n_out;
    // Flipped bits that the device reported and that are not mended yet.
    struct fault {
        uint32_t row;
        uint16_t asset;
    } fault[FAULTS_KEPT];
    size_t n_faults;
    bool fault_all; // more of them, or in memory that all rows share

    bool failed; // the device reported an error
    struct err why;
};

// engine.c
void engine_emit(struct engine *g, const struct beat *b); // queues one command beat
void engine_drain(struct engine *g);                      // submits what is queued, takes all events

// place.c
// The asset left its band, or is new: new centre at its price, BAND to the device.
int place_centre(struct engine *g, uint16_t asset, struct err *e);
// Compiles and loads anew every row that holds one of the marked assets.
int place_reload(struct engine *g, const bool *marked, struct err *e);
// Loads what stands at the address, as the host knows it, once more; the assets in also[] (by number, false:
// not) are named too, whatever the device has there.
void place_again(struct engine *g, uint32_t address, const bool also[MARKET_ASSETS_MAX]);
// Band and price of a tracked asset, as the host knows them, once more.
void place_band_again(struct engine *g, uint16_t asset);
// Compiles and loads the rows of one placed account, armed.
int place_account(struct engine *g, size_t account, struct err *e);
// Places every account whose prices are now all known: nearest rows at the lowest addresses.
int place_new(struct engine *g, struct err *e);

// mend.c
void mend_note(struct engine *g, const struct abi_error *x); // an ERROR event of code PARITY
// Loads anew what was reported, until nothing more is. 0, or -1 with *e set.
int mend(struct engine *g, struct err *e);

// watch.c
void watch_flag(struct engine *g, uint32_t account, uint8_t level); // a row fired
void watch_verdicts(struct engine *g);                              // first evaluation of fresh flags
void watch_review(struct engine *g); // everything on the list that this group has not evaluated yet
void watch_forget(struct engine *g, uint32_t account); // its rows are new: off all lists

#endif
