// SPDX-License-Identifier: Apache-2.0
#include "feed/deribit_walk.h"

#include "feed/deribit_wire.h"
#include "feed/wire.h"

struct cursor {
    const uint8_t *at;
    size_t left;
};

static bool take(struct cursor *c, size_t n)
{
    if (n > c->left)
        return false;
    c->at += n;
    c->left -= n;
    return true;
}

static bool take_strings(struct cursor *c, unsigned n)
{
    while (n--)
        if (c->left == 0 || !take(c, 1 + (size_t)c->at[0]))
            return false;
    return true;
}

static bool take_group(struct cursor *c, unsigned depth)
{
    if (depth == WALK_DEPTH_MAX || c->left < GROUP_HEADER)
        return false;
    size_t block = le16_load(c->at + GROUP_BLOCK);
    unsigned count = le16_load(c->at + GROUP_COUNT);
    unsigned groups = le16_load(c->at + GROUP_GROUPS);
    unsigned vars = le16_load(c->at + GROUP_VARS);
    take(c, GROUP_HEADER);
    if (groups == 0 && vars == 0)
        // Entries of no size would be a claim that costs the sender nothing: not a thing the schema has.
        return (block != 0 || count == 0) && take(c, block * count);
    // From here on every entry takes at least one byte, which bounds the work by the packet's length.
    while (count--) {
        if (!take(c, block))
            return false;
        for (unsigned i = 0; i < groups; i++)
            if (!take_group(c, depth + 1))
                return false;
        if (!take_strings(c, vars))
            return false;
    }
    return true;
}

bool deribit_walk(const uint8_t *p, size_t len, struct deribit_message *m)
{
    struct cursor c = {p, len};
    if (len < MSG_HEADER || le16_load(p + MSG_SCHEMA) != DERIBIT_SCHEMA)
        return false;
    m->block_len = le16_load(p + MSG_BLOCK);
    m->template_id = le16_load(p + MSG_TEMPLATE);
    m->version = le16_load(p + MSG_VERSION);
    m->groups = le16_load(p + MSG_GROUPS);
    m->vars = le16_load(p + MSG_VARS);
    take(&c, MSG_HEADER);
    m->block = c.at;
    if (!take(&c, m->block_len))
        return false;
    for (unsigned i = 0; i < m->groups; i++)
        if (!take_group(&c, 0))
            return false;
    m->text = c.at;
    if (!take_strings(&c, m->vars))
        return false;
    m->len = len - c.left;
    return true;
}
