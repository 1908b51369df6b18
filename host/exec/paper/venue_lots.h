// SPDX-License-Identifier: Apache-2.0
// Auctions of the paper venue on disk, and their postings. Inside of the paper venue only.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_LOTS_H
#define TRIPLINE_EXEC_PAPER_VENUE_LOTS_H

#include "exec/paper/venue_inside.h"

// Within the caller's transaction: the auction as it is now (one more than there are is new, and there is
// room for it in memory after that), and the flows in v->settlement under this key.
int lots_put(struct venue *v, const struct venue_auction *x, struct err *e);
int lots_post(struct venue *v, const struct order_key *k, struct err *e);
// All that there are, into memory.
int lots_load(struct venue *v, struct err *e);

#endif
