// SPDX-License-Identifier: Apache-2.0
// Recursive Length Prefix, the encoding of transactions (Ethereum yellow paper, appendix B): an item is a
// string of bytes or a list of items. Integers are strings without leading zeros.
// No allocation; nothing is recursive, so nesting costs no stack; any thread.
#ifndef TRIPLINE_EVM_RLP_H
#define TRIPLINE_EVM_RLP_H

#include "evm/word.h"

enum { RLP_HEADER_MAX = 9 };

// ---- encoding, from the last item to the first: a list's header needs its payload's length, which is then
// known. What was written lies at the end of the caller's buffer. Once something did not fit, nothing more is
// written.
struct rlp_out {
    uint8_t *begin, *at, *end;
    bool bad;
};
static inline struct rlp_out rlp_out_of(uint8_t *buf, size_t size)
{
    return (struct rlp_out){buf, buf + size, buf + size, false};
}
// Bytes written; take it before a list's last item and give it to rlp_put_list after its first.
static inline size_t rlp_mark(const struct rlp_out *o)
{
    return (size_t)(o->end - o->at);
}
void rlp_put_bytes(struct rlp_out *o, const void *data, size_t n); // a string
void rlp_put_word(struct rlp_out *o, const struct word *v);        // an integer
void rlp_put_u128(struct rlp_out *o, u128 v);
void rlp_put_u64(struct rlp_out *o, uint64_t v);
void rlp_put_list(struct rlp_out *o, size_t mark);               // all since mark becomes one list
void rlp_put_raw(struct rlp_out *o, const void *data, size_t n); // as they are: what is encoded already
void rlp_put_list_header(struct rlp_out *o, size_t payload);     // of a list whose payload is elsewhere

// ---- decoding, strict: each item has exactly one encoding and every other one is refused. Lengths are
// checked against what is there. A reader and those of the lists in it share one flag, the caller's: it is
// set at the first thing that is not as asked for, and from then on each of them gives zeros and empty items.
struct rlp_in {
    const uint8_t *p;
    size_t left;
    bool *bad;
};
// *bad is not cleared here.
static inline struct rlp_in rlp_in_of(const uint8_t *buf, size_t len, bool *bad)
{
    return (struct rlp_in){buf, len, bad};
}
static inline bool rlp_more(const struct rlp_in *in)
{
    return !*in->bad && in->left > 0;
}
// A string; *n is its length, the result leads into the buffer.
const uint8_t *rlp_get_bytes(struct rlp_in *in, size_t *n);
// A string of exactly n bytes.
void rlp_get_fixed(struct rlp_in *in, uint8_t *out, size_t n);
struct word rlp_get_word(struct rlp_in *in);
u128 rlp_get_u128(struct rlp_in *in);
uint64_t rlp_get_u64(struct rlp_in *in);
struct rlp_in rlp_get_list(struct rlp_in *in);
// Nothing is left and nothing was wrong; sets the flag when something is left.
bool rlp_end(struct rlp_in *in);

#endif
