// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: CME MDP 3.0, its definitions, books and recovery (fuzz_decoder.h).
#define DECODER cme_protocol
#define DECODER_ADDRESSES                                                                                    \
    {0xe0001f01, 14310}, {0xe0002001, 15310}, {0xe0001f16, 14310},                                           \
    {                                                                                                        \
        0xe0001f2b, 14310                                                                                    \
    }
#include "fuzz_decoder.h"
