// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: Deribit's legacy multicast, its books (fuzz_decoder.h).
#define DECODER deribit_protocol
#define DECODER_ADDRESSES                                                                                    \
    {0xef6f6f01, 6100}, {0xef6f7001, 6100}, {0xef6f6f01, 6101},                                              \
    {                                                                                                        \
        0xef6f7001, 6101                                                                                     \
    }
#include "fuzz_decoder.h"
