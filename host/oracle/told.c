// SPDX-License-Identifier: Apache-2.0
#include "oracle/told.h"

#include "base/bytes.h"

// A version byte, the kind, the number of changes; block, time, at_ns; then asset, hold and price of each.
enum { TOLD_VERSION = 1, HEAD_BYTES = 28, CHANGE_BYTES = 11 };

static bool hold_sound(uint8_t hold)
{
    return hold == HOLD_NONE || hold == HOLD_ABSENT || hold == HOLD_GAP || hold == HOLD_GUARD;
}

static bool change_sound(const struct told_group *g, unsigned i)
{
    const struct told_price *c = &g->change[i];
    bool candidate = g->kind == TOLD_CANDIDATE;
    if (c->asset >= MARKET_ASSETS_MAX || (i && c->asset <= g->change[i - 1].asset) || c->price < 0)
        return false;
    return candidate ? c->hold == HOLD_NONE : hold_sound(c->hold) && (c->hold != HOLD_NONE || c->price > 0);
}

static bool group_sound(const struct told_group *g)
{
    if (g->kind < TOLD_PRICES || g->kind > TOLD_CANDIDATE || g->n > MARKET_ASSETS_MAX ||
        (g->kind == TOLD_BLOCK) != (g->n == 0))
        return false;
    for (unsigned i = 0; i < g->n; i++)
        if (!change_sound(g, i))
            return false;
    return true;
}

size_t told_encode(const struct told_group *g, uint8_t *buf, size_t size)
{
    if (!group_sound(g) || size < HEAD_BYTES + (size_t)g->n * CHANGE_BYTES)
        return 0;
    buf[0] = TOLD_VERSION;
    buf[1] = g->kind;
    le16_store(buf + 2, g->n);
    le64_store(buf + 4, g->block);
    le64_store(buf + 12, g->time);
    le64_store(buf + 20, g->at_ns);
    uint8_t *at = buf + HEAD_BYTES;
    for (unsigned i = 0; i < g->n; i++, at += CHANGE_BYTES) {
        le16_store(at, g->change[i].asset);
        at[2] = g->change[i].hold;
        le64_store(at + 3, (uint64_t)g->change[i].price);
    }
    return (size_t)(at - buf);
}

int told_decode(const uint8_t *buf, size_t len, struct told_group *g)
{
    if (len < HEAD_BYTES || buf[0] != TOLD_VERSION)
        return -1;
    g->kind = buf[1];
    g->n = le16_load(buf + 2);
    g->block = le64_load(buf + 4);
    g->time = le64_load(buf + 12);
    g->at_ns = le64_load(buf + 20);
    if (g->n > MARKET_ASSETS_MAX || len != HEAD_BYTES + (size_t)g->n * CHANGE_BYTES)
        return -1;
    const uint8_t *at = buf + HEAD_BYTES;
    for (unsigned i = 0; i < g->n; i++, at += CHANGE_BYTES)
        g->change[i] = (struct told_price){le16_load(at), at[2], (int64_t)le64_load(at + 3)};
    return group_sound(g) ? 0 : -1;
}
