// SPDX-License-Identifier: Apache-2.0
// Finds the end of an SBE message from the lengths that it carries, whatever its template. Reads nothing
// outside the bytes given and does work proportional to them, whatever they hold. Pure; any thread.
#ifndef TRIPLINE_FEED_DERIBIT_WALK_H
#define TRIPLINE_FEED_DERIBIT_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nesting in the published schema is 1; deeper than this is taken for damage.
enum { WALK_DEPTH_MAX = 4 };

struct deribit_message {
    uint16_t block_len, template_id, version, groups, vars;
    const uint8_t *block; // root block, block_len bytes
    const uint8_t *text;  // the strings behind the groups, vars of them
    size_t len;           // of the whole message, header included
};

// False when the `len` bytes at p do not begin with a whole message of schema 1.
bool deribit_walk(const uint8_t *p, size_t len, struct deribit_message *m);

#endif
