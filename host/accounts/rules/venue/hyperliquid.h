// SPDX-License-Identifier: Apache-2.0
// Hyperliquid's margin and liquidation as its documentation has them; what it leaves open is an assumption,
// each named in docs/protocols/hyperliquid.md. Units and bounds: venue_tiers.h. Pure functions; any thread.
#ifndef TRIPLINE_PROTOCOLS_HYPERLIQUID_H
#define TRIPLINE_PROTOCOLS_HYPERLIQUID_H

#include "accounts/rules/venue/venue_tiers.h"

enum { HL_POSITIONS_MAX = 20, HL_ADL_MAX = 16, HL_LEVERAGE_MAX = 255 };
// Above this notional, in whole USDC, a part of a position is sent; then all of it for so long.
enum { HL_PARTIAL_ABOVE = 100000, HL_PARTIAL_PPM = 200000, HL_COOLDOWN_MS = 30000 };

enum hl_action { HL_NONE, HL_BOOK, HL_WAIT, HL_BACKSTOP, HL_ADL };

struct hl_position {
    struct venue_position p;
    bool isolated;
    i256 margin; // isolated: what was put in, without unrealised result; 1e-8
    i256 lot;    // sizes of orders are multiples of it; > 0
};

struct hl_account {
    uint64_t scale; // common denominator of all rates
    i256 usdc;      // cross margin without unrealised result, 1e-8
    unsigned n;
    struct hl_position at[HL_POSITIONS_MAX];
    uint64_t now, partial_at; // ms; partial_at: of the last partial liquidation
    bool had_partial;
    bool cooldown_waits; // the other reading of the cooldown: nothing is sent before it ends
    uint64_t cooldown;   // ms
    i256 partial_above;  // notional, 1e-8; above it only a part is sent
    uint64_t partial_ppm;
};

struct hl_margin {            // of the cross account, or of one isolated position
    i256 equity, maintenance; // 1e-16 and 1e-16 / scale
    enum hl_action action;
};

// Tiers from lower bounds (1e-8, the first 0, rising) and greatest leverages (falling): rate = 1 / (2 *
// leverage). scale must be a multiple of every 2 * leverage.
void hl_tiers(struct venue_tiers *t, uint64_t scale, unsigned n, const i256 *from, const uint64_t *leverage);
// The same with lower bounds in quanta of the notionals that will be asked for, whatever these are.
void hl_tiers_from(struct venue_tiers *t, uint64_t scale, unsigned n, const i256 *from,
                   const uint64_t *leverage);
// By the state alone, both in one quantum: HL_NONE, HL_BOOK, HL_BACKSTOP or HL_ADL.
enum hl_action hl_stage(i256 equity, i256 maintenance);
// The part of a position that is sent: rounded down to a lot, at least one, at most all; > 0.
i256 hl_part(i256 all, uint64_t ppm, i256 lot);
struct hl_margin hl_cross(const struct hl_account *a);
struct hl_margin hl_isolated(const struct hl_account *a, unsigned i);
// What goes to the book for position i, in units of its size (0: nothing), given its margin's action.
i256 hl_order(const struct hl_account *a, unsigned i, enum hl_action action);
// Prices of position i at which its margin holds, the others at their marks.
void hl_range(const struct hl_account *a, unsigned i, struct venue_range *out);

struct hl_candidate {
    i256 size, entry, mark; // as venue_position; entry and mark > 0
    i256 value;             // account value, 1e-8
};
// (mark / entry) * (notional / account value) as num / den; false: it has none (value not positive).
bool hl_adl_index(const struct hl_candidate *c, i256 *num, i256 *den);

#endif
