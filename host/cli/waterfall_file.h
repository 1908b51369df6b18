// SPDX-License-Identifier: Apache-2.0
// What `tripline lab waterfall` plays: a venue, its fund, its accounts and events out of a JSON file
// (docs/econ/losses.md, "tripline lab waterfall"). Amounts are whole numbers of the smallest unit and at most
// ECON_MOST. One thread.
#ifndef TRIPLINE_CLI_WATERFALL_FILE_H
#define TRIPLINE_CLI_WATERFALL_FILE_H

#include <stdio.h>

#include "base/err.h"
#include "econ/socialise.h"
#include "econ/waterfall.h"

enum { WF_NAME = 32, WF_ACCOUNTS_MAX = 1024, WF_EVENTS_MAX = 10000, WF_OFFERS_MAX = 100000 };

enum wf_model { WF_PERP = 1, WF_POOL = 2, WF_INDEX = 4 };
struct wf_venue {
    const char *name;
    enum wf_model model;
    const struct waterfall *steps; // WF_PERP
    enum pool_loss how;            // WF_POOL
    i128 unit;                     // WF_INDEX: tokens = scaled * index / unit, unless the file says another
    bool mango;                    // its I80F48, else Drift's index
    i128 floor;                    // of the fund, unless the file says another
    bool whole;                    // likewise
};
const struct wf_venue *wf_venue_find(const char *name); // NULL: none

enum wf_do {
    WF_MARK,
    WF_TRADE,
    WF_FUNDING,
    WF_BANKRUPT,
    WF_DEPOSIT,
    WF_WITHDRAW,
    WF_FUND_IN,
    WF_FUND_OUT,
    WF_COVER,
    WF_BAD_DEBT,
    WF_DOS
};
const char *wf_do_name(enum wf_do kind);

struct wf_event {
    enum wf_do kind;
    unsigned line;       // of the file
    uint32_t who, other; // accounts: the one meant, the buyer; the seller
    i128 amount;         // >= 0: paid, traded; of either sign: the rate of funding
    i128 price;
    size_t first, offers; // in wf.offer
    size_t start;         // of ADL_DYDX
};

struct wf {
    const struct wf_venue *venue;
    struct perp_market m;  // WF_PERP and WF_INDEX use its accounts; all of them its fund
    struct lend_pool pool; // WF_POOL
    i128 index, unit;      // WF_INDEX; an account's `size` is its scaled deposit
    bool capped;           // Drift: the index keeps 1
    char (*name)[WF_NAME]; // m.n of them
    struct offer *offer;
    struct wf_event *event;
    size_t events, offers;
};

// Reads it; `path` is for messages. 0 with what wf_free() frees, or -1 with file, line, field and remedy.
int wf_read(struct wf *w, FILE *f, const char *path, struct err *e);
void wf_free(struct wf *w);
void wf_example(const struct wf_venue *v, FILE *f); // a file for this venue
// The sum of WF_INDEX's deposits at the index as it is; downwards.
i128 wf_claims(const struct wf *w);

#endif
