// SPDX-License-Identifier: Apache-2.0
// How likely is it that an account's health comes down to zero within a horizon? For accounts near the edge
// the health is linear in a few prices, H = c + sum a_i p_i, so that over minutes it moves as a Brownian
// motion with the variance of its exposures e_i = a_i p_i; the chance that it touches zero follows from the
// reflection principle (breach_math.h; docs/lab/prediction.md has formulas and sources). Two things bend
// that: tails are fatter than normal, which a mixture of two normals accounts for, its parameters fitted on
// past days; and who sells into a thin book moves it, which takes from the distance.
// Integers only: the order in which orders are made ready follows from this, on every machine alike. Pure
// functions over the caller's memory, no errors; any thread.
#ifndef TRIPLINE_RISK_BREACH_H
#define TRIPLINE_RISK_BREACH_H

#include <stdbool.h>
#include <stdint.h>

enum { BREACH_ASSETS_MAX = 64, BREACH_CANDIDATES_MAX = 4 };
#define BREACH_CERTAIN (UINT64_C(1) << 32) // probabilities are in 2^-32, 0 to this

// The health now and what moves it, all in one unit of the caller's choice.
struct breach_form {
    int64_t health;                      // H; at or below zero: breached
    uint32_t n;                          // <= BREACH_ASSETS_MAX
    int64_t exposure[BREACH_ASSETS_MAX]; // e_i: what H gains when price i doubles
};

// What is expected of a price.
struct breach_asset {
    uint64_t vol_q48;    // sigma over a root second, breach_vol_q48()
    int64_t drift_q64;   // of the logarithm, a second; |.| < 2^56
    uint32_t impact_ppm; // by how much selling what is about to be liquidated moves it
};

// How real moves differ from the normal distribution with the given variance: with chance `weight` the
// horizon is a wild one, whose sigma is `ratio` times larger. All zero: normal.
struct breach_tail_fit {
    uint32_t scale_ppm;  // true sigma to estimated, 0 = 1000000; else 10000 to 10000000
    uint32_t weight_ppm; // of wild horizons, <= 1000000
    uint32_t ratio_ppm;  // of their sigma, 1000000 to 20000000; 0 = 1000000
};

struct breach_view {
    uint64_t horizon_ns;
    uint64_t step_ns; // time between two looks at the price; 0: it is always looked at
    // Correlation of asset i with j at [i * n + j], in 2^-30, symmetric with a diagonal of 2^30; NULL:
    // rho_ppm between any two, 0 to 1000000.
    const int32_t *rho_q30;
    uint32_t rho_ppm;
    struct breach_tail_fit fit;
};

// sqrt of a variance a second (of the price's logarithm, in 2^-64), rounded down.
uint64_t breach_vol_q48(uint64_t variance_q64);

// The distance to zero in sigmas of the horizon, in 2^-24, the impact of breach_asset taken off, capped at
// 4096 sigmas; <= 0: breached. *drift: of H over the horizon in sigmas, > 0 away from zero, capped at 4; NULL
// allowed. Before the fit.
int64_t breach_distance(const struct breach_form *f, const struct breach_asset *a,
                        const struct breach_view *v, int64_t *drift);
// P(H touches zero within the horizon), in 2^-32. Never falls when health falls, the horizon grows or, of an
// account whose exposures have one sign, a variance grows (drifts being 0). Where prices are looked at every
// step_ns only, the edge is farther by 0.5826 sigma of a step (Broadie, Glasserman and Kou 1997).
uint64_t breach_probability(const struct breach_form *f, const struct breach_asset *a,
                            const struct breach_view *v);
// The same for a distance and a drift that are known.
uint64_t breach_probability_at(int64_t distance, int64_t drift, const struct breach_tail_fit *fit);

// Expected value of an order in the caller's unit: probability times reward, rounded down, less cost;
// saturates. Reward may be negative.
int64_t breach_value(uint64_t probability, int64_t reward, int64_t cost);

// By how much an account's exposures have to shrink, all alike and at the current price, so that the
// probability is at most `most`: the smallest share in ppm, 0 to 1000000; the health is taken to stay as it
// is (it rises by what is freed, less what reducing costs). Gradual reduction before the edge. An account
// that has breached: 1000000.
uint32_t breach_reduction_ppm(const struct breach_form *f, const struct breach_asset *a,
                              const struct breach_view *v, uint64_t most);

// ---- which price comes next

// An oracle that follows a market: its price changes when the market's has left it by more than a threshold,
// or when it is due anyway.
struct breach_feed {
    int64_t told;           // the oracle's price, > 0
    int64_t market;         // what it follows, same unit, > 0
    uint64_t vol_q48;       // of the market
    uint32_t deviation_ppm; // threshold, 0: none; below 1000000
    uint64_t due_in_ns;     // until it is told anyway, UINT64_MAX: never
    int64_t visible;        // an update on its way (in a pool of transactions), 0: none
    uint64_t visible_q32;   // the chance that it is the one that comes
};
enum breach_cause { BREACH_VISIBLE, BREACH_DEVIATION, BREACH_DUE };
struct breach_candidate {
    int64_t price;
    uint64_t probability; // 2^-32; of all candidates together at most BREACH_CERTAIN
    int64_t distance;     // BREACH_DEVIATION: of the market to the threshold, sigmas in 2^-24; else 0
    enum breach_cause cause;
};
// The prices that the oracle may tell next within the horizon, the likeliest first: what is visible; of what
// remains, each edge of the deviation with the chance that the market touches it (both, where the chances
// are above one together, in proportion); of what then remains the market's price, where it is due. Their
// number, at most BREACH_CANDIDATES_MAX. Probabilities of 0 are left out.
unsigned breach_candidates(const struct breach_feed *f, const struct breach_view *v,
                           struct breach_candidate out[BREACH_CANDIDATES_MAX]);
// H at another price of one asset, told > 0 being the one that H is at; saturates.
int64_t breach_at_price(const struct breach_form *f, uint32_t which, int64_t told, int64_t price);
// P(breach) of an account whose asset `which` of the form is told by that oracle: certain where a candidate
// takes H to zero, else what remains of the distance there.
uint64_t breach_with_candidates(const struct breach_form *f, const struct breach_asset *a,
                                const struct breach_view *v, uint32_t which, int64_t told,
                                const struct breach_candidate *c, unsigned n);

#endif
