// SPDX-License-Identifier: Apache-2.0
// tripline lab map.
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lab_book.h"
#include "cli/number.h"
#include "lab/map.h"

static const char HELP[] =
    "usage: tripline lab map --accounts DB | --generate N [OPTIONS]\n"
    "\n"
    "What becomes liquidatable after one move of prices: accounts, their value (perpetuals' notional, "
    "lending's\n"
    "collateral) and the bad debt that liquidation there leaves. Nothing is liquidated on the way.\n"
    "      --asset A           this coin, asset or source alone (default: all coins by one factor)\n"
    "      --beta COIN=B       all: the coin moves B times the factor (default 1; several)\n"
    "      --from F --to F     moves (default -0.5 and 0.5)\n"
    "      --points N          how many (default 41, 2 to 2001)\n" LAB_BOOK_HELP
    "      --seed S            of --generate (default 1)\n"
    "      --json              as JSON\n"
    "      --progress          tell on standard error how far it is\n"
    "  -h, --help              this text\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

enum { EXIT_USAGE = 2, OPT_ASSET = 256, OPT_BETA, OPT_FROM, OPT_TO, OPT_POINTS, BETAS_MAX = COINS_MAX };

struct options {
    struct lab_book b;
    const char *asset, *beta[BETAS_MAX];
    unsigned n_beta;
    double from, to;
    uint64_t points;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "tripline lab map: %s%s; `tripline lab map --help` shows the usage\n", why, what);
    return EXIT_USAGE;
}

// Index of a coin by its name, an asset's or a source's; -1: none.
static int coin_called(const struct lab_book *b, const char *name, size_t len)
{
    for (unsigned k = 0; k < b->book.market.n_assets; k++) {
        const struct asset *a = &b->book.market.asset[k];
        if ((strlen(a->name) == len && memcmp(a->name, name, len) == 0) ||
            (strlen(a->source) == len && memcmp(a->source, name, len) == 0))
            return b->coins.of[k] == COIN_NONE ? -1 : (int)b->coins.of[k];
    }
    for (unsigned k = 0; k < b->coins.n; k++)
        if (strlen(b->coins.name[k]) == len && memcmp(b->coins.name[k], name, len) == 0)
            return (int)k;
    return -1;
}

static int unknown(const struct lab_book *b, const char *name, struct err *e)
{
    char all[300] = "";
    for (unsigned k = 0; k < b->coins.n && strlen(all) < sizeof all - NAME_LEN - 3; k++)
        (void)snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", k ? ", " : "", b->coins.name[k]);
    return err_set(e, "no coin that moves is called %.40s: there are %s", name, all);
}

static int betas(const struct options *o, double *beta, struct err *e)
{
    for (unsigned k = 0; k < o->b.coins.n; k++)
        beta[k] = 1;
    for (unsigned i = 0; i < o->n_beta; i++) {
        const char *eq = strchr(o->beta[i], '=');
        int k = coin_called(&o->b, o->beta[i], (size_t)(eq - o->beta[i]));
        if (k < 0)
            return unknown(&o->b, o->beta[i], e);
        (void)lab_fraction(eq + 1, -100, 100, &beta[k]);
    }
    return 0;
}

static void print_text(const struct liq_map *m)
{
    printf("liquidation map: %s\n", m->start_px ? m->what : "all coins by one factor");
    puts("    move %  liquidatable          value $       bad debt $");
    for (size_t i = 0; i < m->n; i++)
        printf("%10.3f  %12" PRIu64 "  %15.0f  %15.0f\n", m->point[i].move * 100, m->point[i].all.breached,
               m->point[i].all.value, m->point[i].all.loss);
}

static void print_json(const struct liq_map *m, const struct world *w)
{
    printf("{\"map\": \"%s\", \"accounts\": %zu, \"single\": %zu, \"grouped\": %zu, \"points\": [", m->what,
           w->book->n_accounts, w->n_single, w->n_grouped);
    for (size_t i = 0; i < m->n; i++)
        printf("%s{\"move\": %.9g, \"liquidatable\": %" PRIu64 ", \"value\": %.17g, \"bad_debt\": %.17g}",
               i ? ", " : "", m->point[i].move, m->point[i].all.breached, m->point[i].all.value,
               m->point[i].all.loss);
    puts("]}");
}

static void fill(const void *map, struct lab_result *r)
{
    map_result(map, r);
}

static int run(struct options *o, const struct progress *p, struct err *e)
{
    struct lab_book *b = &o->b;
    struct liq_map map = {0};
    double beta[COINS_MAX];
    if (lab_book_open(b, p, e))
        return -1;
    int coin = o->asset ? coin_called(b, o->asset, strlen(o->asset)) : -1;
    if (o->asset && coin < 0)
        return unknown(b, o->asset, e);
    if (betas(o, beta, e) || lab_book_world(b, p, e))
        return -1;
    int rc = map_make(&b->world, &b->coins, coin, beta, o->from, o->to, o->points, &map, e);
    if (rc == 0 && b->json)
        print_json(&map, &b->world);
    else if (rc == 0)
        print_text(&map);
    if (rc == 0)
        rc = lab_book_page(b, "Liquidation map", fill, &map, e);
    map_free(&map);
    return rc;
}

static int option(struct options *o, int c)
{
    int rc = 0;
    double ignored;
    if (c >= LAB_OPT)
        return lab_book_option(&o->b, c, optarg);
    if (c == OPT_ASSET)
        o->asset = optarg;
    else if (c == OPT_BETA) {
        const char *eq = strchr(optarg, '=');
        if (!eq || lab_fraction(eq + 1, -100, 100, &ignored) || o->n_beta == BETAS_MAX)
            return usage("COIN=B was expected, B from -100 to 100: ", optarg);
        o->beta[o->n_beta++] = optarg;
    } else if (c == OPT_FROM)
        rc = lab_fraction(optarg, -0.95, 19, &o->from);
    else if (c == OPT_TO)
        rc = lab_fraction(optarg, -0.95, 19, &o->to);
    else if (c == OPT_POINTS)
        rc = number_parse(optarg, 2, MAP_POINTS_MAX, &o->points);
    else
        return usage("wrong option", "");
    return rc ? usage("out of range or not a number: ", optarg) : 0;
}

int lab_map(int argc, char **argv)
{
    static const struct option longs[] = {LAB_BOOK_LONG,
                                          {"asset", required_argument, NULL, OPT_ASSET},
                                          {"beta", required_argument, NULL, OPT_BETA},
                                          {"from", required_argument, NULL, OPT_FROM},
                                          {"to", required_argument, NULL, OPT_TO},
                                          {"points", required_argument, NULL, OPT_POINTS},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static struct options o;
    o = (struct options){.from = -0.5, .to = 0.5, .points = 41};
    lab_book_init(&o.b, "map");
    int c, rc = 0;
    optind = 1;
    while (rc == 0 && (c = getopt_long(argc, argv, "o:h", longs, NULL)) != -1) {
        if (c == 'h') {
            lab_book_free(&o.b);
            return fputs(HELP, stdout) < 0;
        }
        rc = option(&o, c == 'o' ? LAB_OPT_OUTPUT : c);
    }
    if (rc == 0 && optind < argc)
        rc = usage("unknown word: ", argv[optind]);
    if (rc == 0 && o.from >= o.to)
        rc = usage("--from must be below --to", "");
    if (rc == 0 && o.asset && o.n_beta)
        rc = usage("--beta belongs to the map of all coins", "");
    if (rc == 0)
        rc = lab_book_check(&o.b);
    if (rc == 0) {
        struct err e;
        struct cli_progress p;
        cli_progress_begin(&p, "lab map", o.b.progress, NULL);
        rc = run(&o, &p.to, &e) ? 1 : 0;
        cli_progress_end(&p);
        if (rc)
            fprintf(stderr, "tripline lab map: %s\n", e.msg);
    }
    lab_book_free(&o.b);
    return rc;
}
