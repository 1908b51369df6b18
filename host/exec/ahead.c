// SPDX-License-Identifier: Apache-2.0
#include "exec/ahead.h"

#include <stdlib.h>

int ahead_init(struct ahead *p)
{
    *p = (struct ahead){.slot = malloc(AHEAD_SLOTS * sizeof *p->slot), .generation = 1};
    if (!p->slot)
        return -1;
    for (unsigned i = 0; i < AHEAD_SLOTS; i++)
        p->slot[i] = (struct ahead_slot){0}; // touched now: a burst is no time for page faults
    return 0;
}

void ahead_free(struct ahead *p)
{
    free(p->slot);
    *p = (struct ahead){0};
}

void ahead_keep(struct ahead *p, size_t account, uint32_t epoch, const struct order_size *size,
                const struct marks_assets *assets, const int64_t *px)
{
    struct ahead_slot *s = &p->slot[account & (AHEAD_SLOTS - 1)];
    s->account = account;
    s->generation = staked_fill(&s->size, epoch, size, assets, px) ? p->generation : 0;
    p->any = true;
}

bool ahead_read(const struct ahead *p, size_t account, uint32_t epoch, const int64_t *px,
                struct order_size *size, struct marks_assets *assets)
{
    const struct ahead_slot *s = &p->slot[account & (AHEAD_SLOTS - 1)];
    return p->any && s->generation == p->generation && s->account == account &&
           staked_copy(&s->size, epoch, px, size, assets);
}

void ahead_forget(struct ahead *p)
{
    p->generation++;
    p->any = false;
}
