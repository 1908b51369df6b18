// SPDX-License-Identifier: Apache-2.0
// Inside of the paper venue only: collateral that it sells by auction (auction_spec.h; docs/execution.md,
// "Auctions"). A liquidation order of a lending account takes debt and collateral off the account as ever;
// what would have been the liquidator's goes into an auction. The ledger's PARTY_AUCTION then holds the lot
// and owes the debt that was repaid; a buyer pays into it, and when the sale is over it is empty: what is
// left of the collateral is the owner's (PARTY_OTHERS), money above the debt the venue's, money missing a
// deficit. One thread. Functions that return an int give -1 with *e set when the process has to end.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_AUCTIONS_H
#define TRIPLINE_EXEC_PAPER_VENUE_AUCTIONS_H

#include "accounts/rules/rule.h"
#include "exec/auction.h"
#include "exec/paper/venue_told.h"

struct venue_auction {
    struct auction a;
    i128 lent;         // debt units that were repaid for the account, less what buyers have paid
    uint64_t rival;    // beginning (clip.tic) that the rival has been to; 0: none
    uint64_t rival_at; // when the rival comes, UINT64_MAX: not; of no account where not running
};
struct venue_auctions {
    struct venue_auction *at; // number i + 1
    uint32_t n, room;
    struct told_list told; // in the order of their last change
    struct venue_auction kicked, was;
};

struct venue;
struct client;
struct wire_order;
int venue_auctions_start(struct venue *v, struct err *e); // reads what the state holds
void venue_auctions_free(struct venue_auctions *x);
// A liquidation of `a` by v->settlement was decided: does an auction begin with it? Then v->settlement has
// its flows, v->reply the note, and venue_put_kick() belongs into the order's transaction.
bool venue_kick(struct venue *v, const struct account *a);
int venue_put_kick(struct venue *v, struct err *e);
void venue_kicked(struct venue *v); // committed
// v->bid has come; w: its packet.
int venue_on_bid(struct venue *v, struct client *c, const struct wire_order *w, struct err *e);
// The rival's purchases of the seconds before this one.
int venue_rival(struct venue *v, uint64_t second, struct err *e);
// Whether the wall clock is the venue's too, and what is due by it.
bool venue_by_wall(const struct venue *v);
int venue_wall(struct venue *v, struct err *e);
// As venue_tell(): 1 when the socket is full, else 0.
int venue_tell_auctions(struct venue *v, struct client *c);
void venue_watch_auctions(struct venue *v, struct client *c);

#endif
