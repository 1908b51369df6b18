// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: Deribit Starbase, its books and snapshots (fuzz_decoder.h).
#define DECODER starbase_protocol
#define DECODER_ADDRESSES                                                                                    \
    {0xe0000cc1, 4220}, {0xe0000cd1, 4220}, {0xe0000cc0, 4230},                                              \
    {                                                                                                        \
        0x0a000001, 4220                                                                                     \
    }
#include "fuzz_decoder.h"
