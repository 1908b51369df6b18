// SPDX-License-Identifier: Apache-2.0
// tripline lab var.
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/lab_book.h"
#include "cli/number.h"
#include "lab/var.h"

static const char HELP[] =
    "usage: tripline lab var --accounts DB | --generate N [OPTIONS]\n"
    "\n"
    "Value at risk of bad debt: prices are drawn at a horizon, and each account that may be liquidated "
    "there, by\n"
    "its exact rule, loses what its liquidation leaves unpaid. Some paths are judged again account by "
    "account, the\n"
    "naive way; a difference is an error. Method, formulas and sources: docs/lab/risk.md.\n"
    "      --paths P           price paths (default 10000)\n"
    "      --seed S            of paths and --generate (default 1); the same options give the same figures\n"
    "      --horizon DAYS      (default 1)\n"
    "      --df D              Student's t with D degrees of freedom (default 4, 3 to 100); 0: normal\n"
    "      --vol F             standard deviation of a day's log return, every coin (default 0.04)\n"
    "      --corr F            correlation between coins (default 0.8)\n"
    "      --jumps RATE,MEAN,SD  common jumps a day, their log size (default none)\n"
    "      --history FILE      CSV time,COIN,... of prices, a row a horizon: volatility and correlations by\n"
    "                          exponential weights (--lambda F, default 0.94), historical simulation beside "
    "the\n"
    "                          drawn paths, and Kupiec's test of the drawn ones on it\n"
    "      --threads T         (default: the machine's, at most 64); changes no figure\n"
    "      --naive N           paths judged again the naive way (default: 2 million accounts' worth, at "
    "least 1;\n"
    "                          0: none)\n" LAB_BOOK_HELP "      --json              as JSON\n"
    "      --progress          tell on standard error how far it is\n"
    "  -h, --help              this text\n"
    "Exit status: 0 done, 1 failed or the two ways differ, 2 wrong usage.\n";

enum {
    EXIT_USAGE = 2,
    PATHS_MAX = 1000000,
    NAIVE_ACCOUNTS = 2000000,
    OPT_PATHS = 256,
    OPT_HORIZON,
    OPT_DF,
    OPT_VOL,
    OPT_CORR,
    OPT_JUMPS,
    OPT_HISTORY,
    OPT_LAMBDA,
    OPT_THREADS,
    OPT_NAIVE
};
static const double LEVELS[] = {0.95, 0.99, 0.999};
enum { N_LEVELS = sizeof LEVELS / sizeof *LEVELS };
static const double AGREE = 1e-9; // of the value at stake: sums of doubles in another order

struct options {
    struct lab_book b;
    uint64_t paths, df, threads, naive;
    bool naive_set, assumed, weighted; // --naive; --vol or --corr; --lambda
    double days, vol, corr, lambda, jump[3];
    const char *history;
};

struct report {
    struct tail tail[N_LEVELS], past[N_LEVELS];
    double mean, mean_error, value, breached, kupiec[N_LEVELS];
    size_t exceeded[N_LEVELS], days; // days: of history
    struct var_run run;
    struct var_check check;
};

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "tripline lab var: %s%s; `tripline lab var --help` shows the usage\n", why, what);
    return EXIT_USAGE;
}

static double *losses_of(const struct var_run *run)
{
    double *v = malloc((run->n + 1) * sizeof *v);
    for (size_t i = 0; v && i < run->n; i++)
        v[i] = run->outcome[i].loss;
    return v;
}

static int summarise(struct report *r, struct err *e)
{
    double *v = losses_of(&r->run), n = (double)r->run.n;
    if (!v)
        return err_set(e, "out of memory");
    r->mean = losses_mean(v, r->run.n, &r->mean_error);
    for (size_t i = 0; i < r->run.n; i++) {
        r->value += r->run.outcome[i].value / n;
        r->breached += (double)r->run.outcome[i].breached / n;
    }
    losses_sort(v, r->run.n);
    for (unsigned k = 0; k < N_LEVELS; k++)
        tail_of(v, r->run.n, LEVELS[k], &r->tail[k]);
    free(v);
    return 0;
}

// Historical simulation, and how often it went beyond the drawn paths' quantiles.
static int backtest(struct options *o, const struct history *h, const struct progress *p, struct report *r,
                    struct err *e)
{
    struct lab_book *b = &o->b;
    struct paths past;
    struct var_run run = {0};
    int rc = paths_of_history(&past, &b->book.market, &b->coins, b->px, h, e);
    if (rc == 0)
        rc = var_run(&b->world, &past, (unsigned)o->threads, p, &run, e);
    double *v = rc == 0 ? losses_of(&run) : NULL;
    if (rc == 0 && !v)
        rc = err_set(e, "out of memory");
    if (v) {
        r->days = run.n;
        losses_sort(v, run.n);
        for (unsigned k = 0; k < N_LEVELS; k++) {
            tail_of(v, run.n, LEVELS[k], &r->past[k]);
            for (size_t i = 0; i < run.n; i++)
                r->exceeded[k] += v[i] > r->tail[k].var;
            r->kupiec[k] = kupiec_pof(r->exceeded[k], run.n, 1 - LEVELS[k]);
        }
    }
    free(v);
    var_run_free(&run);
    paths_free(&past);
    return rc;
}

// ---- output

static void print_levels(const struct report *r)
{
    puts("bad debt, dollars          VaR      95 % interval of it                 expected shortfall  +- "
         "standard error");
    for (unsigned k = 0; k < N_LEVELS; k++) {
        const struct tail *t = &r->tail[k];
        printf("  %5.1f %%       %14.0f  %14.0f .. %-14.0f  %18.0f  +- %.0f\n", t->q * 100, t->var, t->lo,
               t->hi, t->es, t->es_error);
    }
    if (!r->days)
        return;
    printf("historical simulation, %zu returns: VaR, shortfall; returns beyond the drawn VaR; Kupiec's LR "
           "(<= %.3f passes)\n",
           r->days, KUPIEC_95);
    for (unsigned k = 0; k < N_LEVELS; k++)
        printf("  %5.1f %%       %14.0f  %14.0f  %6zu expected %.1f  LR %.3f %s\n", LEVELS[k] * 100,
               r->past[k].var, r->past[k].es, r->exceeded[k], (1 - LEVELS[k]) * (double)r->days, r->kupiec[k],
               r->kupiec[k] <= KUPIEC_95 ? "passes" : "fails");
}

static double naive_all(const struct report *r)
{
    return r->check.paths ? r->check.seconds / (double)r->check.paths * (double)r->run.n : 0;
}

static void print_text(const struct options *o, const struct report *r)
{
    const struct world *w = &o->b.world;
    double n = (double)r->run.n * (double)w->book->n_accounts, naive = naive_all(r);
    printf("%zu accounts (%zu by one price, %zu in %zu groups, %zu without a requirement) x %zu paths, seed "
           "%" PRIu64 "\n",
           w->book->n_accounts, w->n_single, w->n_grouped, w->n_groups, w->n_never, r->run.n, o->b.seed);
    printf("liquidatable, mean: %.1f accounts, %.0f dollars; bad debt, mean: %.0f +- %.0f dollars\n",
           r->breached, r->value, r->mean, r->mean_error);
    print_levels(r);
    printf("time: %.2f s with %" PRIu64 " threads; forms evaluated: %.2f %% of all, exact rule: %.4f %%\n",
           r->run.seconds, o->threads, (double)r->run.looked / n * 100, (double)r->run.exact / n * 100);
    if (r->check.paths)
        printf("naive: %zu paths in %.2f s on one thread = %.0f s for all on %" PRIu64
               " that do not hinder each other: "
               "%.0f times as long\n"
               "equal: %" PRIu64 " of %" PRIu64 " verdicts differ; value and loss within %.1e\n",
               r->check.paths, r->check.seconds, naive / (double)o->threads, o->threads,
               naive / (double)o->threads / r->run.seconds, r->check.differ, r->check.accounts,
               r->check.worst);
}

static void json_tail(const struct tail *t)
{
    printf("{\"level\": %.17g, \"var\": %.17g, \"lo\": %.17g, \"hi\": %.17g, \"es\": %.17g, \"es_error\": "
           "%.17g}",
           t->q, t->var, t->lo, t->hi, t->es, t->es_error);
}

static void print_json(const struct options *o, const struct report *r)
{
    const struct world *w = &o->b.world;
    printf("{\"accounts\": %zu, \"paths\": %zu, \"seed\": %" PRIu64
           ", \"single\": %zu, \"grouped\": %zu, \"groups\": %zu, "
           "\"mean_liquidatable\": %.17g, \"mean_value\": %.17g, \"mean_bad_debt\": %.17g, \"mean_error\": "
           "%.17g, \"tails\": [",
           w->book->n_accounts, r->run.n, o->b.seed, w->n_single, w->n_grouped, w->n_groups, r->breached,
           r->value, r->mean, r->mean_error);
    for (unsigned k = 0; k < N_LEVELS; k++) {
        fputs(k ? ", " : "", stdout);
        json_tail(&r->tail[k]);
    }
    printf("], \"history\": {\"returns\": %zu, \"tails\": [", r->days);
    for (unsigned k = 0; r->days && k < N_LEVELS; k++) {
        fputs(k ? ", " : "", stdout);
        json_tail(&r->past[k]);
    }
    fputs("], \"kupiec\": [", stdout);
    for (unsigned k = 0; r->days && k < N_LEVELS; k++)
        printf("%s{\"exceeded\": %zu, \"lr\": %.17g}", k ? ", " : "", r->exceeded[k], r->kupiec[k]);
    printf("]}, \"threads\": %" PRIu64 ", \"seconds\": %.6g, \"looked\": %" PRIu64 ", \"exact\": %" PRIu64
           ", \"naive\": {\"paths\": %zu, \"seconds\": %.6g, \"fast_seconds\": %.6g, \"all_seconds\": %.6g, "
           "\"verdicts\": %" PRIu64 ", \"differ\": %" PRIu64 ", \"worst\": %.3g}}\n",
           o->threads, r->run.seconds, r->run.looked, r->run.exact, r->check.paths, r->check.seconds,
           r->check.fast_seconds, naive_all(r), r->check.accounts, r->check.differ, r->check.worst);
}

// ---- the run

static size_t naive_paths(const struct options *o)
{
    size_t n = o->b.book.n_accounts ? NAIVE_ACCOUNTS / o->b.book.n_accounts : 1;
    n = n < 1 ? 1 : n > 100 ? 100 : n;
    return o->naive_set ? o->naive : n;
}

static int drawn(struct options *o, const struct shocks *s, const struct progress *p, struct report *r,
                 struct err *e)
{
    struct lab_book *b = &o->b;
    struct paths paths;
    int rc = paths_draw(&paths, &b->book.market, &b->coins, b->px, s, o->paths, b->seed, e);
    if (rc == 0)
        rc = var_run(&b->world, &paths, (unsigned)o->threads, p, &r->run, e);
    if (rc == 0)
        rc = summarise(r, e);
    if (rc == 0)
        rc = var_check(&b->world, &paths, &r->run, naive_paths(o), p, &r->check, e);
    paths_free(&paths);
    return rc;
}

static int run(struct options *o, const struct progress *p, struct report *r, struct err *e)
{
    struct lab_book *b = &o->b;
    static struct shocks s;
    struct history h = {0};
    s = (struct shocks){.df = (unsigned)o->df,
                        .days = o->days,
                        .jump_rate = o->jump[0],
                        .jump_mean = o->jump[1],
                        .jump_sd = o->jump[2]};
    if (lab_book_open(b, p, e))
        return -1;
    shocks_alike(&s, b->coins.n, o->vol, o->corr);
    int rc = o->history ? history_read(o->history, &b->book.market, &b->coins, &h, e) : 0;
    if (rc == 0 && o->history)
        rc = shocks_from_history(&s, &h, o->lambda, e);
    for (unsigned k = 0; rc == 0 && o->history && k < h.coins; k++)
        s.sigma[k] /= sqrt(o->days); // a row is a horizon, not a day
    if (rc == 0)
        rc = lab_book_world(b, p, e);
    if (rc == 0)
        rc = drawn(o, &s, p, r, e);
    if (rc == 0 && o->history)
        rc = backtest(o, &h, p, r, e);
    history_free(&h);
    return rc;
}

// ---- options

static int jumps(const char *text, double *jump)
{
    char part[3][40], more;
    if (sscanf(text, "%39[^,],%39[^,],%39[^,]%c", part[0], part[1], part[2], &more) != 3)
        return -1;
    return lab_fraction(part[0], 0, 100, &jump[0]) || lab_fraction(part[1], -2, 2, &jump[1]) ||
                   lab_fraction(part[2], 0, 2, &jump[2])
               ? -1
               : 0;
}

static int option(struct options *o, int c)
{
    int rc = 0;
    if (c >= LAB_OPT)
        return lab_book_option(&o->b, c, optarg);
    switch (c) {
    case OPT_PATHS:
        rc = number_parse(optarg, 1, PATHS_MAX, &o->paths);
        break;
    case OPT_HORIZON:
        rc = lab_fraction(optarg, 1e-6, 365, &o->days);
        break;
    case OPT_DF:
        rc = number_parse(optarg, 0, DF_MAX, &o->df) || o->df == 1 || o->df == 2 ? -1 : 0;
        break;
    case OPT_VOL:
        rc = lab_fraction(optarg, 0, 5, &o->vol);
        o->assumed = true;
        break;
    case OPT_CORR:
        rc = lab_fraction(optarg, 0, 1, &o->corr);
        o->assumed = true;
        break;
    case OPT_JUMPS:
        rc = jumps(optarg, o->jump);
        break;
    case OPT_HISTORY:
        o->history = optarg;
        lab_book_reads(&o->b, optarg);
        break;
    case OPT_LAMBDA:
        rc = lab_fraction(optarg, 0.01, 0.999999, &o->lambda);
        o->weighted = true;
        break;
    case OPT_THREADS:
        rc = number_parse(optarg, 1, VAR_THREADS_MAX, &o->threads);
        break;
    case OPT_NAIVE:
        rc = number_parse(optarg, 0, PATHS_MAX, &o->naive);
        o->naive_set = true;
        break;
    default:
        return usage("wrong option", "");
    }
    return rc ? usage("out of range or not a number: ", optarg) : 0;
}

struct filling {
    const struct options *o;
    const struct var_run *run;
};

static void fill(const void *of, struct lab_result *r)
{
    const struct filling *f = of;
    const struct options *o = f->o;
    char tails[48] = "normal";
    if (o->df)
        (void)snprintf(tails, sizeof tails, "Student's t, %" PRIu64 " degrees", o->df);
    if (o->history)
        lab_fact(r, LAB_LOSSES, "Drawn moves", "volatility and correlations of the history, a row a horizon",
                 "%s, %.60s, lambda %.4g", tails, o->history, o->lambda);
    else
        lab_fact(r, LAB_LOSSES, "Drawn moves", "of every coin",
                 "%s, %.4g %% a day, correlation %.2g, over %.4g days", tails, o->vol * 100, o->corr,
                 o->days);
    if (o->jump[0] > 0)
        lab_fact(r, LAB_LOSSES, "Jumps", "of all coins together; mean and deviation of their log size",
                 "%.4g a day, %.4g, %.4g", o->jump[0], o->jump[1], o->jump[2]);
    var_result(f->run, r);
}

static int work(struct options *o)
{
    struct err e;
    struct cli_progress p;
    struct report r = {0};
    cli_progress_begin(&p, "lab var", o->b.progress, NULL);
    int rc = run(o, &p.to, &r, &e);
    cli_progress_end(&p);
    if (rc)
        fprintf(stderr, "tripline lab var: %s\n", e.msg);
    else if (o->b.json)
        print_json(o, &r);
    else
        print_text(o, &r);
    if (rc == 0 && lab_book_page(&o->b, "Bad debt at risk", fill, &(struct filling){o, &r.run}, &e) != 0) {
        fprintf(stderr, "tripline lab var: %s\n", e.msg);
        rc = 1;
    }
    if (rc == 0 && (r.check.differ || r.check.worst > AGREE)) {
        fprintf(stderr,
                "tripline lab var: the naive way found something else: %" PRIu64
                " verdicts, %.1e of the value\n",
                r.check.differ, r.check.worst);
        rc = 1;
    }
    var_run_free(&r.run);
    return rc ? 1 : 0;
}

int lab_var(int argc, char **argv)
{
    static const struct option longs[] = {LAB_BOOK_LONG,
                                          {"paths", required_argument, NULL, OPT_PATHS},
                                          {"horizon", required_argument, NULL, OPT_HORIZON},
                                          {"df", required_argument, NULL, OPT_DF},
                                          {"vol", required_argument, NULL, OPT_VOL},
                                          {"corr", required_argument, NULL, OPT_CORR},
                                          {"jumps", required_argument, NULL, OPT_JUMPS},
                                          {"history", required_argument, NULL, OPT_HISTORY},
                                          {"lambda", required_argument, NULL, OPT_LAMBDA},
                                          {"threads", required_argument, NULL, OPT_THREADS},
                                          {"naive", required_argument, NULL, OPT_NAIVE},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    static struct options o;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    o = (struct options){.paths = 10000, .df = 4, .days = 1, .vol = 0.04, .corr = 0.8, .lambda = 0.94};
    o.threads = cpus < 1 ? 1 : cpus > VAR_THREADS_MAX ? VAR_THREADS_MAX : (uint64_t)cpus;
    lab_book_init(&o.b, "var");
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
    if (rc == 0 && o.history && o.assumed)
        rc = usage("--vol and --corr: the history tells them: leave them or it out", "");
    if (rc == 0 && !o.history && o.weighted)
        rc = usage("--lambda belongs to --history", "");
    if (rc == 0)
        rc = lab_book_check(&o.b);
    if (rc == 0)
        rc = work(&o);
    lab_book_free(&o.b);
    return rc;
}
