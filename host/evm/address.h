// SPDX-License-Identifier: Apache-2.0
// Addresses as text with EIP-55's checksum in the letters' case. Pure functions, any thread.
#ifndef TRIPLINE_EVM_ADDRESS_H
#define TRIPLINE_EVM_ADDRESS_H

#include "base/err.h"
#include "evm/word.h"

enum { ADDRESS_TEXT = 2 + 2 * ADDRESS_BYTES + 1 }; // with terminator

void address_format(const struct evm_address *a, char text[static ADDRESS_TEXT]);
// "0x" and 40 digits, the whole string; digits of one case carry no checksum, of both it must be right.
int address_parse(const char *text, struct evm_address *out, struct err *e);

#endif
