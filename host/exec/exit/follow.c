// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/follow.h"

static u128 follow_out(const struct exit_venue *v, u128 q)
{
    const struct follow *f = (const struct follow *)v;
    i256 all = i256_mul_u128(f->of->out(f->of, q), f->by.out);
    return i256_lo(i256_div_floor(all, i256_from_u128(f->by.in)));
}

// by F' >= rate exactly where F' >= rate / by.
static u128 follow_upto(const struct exit_venue *v, struct exit_rate rate)
{
    const struct follow *f = (const struct follow *)v;
    return f->of->upto(f->of, exit_rate_of((u128)rate.out * f->by.in, (u128)rate.in * f->by.out));
}

const struct exit_venue *follow_of(struct follow *f, const struct exit_venue *of, int64_t coll_now,
                                   int64_t debt_now, int64_t coll_then, int64_t debt_then)
{
    u128 then = (u128)coll_then * (u128)debt_now, now = (u128)coll_now * (u128)debt_then;
    if (then >= now)
        return of;
    *f = (struct follow){.venue = {.out = follow_out,
                                   .upto = follow_upto,
                                   .gas = of->gas,
                                   .version = of->version,
                                   .slop = of->slop + 1},
                         .of = of,
                         .by = exit_rate_of(then, now)};
    return &f->venue;
}
