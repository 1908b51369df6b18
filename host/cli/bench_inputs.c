// SPDX-License-Identifier: Apache-2.0
// What `tripline bench` plays, and the accounts that watch it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "cli/bench_inside.h"
#include "cli/progress.h"
#include "cli/session_options.h"
#include "cli/start_prices.h"

int bench_load(struct bench *b, struct err *e)
{
    const struct bench_options *o = &b->o;
    const struct t0_config t0 = {
        .seed = o->seed, .messages = o->packets, .rate_pps = o->gen.rate_pps, .large = o->t0_large};
    if (o->kind == LOAD_T0)
        return load_t0(&t0, &b->load, e);
    return o->kind == LOAD_CAPTURE ? load_capture(o->capture, o->packets, &b->load, e)
                                   : load_generated(&o->gen, &b->load, e);
}

// Into the packed form one by one: as an array a million would take 5 GB.
static int generate(struct bench *b, const struct gen_options *g, const struct progress *p, struct err *e)
{
    static struct account a;
    struct book_gen *gen = book_gen_open(g, e);
    if (!gen)
        return -1;
    int rc = book_packed(&b->book, 0, e);
    b->has_book = rc == 0;
    if (rc == 0) {
        b->book.market = *book_gen_market(gen);
        rc = book_reserve(&b->book, g->accounts, 0, e);
    }
    for (uint32_t i = 0; rc == 0 && i < g->accounts; i++)
        rc = book_gen_next(gen, &a, e) || book_add(&b->book, &a, e) ||
                     progress_at(p, "generating", i + 1, g->accounts, e)
                 ? -1
                 : 0;
    book_gen_close(gen);
    return rc;
}

// A capture's own instruments and first prices, else those of `tripline gen`.
static int generate_priced(struct bench *b, const struct progress *p, struct err *e)
{
    struct start_prices from = {0};
    if (b->o.capture && start_prices_capture(&from, b->o.capture, e) != 0)
        return -1;
    const struct gen_options g = {.seed = b->o.seed,
                                  .accounts = (uint32_t)b->o.generate,
                                  .prices = from.n ? from.price : NULL,
                                  .n_prices = from.n,
                                  .near_ppm = GEN_NEAR_PPM,
                                  .guard_ppm = GEN_GUARD_PPM};
    int rc = generate(b, &g, p, e);
    start_prices_free(&from);
    return rc;
}

static int make(struct bench *b, const struct progress *p, struct err *e)
{
    const struct bench_options *o = &b->o;
    char *what = b->result.book.what;
    const size_t room = sizeof b->result.book.what;
    if (o->kind == LOAD_T0) {
        (void)snprintf(what, room, "synthetic, on the load's prices, seed %" PRIu64, o->seed);
        b->has_book = load_t0_book(o->seed, (uint32_t)o->generate, &b->book, e) == 0;
        return b->has_book ? 0 : -1;
    }
    if (o->accounts) {
        const char *name = strrchr(o->accounts, '/');
        (void)snprintf(what, room, "%.150s", name ? name + 1 : o->accounts);
        b->has_book = store_load_with(o->accounts, &b->book, p, e) == 0;
        return b->has_book ? 0 : -1;
    }
    (void)snprintf(what, room, "synthetic, on the %s prices, seed %" PRIu64,
                   o->capture ? "capture's first" : "generator's", o->seed);
    return generate_priced(b, p, e);
}

int bench_book(struct bench *b, struct err *e)
{
    struct cli_progress p;
    if (b->has_book && b->o.kind == LOAD_T0)
        return 0;
    if (b->has_book)
        book_free(&b->book);
    b->has_book = false;
    cli_progress_begin(&p, "bench", false, &bench_stop);
    int rc = make(b, b->o.quiet ? NULL : &p.to, e);
    cli_progress_end(&p);
    if (rc == 0 && b->book.n_accounts == 0)
        rc = err_set(e, "%s holds no accounts: see `tripline accounts import` or `gen`", b->o.accounts);
    if (rc != 0 || !b->o.oracle || b->policy)
        return rc;
    b->bad_policy = session_policy(b->o.oracle, &b->book.market, &b->o.config, &b->policy, e) != 0;
    return b->bad_policy ? -1 : 0;
}
