// SPDX-License-Identifier: Apache-2.0
// Why a call or transaction was undone: the bytes that a node gives for a revert (error.data of eth_call and
// eth_estimateGas, the reason in a Failed event of the liquidation contract) as one of the reasons that a
// keeper acts on. Known are the errors of our contract, of Aave V3 (numbers as text up to 3.3, custom errors
// from 3.4 on), of OpenZeppelin's ERC-20, the texts of Uniswap V2 and of plain ERC-20s, and Solidity's own
// Error(string) and Panic(uint256). Pure functions over the caller's memory, no allocation, any thread.
#ifndef TRIPLINE_EXEC_EVM_REVERT_H
#define TRIPLINE_EXEC_EVM_REVERT_H

#include "evm/word.h"

enum revert_reason {
    REVERT_UNKNOWN, // data that is none of the known
    REVERT_EMPTY,   // no data or no text: the gas ran out, or a contract that says nothing
    REVERT_HEALTHY, // not liquidatable (any more): the race is lost, or the predicted price did not come
    REVERT_NO_DEBT, // the user owes nothing in this token
    REVERT_NO_COLLATERAL, // the user's token is no collateral
    REVERT_DUST,          // too little would be left of debt or collateral (Aave from 3.3 on)
    REVERT_AMOUNT,        // rounds to nothing, or more than the pool has
    REVERT_GRACE,         // the reserve's grace period
    REVERT_SENTINEL,      // the price oracle's sentinel
    REVERT_CLOSED,        // a reserve is paused, frozen or inactive
    REVERT_NOT_LISTED,    // no reserve of the pool
    REVERT_LOAN,          // no flash loan of this reserve
    REVERT_LIQUIDITY,     // a pool or a pair has too little of a token
    REVERT_NO_PROFIT,     // less than the order's least profit
    REVERT_PRICE,         // the exchange gives less than the order's least profit needs
    REVERT_ROUTE,         // the exchange refuses otherwise: no such pair, a token with a fee, ...
    REVERT_TOKEN,         // a token refuses: balance, allowance, blocked holder
    REVERT_PAYMENT,       // of the block's maker or of the rest to the caller
    REVERT_GAS,           // an item of a batch was not tried: too little gas was left
    REVERT_TOO_FEW,       // fewer items of a batch than required could be done
    REVERT_ORDER,         // an order or batch that contradicts itself
    REVERT_NOT_ALLOWED,   // caller, router, or whoever called back is not on the list
    REVERT_BUSY,          // entered again while running
    REVERT_PANIC,         // arithmetic or the like: arg[0] is Solidity's code
    REVERT_PROTOCOL,      // another error of Aave's: its name says which
    REVERT_REASONS,
};

enum { REVERT_TEXT_MAX = 65, REVERT_ARGS_MAX = 3 }; // text with terminator

struct revert {
    enum revert_reason reason;
    uint32_t selector;          // 0 when there are less than four bytes
    const char *name;           // signature of the error, "" when unknown; static
    char text[REVERT_TEXT_MAX]; // of Error(string), cut; what is not printable as '?'
    unsigned n_args;            // words behind the selector of a known error, as far as they are there
    struct word arg[REVERT_ARGS_MAX];
};

// Any bytes, cut ones too (a Failed event carries at most FLASH_REASON_MAX).
void revert_decode(const uint8_t *data, size_t n, struct revert *out);
// One short word for journals and tables; "?" for what is none of the enum.
const char *revert_reason_name(enum revert_reason r);

// ---- for tests
size_t revert_known(void);
const char *revert_known_name(size_t i);
uint32_t revert_known_selector(size_t i);

#endif
