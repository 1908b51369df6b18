// SPDX-License-Identifier: Apache-2.0
// Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 136 bytes, capacity 512 bits, first padding byte 0x01
// (SHA3-256 of FIPS 202 has 0x06 and other digests). The permutation is here because it takes a quarter less
// time than the one Debian's nettle exports (docs/evm.md), and nearly all of a transaction's cost beside
// the curve is this. Pure functions over the caller's memory, any thread.
#ifndef TRIPLINE_EVM_KECCAK_H
#define TRIPLINE_EVM_KECCAK_H

#include "evm/word.h"

enum { KECCAK_RATE = 136 };

// A message told piece by piece: init, add as often as wanted, end once.
struct keccak {
    uint64_t lane[25];
    size_t at; // bytes of the current block, below KECCAK_RATE
};
void keccak_init(struct keccak *k);
void keccak_add(struct keccak *k, const void *data, size_t n);
void keccak_end(struct keccak *k, struct word *out);

void keccak256(const void *data, size_t n, struct word *out);

#endif
