// SPDX-License-Identifier: Apache-2.0
// An order: what to liquidate, under a key that can be looked up after a crash. The bytes of an order are its
// encoding (order_encode); only identical bytes may be sent again under the same key (P6). Codecs are little
// endian with a version byte, trust nothing, and are canonical: what decodes encodes to the same bytes.
// Layouts are in docs/execution.md. Pure functions, any thread, no allocation.
#ifndef TRIPLINE_EXEC_ORDER_H
#define TRIPLINE_EXEC_ORDER_H

#include "accounts/rules/rule.h"

// Deterministic: the same run gives the same keys.
struct order_key {
    uint32_t desk;     // configured number of this keeper
    uint32_t account;  // account id
    uint32_t epoch;    // account's epoch the order was made for
    uint32_t revision; // counts orders made for this epoch
};

enum { ORDER_KEY_BYTES = 16, ORDER_KEY_TEXT = 48 };
// <0, 0, >0; by desk, account, epoch, revision.
int order_key_cmp(const struct order_key *a, const struct order_key *b);
// "d1-a17-e3-r2" with a terminator; ORDER_KEY_TEXT bytes are enough. Returns buf.
char *order_key_format(const struct order_key *k, char *buf, size_t size);
void order_key_encode(const struct order_key *k, uint8_t buf[ORDER_KEY_BYTES]);
void order_key_decode(const uint8_t buf[ORDER_KEY_BYTES], struct order_key *k);

struct order {
    struct order_key key;
    bool full;
    uint16_t n;
    int64_t value_e8;  // liquidated value, 1e-8 units of account
    int64_t reward_e8; // liquidator's gross reward
    struct order_leg leg[ORDER_LEGS_MAX];
};

enum { ORDER_BYTES_MAX = 64 + ORDER_LEGS_MAX * 18 };
size_t order_encode(const struct order *o, uint8_t *buf, size_t size); // 0 when it does not fit
int order_decode(const uint8_t *buf, size_t len, struct order *o);     // 0 or -1

enum order_status {
    ORDER_FILLED = 1,  // settled; the account's new state follows
    ORDER_REFUSED = 2, // not liquidatable, illegal leg, wrong epoch: no effect
    ORDER_UNKNOWN = 3, // look-up: the venue has never seen this key, and will refuse it from now on (fenced)
    ORDER_STATE = 4,   // no order's: an account's new state (deposit, withdrawal, trade), or a new account
    // No order's and no account's: instruments' new parameters. From a gateway only; has no encoding as a
    // reply.
    ORDER_MARKET = 5,
    // A chain's: the transaction is in a block, in which it did what the order says or nothing (order_mined).
    // The account's new state has been told before (STATE). Key of zeros: a transaction that no order's
    // account belongs to (a nonce filled).
    ORDER_MINED = 6,
    // That block is no longer part of the chain: what MINED said is taken back. The order is on its way
    // again, unless a REFUSED or another MINED follows.
    ORDER_UNDONE = 7,
    // No order's: a record that the session takes as an input of its own (order_reply.input). From a gateway
    // only; has no encoding as a reply.
    ORDER_INPUT = 8,
    // A bid's (exec/auction.h): it bought from the auction, or reset it. The note has the state after.
    ORDER_TAKEN = 9,
};
const char *order_status_name(uint8_t status); // "filled", ...; "?" for anything else

// What a transaction in a block has brought and cost. MINED and UNDONE carry one and nothing else does.
struct order_mined {
    bool success;        // else it had no effect (reverted, or a cancellation) and cost its gas
    uint16_t instrument; // success: of which the profit is (the debt's reserve); else 0
    uint64_t block;
    uint8_t hash[32]; // of the transaction
    u128 profit;      // success: token units left by it, by the liquidation contract's own event
    u128 gas_wei;     // paid for gas by the sending key
    u128 paid_wei;    // handed to the block's maker beside that
};

enum { REASON_LEN = 96, NOTE_BYTES = 512 };
struct order_reply {
    struct order_key key;
    uint8_t status; // enum order_status
    char reason[REASON_LEN];
    bool has_account;            // new state follows (FILLED, STATE)
    uint16_t n_note;             // bytes of note
    struct account account;      // rule pointer resolved
    const struct market *market; // MARKET: the whole market; valid until the gateway is polled again
    struct order_mined mined;    // MINED, UNDONE
    // INPUT: the journal record it is (J_TOLD, J_EXITS, J_AUCTION); valid until the gateway is polled again.
    struct {
        uint8_t type; // enum journal_type
        const uint8_t *data;
        size_t n;
    } input;
    // The gateway's own measurement, no part of the encoding: from hand-over to the last byte written, by
    // CLOCK_MONOTONIC; 0 where nothing was sent.
    uint64_t sent_after_ns;
    bool waited; // its bytes were not on disk yet when the gateway first looked
    // An auction's state (auction_encode): of the one that a FILLED order has begun, of the one that a bid
    // was for (TAKEN; REFUSED, where there is one).
    uint8_t note[NOTE_BYTES];
};
// FILLED and STATE carry an account and nothing else does; the account's id is the key's. Only FILLED,
// REFUSED and TAKEN may carry a note, TAKEN must. Of STATE's key the rest is zero, and it gives no reason.
// Encode: 0 when it does not fit or that does not hold. Decode: 0 or -1.
size_t reply_encode(const struct order_reply *r, uint8_t *buf, size_t size);
int reply_decode(const uint8_t *buf, size_t len, struct order_reply *r);
enum { REPLY_BYTES_MAX = 16384 };

// Journal record J_READY: the key, then the order's bytes (which hold the key again; a mismatch is
// malformed).
enum { READY_RECORD_MAX = ORDER_KEY_BYTES + ORDER_BYTES_MAX };
size_t ready_record_encode(const struct order_key *k, const uint8_t *bytes, size_t n, uint8_t *buf,
                           size_t size);
// On success *bytes points into buf.
int ready_record_decode(const uint8_t *buf, size_t len, struct order_key *k, const uint8_t **bytes,
                        size_t *n);

// Journal record J_ORDER: an order was handed to the gateway.
struct order_record {
    struct order_key key;
    bool full;
    bool ready;        // made beforehand; false: made at the trigger ("cold")
    bool predicted;    // on predicted prices (desk_predict)
    uint8_t answer;    // enum desk_answer
    int64_t value_e8;  // as counted by the limits
    int64_t reward_e8; // with has_slip: slippage taken off
    // Of a desk with depth (desk.h); in older journals there is none.
    bool has_slip, slip_known; // known: by levels of a book or pools, else by the setting for unknown ones
    int64_t slip_e8;
};
enum { ORDER_RECORD_SHORT = ORDER_KEY_BYTES + 3 + 16, ORDER_RECORD_BYTES = ORDER_RECORD_SHORT + 8 };
// How many of the bytes are used: ORDER_RECORD_SHORT without a slippage.
size_t order_record_encode(const struct order_record *r, uint8_t buf[ORDER_RECORD_BYTES]);
int order_record_decode(const uint8_t *buf, size_t len, struct order_record *r); // 0 or -1

#endif
