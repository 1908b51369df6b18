// SPDX-License-Identifier: Apache-2.0
// The encoding of calls, results and events of Solidity contracts (Solidity documentation, "Contract ABI
// Specification"): a tuple is a row of heads of 32 bytes, one word for each static value and one offset for
// each dynamic one, whose tail lies behind; a static struct or fixed array is its members' words in place.
// No allocation, nothing is recursive, any thread. Offsets and lengths that are read are never trusted.
#ifndef TRIPLINE_EVM_ABI_H
#define TRIPLINE_EVM_ABI_H

#include "evm/word.h"

// ---- names. `signature` is the canonical text, e.g. "transfer(address,uint256)". Made at start-up.
uint32_t abi_selector(const char *signature); // the four bytes as a number, the first one on top
struct word abi_topic(const char *signature); // first topic of an event

// ---- encoding. A head (struct abi_head) is a row of words being filled in order; putting something dynamic
// opens its tail. Everything inside a tail must be put before the next thing is put into the row that opened
// it: then the bytes are those that Solidity's own encoder makes.
struct abi_out {
    uint8_t *buf;
    size_t size, used;
    size_t owed; // words of heads not yet put
    bool bad;    // did not fit, or more was put than a head has words
};
struct abi_head {
    size_t base, at, end; // bytes into buf; offsets count from base
};
static inline struct abi_out abi_out_of(uint8_t *buf, size_t size)
{
    return (struct abi_out){buf, size, 0, 0, false};
}
// The outermost row, once: of a call, with its selector in front, or of abi.encode(...). words: what the
// arguments take in it.
struct abi_head abi_call(struct abi_out *o, uint32_t selector, size_t words);
struct abi_head abi_row(struct abi_out *o, size_t words);
void abi_put_word(struct abi_out *o, struct abi_head *h, const struct word *v); // uint256, bytes32
void abi_put_u64(struct abi_out *o, struct abi_head *h, uint64_t v);            // uintN, bool
void abi_put_u128(struct abi_out *o, struct abi_head *h, u128 v);
void abi_put_address(struct abi_out *o, struct abi_head *h, const struct evm_address *v);
void abi_put_bytes(struct abi_out *o, struct abi_head *h, const void *data, size_t n); // bytes, string
// T[]: the row of its items, each of which takes `words` words in it: those of a static T, 1 of a dynamic T.
struct abi_head abi_put_array(struct abi_out *o, struct abi_head *h, size_t count, size_t words);
// A dynamic struct (or T[k] of a dynamic T): the row of its members.
struct abi_head abi_put_tuple(struct abi_out *o, struct abi_head *h, size_t words);
// Bytes written; 0 when something did not fit or a head is not full.
size_t abi_done(const struct abi_out *o);

// ---- decoding: of results and of events' data. Values are read in the order of the heads. A reader and
// those of the tails in it share one flag, the caller's: set when something leads outside the data or does
// not fit the type asked for; from then on they give zeros. Bytes that no head leads to are not looked at,
// and tails may overlap, as for Solidity's own decoder.
struct abi_in {
    const uint8_t *base;
    size_t size, at; // bytes from base on; of the next head
    bool *bad;
};
// *bad is not cleared here.
static inline struct abi_in abi_in_of(const uint8_t *data, size_t n, bool *bad)
{
    return (struct abi_in){data, n, 0, bad};
}
struct word abi_get_word(struct abi_in *in);
uint64_t abi_get_u64(struct abi_in *in); // uint8 .. uint64; larger than the type said is the caller's
i256 abi_get_signed(struct abi_in *in);
struct evm_address abi_get_address(struct abi_in *in);
const uint8_t *abi_get_bytes(struct abi_in *in, size_t *n); // bytes, string; leads into the data
// T[] (words as in abi_put_array, at least 1): its items, of which there are *count; the data has room for
// the heads of all of them.
struct abi_in abi_get_array(struct abi_in *in, size_t words, size_t *count);
struct abi_in abi_get_tuple(struct abi_in *in); // a dynamic struct

// ---- events
enum { ABI_TOPICS_MAX = 4 };
struct abi_log {
    struct evm_address address; // who emitted it
    uint8_t n_topics;
    struct word topic[ABI_TOPICS_MAX];
    const uint8_t *data;
    size_t n_data;
};
// It is this event (abi_topic) with so many indexed parameters. Events of one name that differ in what is
// indexed, as ERC-20's and ERC-721's Transfer do, are told apart by that.
bool abi_log_is(const struct abi_log *l, const struct word *event, unsigned indexed);

#endif
