// SPDX-License-Identifier: Apache-2.0
// tripline accounts: the store of instruments and margin accounts.
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/export.h"
#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "cli/cli.h"
#include "cli/number.h"
#include "cli/out_file.h"
#include "cli/print_accounts.h"
#include "cli/progress.h"
#include "cli/push.h"
#include "cli/start_prices.h"

static const char HELP[] =
    "usage: tripline accounts import [--db STORE] FILE...\n"
    "       tripline accounts gen    [--db STORE] [--force] [-n N] [--seed S] [--near PPM] [--guard PPM]\n"
    "                                [--rates SECONDS] [--lending RULE] [--perp RULE] [--capture FILE]\n"
    "                                [--prices FILE] [--price NAME=VALUE]...\n"
    "       tripline accounts show   [--db STORE] [--market] [--at SECONDS] [--capture FILE] [--prices "
    "FILE]\n"
    "                                [--price NAME=VALUE]... [ID]\n"
    "       tripline accounts export [--db STORE] [-o FILE] [--csv | --market]\n"
    "       tripline accounts push   --socket PATH FILE    (see push --help)\n"
    "\n"
    "The store is an SQLite file with instruments, accounts and positions.\n"
    "  --db STORE      the store (default tripline.db)\n"
    "  --progress      tell on standard error how far it is, also where that is no terminal\n"
    "Ctrl-C ends import, gen and export; the store is then as it was before.\n"
    "\n"
    "import  Adds or replaces instruments and accounts from .csv and .json files (columns: "
    "docs/accounts.md). A file\n"
    "        is taken as a whole or not at all; an error names the file, the line and the reason. Several "
    "files are\n"
    "        imported one after the other. Creates the store when there is none.\n"
    "\n"
    "gen     Fills a new store with a synthetic book: perp-linear, perp-inverse and aave accounts, seeded, "
    "none of\n"
    "        them liquidatable at the start prices.\n"
    "  -n, --accounts N\n"
    "                  how many accounts (default 240)\n"
    "  --seed S        seed (default 1); the same options give the same book\n"
    "  --near PPM      share of accounts that 0.05 % to 3 % of market move liquidates (default 120000, 12 "
    "%)\n"
    "  --guard PPM     hold an account when a mark is further than this from its index (default 100000; 0: "
    "never)\n"
    "  --rates SECONDS give reserves interest rates and perpetuals funding, as told at this second of the "
    "Unix\n"
    "                  epoch (default: nothing moves with time)\n"
    "  --lending RULE  rule of the borrowers (default aave-3.5)\n"
    "  --perp RULE     rule of those who hold linear perpetuals (default perp-linear-1)\n"
    "  --force         replace the content of a store that exists\n"
    "\n"
    "show    Lists the accounts, or one account with its positions; with prices also their exact health.\n"
    "  --market        list assets and instruments instead\n"
    "  --at SECONDS    value at this second of the Unix epoch (default: as told, without interest or funding "
    "since)\n"
    "\n"
    "export  Writes everything as JSON that import reads (epochs begin again at 0).\n"
    "  -o FILE         write to FILE instead of standard output\n"
    "  --csv           the accounts with their positions, as CSV\n"
    "  --market        the assets and instruments, as JSON; with --csv's file it makes the whole\n"
    "\n"
    "Prices, for gen those that the market starts from (default: those of `tripline gen`), for show those to "
    "value at;\n"
    "a later option replaces a price of an earlier one:\n"
    "  --capture FILE  the first mark of every perpetual and the first value of every index in a capture\n"
    "  --prices FILE   CSV lines name,price[,linear|inverse|index]\n"
    "  --price N=V     one price\n"
    "Without a kind, names that end in -PERPETUAL are perpetuals, linear when they contain _ "
    "(BTC_USDC-PERPETUAL), else\n"
    "inverse; other names are indexes. Indexes btc_usd, eth_usd, sol_usdc (or sol_usd) and usdc_usd price "
    "lending\n"
    "reserves; gen leaves other indexes out.\n"
    "\n"
    "  -h, --help      this text\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

enum { EXIT_USAGE = 2, DEFAULT_COUNT = 240, COUNT_MAX = 100000000 };

struct options {
    const char *db, *output, *lending, *perp;
    uint64_t count, seed, near_ppm, guard_ppm, rates_at, at;
    bool force, market, csv, progress;
    struct start_prices prices;
    char **operand;
    int n_operands;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "tripline accounts: %s%s\nsee `tripline accounts --help`\n", why, what);
    return EXIT_USAGE;
}

static int failed(const struct err *e)
{
    fprintf(stderr, "tripline accounts: %s\n", e->msg);
    return EXIT_FAILURE;
}

// ---- options
// -------------------------------------------------------------------------------------------------

enum {
    OPT_DB = 256,
    OPT_SEED,
    OPT_NEAR,
    OPT_GUARD,
    OPT_RATES,
    OPT_LENDING,
    OPT_PERP,
    OPT_AT,
    OPT_FORCE,
    OPT_MARKET,
    OPT_CSV,
    OPT_PROGRESS,
    OPT_CAPTURE,
    OPT_PRICES,
    OPT_PRICE
};

static const struct option LONG[] = {{"db", required_argument, NULL, OPT_DB},
                                     {"accounts", required_argument, NULL, 'n'},
                                     {"seed", required_argument, NULL, OPT_SEED},
                                     {"near", required_argument, NULL, OPT_NEAR},
                                     {"guard", required_argument, NULL, OPT_GUARD},
                                     {"rates", required_argument, NULL, OPT_RATES},
                                     {"lending", required_argument, NULL, OPT_LENDING},
                                     {"perp", required_argument, NULL, OPT_PERP},
                                     {"at", required_argument, NULL, OPT_AT},
                                     {"force", no_argument, NULL, OPT_FORCE},
                                     {"market", no_argument, NULL, OPT_MARKET},
                                     {"csv", no_argument, NULL, OPT_CSV},
                                     {"progress", no_argument, NULL, OPT_PROGRESS},
                                     {"capture", required_argument, NULL, OPT_CAPTURE},
                                     {"prices", required_argument, NULL, OPT_PRICES},
                                     {"price", required_argument, NULL, OPT_PRICE},
                                     {"output", required_argument, NULL, 'o'},
                                     {"help", no_argument, NULL, 'h'},
                                     {NULL, 0, NULL, 0}};

struct subcommand {
    const char *name;
    int (*run)(struct options *o);
    const char
        *accepts; // long options besides --db, --progress and --help, blank-separated with blanks around
};

static bool accepts(const struct subcommand *c, int opt)
{
    char key[24];
    for (const struct option *l = LONG; l->name; l++) {
        if (l->val != opt)
            continue;
        (void)snprintf(key, sizeof key, " %s ", l->name);
        return opt == OPT_DB || opt == OPT_PROGRESS || strstr(c->accepts, key);
    }
    return false;
}

// One option; 0, or the exit status.
static int take_option(struct options *o, int opt)
{
    struct err e;
    switch (opt) {
    case OPT_DB:
        o->db = optarg;
        return 0;
    case 'o':
        o->output = optarg;
        return 0;
    case OPT_LENDING:
        o->lending = optarg;
        return rule_find(optarg) && rule_find(optarg)->holding
                   ? 0
                   : usage("--lending: no rule for lending: ", optarg);
    case OPT_PERP:
        o->perp = optarg;
        return rule_linear(rule_find(optarg)) ? 0 : usage("--perp: no rule for linear perpetuals: ", optarg);
    case OPT_FORCE:
        o->force = true;
        return 0;
    case OPT_MARKET:
        o->market = true;
        return 0;
    case OPT_CSV:
        o->csv = true;
        return 0;
    case OPT_PROGRESS:
        o->progress = true;
        return 0;
    case 'n':
        return number_parse(optarg, 0, COUNT_MAX, &o->count) || o->count == 0
                   ? usage("-n: not 1 to 100000000: ", optarg)
                   : 0;
    case OPT_SEED:
        return number_parse(optarg, 0, UINT64_MAX, &o->seed) ? usage("--seed: not a number: ", optarg) : 0;
    case OPT_NEAR:
        return number_parse(optarg, 0, MARKET_PPM, &o->near_ppm) ? usage("--near: not 0 to 1000000: ", optarg)
                                                                 : 0;
    case OPT_GUARD:
        return number_parse(optarg, 0, MARKET_PPM - 1, &o->guard_ppm)
                   ? usage("--guard: not 0 to 999999: ", optarg)
                   : 0;
    case OPT_RATES:
        return number_parse(optarg, 0, MOVING_TIME_MAX, &o->rates_at) || o->rates_at == 0
                   ? usage("--rates: not a second of the Unix epoch: ", optarg)
                   : 0;
    case OPT_AT:
        return number_parse(optarg, 0, MOVING_TIME_MAX, &o->at) || o->at == 0
                   ? usage("--at: not a second of the Unix epoch: ", optarg)
                   : 0;
    case OPT_PRICE:
        return start_prices_add(&o->prices, optarg, &e) ? usage("--price: ", e.msg) : 0;
    case OPT_PRICES:
        return start_prices_file(&o->prices, optarg, &e) ? failed(&e) : 0;
    default:
        return start_prices_capture(&o->prices, optarg, &e) ? failed(&e) : 0;
    }
}

// ---- import
// --------------------------------------------------------------------------------------------------

static int run_import(struct options *o)
{
    struct err e;
    if (o->n_operands == 0)
        return usage("import: name at least one file", "");
    for (int i = 0; i < o->n_operands; i++) {
        struct cli_progress p;
        cli_progress_begin(&p, "accounts import", o->progress, NULL);
        int n = store_import_with(o->db, o->operand[i], &p.to, &e);
        cli_progress_end(&p);
        if (n < 0)
            return failed(&e);
        printf("%s: %d accounts from %s\n", o->db, n, o->operand[i]);
    }
    return EXIT_SUCCESS;
}

// ---- gen
// -----------------------------------------------------------------------------------------------------

enum { RULES_SHOWN = 64 };

static void print_book_line(const struct options *o, const struct market *m, const uint64_t *of_rule)
{
    printf("%s: %llu accounts (", o->db, (unsigned long long)o->count);
    const char *sep = "";
    for (size_t r = 0; r < RULES_SHOWN && rule_at(r); r++) {
        if (of_rule[r])
            printf("%s%llu %s", sep, (unsigned long long)of_rule[r], rule_at(r)->name);
        sep = of_rule[r] ? ", " : sep;
    }
    printf(") on %u instruments, seed %llu\n", m->n_instruments, (unsigned long long)o->seed);
}

// Account by account from the generator into the store.
static int generate(const struct options *o, struct book_gen *g, uint64_t *of_rule, const struct progress *p,
                    struct err *e)
{
    struct account a;
    struct store_writer *w = store_create(o->db, book_gen_market(g), e);
    int rc = w ? 0 : -1;
    for (uint64_t i = 0; rc == 0 && i < o->count; i++) {
        rc =
            book_gen_next(g, &a, e) || store_add(w, &a, e) || progress_at(p, "generating", i + 1, o->count, e)
                ? -1
                : 0;
        for (size_t r = 0; r < RULES_SHOWN && rule_at(r); r++)
            of_rule[r] += rc == 0 && a.rule == rule_at(r);
    }
    return store_close(w, rc == 0, rc == 0 ? e : NULL) ? -1 : rc;
}

static int run_gen(struct options *o)
{
    struct err e;
    struct gen_options options = {.seed = o->seed,
                                  .accounts = (uint32_t)o->count,
                                  .prices = o->prices.n ? o->prices.price : NULL,
                                  .n_prices = o->prices.n,
                                  .lending = o->lending,
                                  .perp = o->perp,
                                  .near_ppm = (uint32_t)o->near_ppm,
                                  .guard_ppm = (uint32_t)o->guard_ppm,
                                  .rates_at = o->rates_at};
    uint64_t of_rule[RULES_SHOWN] = {0};
    if (o->n_operands)
        return usage("gen: unexpected argument ", o->operand[0]);
    if (!o->force && access(o->db, F_OK) == 0) {
        err_set(&e, "%s exists; --force replaces its content, --db names another store", o->db);
        return failed(&e);
    }
    struct book_gen *g = book_gen_open(&options, &e);
    if (!g)
        return failed(&e);
    struct cli_progress p;
    cli_progress_begin(&p, "accounts gen", o->progress, NULL);
    int rc = generate(o, g, of_rule, &p.to, &e);
    cli_progress_end(&p);
    if (rc == 0)
        print_book_line(o, book_gen_market(g), of_rule);
    book_gen_close(g);
    return rc ? failed(&e) : EXIT_SUCCESS;
}

// ---- show
// ----------------------------------------------------------------------------------------------------

// The whole store in memory, with progress.
static int load(const struct options *o, const char *label, struct book *b, struct err *e)
{
    struct cli_progress p;
    cli_progress_begin(&p, label, o->progress, NULL);
    int rc = store_load_with(o->db, b, &p.to, e);
    cli_progress_end(&p);
    return rc;
}

static int run_show(struct options *o)
{
    struct err e;
    uint64_t id = 0;
    int64_t px[MARKET_ASSETS_MAX], *prices = o->prices.n ? px : NULL;
    if (o->n_operands > 1)
        return usage("show: unexpected argument ", o->operand[1]);
    if (o->n_operands && (number_parse(o->operand[0], 0, UINT32_MAX, &id) || id == 0))
        return usage("show: not an account id: ", o->operand[0]);
    struct book *b = malloc(sizeof *b);
    if (!b) {
        err_set(&e, "out of memory");
        return failed(&e);
    }
    int rc = load(o, "accounts show", b, &e);
    if (rc == 0) {
        start_prices_value(&o->prices, &b->market, px);
        if (o->at)
            market_now(&b->market, o->at * 1000000000);
        if (o->market)
            print_market(&b->market);
        else if (id)
            rc = print_account(b, (uint32_t)id, prices) == 0
                     ? 0
                     : err_set(&e, "%s: no account %llu", o->db, (unsigned long long)id);
        else
            print_accounts(b, prices);
        book_free(b);
    }
    free(b);
    return rc ? failed(&e) : EXIT_SUCCESS;
}

// ---- export
// --------------------------------------------------------------------------------------------------

struct exporting {
    struct exporter to;
    const char *path; // NULL: standard output
    struct out_file out;
    FILE *f;
    enum export_form form;
    struct market *market;
};

static int export_failed(const struct exporting *x, struct err *e)
{
    return err_set(e, "%s: %s", x->path ? x->path : "standard output", strerror(errno));
}

// Not before the store has been found good: a file that is there already stays until then.
static int export_open(struct exporting *x, struct err *e)
{
    if (x->path && out_file_open(&x->out, x->path, e) != 0)
        return -1;
    x->f = x->path ? x->out.f : stdout;
    return 0;
}

static int export_close(struct exporting *x, int rc, struct err *e)
{
    if (x->path && x->f && out_file_close(&x->out, rc == 0, e) != 0)
        rc = -1;
    return rc;
}

static int export_market(void *ctx, const struct market *m, struct err *e)
{
    struct exporting *x = ctx;
    if (export_open(x, e) != 0)
        return -1;
    *x->market = *m;
    export_begin(&x->to, x->f, x->form, x->market);
    return 0;
}

static int export_one(void *ctx, const struct account *a, struct err *e)
{
    struct exporting *x = ctx;
    export_account(&x->to, a);
    return ferror(x->f) ? export_failed(x, e) : 0;
}

// Account by account out of the store.
static int run_export(struct options *o)
{
    struct err e;
    struct cli_progress p;
    struct exporting x = {.path = o->output,
                          .form = o->csv      ? EXPORT_CSV
                                  : o->market ? EXPORT_MARKET
                                              : EXPORT_JSON};
    struct store_visitor v = {
        .market = export_market, .account = export_one, .ctx = &x, .validate = true, .progress = &p.to};
    if (o->n_operands)
        return usage("export: unexpected argument ", o->operand[0]);
    if (o->csv && o->market)
        return usage("export: --csv and --market are two files", "");
    if (o->market)
        v.account = NULL;
    x.market = malloc(sizeof *x.market);
    cli_progress_begin(&p, "accounts export", o->progress, NULL);
    int rc = x.market ? store_visit(o->db, &v, &e) : err_set(&e, "out of memory");
    if (rc == 0 && export_end(&x.to))
        rc = export_failed(&x, &e);
    rc = export_close(&x, rc, &e);
    cli_progress_end(&p);
    free(x.market);
    return rc ? failed(&e) : EXIT_SUCCESS;
}

// ---- dispatch
// ------------------------------------------------------------------------------------------------

static int parse_and_run(const struct subcommand *c, struct options *o, int argc, char **argv)
{
    int opt;
    optind = 1;
    while ((opt = getopt_long(argc, argv, "n:o:h", LONG, NULL)) != -1) {
        if (opt == 'h') {
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (opt == '?')
            return usage(c->name, ": wrong options");
        if (!accepts(c, opt))
            return usage(c->name, ": this option belongs to another subcommand");
        int rc = take_option(o, opt);
        if (rc)
            return rc;
    }
    o->operand = argv + optind;
    o->n_operands = argc - optind;
    return c->run(o);
}

int cmd_accounts(int argc, char **argv)
{
    static const struct subcommand commands[] = {
        {"import", run_import, ""},
        {"gen", run_gen, " accounts seed near guard rates lending perp force capture prices price "},
        {"show", run_show, " market at capture prices price "},
        {"export", run_export, " output csv market "},
    };
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(HELP, stdout);
        return EXIT_SUCCESS;
    }
    if (argc < 2)
        return usage("name one of import, gen, show, export, push", "");
    if (strcmp(argv[1], "push") == 0)
        return cmd_push(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        struct options o = {.db = "tripline.db",
                            .count = DEFAULT_COUNT,
                            .seed = 1,
                            .near_ppm = GEN_NEAR_PPM,
                            .guard_ppm = GEN_GUARD_PPM};
        int rc = parse_and_run(&commands[i], &o, argc - 1, argv + 1);
        start_prices_free(&o.prices);
        return rc;
    }
    return usage("unknown subcommand ", argv[1]);
}
