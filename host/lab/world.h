// SPDX-License-Identifier: Apache-2.0
// A book as sums over prices: what liquidates whom, what becomes liquidatable with it and what of it is lost,
// so that many price vectors can be asked (reach.h). Made through rule->rows and, where a rounding decides,
// rule->health. Offline only: doubles stand for amounts in dollars, but never decide a breach by themselves:
// whoever is within rounding of its threshold is decided by the exact rule. One thread makes it; any number
// reads it.
//
// An account is one of
//   single   one price that moves decides: exact integer thresholds (the healthy prices are an interval, as
//   the healthy
//            set is convex; docs/numerics.md), sorted, with running sums of value and loss;
//   grouped  several prices: sorted within its group of like assets and signs by a safe radius, the move in
//   the largest
//            norm below which its forms cannot be negative;
//   never    no requirement, or in a grace period.
// Forms are c + sum a_k x_k, x_k the price as a fraction of the start price.
// Value: perpetuals the notional, lending the collateral that counts. Loss: what full liquidation at this
// price leaves unpaid: perpetuals -(cash + profit - penalty - fee), lending debt - sum collateral / bonus
// (Qin et al., IMC 2021: a liquidation harms once LTV > 1 / (1 + bonus)). Dollars; an inverse perpetual's
// coin at its own mark.
#ifndef TRIPLINE_LAB_WORLD_H
#define TRIPLINE_LAB_WORLD_H

#include "accounts/book.h"
#include "accounts/progress.h"
#include "accounts/rules/rule.h"

enum { WORLD_NESTS = 4, WORLD_UPPERS = 4, WORLD_ASSETS = 2 * ACCOUNT_POSITIONS_MAX };

// Value and loss of one account (or the sum of many): [0] constant, then by asset of the caller's list.
// Dollars.
struct worth {
    unsigned n;
    uint16_t asset[WORLD_ASSETS];
    double value0, owed0, value[WORLD_ASSETS], owed[WORLD_ASSETS]; // owed: > 0 is lost
};
// By px quanta, not by fractions: sum over asset of value[k] * px[asset[k]].
void account_worth(const struct market *m, const struct account *a, struct worth *out);

// Thresholds of single accounts on one side of the start price, nearest first.
struct side {
    size_t n, n_lost;
    int64_t *at;             // breached when the price is below (above) it
    uint32_t *account;       // index in the book
    double *value0, *value1; // [n + 1] running sums: value of the first k is value0[k] + value1[k] x
    int64_t *lost_at;        // likewise: owes when the price is below (above) it
    double *owed0, *owed1;   // [n_lost + 1]
};

struct group {
    unsigned n; // assets
    uint16_t *asset;
    int8_t *sign;  // of the first form's coefficients; 0: it is in value and loss only
    unsigned rows; // forms of one health: the least counts
    bool flat;     // the forms are the health itself, but for rounding; else lower bounds, nest by nest
    bool convex;   // of not flat: upper bounds are known
    size_t accounts, cap, stride;
    uint32_t *account;
    double *radius; // ascending after world_make
    // Per account: margin; forms of each nest (flat: of one); upper forms (convex): each c, a[n]; then
    // value0, value[n], owed0, owed[n]
    double *record;
};

struct world {
    const struct book *book;
    unsigned assets;
    int64_t px0[MARKET_ASSETS_MAX];
    bool still[MARKET_ASSETS_MAX];                                  // does not move in what will be asked
    struct side below[MARKET_ASSETS_MAX], above[MARKET_ASSETS_MAX]; // by asset; of reciprocals none
    size_t n_groups, cap_groups;
    struct group *group;
    uint32_t *slot; // hash table of groups
    size_t n_slots, n_single, n_grouped, n_never;
};

// Half widths of the nests: a form of a smaller one is nearer to the health. The last holds a factor of
// WORLD_FACTOR.
extern const double WORLD_NEST[WORLD_NESTS];

// *b must live as long, its market unchanged. px0 of every asset (reciprocals included). still: assets whose
// price is px0 in every question. 0, or -1 with *e set; world_free() in both cases.
int world_make(struct world *w, const struct book *b, const int64_t *px0, const bool *still,
               const struct progress *p, struct err *e);
void world_free(struct world *w);
// Prices of reciprocals from their bases'.
void world_reciprocals(const struct market *m, int64_t *px);

// world_thresholds.c, for world.c alone. Places account i as a single whose price is `asset`; false: it is
// none (not healthy at the start, or its loss does not grow outwards). -1: out of memory.
int world_single(struct world *w, uint32_t i, const struct account *a, unsigned asset);
int world_single_sort(struct world *w);

#endif
