// SPDX-License-Identifier: Apache-2.0
// The protocols of which the exact rules are here. To add one: its line in PROTOCOLS, in alphabetical order;
// its object `const struct protocol protocol_<name>` is in its own file. Nothing else names them.
#include "protocols/protocol.h"

#include <string.h>

// X(name of the object behind protocol_). A judge that compiles one rule alone gives its own list.
#ifndef PROTOCOLS
// clang-format off
#define PROTOCOLS(X) \
    X(aave_v3)                \
    X(aave_v4)                \
    X(binance_usdm)           \
    X(comet)                  \
    X(compound_v2)            \
    X(drift_v2)               \
    X(dydx_v4)                \
    X(evk)                    \
    X(hyperliquid)            \
    X(liquity_v1)             \
    X(maker_dog)              \
    X(mango_v4)               \
    X(morpho_blue)            \
    X(morpho_pre_liquidation)
// clang-format on
#endif

#define DECLARE(name) extern const struct protocol protocol_##name;
PROTOCOLS(DECLARE)

#define ENTRY(name) &protocol_##name,
static const struct protocol *const KNOWN[] = {PROTOCOLS(ENTRY)};

const struct protocol *protocol_at(size_t i)
{
    return i < sizeof KNOWN / sizeof *KNOWN ? KNOWN[i] : NULL;
}

const struct protocol *protocol_find(const char *name)
{
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        size_t n = strlen(KNOWN[i]->name);
        if (strncmp(name, KNOWN[i]->name, n) == 0 && (!name[n] || strcmp(name + n, "-1") == 0))
            return KNOWN[i];
    }
    return NULL;
}
