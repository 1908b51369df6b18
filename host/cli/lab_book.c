// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_book.h"

#include <string.h>

#include "accounts/decimal.h"
#include "accounts/moving.h"
#include "cli/lab_page.h"
#include "cli/number.h"
#include "cli/out_file.h"

enum { EXIT_USAGE = 2, FRACTION_DECIMALS = 12 };

void lab_book_init(struct lab_book *b, const char *verb)
{
    memset(b, 0, sizeof *b);
    b->verb = verb;
    b->seed = 1;
    size_t n;
    const struct gen_price *g = gen_default_prices(&n);
    struct err e;
    for (size_t i = 0; i < n; i++) { // overridden by name
        char text[2 * NAME_LEN + 8];
        int64_t whole = g[i].price_e12 / 1000000000000, part = g[i].price_e12 % 1000000000000;
        (void)snprintf(text, sizeof text, "%s=%lld.%012lld", g[i].name, (long long)whole, (long long)part);
        (void)start_prices_add(&b->prices, text, &e);
    }
}

void lab_book_free(struct lab_book *b)
{
    world_free(&b->world);
    if (b->has_book)
        book_free(&b->book);
    start_prices_free(&b->prices);
    b->has_book = false;
}

static int wrong(const struct lab_book *b, const char *why, const char *what)
{
    fprintf(stderr, "tripline lab %s: %s%s; `tripline lab %s --help` shows the usage\n", b->verb, why, what,
            b->verb);
    return EXIT_USAGE;
}

int lab_book_option(struct lab_book *b, int option, const char *value)
{
    struct err e;
    int rc = 0;
    switch (option) {
    case LAB_OPT_ACCOUNTS:
        b->db = value;
        lab_book_reads(b, value);
        return 0;
    case LAB_OPT_LENDING:
        b->lending = value;
        return 0;
    case LAB_OPT_PERP:
        b->perp = value;
        return 0;
    case LAB_OPT_JSON:
        b->json = true;
        return 0;
    case LAB_OPT_OUTPUT:
        b->page = value;
        return 0;
    case LAB_OPT_FORCE:
        b->force = true;
        return 0;
    case LAB_OPT_PROGRESS:
        b->progress = true;
        return 0;
    case LAB_OPT_GENERATE:
        rc = number_parse(value, 1, LAB_ACCOUNTS_MAX, &b->generate);
        break;
    case LAB_OPT_SEED:
        rc = number_parse(value, 0, UINT64_MAX, &b->seed);
        break;
    case LAB_OPT_AT:
        rc = number_parse(value, 1, MOVING_TIME_MAX, &b->at);
        break;
    case LAB_OPT_CAPTURE:
        lab_book_reads(b, value);
        rc = start_prices_capture(&b->prices, value, &e) ? 1 : 0;
        break;
    case LAB_OPT_PRICES:
        lab_book_reads(b, value);
        rc = start_prices_file(&b->prices, value, &e) ? 1 : 0;
        break;
    case LAB_OPT_PRICE:
        rc = start_prices_add(&b->prices, value, &e) ? EXIT_USAGE : 0;
        break;
    default:
        return wrong(b, "wrong option", "");
    }
    if (rc < 0)
        return wrong(b, "out of range or not a number: ", value);
    if (rc)
        fprintf(stderr, "tripline lab %s: %s\n", b->verb, e.msg);
    return rc;
}

void lab_book_reads(struct lab_book *b, const char *path)
{
    if (b->n_inputs < LAB_INPUTS)
        b->input[b->n_inputs++] = path;
}

int lab_book_check(const struct lab_book *b)
{
    struct err e;
    if ((b->db != NULL) == (b->generate != 0))
        return wrong(b, "name the accounts: either --accounts DB or --generate N", "");
    if ((b->lending || b->perp) && b->db)
        return wrong(b, "--lending and --perp belong to --generate", "");
    if (b->page && out_file_check(b->page, b->force, b->input, b->n_inputs, &e) != 0) {
        fprintf(stderr, "tripline lab %s: %s\n", b->verb, e.msg);
        return 1;
    }
    return 0;
}

int lab_fraction(const char *text, double lo, double hi, double *out)
{
    i128 v;
    if (dec_parse(text, FRACTION_DECIMALS, &v, NULL))
        return -1;
    *out = (double)v / 1e12;
    return *out >= lo && *out <= hi ? 0 : -1;
}

static int generate(struct lab_book *b, const struct progress *p, struct err *e)
{
    static struct account a;
    const struct gen_options g = {.seed = b->seed,
                                  .accounts = (uint32_t)b->generate,
                                  .prices = b->prices.price,
                                  .n_prices = b->prices.n,
                                  .lending = b->lending,
                                  .perp = b->perp,
                                  .near_ppm = GEN_NEAR_PPM,
                                  .guard_ppm = GEN_GUARD_PPM};
    struct book_gen *gen = book_gen_open(&g, e);
    if (!gen)
        return -1;
    int rc = book_packed(&b->book, 0, e);
    b->has_book = rc == 0;
    if (rc == 0) {
        b->book.market = *book_gen_market(gen);
        rc = book_reserve(&b->book, g.accounts, 0, e);
    }
    for (uint32_t i = 0; rc == 0 && i < g.accounts; i++)
        rc = progress_at(p, "generating", i, g.accounts, e) || book_gen_next(gen, &a, e) ||
                     book_add(&b->book, &a, e)
                 ? -1
                 : 0;
    book_gen_close(gen);
    return rc;
}

int lab_book_open(struct lab_book *b, const struct progress *p, struct err *e)
{
    if (b->db) {
        if (store_load_with(b->db, &b->book, p, e))
            return -1;
        b->has_book = true;
    } else if (generate(b, p, e)) {
        return -1;
    }
    const struct market *m = &b->book.market;
    if (b->at)
        market_now(&b->book.market, b->at * UINT64_C(1000000000));
    start_prices_value(&b->prices, m, b->px);
    for (unsigned i = 0; i < m->n_assets; i++)
        if (b->px[i] <= 0)
            return err_set(e,
                           "asset %s (%s) has no price: give it by --price %s=VALUE, --prices or --capture",
                           m->asset[i].name, m->asset[i].source, m->asset[i].name);
    return coins_of(m, &b->coins, e);
}

int lab_book_world(struct lab_book *b, const struct progress *p, struct err *e)
{
    bool still[MARKET_ASSETS_MAX];
    for (unsigned i = 0; i < b->book.market.n_assets; i++)
        still[i] = b->coins.of[i] == COIN_NONE;
    return world_make(&b->world, &b->book, b->px, still, p, e);
}

int lab_book_page(const struct lab_book *b, const char *title,
                  void (*fill)(const void *of, struct lab_result *r), const void *of, struct err *e)
{
    struct lab_result r;
    if (!b->page)
        return 0;
    lab_result_init(&r);
    (void)snprintf(r.title, sizeof r.title, "%s", title);
    r.seed = b->seed;
    if (b->db)
        (void)snprintf(r.note, sizeof r.note, "%zu accounts of the store %.400s.", b->book.n_accounts, b->db);
    else
        (void)snprintf(r.note, sizeof r.note,
                       "Synthetic: %zu generated accounts, which say nothing about any venue.",
                       b->book.n_accounts);
    fill(of, &r);
    int rc = lab_page_save(b->page, b->force, &r, e);
    lab_result_free(&r);
    return rc;
}
