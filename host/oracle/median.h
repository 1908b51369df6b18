// SPDX-License-Identifier: Apache-2.0
// One price out of several. Prices are int64 quanta > 0, at most MEDIAN_MAX of them (more is a caller's bug
// and is asserted). Sorting is by insertion: no allocation, bounded, stable. Pure functions but for struct
// poke, which its owner keeps; any thread.
//
//   median_of         sorted[n >> 1]: Maker's Median.poke takes vals[bar >> 1] of an odd bar, Chainlink's
//                     OffchainAggregator takes observations[n / 2]; of an even number both give the upper
//                     one. It is always one of the values: nothing is averaged, nothing rounded.
//   median_weighted   the smallest value up to which (itself included) lies more than half of the weight;
//                     with equal weights the same as median_of. Hyperliquid publishes its weights (spot: 3 2
//                     2 1 1 1 1 1, perpetuals: 3 2 2 1 1) but not who wins a tie of halves; here it is the
//                     upper one, as above.
//   median_pyth       Pyth's: each value p that is known to within c votes three times, p - c, p and p + c.
//   The
//                     price is the votes' median, of an even number the mean of the middle two rounded down;
//                     its confidence the greater distance to the votes at a quarter from either end.
//   poke_median       Maker's whole rule: exactly `quorum` (odd) values, each observed strictly after
//                     the last poke.
#ifndef TRIPLINE_ORACLE_MEDIAN_H
#define TRIPLINE_ORACLE_MEDIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MEDIAN_MAX = 16 };

struct quote {
    int64_t price;
    uint64_t time_ns; // when it was observed
    uint32_t weight;  // > 0; of no meaning but to median_weighted
    int64_t conf;     // c of median_pyth, in the price's unit; of no meaning but to it
};

// n = 1..MEDIAN_MAX. These sort q.
int64_t median_of(struct quote *q, size_t n);
int64_t median_weighted(struct quote *q, size_t n);
// Values of any sign, n = 0..MEDIAN_MAX. Those with conf <= 0, or with p - c or p + c beyond 64 bits, do not
// vote. False, and nothing is written, when fewer than `least` (> 0) do. *conf > 0, at most INT64_MAX.
bool median_pyth(const struct quote *q, size_t n, size_t least, int64_t *price, int64_t *conf);

// Maker's stored value. Zeroed before the first poke.
struct poke {
    int64_t price;     // 0 before the first
    uint64_t time_ns;  // of the last poke: values observed then or before are no longer taken
    uint64_t since_ns; // when the oldest of the values that made it was observed: the price's age
};
// When at least quorum of the n values (n may be 0) are newer than the last poke, the median of the quorum
// newest of them (of equals, those earlier in q) becomes the price and now_ns the time, and true is returned.
// Reorders q.
bool poke_median(struct poke *p, struct quote *q, size_t n, size_t quorum, uint64_t now_ns);

#endif
