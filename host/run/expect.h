// SPDX-License-Identifier: Apache-2.0
// What a session expects of prices and orders (engine_config.predict): each asset's variance, estimated from
// the prices that the session has seen, and from it what an order that is not made yet will bring. A function
// of the session's inputs alone, in integers: a replay expects the same. Decides in which order orders are
// made ready, nothing else; read and written after the orders of an update. Hot thread; no allocation, no
// errors.
#ifndef TRIPLINE_RUN_EXPECT_H
#define TRIPLINE_RUN_EXPECT_H

#include "accounts/rowc.h"
#include "run/config.h"

enum { EXPECT_RHO_PPM = 700000 }; // between any two prices: what moves one mostly moves all

struct expect {
    struct expect_config cfg;
    uint64_t within_ns;                  // of a chance, as of expect_turn(); 0: as cfg has it
    uint64_t paced_ns, rounds, round_ns; // last sample of expect_turn(), rounds then; of one, 0: not known
    uint64_t at_ns;                      // stream time of the samples, 0: none yet
    int64_t px[MARKET_ASSETS_MAX];       // sampled; <= 0: none
    uint64_t variance_q64[MARKET_ASSETS_MAX]; // of the logarithm a second, 2^-64; 0: not known yet
    uint64_t vol_q48[MARKET_ASSETS_MAX];      // of about a minute
    uint64_t changed_ns[MARKET_ASSETS_MAX];   // when a sample was last another price than the one before
    // What else a fit may ask for (risk/outlook.h).
    struct expect_more {
        uint64_t fast_q64, long_q64; // variances of about 5 s, and of all that was seen, an hour at most
        int64_t mean_q64;            // of moves a second over about 10 s
        uint64_t seen_ns;
        struct outlook_asset asset;
    } more[MARKET_ASSETS_MAX];
};

// Prices at this stream time, n assets. To be called before expect_breach() is; samples are a second of
// stream time apart or more, however much lies between two calls, and each squared move counts by the time
// that it took: a mean over about a minute, exponentially weighted. A trend counts by what of it is above
// chance: mean * (1 - variance / (5 s * mean^2)), or nothing (James and Stein 1961).
void expect_sample(struct expect *x, const int64_t *px, unsigned n, uint64_t now_ns);
// From here on chances are of the time that `turns` rounds take, at the pace from one sample to the next, at
// most the settings' horizon; 0, or before a pace is known: of that horizon. rounds: how many there were.
void expect_turn(struct expect *x, uint64_t turns, uint64_t rounds);
uint64_t expect_horizon_ns(const struct expect *x);
// P(the row comes below zero within the horizon), 2^-32, by the settings' fit.
uint64_t expect_breach(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat);
// What ranks an order with this chance, more than INT64_MIN: breach_value(); by turn, where there is no
// chance in 2^-32, below all that have one, and by reward / h^2 with h in parts of the row's gross exposure,
// as the chance of a far breach goes when all that is known is a variance (Chebyshev).
int64_t expect_value(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat,
                     uint64_t probability, int64_t reward, int64_t cost);
// The row as a form: exposures in its own unit, asset[i] of each.
void expect_row(const struct row *r, int64_t h, const uint64_t *phat, struct breach_form *f, uint16_t *asset);
// The same of a form whose exposure i is to asset[i]; by[asset]: the asset whose moves are taken for it,
// NULL: its own.
uint64_t expect_form(const struct expect *x, const struct breach_form *f, const uint16_t *asset,
                     const uint16_t *by);
// What a form looks like with these variances, for a fit to judge.
void expect_look(const struct expect *x, const struct breach_form *f, const uint16_t *asset,
                 const uint16_t *by, struct outlook_look *out);

#endif
