// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/behind.h"

static u128 behind_out(const struct exit_venue *v, u128 q)
{
    const struct behind *b = (const struct behind *)v;
    u128 all = q < EXIT_AMOUNT_MAX - b->gone ? b->gone + q : EXIT_AMOUNT_MAX, out = b->of->out(b->of, all);
    return out > b->brought ? out - b->brought : 0;
}

// F(gone + q) - F(gone) rises by the rate exactly where F does.
static u128 behind_upto(const struct exit_venue *v, struct exit_rate rate)
{
    const struct behind *b = (const struct behind *)v;
    u128 all = b->of->upto(b->of, rate);
    return all > b->gone ? all - b->gone : 0;
}

const struct exit_venue *behind_of(struct behind *b, const struct exit_venue *of, u128 gone)
{
    if (gone == 0)
        return of;
    *b = (struct behind){.venue = {.out = behind_out,
                                   .upto = behind_upto,
                                   .gas = of->gas,
                                   .version = of->version,
                                   .slop = 2 * of->slop}, // of a difference
                         .of = of,
                         .gone = gone < EXIT_AMOUNT_MAX ? gone : EXIT_AMOUNT_MAX};
    b->brought = of->out(of, b->gone) + of->slop; // the real proceeds are below that
    return &b->venue;
}
