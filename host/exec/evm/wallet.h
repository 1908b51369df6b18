// SPDX-License-Identifier: Apache-2.0
// Sending keys and their nonces. The local counter `next` is the authority for what is signed; the chain's
// count only ever raises it. What puts it in doubt (a new connection, "nonce too low", a timeout) bars the
// key until the chain's count was read again. A key has at most `depth` transactions on their way that are in
// no block yet. Wei and units of gas. One thread; no allocation after wallet_init.
#ifndef TRIPLINE_EXEC_EVM_WALLET_H
#define TRIPLINE_EXEC_EVM_WALLET_H

#include <stdbool.h>

#include "evm/key.h"

enum { WALLET_MAX = 64, WALLET_DEPTH_MAX = 8 };

struct wallet_sender {
    const struct private_key *key; // the caller's
    struct evm_address address;
    uint64_t next;    // nonce of the next transaction
    uint64_t count;   // transactions in the chain, as last told
    bool known;       // count was told since it was last in doubt
    unsigned unmined; // on their way, in no block that we know of
    unsigned open;    // recovered and not looked up yet: nothing leaves before
    struct word balance;
};
struct wallet {
    struct wallet_sender s[WALLET_MAX];
    size_t n;
    unsigned depth;
};

// -1: no key, too many, one twice, or a depth out of 1 to WALLET_DEPTH_MAX.
int wallet_init(struct wallet *w, const struct private_key *const *key, size_t n, unsigned depth,
                struct err *e);
int wallet_find(const struct wallet *w, const struct evm_address *a); // index, -1: none of ours
void wallet_told_count(struct wallet *w, size_t i, uint64_t count);
void wallet_told_balance(struct wallet *w, size_t i, const struct word *wei);
void wallet_doubt(struct wallet *w, size_t i);
// May something new leave this key? Known, nothing recovered unlooked, room in its depth, and no nonce below
// `next` that is neither in the chain nor on its way.
bool wallet_free_to_send(const struct wallet *w, size_t i);
// Enough for value + gas x fee?
bool wallet_can_pay(const struct wallet *w, size_t i, uint64_t gas, u128 fee, const struct word *value);

#endif
