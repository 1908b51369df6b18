// SPDX-License-Identifier: Apache-2.0
// Inside of the paper venue only: state shared by venue.c (process, clients), venue_orders.c (orders,
// look-ups, the clock), venue_states.c (accounts' states that no order brought) and venue_market.c
// (instruments' parameters). One thread. Functions that return an int give -1 with *e set when the process
// has to end.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_INSIDE_H
#define TRIPLINE_EXEC_PAPER_VENUE_INSIDE_H

#include "accounts/store.h"
#include "base/prng.h"
#include "exec/paper/market_parts.h"
#include "exec/paper/venue.h"
#include "exec/paper/venue_auctions.h"
#include "exec/paper/venue_db.h"
#include "exec/paper/venue_told.h"

enum { CLIENTS_MAX = 16 };

struct client {
    int fd; // -1: free
    bool greeted, watching;
    uint8_t market;            // markets that it has room for
    uint32_t room;             // states and markets that it has room for
    uint32_t next;             // what it is told next, an index of told_list, TOLD_NONE
    uint32_t sent;             // bytes of that, where it is a market
    struct market_parts parts; // of a SET_MARKET
    uint32_t next_auction;     // as next, of venue_auctions.told
    uint64_t auctions_from;    // its number when the client began to watch
};

struct venue {
    const struct venue_options *o;
    struct venue_db db;
    struct venue_state s; // its book's market is at s.second
    uint64_t fills;       // of this process
    struct told_list told;
    struct prng churn;
    uint64_t churned; // states changed, or tried to
    int64_t started_ns;
    struct client client[CLIENTS_MAX];
    struct past_market { // an earlier version, for books that are up to that only
        struct market market;
        uint32_t version; // 0: none
    } past;
    struct { // a version's encoding, to be sent
        uint8_t bytes[MARKET_BYTES_MAX];
        size_t n;
        uint64_t seq;
        uint32_t version; // 0: none
    } coded;
    struct market next; // scratch of new parameters
    struct dynamic_follow dynamic[DYNAMIC_SPECS_MAX];
    struct venue_auctions auctions;
    // scratch
    uint8_t in[WIRE_MAX], out[WIRE_MAX], reply_bytes[REPLY_BYTES_MAX];
    struct wire_msg msg;
    struct order order;
    struct bid bid;
    struct order_reply reply;
    struct account after;
    struct settlement settlement, accrued;
    int64_t px[MARKET_ASSETS_MAX];
};

// venue.c
// The account with this id, or NULL; *index: where it is or would be.
struct account *venue_account(struct venue *v, uint32_t id, size_t *index);
void venue_drop(struct client *c);
// Sends n bytes of v->out. A client that does not take them is dropped: it will ask again when it is back.
void venue_send(struct venue *v, struct client *c, size_t n);
void venue_send_error(struct venue *v, struct client *c, uint8_t code, const struct order_key *key,
                      const char *text);
void venue_send_refusal(struct venue *v, struct client *c, uint8_t code, const char *text); // without a key

// venue_orders.c
int venue_on_order(struct venue *v, struct client *c, const struct wire_order *w, struct err *e);
bool venue_take_second(struct venue *v, uint64_t second);             // true: it is later than what was known
bool venue_refuses(const struct venue *v, const struct order_key *k); // a test aid
void venue_send_reply(struct venue *v, struct client *c, const uint8_t *reply, size_t n);
int venue_on_lookup(struct venue *v, struct client *c, const struct wire_lookup *l, struct err *e);

// venue_states.c
int venue_on_set(struct venue *v, struct client *c, const uint8_t *p, size_t n, struct err *e);
void venue_on_watch(struct venue *v, struct client *c, uint64_t after, uint32_t room, uint8_t market);
// As much as the client has room for and its socket takes: the venue waits for nobody. 1 when only the socket
// is full, else 0.
int venue_tell(struct venue *v, struct client *c, struct err *e);
int venue_churn(struct venue *v, struct err *e); // what is due of it
int venue_load_told(struct venue *v, struct err *e);
// What is new in the list of what is told is told to those who had been told everything.
void venue_wake(struct venue *v, uint32_t told);

// venue_market.c
int venue_on_market(struct venue *v, struct client *c, struct err *e);
int venue_on_set_market(struct venue *v, struct client *c, const struct wire_part *p, struct err *e);
// The thresholds that follow the marks of an order just judged: new parameters where they have changed.
int venue_dynamic(struct venue *v, const struct wire_order *w, struct err *e);
int venue_dynamic_start(struct venue *v, struct err *e);
// Tells the client version `market`, part by part: 1 all sent, 0 the socket is full; a client that broke is
// dropped.
int venue_tell_market(struct venue *v, struct client *c, uint32_t market, struct err *e);
// The market of these books at their second; NULL with *e set.
const struct market *venue_market_of(struct venue *v, const struct venue_as_of *as_of, struct err *e);

#endif
