// SPDX-License-Identifier: Apache-2.0
// A market put together from its parts on the wire (struct wire_part), which come ascending without a hole.
// The memory is the caller's from the first part on, until market_parts_free. One thread.
#ifndef TRIPLINE_EXEC_PAPER_MARKET_PARTS_H
#define TRIPLINE_EXEC_PAPER_MARKET_PARTS_H

#include "exec/paper/wire.h"

struct market_parts { // all zero at first
    uint8_t *bytes;   // MARKET_BYTES_MAX
    uint32_t version, total, have;
    uint64_t seq;
};
// Takes the next part; one that begins at 0 begins anew. 1: the encoding is whole, `total` bytes; 0: more to
// come; -1: it does not continue what is there, or out of memory: nothing is there any more.
int market_parts_take(struct market_parts *m, const struct wire_part *p);
void market_parts_free(struct market_parts *m);

#endif
