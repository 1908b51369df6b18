// SPDX-License-Identifier: Apache-2.0
// Binance USD-M futures: maintenance by brackets, cross and isolated margin, one-way and hedge mode,
// liquidation and bankruptcy prices, as the venue's help pages have them (docs/protocols/binance-usdm.md
// names every assumption). Units and bounds: venue_tiers.h; rates are ppm. Pure functions; any thread.
#ifndef TRIPLINE_PROTOCOLS_BINANCE_USDM_H
#define TRIPLINE_PROTOCOLS_BINANCE_USDM_H

#include "accounts/rules/venue/venue_tiers.h"

enum { BN_POSITIONS_MAX = 20, BN_PPM = 1000000 };

enum bn_step { BN_START, BN_CANCELLED, BN_IOC_SENT, BN_STEPS };
enum bn_action { BN_NONE, BN_CANCEL, BN_IOC, BN_TAKE_OVER, BN_ADL };

struct bn_position {
    struct venue_position p; // in hedge mode a long and a short of one symbol are two positions
    unsigned symbol;         // equal for both of them
    bool isolated;           // the same for both of them
    i256 wallet;             // isolated: its wallet, 1e-8
};

struct bn_account {
    i256 wallet; // cross wallet balance, 1e-8
    unsigned n;
    struct bn_position at[BN_POSITIONS_MAX];
    enum bn_step step; // how far the liquidation has come
    bool has_fund;
    i256 fund; // the insurance fund's balance, 1e-8
};

struct bn_margin {
    i256 balance;     // margin balance: wallet and unrealised result, 1e-16
    i256 maintenance; // 1e-16 / BN_PPM
    enum bn_action action;
};

// Floors (1e-8, the first 0, rising), rates (ppm, rising) and the first bracket's amount (1e-8); the others'
// amounts follow from these: cum_k = cum_(k-1) + floor_k * (rate_k - rate_(k-1)).
void bn_brackets(struct venue_tiers *t, unsigned n, const i256 *floor, const uint64_t *rate, i256 cum);
struct bn_margin bn_cross(const struct bn_account *a);
struct bn_margin bn_isolated(const struct bn_account *a, unsigned i);
// Prices of position i's symbol at which its margin holds: both sides of a hedge move, all else stays.
void bn_range(const struct bn_account *a, unsigned i, struct venue_range *out);
// The price of the symbol at which the margin balance is zero, num / den in 1e-8, may be negative; false:
// the balance does not move with it.
bool bn_bankruptcy(const struct bn_account *a, unsigned i, i256 *num, i256 *den);

#endif
