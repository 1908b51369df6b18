// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: Coinbase Derivatives, its books and snapshots (fuzz_decoder.h).
#define DECODER cde_protocol
#define DECODER_ADDRESSES                                                                                    \
    {0xe9f6fa87, 5222}, {0xe9f6fa97, 5222}, {0xe9f6fa88, 5223},                                              \
    {                                                                                                        \
        0x0a000001, 5222                                                                                     \
    }
#include "fuzz_decoder.h"
