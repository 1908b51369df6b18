// SPDX-License-Identifier: Apache-2.0
// Addresses as text with EIP-55's checksum in the letters' case, addresses of contracts to come, and the
// storage keys of Solidity's mappings. Pure functions, any thread.
#ifndef TRIPLINE_EVM_ADDRESS_H
#define TRIPLINE_EVM_ADDRESS_H

#include "base/err.h"
#include "evm/word.h"

enum { ADDRESS_TEXT = 2 + 2 * ADDRESS_BYTES + 1 }; // with terminator

void address_format(const struct evm_address *a, char text[static ADDRESS_TEXT]);
// "0x" and 40 digits, the whole string; digits of one case carry no checksum, of both it must be right.
int address_parse(const char *text, struct evm_address *out, struct err *e);

// Of the contract that `creator` makes by a transaction with this nonce (CREATE).
struct evm_address address_created(const struct evm_address *creator, uint64_t nonce);
// Where Solidity keeps mapping[key] of a mapping at `slot`: keccak256(key, slot). Key: the value's word; of a
// mapping of mappings, the slot is what this gave for the outer key.
struct word mapping_slot(const struct word *key, const struct word *slot);

#endif
