// SPDX-License-Identifier: Apache-2.0
// How the paper venue sells collateral by auction (`--auctions SPEC`): terms of the sale, and a rival who
// bids too. Pure functions, any thread.
#ifndef TRIPLINE_EXEC_PAPER_AUCTION_SPEC_H
#define TRIPLINE_EXEC_PAPER_AUCTION_SPEC_H

#include "accounts/account.h"
#include "base/err.h"
#include "econ/auction_curve.h"

struct auction_spec {
    char rule[NAME_LEN]; // only accounts of this rule; empty: of every lending rule
    struct curve calc;
    uint32_t buf_bps;  // top: the oracle's price times this
    uint32_t cusp_bps; // of top
    uint64_t tail;     // seconds
    uint32_t chop_bps; // tab: the debt repaid times this, at least 10000
    uint32_t chip_bps; // of the tab, and tip, to who begins or resets
    int64_t tip_e8;    // 1e-8 units of account, at the prices of the beginning
    int64_t dust_e8;   // least tab that a part may leave, before chop, likewise
    // Somebody else, who comes to so many of the auctions (by number and beginning), when the price is at
    // something between `from` and `to` of the oracle's at the beginning, and takes this part of what is
    // left.
    uint32_t rival_pct, rival_from_bps, rival_to_bps, rival_part_pct;
    bool wall; // the venue's second is the wall clock's too, not only the latest that it was told
};
// "curve=exponential,cut_ppm=990000,tail=600,...": name=value by commas, whole numbers. 0, or -1 with what is
// wrong and what would be right.
int auction_spec_parse(const char *text, struct auction_spec *s, struct err *e);

#endif
