// SPDX-License-Identifier: Apache-2.0
// Calls and events of the liquidation contract (contracts/Liquidator.sol, docs/flash.md).
//
// An order becomes an item once, in the background: its bytes are the same alone and in any batch, so that at
// the trigger a call is a header, offsets and copies. Token amounts are the token's units, tip and paid wei.
// No allocation, no division, the caller's memory; any thread.
#ifndef TRIPLINE_EXEC_EVM_FLASH_H
#define TRIPLINE_EXEC_EVM_FLASH_H

#include "base/err.h"
#include "evm/abi.h"
#include "exec/evm/revert.h"

enum flash_flag {
    FLASH_LOAN = 1,         // borrow what is repaid, else the contract's own money
    FLASH_CHECK_HEALTH = 2, // end early when the user is healthy: wherever a failure costs gas, which it does
                            // everywhere but in a bundle; always for an order on a predicted price
    FLASH_PAY_OUT = 4,      // the profit to the contract's owner, else it stays in the contract
};
enum {
    FLASH_VIA_MAX = 4,
    FLASH_BATCH_MAX = 64, // items; 16,777,216 gas a transaction (EIP-7825) end a batch earlier
    FLASH_SHARE_WHOLE = 10000,
    FLASH_REASON_MAX = 132, // bytes of a reason in Failed
    FLASH_ITEM_MAX = WORD_BYTES * (13 + 2 * FLASH_VIA_MAX),
    FLASH_SINGLE_MAX = 4 + WORD_BYTES + FLASH_ITEM_MAX,
};
#define FLASH_BATCH_ROOM(n_items) (4 + WORD_BYTES * 4 + (size_t)(n_items) * (WORD_BYTES + FLASH_ITEM_MAX))

struct flash_order {
    struct evm_address user, debt, collateral;
    struct evm_address router; // zero where nothing is sold
    struct word amount;        // of debt at most; FLASH_ALL: what the user owes in it (a loan of all of that)
    struct word min_profit;    // units of the debt token that must be left, share deducted
    u128 tip;                  // wei of the transaction's value for the block's maker
    uint16_t share;            // basis points of the profit for the block's maker, below FLASH_SHARE_WHOLE
    uint8_t flags;             // enum flash_flag
    uint8_t n_via, n_tip_via;
    struct evm_address via[FLASH_VIA_MAX];     // the collateral is sold along collateral, via..., debt
    struct evm_address tip_via[FLASH_VIA_MAX]; // the share along debt, tip_via..., WETH
};
#define FLASH_ALL word_from_signed(i256_from_i64(-1)) // 2^256 - 1

struct flash_item {
    const uint8_t *bytes;
    size_t n;
};

// Encodes an order into buf (FLASH_ITEM_MAX bytes are enough) and lets item lead there. -1: what is wrong.
int flash_item(const struct flash_order *o, uint8_t *buf, size_t size, struct flash_item *item,
               struct err *e);
// Calldata of one item, of many; their length, 0 when they do not fit into buf or the numbers contradict each
// other. A batch takes up to FLASH_BATCH_MAX items, is undone when fewer than `required` of them succeed, and
// gives each at most gas_each.
size_t flash_single(const struct flash_item *item, uint8_t *buf, size_t size);
size_t flash_batch(const struct flash_item *item, size_t n, size_t required, uint64_t gas_each, uint8_t *buf,
                   size_t size);
// Gas that a batch of n items should be given so that each has gas_each: what the contract itself needs, the
// calldata's cost (at most 16 a byte) and 1/63 on top are in it.
uint64_t flash_batch_gas(size_t n, uint64_t gas_each, size_t calldata_bytes);

// Whose accounts a call is about, by its calldata: the users of its items in their order, `max` at most; how
// many. 0: no call of these.
size_t flash_users(const uint8_t *data, size_t n, struct evm_address *user, size_t max);

// ---- events: for each item of a call one, in the items' order
enum flash_outcome { FLASH_OTHER, FLASH_DONE, FLASH_FAILED };
struct flash_result {
    struct evm_address user, debt, collateral;
    struct word repaid, seized, premium; // DONE; of debt, of collateral, of debt to the pool for its loan
    struct word profit;                  // DONE; of debt, share deducted
    struct word paid;                    // DONE; wei to the block's maker
    struct revert why;                   // FAILED
};
// FLASH_OTHER (and *out left alone): not from this contract, another event, or not its encoding.
enum flash_outcome flash_result(const struct abi_log *l, const struct evm_address *contract,
                                struct flash_result *out);

#endif
