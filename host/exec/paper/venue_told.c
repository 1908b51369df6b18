// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_told.h"

#include <stdlib.h>

int told_room(struct told_list *l, uint32_t n, struct err *e)
{
    if (!l->node)
        l->first = l->last = TOLD_NONE;
    struct told_node *p = realloc(l->node, (n ? n : 1) * sizeof *p);
    if (!p)
        return err_set(e, "venue: out of memory for %u accounts", n);
    l->node = p;
    for (; l->n < n; l->n++)
        p[l->n] = (struct told_node){TOLD_NONE, TOLD_NONE, 0};
    return 0;
}

void told_free(struct told_list *l)
{
    free(l->node);
    *l = (struct told_list){0};
}

static void unlink_node(struct told_list *l, const struct told_node *x)
{
    if (x->before != TOLD_NONE)
        l->node[x->before].after = x->after;
    else
        l->first = x->after;
    if (x->after != TOLD_NONE)
        l->node[x->after].before = x->before;
    else
        l->last = x->before;
}

void told_mark(struct told_list *l, uint32_t i, uint64_t seq)
{
    if (l->node[i].seq)
        unlink_node(l, &l->node[i]);
    l->node[i] = (struct told_node){l->last, TOLD_NONE, seq};
    if (l->last != TOLD_NONE)
        l->node[l->last].after = i;
    else
        l->first = i;
    l->last = i;
    l->seq = seq;
}

uint32_t told_after(const struct told_list *l, uint64_t seq)
{
    uint32_t at = TOLD_NONE;
    for (uint32_t i = l->last; i != TOLD_NONE && l->node[i].seq > seq; i = l->node[i].before)
        at = i;
    return at;
}
