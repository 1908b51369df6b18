// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/market_parts.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/store.h"

int market_parts_take(struct market_parts *m, const struct wire_part *p)
{
    if (!m->bytes && !(m->bytes = malloc(MARKET_BYTES_MAX)))
        return -1;
    if (p->offset == 0) {
        m->version = p->version;
        m->total = p->total;
        m->seq = p->seq;
        m->have = 0;
    }
    // Of a part the decoder has checked offset + len <= total <= MARKET_BYTES_MAX.
    if (p->offset != m->have || p->version != m->version || p->total != m->total || p->seq != m->seq) {
        m->have = m->total = 0;
        return -1;
    }
    memcpy(m->bytes + m->have, p->p, p->len);
    m->have += p->len;
    return m->have == m->total;
}

void market_parts_free(struct market_parts *m)
{
    free(m->bytes);
    *m = (struct market_parts){0};
}
