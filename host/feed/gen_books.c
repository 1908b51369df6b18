// SPDX-License-Identifier: Apache-2.0
#include "feed/gen_books.h"

#include <string.h>

enum { STEP_OF = 5000, NOTIONAL_LEAST = 4000, NOTIONAL_SPAN = 12000, CHANGE_NEW = 0, CHANGE_DELETE = 2 };

static double power(unsigned n)
{
    double p = 1;
    while (n--)
        p *= 10;
    return p;
}

static struct deribit_level level_at(const struct gen_instrument *s, int64_t price, bool bid, unsigned k,
                                     struct prng *r)
{
    uint64_t notional = (k + 1) * (NOTIONAL_LEAST + prng_below(r, NOTIONAL_SPAN));
    double at = (double)price / power(s->decimals), coin = s->linear ? at : 1;
    uint64_t contracts = (uint64_t)((double)notional / (s->contract_size * coin)) + 1;
    return (struct deribit_level){
        .bid = bid, .change = CHANGE_NEW, .price = at, .amount = s->contract_size * (double)contracts};
}

static void make(struct gen_book *b, const struct gen_instrument *s, unsigned levels, int64_t mark,
                 struct prng *r)
{
    int64_t step = mark / STEP_OF / s->tick * s->tick, middle = mark / s->tick * s->tick;
    step = step ? step : s->tick;
    b->n = 0;
    for (unsigned side = 0; side < 2; side++)
        for (unsigned k = 0; k < levels; k++) {
            int64_t price = side ? middle + s->tick + step * k : middle - step * k;
            if (price <= 0)
                continue;
            b->level[b->n] = level_at(s, price, side == 0, k, r);
            b->price[b->n++] = price;
        }
}

uint16_t gen_book_whole(struct gen_book *b, const struct gen_instrument *s, unsigned levels, int64_t mark,
                        struct prng *r, struct deribit_level *out)
{
    if (b->n == 0)
        make(b, s, levels, mark, r);
    memcpy(out, b->level, b->n * sizeof *out);
    return b->n;
}

static bool holds(const struct gen_book *b, int64_t price, bool bid)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->price[i] == price && b->level[i].bid == bid)
            return true;
    return false;
}

uint16_t gen_book_step(struct gen_book *b, const struct gen_instrument *s, unsigned levels, int64_t mark,
                       struct prng *r, struct deribit_level *out)
{
    const struct gen_book was = *b;
    make(b, s, levels, mark, r);
    uint16_t n = gen_book_whole(b, s, levels, mark, r, out);
    for (unsigned i = 0; i < was.n; i++)
        if (!holds(b, was.price[i], was.level[i].bid)) {
            out[n] = was.level[i];
            out[n].change = CHANGE_DELETE;
            out[n++].amount = 0;
        }
    return n;
}
