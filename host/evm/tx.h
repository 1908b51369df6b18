// SPDX-License-Identifier: Apache-2.0
// Transactions of the types that liquidations need: EIP-1559 (fee market) and EIP-2930 (access list).
//
// A transaction that may have to go out with another nonce or other fees is made into a template first: all
// that comes behind those in the encoding (gas limit, target, value, calldata, access list) is encoded once,
// and tx_sign hashes, signs and copies. Fees are wei a unit of gas, value is wei, gas is units.
// No allocation; the caller's memory throughout, which must outlive what points into it; any thread. A
// template is not changed by signing, so threads may share one.
#ifndef TRIPLINE_EVM_TX_H
#define TRIPLINE_EVM_TX_H

#include "evm/key.h"
#include "evm/rlp.h"

enum tx_type { TX_2930 = 1, TX_1559 = 2 };
enum {
    TX_BYTES_MAX = 131072, // of a signed transaction: what public pools take (128 KiB)
    TX_FRONT_MAX = 64,     // type, list header, chain id, nonce, fees
    TX_BACK_MAX = 67,      // parity, r, s
    // beside calldata and access list: gas limit, target, value, headers
    TX_MIDDLE_MAX = 9 + 21 + 33 + 2 * RLP_HEADER_MAX,
};
// Room that a template's memory and a signed transaction need at most, n_data and n_access as in struct tx.
#define TX_TEMPLATE_ROOM(n_data, n_access) (TX_MIDDLE_MAX + (n_data) + (n_access))
#define TX_ROOM(n_data, n_access)          (TX_FRONT_MAX + TX_TEMPLATE_ROOM(n_data, n_access) + TX_BACK_MAX)

struct tx {
    uint8_t type; // enum tx_type
    bool create;  // no target: data makes a contract
    uint64_t chain_id, nonce, gas;
    u128 tip; // most for the block's maker; TX_2930: 0
    u128 fee; // most in all, tip included; TX_2930: the gas price
    struct evm_address to;
    struct word value;
    const uint8_t *data;
    size_t n_data;
    const uint8_t *access; // payload of the access list: tx_access_encode
    size_t n_access;       // its bytes; 0: empty
};

// ---- access lists
struct tx_access {
    struct evm_address address;
    const struct word *slot;
    size_t n_slots;
};
#define TX_ACCESS_ROOM(n_addresses, n_slots) ((n_addresses) * (21 + 2 * RLP_HEADER_MAX) + (n_slots)*33)
// Encodes into buf; *n_bytes is how many (0 for no items). -1 when it does not fit.
int tx_access_encode(const struct tx_access *item, size_t n, uint8_t *buf, size_t size, size_t *n_bytes);
// The next address of a payload and the reader of its slots; false at the end and when something is wrong.
bool tx_access_next(struct rlp_in *list, struct evm_address *address, struct rlp_in *slots);
bool tx_slot_next(struct rlp_in *slots, struct word *slot);

// ---- signing
struct tx_template {
    uint8_t type;
    uint64_t chain_id;
    const uint8_t *middle; // encoded: gas limit to access list
    size_t n_middle;
};
struct tx_signed {
    size_t n;         // bytes
    struct word hash; // by which nodes know it
};
// The nonce and the fees of t are not looked at. -1 with e: what it is that no transaction can have.
int tx_template_init(struct tx_template *p, const struct tx *t, uint8_t *mem, size_t size, struct err *e);
// Signed bytes into buf, ready to be sent. -1: they do not fit, the tip is above the fee, a TX_2930 has a
// tip, or the nonce is 2^64 - 1 (EIP-2681).
int tx_sign(const struct tx_template *p, const struct private_key *k, uint64_t nonce, u128 tip, u128 fee,
            uint8_t *buf, size_t size, struct tx_signed *out);

// ---- reading
struct tx_decoded {
    struct tx tx; // data and access lead into the bytes
    struct signature signature;
    struct word hash, signing_hash;
};
// Exactly one signed transaction of these types, in the one encoding it has; fees below 2^128. What tx_sign
// would not make is refused. Whether the signature is anybody's is for tx_sender.
int tx_decode(const uint8_t *bytes, size_t n, struct tx_decoded *out, struct err *e);
int tx_sender(const struct tx_decoded *d, struct evm_address *out); // -1: nobody's

#endif
