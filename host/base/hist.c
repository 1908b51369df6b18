// SPDX-License-Identifier: Apache-2.0
#include "base/hist.h"

#include <assert.h>
#include <string.h>

void hist_init(struct hist *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
}

void hist_merge(struct hist *h, const struct hist *from)
{
    h->count += from->count;
    h->sum += from->sum;
    h->min = from->min < h->min ? from->min : h->min;
    h->max = from->max > h->max ? from->max : h->max;
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        h->bucket[i] += from->bucket[i];
}

static uint64_t bucket_top(unsigned i)
{
    if (i < 2 * HIST_SUB)
        return i;
    unsigned shift = i / HIST_SUB - 1;
    uint64_t low = (uint64_t)(i - shift * HIST_SUB) << shift;
    return low + ((UINT64_C(1) << shift) - 1);
}

uint64_t hist_percentile(const struct hist *h, uint32_t share)
{
    assert(share <= HIST_WHOLE);
    if (h->count == 0)
        return 0;
    uint64_t rank = (uint64_t)(((u128)h->count * share + HIST_WHOLE - 1) / HIST_WHOLE), seen = 0;
    if (rank == 0)
        return h->min;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen >= rank) {
            uint64_t top = bucket_top(i);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

uint64_t hist_mean(const struct hist *h)
{
    return h->count == 0 ? 0 : (uint64_t)((h->sum + h->count / 2) / h->count);
}
