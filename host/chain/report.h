// SPDX-License-Identifier: Apache-2.0
// Transactions that bring a Chainlink aggregator a new answer, read before they are mined: what the
// aggregator will answer if it takes them. Understood are transmit() of OCR1 and OCR2, transmitSecondary()
// (whose answer only readers of the secondary proxy see), and each of them inside forward(address,bytes) of a
// node operator's forwarder. Signatures and senders are not checked: anyone may put such a transaction into
// the pool, so what is read here predicts and proves nothing. Pure functions over the caller's memory, no
// allocation, any thread; nothing read is trusted.
#ifndef TRIPLINE_CHAIN_REPORT_H
#define TRIPLINE_CHAIN_REPORT_H

#include "base/wide.h"
#include "evm/word.h"

enum { REPORT_OBSERVATIONS_MAX = 31 }; // what both protocols allow

enum report_kind { REPORT_OCR1 = 1, REPORT_OCR2, REPORT_OCR2_SECONDARY };

struct report {
    enum report_kind kind;
    struct evm_address aggregator; // who is called, by the forwarder if there is one
    bool forwarded;
    uint64_t epoch_round; // rising with each report of one configuration; 40 bits
    unsigned observations;
    i256 answer; // their median: the upper one of an even number
};

enum report_result {
    REPORT_READ,
    REPORT_OTHER, // no transmission
    REPORT_BAD,   // a transmission that the aggregator would refuse or that we cannot read
};
// A transaction's target and calldata.
enum report_result report_read(const struct evm_address *to, const uint8_t *data, size_t n,
                               struct report *out);

#endif
