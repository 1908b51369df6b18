// SPDX-License-Identifier: Apache-2.0
// Liquity v1's liquidations (docs/protocols/liquity-v1.md): troves with one collateral, closed against the
// stability pool and, where that does not suffice, spread over the other troves by stake; two modes by the
// system's own ratio. Amounts are wei of ETH and of LUSD; ratios and prices (LUSD for one ETH) carry 10^18.
// Formulas: liquity/dev packages/contracts/contracts/{TroveManager,StabilityPool}.sol,
// Dependencies/LiquityMath.sol. Pure functions over caller's memory; any thread.
#ifndef TRIPLINE_PROTOCOLS_LIQUITY_V1_H
#define TRIPLINE_PROTOCOLS_LIQUITY_V1_H

#include "base/checked.h"

#define LIQUITY_UNIT UINT64_C(1000000000000000000) // 1, 100 %
#define LIQUITY_MCR  (LIQUITY_UNIT / 10 * 11)
#define LIQUITY_CCR  (LIQUITY_UNIT / 10 * 15)

enum liquity_version {
    LIQUITY_DEPLOYED, // what runs since 2021: the pool may be emptied, and starts a new epoch then
    LIQUITY_2025,     // liquity/dev of April 2025, not deployed: one LUSD always stays in the pool, no epochs
};
enum liquity_call {
    LIQUITY_BATCH,    // batchLiquidateTroves(list); liquidate(one) is a list of one
    LIQUITY_SEQUENCE, // liquidateTroves(n): the n troves at the end of the sorted list, the lowest ratio
                      // first
};

struct liquity_trove {
    u256 coll, debt, stake;            // as stored; debt with the 200 LUSD of the gas pool in it
    u256 coll_snapshot, debt_snapshot; // of the system's l_coll, l_debt
    bool active;
};

struct liquity_system {
    u256 active_coll, active_debt;   // active pool
    u256 default_coll, default_debt; // default pool: what was spread and is not yet with its troves
    u256 total_stakes;
    u256 l_coll, l_debt; // spread so far for one unit of stake, times 10^18
    u256 coll_error, debt_error;
    uint64_t troves; // active ones in all
};

struct liquity_pool {
    u256 deposits; // LUSD
    u256 p, sum;   // product P; sum S of the epoch and scale that the call finds. A new one begins with 0
    uint64_t scale, epoch;       // no epoch in LIQUITY_2025
    u256 coll_error, debt_error; // lastETHError_Offset, lastLUSDLossError_Offset
};

enum liquity_branch {
    LIQUITY_LEFT,     // not liquidated
    LIQUITY_OFFSET,   // all of it against the pool
    LIQUITY_MIXED,    // a part against the pool, the rest spread
    LIQUITY_SPREAD,   // all of it spread
    LIQUITY_CAPPED,   // recovery mode, at or above MCR: 1.1 of the debt to the pool, the rest is the owner's
    LIQUITY_NOT_SEEN, // the call had ended before
};

struct liquity_part {
    enum liquity_branch branch;
    u256 icr;                      // U256_MAX without debt
    u256 debt, coll;               // with what was spread to it
    u256 gas_coll, gas_lusd;       // to the liquidator
    u256 offset_debt, offset_coll; // cancelled by the pool, and its collateral
    u256 spread_debt, spread_coll; // to the other troves
    u256 surplus;                  // the owner may claim it
};

struct liquity_result {
    bool recovery;           // when the call began
    bool back_to_normal;     // the call left recovery mode on its way
    u256 tcr;                // when it began
    struct liquity_part sum; // icr and branch mean nothing here
    struct liquity_system system;
    struct liquity_pool pool;
    u256 stakes_snapshot, coll_snapshot; // totalStakesSnapshot, totalCollateralSnapshot
};

// floor(coll price / debt); U256_MAX where debt is 0.
u256 liquity_ratio(struct checked *c, u256 coll, u256 debt, u256 price);
// The least price at which coll price / debt is `ratio` or more: below it the ratio test fails. False: none.
bool liquity_threshold(u256 coll, u256 debt, uint64_t ratio, u256 *at);
// LUSD that the pool lends to a call.
u256 liquity_available(struct checked *c, enum liquity_version version, const struct liquity_pool *pool);
// The pool takes `debt`, from 1 to what is available, and gets `coll` (StabilityPool.offset). `sum` stays
// that of the epoch and scale the gain belongs to, also where a new scale or epoch has begun.
void liquity_offset(struct checked *c, enum liquity_version version, struct liquity_pool *pool, u256 debt,
                    u256 coll);

struct liquity_request {
    enum liquity_version version;
    enum liquity_call call;
    u256 price;
    struct liquity_system system;
    struct liquity_pool pool;
    const struct liquity_trove *trove; // in the call's order
    size_t n;
};
// part[0..n-1] and *out. NULL: it goes through. Otherwise the contract's words or what arithmetic failed
// (static text): then parts tell how far it had come, and nothing has changed on the chain.
const char *liquity_liquidate(const struct liquity_request *q, struct liquity_part part[],
                              struct liquity_result *out);

#endif
