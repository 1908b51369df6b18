// SPDX-License-Identifier: Apache-2.0
// stages=split: what the step of a lending account looks at, and the size of its order.
#include "exec/desk_inside.h"
#include "exec/split.h"

enum { E8_TO_E6 = 100 };

enum desk_answer desk_split_view(struct desk *d, const struct account *a, const int64_t *px,
                                 enum staged_at at, struct stage_view *v)
{
    const struct size_policy most = {.target_ppm = d->cfg.size.target_ppm, .dust = INT64_MAX};
    const struct market *m = &d->book->market;
    struct order_size all;
    struct health h;
    a->rule->health(m, a, px, &h);
    *v = (struct stage_view){.open = true, .breached = h.liquidatable};
    if (!v->breached)
        return DESK_SENT;
    if (a->rule->size(m, a, px, &most, &all) != 0)
        return DESK_NO_SIZE;
    v->split = at != STAGED_PARTIAL && split_two(m, a, px, &all, (enum split_by)d->cfg.split_by, &d->account,
                                                 &d->settlement, &d->size);
    if (at == STAGED_PARTIAL)
        d->size = all;
    else if (!v->split && a->rule->size(m, a, px, &d->cfg.size, &d->size) != 0)
        return DESK_NO_SIZE;
    if (!desk_representable(&d->size))
        return DESK_LIMIT_ORDER;
    v->notional_e6 = v->cure_e6 = i256_to_i64(d->size.value) / E8_TO_E6;
    return DESK_SENT;
}
