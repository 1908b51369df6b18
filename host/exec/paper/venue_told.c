// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/venue_told.h"

#include <stdlib.h>

static int grow(struct told_node **at, uint32_t *n, uint32_t to, struct err *e)
{
    struct told_node *p = realloc(*at, (to ? to : 1) * sizeof *p);
    if (!p)
        return err_set(e, "venue: out of memory for %u states", to);
    *at = p;
    for (; *n < to; (*n)++)
        p[*n] = (struct told_node){TOLD_NONE, TOLD_NONE, 0};
    return 0;
}

int told_room(struct told_list *l, uint32_t n, struct err *e)
{
    if (!l->account)
        l->first = l->last = TOLD_NONE;
    return grow(&l->account, &l->n, n, e);
}

int told_market(struct told_list *l, uint32_t version, struct err *e)
{
    return grow(&l->market, &l->n_markets, version + 1, e);
}

void told_free(struct told_list *l)
{
    free(l->account);
    free(l->market);
    *l = (struct told_list){0};
}

struct told_node *told_node(const struct told_list *l, uint32_t i)
{
    return i >= TOLD_MARKET ? &l->market[i - TOLD_MARKET] : &l->account[i];
}

static void unlink_node(struct told_list *l, const struct told_node *x)
{
    if (x->before != TOLD_NONE)
        told_node(l, x->before)->after = x->after;
    else
        l->first = x->after;
    if (x->after != TOLD_NONE)
        told_node(l, x->after)->before = x->before;
    else
        l->last = x->before;
}

void told_mark(struct told_list *l, uint32_t i, uint64_t seq)
{
    struct told_node *x = told_node(l, i);
    if (x->seq)
        unlink_node(l, x);
    *x = (struct told_node){l->last, TOLD_NONE, seq};
    if (l->last != TOLD_NONE)
        told_node(l, l->last)->after = i;
    else
        l->first = i;
    l->last = i;
    l->seq = seq;
}

uint32_t told_after(const struct told_list *l, uint64_t seq)
{
    uint32_t at = TOLD_NONE;
    for (uint32_t i = l->last; i != TOLD_NONE && told_node(l, i)->seq > seq; i = told_node(l, i)->before)
        at = i;
    return at;
}
