// SPDX-License-Identifier: Apache-2.0
// Messages between the paper gateway and the paper venue: one SOCK_SEQPACKET packet each, little endian,
// first byte the type (docs/execution.md has the layouts). Nothing received is trusted: a packet decodes
// exactly or not at all. Pure functions over the caller's memory, any thread.
#ifndef TRIPLINE_EXEC_PAPER_WIRE_H
#define TRIPLINE_EXEC_PAPER_WIRE_H

#include "exec/gateway.h"
#include "exec/kick.h"

enum {
    WIRE_VERSION = 7,        // 3: states without an order; 4: an order's second, instruments' parameters; 5:
                             // auctions; 6: does; 7: what starting an auction pays
    WIRE_MAX = 32768,        // bytes of any packet
    WIRE_KEYS_MAX = 256,     // keys in one LOOKUP
    WIRE_TEXT_MAX = 160,     // with terminator
    WIRE_BALANCES_MAX = 128, // in one LEDGER answer
    LEDGER_NAME_LEN = 64,    // name of a currency or token in the ledger, with terminator
};

enum wire_type {
    // client to venue
    WIRE_HELLO = 1,
    WIRE_ORDER = 2,
    WIRE_LOOKUP = 3,
    WIRE_STATE = 4,
    WIRE_LEDGER = 5,
    WIRE_WATCH = 6,      // asks for states without an order
    WIRE_SET = 7,        // an account's new state, from its owner
    WIRE_MARKET = 8,     // asks for the instruments' parameters
    WIRE_SET_MARKET = 9, // new ones: a part of them
    // venue to client
    WIRE_WELCOME = 0x81,
    WIRE_REPLY = 0x82,
    WIRE_ABSENT = 0x83,
    WIRE_STATES = 0x84,
    WIRE_BALANCES = 0x85,
    WIRE_TOLD = 0x86, // a state without an order
    WIRE_IS_SET = 0x87,
    WIRE_MARKET_PART = 0x88,
    WIRE_AUCTION = 0x89, // an auction has begun, or changed
    WIRE_ERROR = 0x8f,
};

enum wire_mode {
    WIRE_PEEK = 0,  // only looks: an unknown key may be sent afterwards (live gateway after a reconnect)
    WIRE_FENCE = 1, // an unknown key is closed for good (recovery after a crash of the sender)
};

enum wire_error {
    WIRE_MALFORMED = 1, // packet does not decode; the key is zero when none could be read
    WIRE_VIOLATION = 2, // known key, other bytes
    WIRE_UNGREETED = 3, // anything before HELLO, or another version
    WIRE_REFUSED = 4,   // SET of a state, or parameters, that the venue does not take
};

struct wire_welcome {
    uint16_t version;
    uint64_t instance; // drawn when the venue's state was created: tells one state from another
    uint32_t n_accounts;
    uint64_t told; // number of the last state without an order
    uint8_t does;  // enum venue_does (paper.h)
    struct kick_terms kick;
};
struct wire_order {
    uint64_t second; // at which it was judged, of the Unix epoch, <= MOVING_TIME_MAX; 0: at no time
    uint16_t n_marks;
    struct gateway_mark mark[ROW_ASSETS_MAX];
    const uint8_t *bytes; // into the packet
    uint16_t n_bytes;
};
struct wire_lookup {
    uint8_t mode;
    uint16_t n;
    struct order_key key[WIRE_KEYS_MAX];
};
struct wire_states {
    bool last;
    uint16_t n;
    const uint8_t *p; // n times (u16 length, account_encode bytes): wire_next_state
    size_t len;
};
// A market is larger than a packet: its encoding comes in parts, ascending without a hole.
struct wire_part {
    uint32_t version; // of these parameters, counted from 1; SET_MARKET: of those that they were made from
    uint64_t seq;     // number of this change among the states without an order; 0: none
    uint32_t total;   // bytes of the whole, 1..MARKET_BYTES_MAX
    uint32_t offset;  // of this part
    uint32_t len;     // > 0
    const uint8_t *p;
};
struct wire_balance {
    char currency[LEDGER_NAME_LEN];
    uint8_t party;
    i256 amount;
};
struct wire_balances {
    bool last;
    uint64_t orders, filled, refused, fenced, violations;
    uint16_t n;
    struct wire_balance row[WIRE_BALANCES_MAX];
};
struct wire_err {
    uint8_t code;
    struct order_key key;
    char text[WIRE_TEXT_MAX];
};
// A decoded packet; pointers lead into the packet.
struct wire_msg {
    uint8_t type;
    union {
        uint16_t version; // HELLO
        struct wire_welcome welcome;
        struct wire_order order;
        struct wire_lookup lookup;
        uint32_t first_id;  // STATE: accounts with id >= this
        uint32_t first_row; // LEDGER
        struct {
            const uint8_t *p; // reply_decode
            size_t len;
        } reply;
        struct order_key absent;
        struct {
            uint64_t after; // states with numbers above it; counts in a connection's first WATCH only
            uint32_t room;  // so many more TOLD, AUCTION and markets may be sent
            uint8_t market; // 1: one of them may be a market, whole; 0 adds nothing
        } watch;
        struct {
            const uint8_t *p; // account_decode
            size_t len;
        } set;
        struct {
            uint64_t seq;
            const uint8_t *p; // reply_decode, ORDER_STATE
            size_t len;
        } told;
        struct {
            const uint8_t *p; // auction_decode has taken it
            size_t len;
        } auction;
        struct {
            uint32_t id, epoch; // id 0: the market, its version
        } is_set;
        struct wire_part part; // MARKET_PART, SET_MARKET
        struct wire_states states;
        struct wire_balances balances;
        struct wire_err error;
    } u;
};
int wire_decode(const uint8_t *buf, size_t len, struct wire_msg *m); // 0 or -1
// Next account of a STATES packet: 1, 0 at the end, -1 when malformed.
int wire_next_state(struct wire_states *s, struct account *a);

// Encoders: bytes written, 0 when they do not fit.
size_t wire_put_hello(uint8_t *buf, size_t size);
size_t wire_put_welcome(const struct wire_welcome *w, uint8_t *buf, size_t size);
size_t wire_put_order(const struct gateway_order *o, uint8_t *buf, size_t size);
size_t wire_put_lookup(uint8_t mode, const struct order_key *key, size_t n, uint8_t *buf, size_t size);
size_t wire_put_state(uint32_t first_id, uint8_t *buf, size_t size);
size_t wire_put_ledger(uint32_t first_row, uint8_t *buf, size_t size);
size_t wire_put_reply(const uint8_t *reply, size_t n, uint8_t *buf, size_t size);
size_t wire_put_watch(uint64_t after, uint32_t room, uint8_t market, uint8_t *buf, size_t size);
size_t wire_put_set(const struct account *a, uint8_t *buf, size_t size);
size_t wire_put_told(uint64_t seq, const uint8_t *reply, size_t n, uint8_t *buf, size_t size);
size_t wire_put_auction(const uint8_t *auction, size_t n, uint8_t *buf, size_t size);
size_t wire_put_is_set(uint32_t id, uint32_t epoch, uint8_t *buf, size_t size);
size_t wire_put_market(uint8_t *buf, size_t size); // the request
// As much of p as the packet takes: of p->len bytes from p->p on, of which the first stands at p->offset.
// *sent: how many went in. type: MARKET_PART or SET_MARKET.
size_t wire_put_part(uint8_t type, const struct wire_part *p, uint8_t *buf, size_t size, uint32_t *sent);
size_t wire_put_absent(const struct order_key *key, uint8_t *buf, size_t size);
size_t wire_put_balances(const struct wire_balances *b, uint8_t *buf, size_t size);
size_t wire_put_error(uint8_t code, const struct order_key *key, const char *text, uint8_t *buf, size_t size);
// STATES is written piecewise: begin, add until it returns 0, end. begin leaves the count open.
size_t wire_begin_states(uint8_t *buf, size_t size);
size_t wire_add_state(const struct account *a, uint8_t *buf, size_t size,
                      size_t used); // new used, 0: does not fit
void wire_end_states(bool last, uint16_t n, uint8_t *buf);

#endif
