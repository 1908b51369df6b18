// SPDX-License-Identifier: Apache-2.0
#include "exec/unworth.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"

enum { UNWORTH_VERSION = 1, PPM = 1000000, QUARTERS = 4 };

const char *unworth_reason_name(uint8_t reason)
{
    if (reason == UNWORTH_NO_GAS_PRICE)
        return "gas unknown";
    return reason < WORTH_REASONS ? worth_reason_name((enum worth_reason)reason) : "?";
}

void unworth_encode(const struct unworth *u, uint8_t buf[UNWORTH_BYTES])
{
    const int64_t figure[] = {u->bonus, u->fee, u->premium, u->slippage, u->gas, u->profit, u->expected};
    struct wcur c = wcur_of(buf, UNWORTH_BYTES);
    put_u8(&c, UNWORTH_VERSION);
    put_u32(&c, u->account);
    put_u32(&c, u->epoch);
    put_u8(&c, u->reason);
    put_u16(&c, u->debt);
    put_u16(&c, u->coll);
    for (unsigned i = 0; i < sizeof figure / sizeof *figure; i++)
        put_i64(&c, figure[i]);
}

int unworth_decode(const uint8_t *buf, size_t len, struct unworth *u)
{
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c);
    u->account = get_u32(&c);
    u->epoch = get_u32(&c);
    u->reason = get_u8(&c);
    u->debt = get_u16(&c);
    u->coll = get_u16(&c);
    u->bonus = get_i64(&c);
    u->fee = get_i64(&c);
    u->premium = get_i64(&c);
    u->slippage = get_i64(&c);
    u->gas = get_i64(&c);
    u->profit = get_i64(&c);
    u->expected = get_i64(&c);
    return rcur_end(&c) && version == UNWORTH_VERSION && u->reason != WORTH_YES &&
                   u->reason < UNWORTH_REASONS && u->debt < MARKET_INSTRUMENTS_MAX &&
                   u->coll < MARKET_INSTRUMENTS_MAX
               ? 0
               : -1;
}

static int64_t saturated(i128 v)
{
    return v > INT64_MAX ? INT64_MAX : v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

void unworth_of(uint32_t account, uint32_t epoch, uint8_t reason, const struct worth *w, struct unworth *u)
{
    *u = (struct unworth){.account = account,
                          .epoch = epoch,
                          .reason = reason,
                          .debt = w->debt,
                          .coll = w->coll,
                          .bonus = saturated(w->bonus),
                          .fee = saturated(w->fee),
                          .premium = saturated(w->premium_value),
                          .slippage = saturated(w->slippage),
                          .gas = saturated(w->gas_cost),
                          .profit = saturated(w->profit),
                          .expected = saturated(w->expected)};
}

int unworthy_init(struct unworthy_pool *p, uint32_t n)
{
    p->slot = calloc(n ? n : 1, sizeof *p->slot);
    p->free_slot = calloc(n ? n : 1, sizeof *p->free_slot);
    p->n = p->n_free = n;
    if (!p->slot || !p->free_slot)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        p->free_slot[i] = n - i; // lowest name on top
    return 0;
}

void unworthy_free(struct unworthy_pool *p)
{
    free(p->slot);
    free(p->free_slot);
    *p = (struct unworthy_pool){0};
}

uint32_t unworthy_keep(struct unworthy_pool *p, uint32_t epoch, uint8_t reason,
                       const struct marks_assets *assets, const int64_t *px, const struct unworthy_now *now)
{
    if (p->n_free == 0 || assets->n > UNWORTHY_ASSETS)
        return UNWORTHY_NONE;
    uint32_t name = p->free_slot[--p->n_free];
    struct unworthy *u = &p->slot[name - 1];
    *u = (struct unworthy){.at = *now, .epoch = epoch, .n_assets = (uint8_t)assets->n, .reason = reason};
    for (unsigned i = 0; i < assets->n; i++) {
        u->asset[i] = assets->asset[i];
        u->px[i] = px[assets->asset[i]];
    }
    return name;
}

static bool moved(i128 was, i128 now, uint32_t tolerance_ppm)
{
    i128 d = now - was;
    return (d < 0 ? -d : d) * QUARTERS * PPM > was * tolerance_ppm;
}

uint8_t unworthy_read(const struct unworthy_pool *p, uint32_t name, uint32_t epoch, const int64_t *px,
                      const struct unworthy_now *now, uint32_t tolerance_ppm)
{
    assert(name != UNWORTHY_NONE && name <= p->n);
    const struct unworthy *u = &p->slot[name - 1];
    const struct unworthy_now *at = &u->at;
    if (u->epoch != epoch || at->stands_on != now->stands_on || now->ns - at->ns > UNWORTHY_NS)
        return 0;
    if ((at->native == 0) != (now->native == 0))
        return 0;
    // Dearer gas makes nothing worth it.
    if ((now->gas_wei < at->gas_wei && moved(at->gas_wei, now->gas_wei, tolerance_ppm)) ||
        (now->native < at->native && moved(at->native, now->native, tolerance_ppm)))
        return 0;
    for (unsigned i = 0; i < u->n_assets; i++)
        if (moved(u->px[i], px[u->asset[i]], tolerance_ppm))
            return 0;
    return u->reason;
}

void unworthy_give(struct unworthy_pool *p, uint32_t name)
{
    assert(name != UNWORTHY_NONE && name <= p->n && p->n_free < p->n);
    p->free_slot[p->n_free++] = name;
}
