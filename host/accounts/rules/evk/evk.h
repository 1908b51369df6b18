// SPDX-License-Identifier: Apache-2.0
// Euler's vault kit (EVK): health at mid-point quotes with liquidation LTVs that ramp down with time, the
// discount that is one less the health score, the largest repay and its yield, a smaller one pro rata, and
// debt socialised when no collateral is left (docs/protocols/evk.md has formulas, sources and commit). Values
// are in the vault's unit of account, as its oracle quotes them: the state holds the quotes. Pure functions
// over the caller's memory, no allocation; any thread.
#ifndef TRIPLINE_PROTOCOLS_EVK_H
#define TRIPLINE_PROTOCOLS_EVK_H

#include "base/checked.h"

enum { EVK_COLLATERALS_MAX = 16, EVK_ENABLED_MAX = 10 }; // the connector's SET_MAX_ELEMENTS

struct evk_collateral {
    u256 balance;              // the violator's, in shares of the collateral vault
    u256 value;                // getQuote(balance): mid-point, unit of account
    uint64_t liquidation_ltv;  // 1e4, <= 1e4: when the ramp has ended
    uint64_t initial_ltv;      // 1e4, <= 1e4: when the ramp began
    uint64_t target_timestamp; // s; 0: never configured, then the LTVs are 0
    uint64_t ramp_duration;    // s, >= target_timestamp - now
    bool enabled;              // by the violator; only enabled ones count
};

enum evk_controller { EVK_THIS, EVK_NONE, EVK_OTHER, EVK_SEVERAL }; // who controls the violator

struct evk_state {
    uint64_t now;               // s
    u256 liability;             // the violator's debt with interest, rounded up; token units, < 2^112
    u256 liability_value;       // getQuote(liability), unit of account
    uint64_t max_discount;      // 1e4, < 1e4
    uint64_t cool_off;          // s
    uint64_t last_status_check; // s, of the violator's account
    bool oracle;                // the vault has one
    bool deferred;              // the violator's status check is deferred at the call
    bool keep_debt;             // CFG_DONT_SOCIALIZE_DEBT
    bool disabled;              // liquidate is a hooked operation without a hook
    enum evk_controller controller;
    unsigned n;
    struct evk_collateral collateral[EVK_COLLATERALS_MAX];
};

struct evk_health {
    u256 adjusted;  // sum of floor(value * LTV / 1e4) over the enabled collaterals
    u256 liability; // value
    bool violation; // adjusted <= liability, liability != 0
};

struct evk_order {
    unsigned collateral;     // < n
    u256 repay;              // token units; U256_MAX: all that is allowed
    u256 min_yield;          // collateral shares
    bool self;               // the caller is the violator
    bool liquidator_enabled; // the caller has this vault as its controller
};

struct evk_call {
    u256 discount_factor;      // 1e18 less the discount; 0 where none was computed
    u256 max_repay, max_yield; // checkLiquidation's
    u256 repay, yield;
    u256 socialised; // debt that is taken from the depositors
};

// The LTV for liquidations at s->now or, at another time, while nothing else changes. 1e4.
uint64_t evk_ltv(const struct evk_collateral *k, uint64_t now);
void evk_health_at(struct checked *c, const struct evk_state *s, uint64_t now, struct evk_health *out);
// The first second, s->now or later, at which LTVs that ramp put the account in violation while balances,
// debt and quotes stay; 0: they do not. *c must not fail on evk_health_at of s->now.
uint64_t evk_violation_at(const struct evk_state *s);
bool evk_cooling(const struct evk_state *s);
// "" or the contract's name of the error, or c->why when *c has failed. h is evk_health_at of s->now.
const char *evk_liquidate(struct checked *c, const struct evk_state *s, const struct evk_health *h,
                          const struct evk_order *o, struct evk_call *out);

#endif
