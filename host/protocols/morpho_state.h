// SPDX-License-Identifier: Apache-2.0
// Morpho's states from JSON and back (docs/protocols/morpho-blue.md); the arithmetic is
// accounts/rules/morpho/morpho_blue.h.
#ifndef TRIPLINE_PROTOCOLS_MORPHO_STATE_H
#define TRIPLINE_PROTOCOLS_MORPHO_STATE_H

#include "accounts/rules/morpho/morpho_blue.h"
#include "protocols/protocol.h"

// Reading and telling, shared by the protocols over Morpho's markets.
enum { MORPHO_PRICE_BITS = 256, MORPHO_AMOUNT_BITS = 128 };
void morpho_read(struct state *s, struct morpho_market *m, struct morpho_position *p);
// False: the state has no order.
bool morpho_read_order(struct state *s, struct morpho_order *order);
void morpho_tell_after(struct outcome *o, const struct morpho_market *m, const struct morpho_position *p);

extern const struct protocol protocol_morpho_blue;

#endif
