// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: transactions that bring an oracle report (host/chain/report.h), as anyone may put them
// into the pool. What is accepted has a median within its observations' type; nothing outside the input is
// read.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_report.c host/chain/report.c <evm, base>
#include <stdio.h>
#include <stdlib.h>

#include "chain/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evm_address to = {{1}};
    struct report r;
    uint8_t *copy = malloc(size ? size : 1); // of this size exactly, so that a byte too far is seen
    HOLDS(copy);
    memcpy(copy, data, size);
    if (report_read(&to, copy, size, &r) == REPORT_READ) {
        HOLDS(r.observations >= 1 && r.observations <= REPORT_OBSERVATIONS_MAX);
        HOLDS(r.epoch_round >> 40 == 0 && i256_bits(r.answer) <= 191);
        HOLDS(r.forwarded || address_equal(&r.aggregator, &to));
        HOLDS(r.kind >= REPORT_OCR1 && r.kind <= REPORT_OCR2_SECONDARY);
    }
    free(copy);
    return 0;
}
