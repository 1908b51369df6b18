// SPDX-License-Identifier: Apache-2.0
// A scenario of the laboratory as its YAML file tells it: whose accounts, which prices, how deep the markets,
// who liquidates, what bears a loss. Every key, its unit and range: docs/lab/scenarios.md. Offline; one
// thread; the scenario owns what it points to: scenario_free() once.
#ifndef TRIPLINE_LAB_SCENARIO_H
#define TRIPLINE_LAB_SCENARIO_H

#include "accounts/account.h"
#include "base/err.h"
#include "econ/waterfall.h"
#include "lab/depth_curve.h"

enum {
    SCENARIO_COINS_MAX = 16,
    SCENARIO_ASSETS_MAX = 8, // of a coin
    SCENARIO_STEPS_MAX = 100000,
    SCENARIO_ACCOUNTS_MAX = 1000000,
    SCENARIO_TEXT = 512,
};
#define SCENARIO_MONEY  INT64_C(100000000)     // a unit of account; money is in 1e-8 of it
#define SCENARIO_FACTOR INT64_C(1000000000000) // the start price; factors are in 1e-12 of it

enum path_shape { PATH_FLAT, PATH_SLOW_FALL, PATH_CRASH_REBOUND, PATH_GAP, PATH_CSV, PATH_CAPTURE };
struct scenario_path {
    enum path_shape shape;
    uint32_t fall_ppm, rebound_ppm; // of the start price; a rebound is at most the fall
    uint32_t at, lasts;             // steps: when it begins, how long the fall takes
    uint32_t noise_ppm;             // of the start price, uniform, each step; seeded
    char file[SCENARIO_TEXT];
    char instrument[64]; // of a capture: whose marks; filled in by who can read one
};

// Market assets that one price moves alike, and where they are sold.
struct scenario_coin {
    char name[NAME_LEN];
    unsigned n;
    char asset[SCENARIO_ASSETS_MAX][NAME_LEN];
    size_t line; // of the file, for messages
    struct scenario_path path;
    struct depth_curve depth;
    char book_file[SCENARIO_TEXT], book_instrument[64]; // a capture's book, likewise; empty: none
    uint64_t book_at_s;                                 // seconds after its first frame; 0: its end
    uint32_t half_life;
    int64_t *factor; // of steps + 1: made by scenario_paths()
};

enum scenario_policy { POLICY_CLOSE_FACTOR, POLICY_TARGET, POLICY_STAGED, POLICY_FULL };
struct scenario_keeper {
    uint64_t orders;               // a step; 0: any number
    uint32_t latency;              // steps between an order being asked for and its execution
    int64_t gas;                   // money an order
    bool must_pay;                 // only liquidations that bring more than gas and slippage
    uint32_t spike_from, spike_to; // steps of another gas price; from == to: none
    int64_t spike_gas;
    uint32_t absent_from, absent_to; // steps without a keeper
};

// Collateral of loans goes to falling auctions (econ/auction_clip.h) in place of being sold at once; cut 0:
// it does not.
struct scenario_clip {
    uint32_t buf_ppm, cut_ppm, step_s, tail_s; // first price of the mark; what a step leaves; seconds
    uint32_t resets;                           // until what is missing is lost
};

struct lab_scenario {
    const char *path; // of the file, for messages; the caller's
    char name[64], title[96], note[SCENARIO_TEXT];
    uint64_t seed;
    // accounts
    char store[SCENARIO_TEXT]; // empty: generated
    uint32_t accounts, near_ppm;
    char lending[NAME_LEN], perp[NAME_LEN];
    uint64_t horizon_s;
    uint32_t steps;
    unsigned n_coins;
    struct scenario_coin coin[SCENARIO_COINS_MAX];
    enum scenario_policy policy;
    uint32_t close_ppm, target_ppm;
    uint64_t dust; // whole units of account
    struct scenario_keeper keeper;
    i128 fund, fund_floor; // money
    bool fund_fees;        // the venue's fees go into the fund
    const struct waterfall *waterfall;
    // a burst of accounts that one step breaches together; events 0: none
    uint32_t burst_at, burst_events;
    size_t burst_line; // of the file, for messages
    char burst_instrument[NAME_LEN];
    // gradual reduction: no account likelier than this to breach within so many steps; chance 0: none
    uint32_t reduce_steps, reduce_chance_ppm;
    struct scenario_clip clip;
    uint32_t
        discount_bps; // loans at a discount that follows health (econ/auction_discount.h), at most; 0: not
    // a falling auction to show beside; lot 0: none
    uint64_t auction_lot, auction_tab; // whole coins and units of account
    uint32_t auction_buf_ppm, auction_cut_ppm, auction_step_s, auction_tail_s;
    char auction_coin[NAME_LEN];
    char *source; // the file's text
};

// Reads a file, or the built-in one of this name. 0, or -1 with *e naming file, line and remedy.
int scenario_read(const char *path_or_name, struct lab_scenario *s, struct err *e);
int scenario_parse(const char *path, const char *text, size_t len, struct lab_scenario *s, struct err *e);
void scenario_free(struct lab_scenario *s);
// The prices from outside of every step, from the seed. 0, or -1 with *e set.
int scenario_paths(struct lab_scenario *s, struct err *e);
// The built-in ones: i-th name and text; NULL past the end.
const char *scenario_builtin(size_t i, const char **text);
const struct waterfall *scenario_waterfall(const char *name); // NULL: unknown

#endif
