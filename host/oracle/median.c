// SPDX-License-Identifier: Apache-2.0
#include "oracle/median.h"

#include <assert.h>

static bool cheaper(const struct quote *a, const struct quote *b)
{
    return a->price < b->price;
}

static bool newer(const struct quote *a, const struct quote *b)
{
    return a->time_ns > b->time_ns;
}

static void sort(struct quote *q, size_t n, bool (*before)(const struct quote *, const struct quote *))
{
    assert(n <= MEDIAN_MAX);
    for (size_t i = 1; i < n; i++) {
        struct quote x = q[i];
        size_t at = i;
        for (; at > 0 && before(&x, &q[at - 1]); at--)
            q[at] = q[at - 1];
        q[at] = x;
    }
}

int64_t median_of(struct quote *q, size_t n)
{
    sort(q, n, cheaper);
    return q[n >> 1].price;
}

int64_t median_weighted(struct quote *q, size_t n)
{
    uint64_t total = 0, sum = 0;
    sort(q, n, cheaper);
    for (size_t i = 0; i < n; i++)
        total += q[i].weight;
    size_t at = 0;
    for (; at + 1 < n; at++) {
        sum += q[at].weight;
        if (2 * sum > total)
            break;
    }
    return q[at].price;
}

bool poke_median(struct poke *p, struct quote *q, size_t n, size_t quorum, uint64_t now_ns)
{
    sort(q, n, newer);
    if (quorum == 0 || n < quorum || q[quorum - 1].time_ns <= p->time_ns)
        return false;
    p->price = median_of(q, quorum);
    p->time_ns = now_ns;
    return true;
}
