// SPDX-License-Identifier: Apache-2.0
// The client side of the paper venue: its gateway, look-ups for recovery, and a keeper of its process.
#ifndef TRIPLINE_EXEC_PAPER_PAPER_H
#define TRIPLINE_EXEC_PAPER_PAPER_H

#include "exec/gateway.h"
#include "exec/kick.h"

// ---- gateway

struct gateway_paper_config {
    const char *socket;
    // LSN up to which the journal is on disk; called from the gateway's thread. NULL: everything counts as
    // durable.
    uint64_t (*durable)(void *ctx);
    void *durable_ctx;
    uint32_t poll_us; // how long the gateway's thread sleeps between looks at its ring; 0 = 50
    // An order that could not leave for this long after it was handed over does not leave any more: it is
    // answered "refused", or fenced where it may have been sent before. 0 = no limit.
    uint32_t max_wait_ms;
    bool in_order; // orders leave in the order of their hand-over, so that a run in lockstep repeats exactly
    bool spin;     // never sleep: for a core that the thread has to itself
    uint64_t told_from; // states without an order are wanted from after this number on (gateway_states)
};
// Starts the thread. The venue need not be there yet: the gateway connects when it can, with a growing pause
// between tries (at most 200 ms), and again whenever the connection breaks. After a reconnect every order
// that was sent is looked up (peek) before anything else goes out, and only those the venue does not know are
// sent again, byte for byte. It never talks to a venue with another state than the first one it met. States
// without an order (ORDER_STATE) and markets (ORDER_MARKET) are polled among the replies; when nobody polls
// them the venue keeps them.
// NULL with *e set. close: joins the thread; orders without an outcome stay without one (recovery looks them
// up).
struct gateway *gateway_paper_open(const struct gateway_paper_config *c, struct err *e);

// ---- before the gateway is opened, blocking

// What a venue does, as its greeting says.
enum venue_does {
    VENUE_AUCTIONS = 1, // it sells collateral by auction
    VENUE_BESIDE = 2,   // it tells of states, parameters or auctions by its own clock: no run repeats exactly
};
// Waits up to timeout_ms for the venue; *kick: what starting an auction there pays. 0, or -1 with *e set.
int gateway_greeting(const char *socket, int timeout_ms, uint8_t *does, struct kick_terms *kick,
                     struct err *e);

// ---- recovery

// Called once a key, in order. reply->status is ORDER_UNKNOWN for keys the venue never saw: they are closed
// now. Not 0 stops the recovery.
typedef int (*gateway_recover_fn)(void *ctx, const struct order_reply *reply);
// Asks the venue for the outcome of every key, fencing the unknown ones. Waits up to timeout_ms for the
// venue. 0, or -1 with *e set: then nothing may be sent for these accounts.
int gateway_recover(const char *socket, const struct order_key *keys, size_t n, int timeout_ms,
                    gateway_recover_fn fn, void *ctx, struct err *e);
// The market as the venue has it, then every account, ascending by id. Parameters that change while the
// accounts come: market is called again, and all accounts come anew. Not 0 from market or state stops. *told
// (NULL is allowed): the number from which the gateway has to be told of later states.
struct gateway_states_to {
    int (*market)(void *ctx, const struct market *m); // valid during the call
    int (*state)(void *ctx, const struct account *a);
    void *ctx;
};
int gateway_states(const char *socket, int timeout_ms, const struct gateway_states_to *to, uint64_t *told,
                   struct err *e);

// ---- owners

// A connection that sets accounts' states and instruments' parameters (`tripline accounts push`). Blocking.
int owner_open(const char *socket, int timeout_ms, struct err *e); // descriptor, or -1
// The venue takes the state under the account's next epoch, in *epoch; it is durable then. 0, or -1 with the
// venue's reason in *e.
int owner_set(int fd, const struct account *a, uint32_t *epoch, struct err *e);
// The venue's market and the version of its parameters.
int owner_market(int fd, struct market *m, uint32_t *version, struct err *e);
// The venue takes the market, made from version *version, in its place, and says which version it is now; it
// is durable then. 0, or -1 with the venue's reason in *e.
int owner_set_market(int fd, const struct market *m, uint32_t *version, struct err *e);

// ---- process

struct venue_process;
// Starts argv (argv[0] a path, or found through PATH; NULL-terminated, copied) and waits until the socket
// answers. A thread keeps it: when it dies it is started again (with a growing pause, at most 200 ms). It
// gets SIGTERM when the caller's process ends, however that ends. NULL with *e set when it is not ready
// within timeout_ms.
struct venue_process *venue_spawn(char *const argv[], const char *socket, int timeout_ms, struct err *e);
long venue_pid(const struct venue_process *p); // of the running child; 0 between two
uint64_t venue_restarts(const struct venue_process *p);
void venue_close(struct venue_process *p); // SIGTERM, then SIGKILL after 5 s, and waits

#endif
