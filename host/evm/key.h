// SPDX-License-Identifier: Apache-2.0
// Private keys on the curve secp256k1 and what they sign. A key comes from a file that nobody else may read
// or from the environment, never from the command line (every user of the machine sees those), and is never
// printed. It lives on a page of its own that is kept out of swap and core dumps as far as the system lets a
// process ask for that, and is wiped when it is freed. Signatures are those of RFC 6979 with SHA-256 and low
// s: the same key and hash always give the same bytes, and no random number can be a bad one.
// Loading and freeing: one thread, may allocate. Signing: any thread, no allocation, some 20 us.
#ifndef TRIPLINE_EVM_KEY_H
#define TRIPLINE_EVM_KEY_H

#include "base/err.h"
#include "evm/address.h"

enum {
    SIGNATURE_BYTES = 65, // r, s, v = 27 or 28
    BUNDLE_HEADER_MAX = ADDRESS_TEXT - 1 + 1 + 2 + 2 * SIGNATURE_BYTES + 1,
};

struct private_key;
struct signature {
    struct word r, s;
    uint8_t parity; // of the y of the nonce's point: 0 or 1
};

// 64 hexadecimal digits, with or without 0x; at the end of the file a newline may follow. The file must be a
// regular one, the user's own, with no rights for others (chmod 600). Encrypted keystores are not read.
// NULL: e says why, and never what was read.
struct private_key *key_from_file(const char *path, struct err *e);
// The variable is taken out of the environment and its text wiped, so that no child process and no
// /proc/self/environ has it any more. Only while the process has one thread.
struct private_key *key_from_env(const char *name, struct err *e);
// 32 bytes, big endian, between 1 and the curve's order - 1; the caller wipes its own copy.
struct private_key *key_from_bytes(const uint8_t secret[static WORD_BYTES], struct err *e);
void key_free(struct private_key *k); // NULL: nothing

const struct evm_address *key_address(const struct private_key *k);
void key_sign(const struct private_key *k, const struct word *hash, struct signature *out);
// Whose signature it is; -1 when it is nobody's: out of range, or s in the upper half (EIP-2).
int signature_signer(const struct signature *s, const struct word *hash, struct evm_address *out);

// EIP-191 ("personal sign"): keccak256("\x19Ethereum Signed Message:\n", the length in decimal, message).
struct word personal_hash(const void *message, size_t n);
void key_personal_sign(const struct private_key *k, const void *message, size_t n,
                       uint8_t out[static SIGNATURE_BYTES]);
// What relays want as X-Flashbots-Signature beside a request body: "<address>:<signature>", the signature a
// personal one of the text "0x<keccak256 of the body>". With terminator; its length.
size_t key_bundle_header(const struct private_key *k, const void *body, size_t n,
                         char out[static BUNDLE_HEADER_MAX]);

#endif
