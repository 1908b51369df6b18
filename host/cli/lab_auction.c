// SPDX-License-Identifier: Apache-2.0
// tripline lab auction: options, the file, and what all kinds of auctions have in common.
#include "cli/lab_auction.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lab_auction_inside.h"

enum { EXIT_USAGE = 2, OPT_EXAMPLE = 256, OPT_JSON, KINDS = 4, ROWS_WANTED = 20 };

static const char WHO[] = "tripline lab auction";
static const char HELP[] =
    "usage: tripline lab auction FILE | - [--json]\n"
    "       tripline lab auction --example clip|english|discount|time\n"
    "\n"
    "Shows a liquidation auction in its contract's own integers: the price over time (or what is given over\n"
    "the fall of a price), bids played on it, what a keeper earns after slippage and gas, and the first "
    "moment\n"
    "at which it pays. FILE is JSON with a \"kind\"; - is standard input (docs/econ/auctions.md, section "
    "9):\n"
    "  clip      Maker's Dutch auction: \"calc\" linear, stairstep or exponential; takes and redos as "
    "\"steps\"\n"
    "  english   Maker's flip, flap, flop: kick, then tend, dent, tick and deal as \"steps\"\n"
    "  discount  Euler's vault kit: the discount grows with the fall of the collateral's price\n"
    "  time      Aloe II: what is given grows by the second after a warning\n"
    "A keeper's side is shown when the file has \"gas\", \"slippage_ppm\", \"profit\", and for Maker's "
    "\"value\"\n"
    "or a pool. A contract's refusal is a result, in the column or line \"refused\".\n"
    "      --example KIND  prints a file of that kind which works\n"
    "      --json          as JSON: amounts are the contract's integers, as strings\n"
    "  -h, --help          this text\n"
    "Exit status: 0 done, 1 failed (a wrong file), 2 wrong usage.\n";

static const char *const KIND_NAMES[KINDS] = {"clip", "english", "discount", "time"};
static const struct {
    int (*run)(struct state *s, struct sheet *out);
    const char *example;
} KIND[KINDS] = {{auction_clip, auction_clip_example},
                 {auction_english, auction_english_example},
                 {auction_discount, auction_discount_example},
                 {auction_time, auction_time_example}};

// ---- what the kinds share

uint64_t auction_second(struct state *s, const char *name, uint64_t absent)
{
    return state_u64_or(s, name, ((uint64_t)1 << AUCTION_TIME_BITS) - 1, absent);
}

static u256 flat_out(const struct bidder_sale *sale, u256 q)
{
    const struct keeper_sale *f = (const struct keeper_sale *)sale;
    struct checked c = {0};
    return ck_full_div(&c, q, f->kept, ck_u64(BIDDER_PPM)); // 128 and 140 bits: below 2^249
}

struct keeper keeper_read(struct state *s)
{
    struct keeper k = {.there =
                           state_has(s, "gas") || state_has(s, "profit") || state_has(s, "slippage_ppm")};
    k.gas = state_u256_or(s, "gas", AUCTION_MONEY_BITS, U256_ZERO);
    k.profit = ck_max(ck_u64(1), state_u256_or(s, "profit", AUCTION_MONEY_BITS, U256_ZERO));
    k.keep_ppm = BIDDER_PPM - (uint32_t)state_u64_or(s, "slippage_ppm", BIDDER_PPM, 0);
    return k;
}

struct keeper keeper_read_market(struct state *s)
{
    enum { VALUE_BITS = 120 };
    bool valued = state_has(s, "value"), slips = state_has(s, "slippage_ppm");
    struct keeper k = keeper_read(s);
    struct checked c = {0};
    u256 value = state_u256_or(s, "value", VALUE_BITS, U256_ZERO);
    k.flat = (struct keeper_sale){.sale = {.out = flat_out, .slop = ck_u64(1)}};
    k.flat.kept = ck_mul(&c, value, ck_u64(k.keep_ppm));
    k.in_pool = state_has(s, "pool_coin");
    if (k.in_pool)
        k.pool = bidder_pool(state_u256(s, "pool_collateral", AUCTION_LOT_BITS),
                             state_u256(s, "pool_coin", AUCTION_MONEY_BITS),
                             (uint32_t)state_u64_or(s, "pool_fee_ppm", BIDDER_PPM, 0));
    if (k.in_pool && (valued || slips))
        state_fail(s, s->at->line, "\"%s\" and a pool: a pool has its own price and slippage, leave one out",
                   valued ? "value" : "slippage_ppm");
    if (k.there && !k.in_pool && !valued)
        state_fail(s, s->at->line,
                   "\"value\" is missing: add what the keeper gets for a unit (a ray), or a pool "
                   "(\"pool_collateral\", \"pool_coin\")");
    k.there = valued || k.in_pool;
    k.budget.once = state_u256_or(s, "once", AUCTION_MONEY_BITS, U256_MAX);
    k.budget.total = state_u256_or(s, "total", AUCTION_MONEY_BITS, U256_MAX);
    k.lead_ns = state_u64_or(s, "lead_ns", UINT64_MAX, 0);
    return k;
}

struct bidder_terms keeper_terms(const struct keeper *k)
{
    return (struct bidder_terms){
        .sale = k->in_pool ? &k->pool.sale : &k->flat.sale, .gas = k->gas, .profit = k->profit};
}

bool keeper_pays(const struct keeper *k, struct checked *c, u256 worth, u256 cost, u256 *out, u256 *all)
{
    u256 net;
    *out = ck_full_div(c, worth, ck_u64(k->keep_ppm), ck_u64(BIDDER_PPM));
    *all = ck_add(c, cost, k->gas);
    return ck_ok(c) && !u256_sub(*out, *all, &net) && u256_cmp(net, k->profit) >= 0;
}

struct span span_read(struct state *s)
{
    struct span p = {.has_from = state_has(s, "from"), .has_until = state_has(s, "until")};
    p.has_every = state_has(s, "every");
    p.from = auction_second(s, "from", 0);
    p.until = auction_second(s, "until", 0);
    p.every = auction_second(s, "every", 0);
    if (p.has_every && p.every == 0)
        state_fail(s, s->at->line, "\"every\" is 0: give the seconds between two rows, 1 or more");
    return p;
}

void span_settle(struct state *s, struct span *p, uint64_t begins, uint64_t from, uint64_t until)
{
    p->from = p->has_from ? p->from : from;
    p->until = p->has_until ? p->until : until > p->from ? until : p->from;
    if (p->from < begins)
        state_fail(s, s->at->line, "\"from\" is before %" PRIu64 ", when it begins: make it later", begins);
    else if (p->until < p->from)
        state_fail(s, s->at->line, "\"until\" is before \"from\", %" PRIu64 ": make it later", p->from);
    if (s->top->failed)
        return;
    uint64_t seconds = p->until - p->from;
    p->every = p->has_every ? p->every : seconds / ROWS_WANTED + 1;
    if (seconds / p->every >= SHEET_ROWS)
        state_fail(s, s->at->line,
                   "%" PRIu64 " rows, %d are the most: a larger \"every\" or a nearer \"until\"",
                   seconds / p->every + 1, SHEET_ROWS);
}

// ---- the command

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s%s; `tripline lab auction --help` shows the usage\n", WHO, why, what);
    return EXIT_USAGE;
}

static int show(const char *text, size_t len, const char *file, bool json, struct err *e)
{
    static struct sheet sheet; // 2 MB: too much for a stack
    struct json_doc doc;
    struct state s;
    int rc = -1;
    if (json_parse(text, len, &doc)) {
        (void)err_set(e, "%s:%u: no JSON: %s; `tripline lab auction --example clip` prints a file", file,
                      doc.error_line, doc.error);
    } else {
        state_open(&s, doc.root, file, e);
        unsigned kind = state_choice(&s, "kind", KIND_NAMES, KINDS, false);
        sheet.kind = KIND_NAMES[kind];
        sheet.over.name = "over";
        sheet.steps.name = "steps";
        rc = s.failed ? -1 : KIND[kind].run(&s, &sheet);
        if (rc == 0 && json)
            rc = sheet_json(&sheet, e);
        else if (rc == 0)
            sheet_print(&sheet);
    }
    json_free(&doc);
    return rc;
}

static int file_shown(const char *path, bool json, struct err *e)
{
    bool in = strcmp(path, "-") == 0;
    const char *name = in ? "stdin" : path;
    FILE *f = in ? stdin : fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (!f)
        return err_set(e, "%s: cannot be opened: %s", name, strerror(errno));
    ssize_t n = getdelim(&text, &room, '\0', f); // all of it: JSON has no NUL
    int rc = ferror(f) ? err_set(e, "%s: cannot be read: %s", name, strerror(errno))
                       : show(n > 0 ? text : "", n > 0 ? (size_t)n : 0, name, json, e);
    free(text);
    if (!in)
        (void)fclose(f);
    return rc == 0 && fflush(stdout) ? err_set(e, "the answer cannot be written: %s", strerror(errno)) : rc;
}

static int example(const char *kind)
{
    for (unsigned i = 0; i < KINDS; i++)
        if (strcmp(kind, KIND_NAMES[i]) == 0)
            return puts(KIND[i].example) < 0;
    return usage("--example: clip, english, discount or time is wanted, not ", kind);
}

int lab_auction(int argc, char **argv)
{
    static const struct option longs[] = {{"example", required_argument, NULL, OPT_EXAMPLE},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *kind = NULL;
    bool json = false;
    struct err e;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == 'h')
            return fputs(HELP, stdout) < 0;
        if (c == OPT_EXAMPLE)
            kind = optarg;
        else if (c == OPT_JSON)
            json = true;
        else
            return usage("wrong option", "");
    }
    if (kind)
        return optind < argc ? usage("--example takes no file: ", argv[optind]) : example(kind);
    if (optind >= argc)
        return usage("a file is needed, or - for standard input", "");
    if (optind + 1 < argc)
        return usage("too many words: ", argv[optind + 1]);
    int rc = file_shown(argv[optind], json, &e);
    if (rc)
        fprintf(stderr, "%s: %s\n", WHO, e.msg);
    return rc ? 1 : 0;
}
