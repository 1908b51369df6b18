// SPDX-License-Identifier: Apache-2.0
#include "econ/adl.h"

#include <stdlib.h>

static i256 times(i128 a, i128 b)
{
    i256 p = i256_mul_u128((u128)econ_abs(a), (u128)econ_abs(b));
    return (a < 0) != (b < 0) ? i256_neg(p) : p;
}

// The score of one account with size != 0 and E > 0, its fields within ECON_MOST.
static void adl_score(const struct margin *a, i128 price, i128 per, enum adl_rank rank, struct adl_entry *out)
{
    i128 value = margin_value(a->size, price, per), profit = value - a->cost;
    i128 equity = a->cash + value;
    i128 notional = econ_max(econ_abs(value), 1), entry = econ_max(econ_abs(a->cost), 1);
    if (rank == ADL_BITMEX) {
        out->num = times(profit, profit > 0 ? notional : equity);
        out->den = times(entry, profit > 0 ? equity : notional);
    } else if (rank == ADL_HYPERLIQUID_SIDED && a->size < 0) { // entry / mark: the notional cancels
        out->num = i256_from_i128(entry);
        out->den = i256_from_i128(equity);
    } else {
        out->num = times(notional, notional);
        out->den = times(entry, equity);
    }
}

static int by_score(const void *x, const void *y)
{
    const struct adl_entry *a = x, *b = y;
    int c = i256_cmp(i256_mul(b->num, a->den), i256_mul(a->num, b->den)); // both den > 0
    if (c != 0)
        return c;
    return a->account < b->account ? -1 : a->account > b->account;
}

static void reverse(struct adl_entry *e, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct adl_entry t = e[i];
        e[i] = e[n - 1 - i];
        e[n - 1 - i] = t;
    }
}

// Entry `start` comes first, those before it last: three reversals, in place.
static void turn(struct adl_entry *e, size_t n, size_t start)
{
    reverse(e, start);
    reverse(e + start, n - start);
    reverse(e, n);
}

size_t adl_order(const struct margin *a, size_t n, i128 price, i128 per, int side, enum adl_rank rank,
                 size_t start, struct adl_entry *out)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (a[i].size == 0 || econ_sign(a[i].size) != side)
            continue;
        if (rank != ADL_DYDX && margin_equity(&a[i], price, per) <= 0)
            continue;
        out[k].account = (uint32_t)i;
        if (rank != ADL_DYDX)
            adl_score(&a[i], price, per, rank, &out[k]);
        k++;
    }
    if (rank != ADL_DYDX)
        qsort(out, k, sizeof *out, by_score);
    else if (k > 0)
        turn(out, k, start % k);
    return k;
}
