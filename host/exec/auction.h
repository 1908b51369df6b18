// SPDX-License-Identifier: Apache-2.0
// An auction of liquidated collateral as venue and keeper speak of it: the whole state as the venue tells it
// (wire message, journal record J_AUCTION), and the bytes of an order that takes or resets (J_BID). The
// auction itself is econ/auction_clip.h in the tokens' own units: a lot is units of collateral ("wad" there),
// a price a ray of debt units a unit of collateral, money 1e-27 debt units ("rad"). So every amount of
// collateral is whole, and who pays rounds what he owes up to a unit. Codecs are little endian with a version
// byte, trust nothing and are canonical. Pure functions, any thread, no allocation.
#ifndef TRIPLINE_EXEC_AUCTION_H
#define TRIPLINE_EXEC_AUCTION_H

#include "accounts/account.h"
#include "econ/auction_clip.h"
#include "exec/order.h"

// Keys of bids: the auction's number as the account, and an epoch that no account's order can have (a venue
// refuses one as used up). So bids are looked up, fenced and sent again as orders are.
#define BID_EPOCH UINT32_MAX
static inline bool is_bid(const struct order_key *k)
{
    return k->epoch == BID_EPOCH;
}

enum auction_event { AUCTION_KICKED, AUCTION_TAKEN, AUCTION_RESET, AUCTION_EVENTS };

struct auction {
    uint32_t id;         // from 1, in the order in which they began
    uint32_t version;    // from 1: one more with every event
    uint32_t account;    // whose collateral
    uint16_t coll, debt; // instruments, both reserves
    // The last event: what and when (second of the epoch), by which desk (0: somebody else, or nobody).
    uint8_t event; // enum auction_event
    uint32_t by;
    uint64_t second;
    u128 slice;    // TAKEN: units of collateral
    u256 owe;      // TAKEN: 1e-27 debt units
    struct clip k; // stopped and locked are 0
};
enum { AUCTION_BYTES = 1 + 3 * 4 + 2 * 2 + 1 + 4 + 8 + 16 + 32 + 1 + 2 * 8 + 6 * 32 + 8 + 1 + 3 * 32 + 8 };
size_t auction_encode(const struct auction *a, uint8_t *buf, size_t size); // 0: does not fit, or not sound
int auction_decode(const uint8_t *buf, size_t len, struct auction *a);     // 0 or -1

// As a gateway hands it to its session: an ORDER_INPUT. n: at most NOTE_BYTES. *r's input.data is the
// copier's to set.
void auction_input(const uint8_t *bytes, size_t n, struct order_reply *r);

enum bid_what { BID_TAKE, BID_RESET, BID_WHATS };
struct bid {
    struct order_key key;
    uint8_t what;     // enum bid_what
    uint32_t version; // of the auction that it was planned for: of another one it is refused
    u256 amt, max;    // TAKE: as clip_take(); RESET: 0
    int64_t value_e8; // what it may pay, 1e-8 units of account: counts towards the limits
};
enum { BID_BYTES = 1 + ORDER_KEY_BYTES + 1 + 4 + 2 * 32 + 8 };
size_t bid_encode(const struct bid *b, uint8_t *buf, size_t size);
int bid_decode(const uint8_t *buf, size_t len, struct bid *b); // 0 or -1

// The oracle as a Clipper reads it: price of a unit of collateral in units of debt. px in quanta; has is
// false where one of the two has no price, or the ratio does not fit.
struct clip_feed auction_feed(const struct market *m, uint16_t coll, uint16_t debt, const int64_t *px);
// Units of account (1e-8) as 1e-27 debt units, rounded down or up; a negative one is 0. False: no price, or
// beyond 256 bits.
bool auction_rad(const struct market *m, uint16_t debt, const int64_t *px, int64_t e8, bool up, u256 *out);
// And back, rounded up; INT64_MAX where it is more, or cannot be told.
int64_t auction_e8(const struct market *m, uint16_t debt, const int64_t *px, u256 rad);
int64_t auction_sum_e8(int64_t a, int64_t b); // of such amounts, INT64_MIN or INT64_MAX beyond
u128 auction_units_up(u256 rad);              // whole debt units, at most 2^127 - 1

#endif
