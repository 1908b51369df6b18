// SPDX-License-Identifier: Apache-2.0
// tripline lab sell. Amounts are the route's integers; prices and shares are pictures of them.
#include "cli/lab_sell.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "base/json_out.h"
#include "cli/number.h"
#include "cli/sell_file.h"

static const char HELP[] =
    "usage: tripline lab sell AMOUNT --ways FILE.json | --capture FILE --instrument NAME [OPTIONS]\n"
    "\n"
    "Sells an amount of a token over several books and pools at once, as the order desk would: what goes\n"
    "where, what it brings, the average price, the slippage and the price of the next unit of each way.\n"
    "      --ways FILE         books, pools and ways with a token between (docs/worth.md, \"tripline lab "
    "sell\")\n"
    "      --capture FILE      one more way: the bids of an instrument's book out of this capture,\n"
    "      --instrument NAME   of this instrument, or of this number at its venue\n"
    "      --at SECONDS        as they were so long after the first frame (default: at the end)\n"
    "      --fee-ppm N         a taker's fee on the capture's book (default 0)\n"
    "      --lot AMOUNT        its lot (default 0.00000001)\n"
    "      --price P           slippage is told against this price (default: the file's, else that of the\n"
    "                          first unit on the best way, fees taken)\n"
    "      --json              as JSON\n"
    "  -h, --help              this text\n"
    "Exit status: 0 done, 1 failed (a wrong file, no whole book), 2 wrong usage.\n";

enum {
    EXIT_USAGE = 2,
    OPT_WAYS = 256,
    OPT_CAPTURE,
    OPT_INSTRUMENT,
    OPT_AT,
    OPT_FEE,
    OPT_LOT,
    OPT_PRICE,
    OPT_JSON
};

struct options {
    const char *amount, *ways;
    struct sell_capture capture;
    const char *only_capture; // an option that needs --capture
    double price;
    bool json;
};

struct sale {
    struct sell *s;
    u128 q, part[ROUTE_PATHS_MAX], out[ROUTE_PATHS_MAX], sold, all;
    double first[ROUTE_PATHS_MAX], last[ROUTE_PATHS_MAX]; // price of a unit before and after
    double average, reference, slippage_bps;
    unsigned best_alone;
    u128 alone;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "tripline lab sell: %s%s; `tripline lab sell --help` shows the usage\n", why, what);
    return EXIT_USAGE;
}

static double power(int n)
{
    double p = 1;
    for (; n > 0; n--)
        p *= 10;
    for (; n < 0; n++)
        p /= 10;
    return p;
}

// ---- prices

static u128 hop_out(const struct route_hop *h, u128 q)
{
    return h->book ? h->book->venue.out(&h->book->venue, q) : cpmm_out(&h->pool, q);
}

// Units out for the next unit in, after q.
static double hop_price(const struct route_hop *h, u128 q)
{
    if (h->book) {
        unsigned i = 0;
        while (i < h->book->n && depth_units(h->book, i) <= q)
            i++;
        struct exit_rate r = i < h->book->n ? depth_rate(h->book, i) : (struct exit_rate){0, 1};
        return (double)r.out / (double)r.in;
    }
    double x = (double)h->pool.in * (double)h->pool.of, k = (double)h->pool.keep, y = (double)h->pool.out;
    double all = x + k * (double)q;
    return k * x / all * y / all;
}

static double path_price(const struct route_path *p, u128 q)
{
    double price = 1;
    for (unsigned i = 0; i < p->n; i++) {
        price *= hop_price(&p->hop[i], q);
        q = hop_out(&p->hop[i], q);
    }
    return price;
}

static void measure(struct sale *x, double reference)
{
    struct sell *s = x->s;
    double unit = power((int)s->from_decimals - (int)s->into_decimals), best = 0;
    x->all = route_split(&s->route, x->q, x->part);
    for (unsigned i = 0; i < s->n; i++) {
        x->out[i] = route_path_out(&s->route, i, x->part[i]);
        x->sold += x->part[i];
        x->first[i] = path_price(&s->route.path[i], 0) * unit;
        x->last[i] = path_price(&s->route.path[i], x->part[i]) * unit;
        best = x->first[i] > best ? x->first[i] : best;
        u128 alone = route_path_out(&s->route, i, x->q);
        if (alone > x->alone) {
            x->alone = alone;
            x->best_alone = i;
        }
    }
    x->average = x->sold ? (double)x->all / (double)x->sold * unit : 0;
    x->reference = reference > 0 ? reference : s->reference > 0 ? s->reference : best;
    x->slippage_bps = x->sold && x->reference > 0 ? (1 - x->average / x->reference) * 1e4 : 0;
}

// ---- what is printed

static const char *tokens(u128 v, unsigned decimals, char buf[DEC_TEXT_MAX])
{
    dec_format((i128)v, decimals, buf);
    return buf;
}

static void print_text(const struct sale *x)
{
    const struct sell *s = x->s;
    char a[DEC_TEXT_MAX], b[DEC_TEXT_MAX];
    printf("sells %s %s for %s\n%-24s %26s %8s %26s %16s %16s\n", tokens(x->q, s->from_decimals, a), s->from,
           s->into, "way", "part", "share %", "brings", "average", "next unit");
    for (unsigned i = 0; i < s->n; i++)
        printf("%-24s %26s %8.3f %26s %16.9g %16.9g\n", s->name[i], tokens(x->part[i], s->from_decimals, a),
               x->q ? (double)x->part[i] / (double)x->q * 100 : 0, tokens(x->out[i], s->into_decimals, b),
               x->part[i] ? (double)x->out[i] / (double)x->part[i] *
                                power((int)s->from_decimals - (int)s->into_decimals)
                          : 0,
               x->last[i]);
    printf("brings    %s %s, %.9g each\n", tokens(x->all, s->into_decimals, a), s->into, x->average);
    printf("slippage  %.4f bps against %.9g, fees included\n", x->slippage_bps, x->reference);
    if (x->sold < x->q)
        printf("unsold    %s %s: no way takes it, or it would bring nothing (less than a lot or a unit)\n",
               tokens(x->q - x->sold, s->from_decimals, a), s->from);
    if (s->n > 1)
        printf("alone     %s would bring %s %s at most\n", s->name[x->best_alone],
               tokens(x->alone, s->into_decimals, a), s->into);
}

static int print_json(const struct sale *x, struct err *e)
{
    const struct sell *s = x->s;
    char a[DEC_TEXT_MAX];
    struct json_out j;
    json_out_begin(&j, stdout);
    json_open(&j, NULL, '{');
    json_text(&j, "sell", s->from);
    json_text(&j, "for", s->into);
    json_text(&j, "amount", tokens(x->q, s->from_decimals, a));
    json_text(&j, "sold", tokens(x->sold, s->from_decimals, a));
    json_text(&j, "brings", tokens(x->all, s->into_decimals, a));
    json_real(&j, "average", x->average);
    json_real(&j, "reference", x->reference);
    json_real(&j, "slippage_bps", x->slippage_bps);
    json_text(&j, "alone_way", s->name[x->best_alone]);
    json_text(&j, "alone_brings", tokens(x->alone, s->into_decimals, a));
    json_open(&j, "ways", '[');
    for (unsigned i = 0; i < s->n; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", s->name[i]);
        json_text(&j, "part", tokens(x->part[i], s->from_decimals, a));
        json_text(&j, "brings", tokens(x->out[i], s->into_decimals, a));
        json_real(&j, "first_price", x->first[i]);
        json_real(&j, "next_price", x->last[i]);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    return json_out_end(&j, e);
}

static int run(const struct options *o, struct err *e)
{
    static struct sell s;
    struct sale x = {.s = &s};
    i128 q;
    sell_init(&s);
    if ((o->ways && sell_file(&s, o->ways, e)) || (o->capture.path && sell_capture(&s, &o->capture, e)))
        return -1;
    if (dec_parse(o->amount, s.from_decimals, &q, e))
        return -1;
    if (q <= 0 || (u128)q > EXIT_AMOUNT_MAX)
        return err_set(e, "the amount %.40s is out of range: above 0, below 2^112 units", o->amount);
    if (route_set(&s.route, s.n, 0, e))
        return -1;
    x.q = (u128)q;
    measure(&x, o->price);
    if (o->json)
        return print_json(&x, e);
    print_text(&x);
    return 0;
}

static int real(const char *text, double least, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= least && *out <= 1e15 ? 0 : -1;
}

static int option(struct options *o, int c, const char *name)
{
    uint64_t n;
    if (c >= OPT_INSTRUMENT && c <= OPT_LOT)
        o->only_capture = name;
    switch (c) {
    case OPT_WAYS:
        o->ways = optarg;
        return 0;
    case OPT_CAPTURE:
        o->capture.path = optarg;
        return 0;
    case OPT_INSTRUMENT:
        o->capture.instrument = optarg;
        return 0;
    case OPT_AT:
        return real(optarg, 0, &o->capture.at_s) ? usage("--at: seconds from 0 on are wanted: ", optarg) : 0;
    case OPT_FEE:
        if (number_parse(optarg, 0, 999999, &n))
            return usage("--fee-ppm: a whole number below 1000000 is wanted: ", optarg);
        o->capture.fee_ppm = (uint32_t)n;
        return 0;
    case OPT_LOT:
        o->capture.lot = optarg;
        return 0;
    case OPT_PRICE:
        return real(optarg, 1e-15, &o->price) ? usage("--price: a price above 0 is wanted: ", optarg) : 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    default:
        return usage("wrong option", "");
    }
}

static int check(const struct options *o)
{
    if (!o->amount)
        return usage("the amount is missing", "");
    if (!o->ways && !o->capture.path)
        return usage("one of --ways and --capture is wanted", "");
    if (o->capture.path && !o->capture.instrument)
        return usage("--capture needs --instrument", "");
    if (!o->capture.path && o->only_capture)
        return usage("without --capture there is nothing for --", o->only_capture);
    return 0;
}

int lab_sell(int argc, char **argv)
{
    static const struct option longs[] = {{"ways", required_argument, NULL, OPT_WAYS},
                                          {"capture", required_argument, NULL, OPT_CAPTURE},
                                          {"instrument", required_argument, NULL, OPT_INSTRUMENT},
                                          {"at", required_argument, NULL, OPT_AT},
                                          {"fee-ppm", required_argument, NULL, OPT_FEE},
                                          {"lot", required_argument, NULL, OPT_LOT},
                                          {"price", required_argument, NULL, OPT_PRICE},
                                          {"json", no_argument, NULL, OPT_JSON},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options o = {.capture = {.at_s = -1}};
    struct err e;
    int c, at = 0, rc = 0;
    optind = 1;
    while (rc == 0 && (c = getopt_long(argc, argv, "h", longs, &at)) != -1) {
        if (c == 'h')
            return fputs(HELP, stdout) < 0;
        rc = option(&o, c, longs[at].name);
    }
    if (rc == 0 && optind < argc)
        o.amount = argv[optind++];
    if (rc == 0 && optind < argc)
        rc = usage("unknown word: ", argv[optind]);
    if (rc == 0)
        rc = check(&o);
    if (rc)
        return rc;
    if (run(&o, &e) == 0)
        return 0;
    fprintf(stderr, "tripline lab sell: %s\n", e.msg);
    return 1;
}
