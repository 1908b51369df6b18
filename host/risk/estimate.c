// SPDX-License-Identifier: Apache-2.0
#include "risk/estimate.h"

#include <string.h>

static const char *const NAMES[ESTIMATE_KINDS] = {"ewma", "realised", "parkinson", "garman-klass",
                                                  "rogers-satchell"};

int estimate_find(const char *name)
{
    for (int k = 0; k < ESTIMATE_KINDS; k++)
        if (strcmp(name, NAMES[k]) == 0)
            return k;
    return -1;
}

void estimate_begin(struct estimate *e, enum estimate_kind kind, uint32_t window, uint64_t period_ms,
                    uint32_t lambda_ppm)
{
    memset(e, 0, sizeof *e);
    e->kind = kind;
    e->window = window < 1 ? 1 : window > ESTIMATE_WINDOW_MAX ? ESTIMATE_WINDOW_MAX : window;
    e->ewma = (struct vol_ewma){.lambda_ppm = lambda_ppm, .period_ms = period_ms};
    e->past = (struct vol_window){.room = ESTIMATE_WINDOW_MAX, .window_ms = e->window * period_ms};
}

static bool take_return(struct estimate *e, uint64_t price, uint64_t at_ms)
{
    uint64_t was = e->ewma.price, since = e->ewma.at_ms, dt = at_ms - since;
    if (was && at_ms <= since)
        return false;
    e->ewma.price = price;
    e->ewma.at_ms = at_ms;
    if (!was || dt > VOL_MS_MAX)
        return false;
    e->past.sample = e->sample; // whoever copies the struct moves them
    vol_window_add(&e->past, vol_return(was, price), dt);
    e->n++;
    return true;
}

static enum vol_range range_of(enum estimate_kind kind)
{
    return kind == ESTIMATE_PARKINSON      ? VOL_PARKINSON
           : kind == ESTIMATE_GARMAN_KLASS ? VOL_GARMAN_KLASS
                                           : VOL_ROGERS_SATCHELL;
}

static bool take_bar(struct estimate *e, uint64_t price, uint64_t at_ms)
{
    uint64_t number = at_ms / e->ewma.period_ms;
    bool taken = false;
    if (e->bar_prices && number < e->bar_number)
        return false;
    if (e->bar_prices && number > e->bar_number) {
        if (e->bar_prices > 1) {
            e->of_bar[e->n++ % e->window] = vol_bar_var(&e->bar, range_of(e->kind));
            taken = true;
        }
        e->bar_prices = 0;
    }
    e->bar_number = number;
    vol_bar_add(&e->bar, &e->bar_prices, price);
    return taken;
}

bool estimate_price(struct estimate *e, uint64_t price, uint64_t at_ms)
{
    if (price == 0 || price >> 63)
        return false;
    if (e->kind == ESTIMATE_REALISED)
        return take_return(e, price, at_ms);
    if (e->kind != ESTIMATE_EWMA)
        return take_bar(e, price, at_ms);
    bool moved = vol_ewma_price(&e->ewma, price, at_ms);
    e->n = e->ewma.n;
    return moved;
}

u128 estimate_var(const struct estimate *e)
{
    if (e->kind == ESTIMATE_EWMA)
        return e->ewma.var;
    if (e->kind == ESTIMATE_REALISED)
        return vol_window_var(&e->past, e->ewma.period_ms);
    uint64_t n = e->n < e->window ? e->n : e->window;
    u128 sum = 0; // each at most 2^96
    for (uint64_t k = 0; k < n; k++)
        sum += e->of_bar[k];
    return n ? sum / n : 0;
}
