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
    uint64_t at_ns;                           // stream time of the samples, 0: none yet
    int64_t px[MARKET_ASSETS_MAX];            // sampled; <= 0: none
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
// P(the row comes below zero within the horizon), 2^-32, by the settings' fit.
uint64_t expect_breach(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat);
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
