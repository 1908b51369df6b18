// SPDX-License-Identifier: Apache-2.0
#include "oracle/median.h"

#include <assert.h>

#include "base/wide.h"

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

// Sorts ascending.
static void sort_votes(int64_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t x = v[i];
        size_t at = i;
        for (; at > 0 && x < v[at - 1]; at--)
            v[at] = v[at - 1];
        v[at] = x;
    }
}

bool median_pyth(const struct quote *q, size_t n, size_t least, int64_t *price, int64_t *conf)
{
    int64_t v[3 * MEDIAN_MAX];
    size_t votes = 0;
    assert(n <= MEDIAN_MAX && least > 0);
    for (size_t i = 0; i < n; i++) {
        int64_t p = q[i].price, c = q[i].conf;
        if (c <= 0 || p < INT64_MIN + c || p > INT64_MAX - c)
            continue;
        v[votes++] = p - c;
        v[votes++] = p;
        v[votes++] = p + c;
    }
    if (votes < 3 * least)
        return false;
    sort_votes(v, votes);
    size_t half = votes >> 1, quarter = votes >> 2;
    int64_t p50 = votes & 1 ? v[half] : (int64_t)(((i128)v[half - 1] + v[half]) >> 1);
    i128 left = (i128)p50 - v[quarter], right = (i128)v[votes - 1 - quarter] - p50;
    i128 wide = left > right ? left : right;
    *price = p50;
    *conf = wide > INT64_MAX ? INT64_MAX : (int64_t)wide;
    return true;
}

bool poke_median(struct poke *p, struct quote *q, size_t n, size_t quorum, uint64_t now_ns)
{
    sort(q, n, newer);
    if (quorum == 0 || n < quorum || q[quorum - 1].time_ns <= p->time_ns)
        return false;
    p->since_ns = q[quorum - 1].time_ns;
    p->price = median_of(q, quorum);
    p->time_ns = now_ns;
    return true;
}
