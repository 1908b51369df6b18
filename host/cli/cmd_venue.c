// SPDX-License-Identifier: Apache-2.0
// tripline venue: the paper venue, and the audit of its books.
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/number.h"
#include "exec/paper/venue.h"
#include "exec/paper/venue_db.h"

static const char help[] =
    "usage: tripline venue --socket PATH --state FILE.db [--accounts STORE.db] [OPTIONS]\n"
    "       tripline venue ledger --state FILE.db\n"
    "\n"
    "Serves as a paper venue until SIGTERM or SIGINT: takes liquidation orders on a local socket and "
    "settles\n"
    "them against the marks that come with each, at the second at which it was judged, by the rule of the\n"
    "account. Its state lives in one SQLite file; each order is one transaction, on disk before it is "
    "answered.\n"
    "\n"
    "  --socket PATH     local socket to listen on (created; a stale one is replaced)\n"
    "  --state FILE.db   the venue's own state, created at the first start\n"
    "  --accounts STORE  store with the accounts to start from; read only when the state is new\n"
    "  --fsync on|off    on (default): a reply survives a power loss; off: it survives the death of the "
    "venue\n"
    "  --dynamic SPEC    parameters that follow the venue's own marks (docs/lab/dynamic.md); up to 8:\n"
    "                    instrument=NAME,k_bps=N,min_bps=N (a perpetual: max_bps=N above 10000 in its "
    "place)\n"
    "                    [,policy=volatility|open-interest|size|scaled|implied,estimator=ewma|realised|\n"
    "                    "
    "parkinson|garman-klass|rogers-satchell,base_bps=N,max_bps=N,sigma0_ppm=N,dead_bps=N,\n"
    "                    rate_mbps=N,lambda_ppm=N,period_s=N,window=N,least=N,lower=N,upper=N,quote=N,\n"
    "                    n_tenths=N]\n"
    "  --auctions SPEC   collateral of lending accounts is sold by auction, not at once (docs/execution.md, "
    "9):\n"
    "                    [curve=linear|stairstep|exponential,tau=S,step=S,cut_ppm=N,buf_bps=N,cusp_bps=N,\n"
    "                    tail=S,chop_bps=N,chip_bps=N,tip_e8=N,dust_e8=N,rule=NAME,wall=0|1] and a rival:\n"
    "                    [rival_pct=N,rival_from_bps=N,rival_to_bps=N,rival_part_pct=N]; curve=exponential\n"
    "                    alone: 1 % a second from 120 % of the oracle's price, at most an hour\n"
    "\n"
    "Test aids, all off by default:\n"
    "  --delay-us N      wait N microseconds before answering an order\n"
    "  --refuse PCT      refuse PCT percent of the orders, chosen by --seed and the order's key\n"
    "  --churn N         N deposits, withdrawals and trades a second, on accounts chosen at random\n"
    "  --seed N          for --refuse, --churn and the rival (default 1)\n"
    "  --crash-after N   kill this process with SIGKILL after N fills, before the reply\n"
    "\n"
    "ledger prints the balances of every party and checks them: each currency and token sums to zero, "
    "balances\n"
    "equal their postings, each account equals its opening plus its postings, one fill an epoch. Exit 1 if "
    "not.\n";

static int usage(const char *what, const char *arg)
{
    fprintf(stderr, "tripline venue: %s%s%s\ntry `tripline venue --help`\n", what, arg ? ": " : "",
            arg ? arg : "");
    return 2;
}

enum {
    OPT_SOCKET = 256,
    OPT_STATE,
    OPT_ACCOUNTS,
    OPT_FSYNC,
    OPT_DELAY,
    OPT_REFUSE,
    OPT_SEED,
    OPT_CRASH,
    OPT_CHURN,
    OPT_DYNAMIC,
    OPT_AUCTIONS
};

static const struct option options[] = {
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"state", required_argument, NULL, OPT_STATE},
    {"accounts", required_argument, NULL, OPT_ACCOUNTS},
    {"fsync", required_argument, NULL, OPT_FSYNC},
    {"delay-us", required_argument, NULL, OPT_DELAY},
    {"refuse", required_argument, NULL, OPT_REFUSE},
    {"seed", required_argument, NULL, OPT_SEED},
    {"crash-after", required_argument, NULL, OPT_CRASH},
    {"churn", required_argument, NULL, OPT_CHURN},
    {"dynamic", required_argument, NULL, OPT_DYNAMIC},
    {"auctions", required_argument, NULL, OPT_AUCTIONS},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_dynamic(struct venue_options *o)
{
    struct err e;
    if (o->n_dynamic == DYNAMIC_SPECS_MAX)
        return usage("more than 8 --dynamic", optarg);
    if (dynamic_spec_parse(optarg, &o->dynamic[o->n_dynamic], &e) != 0) {
        fprintf(stderr, "tripline venue: --dynamic %s: ", optarg);
        return usage(e.msg, NULL);
    }
    o->n_dynamic++;
    return 0;
}

static int take_auctions(struct venue_options *o)
{
    static struct auction_spec spec;
    struct err e;
    if (auction_spec_parse(optarg, &spec, &e) != 0) {
        fprintf(stderr, "tripline venue: --auctions %s: ", optarg);
        return usage(e.msg, NULL);
    }
    o->auctions = &spec;
    return 0;
}

// 0 taken, else the usage error that was printed.
static int take_option(int c, struct venue_options *o)
{
    uint64_t v;
    switch (c) {
    case OPT_SOCKET:
        o->socket = optarg;
        return 0;
    case OPT_STATE:
        o->state = optarg;
        return 0;
    case OPT_ACCOUNTS:
        o->accounts = optarg;
        return 0;
    case OPT_FSYNC:
        o->sync = strcmp(optarg, "on") == 0;
        return o->sync || strcmp(optarg, "off") == 0 ? 0 : usage("--fsync takes on or off, not", optarg);
    case OPT_DELAY:
        if (number_parse(optarg, 0, 60000000, &v))
            return usage("--delay-us takes 0 to 60000000, not", optarg);
        o->delay_us = (uint32_t)v;
        return 0;
    case OPT_REFUSE:
        if (number_parse(optarg, 0, 100, &v))
            return usage("--refuse takes 0 to 100, not", optarg);
        o->refuse_pct = (uint32_t)v;
        return 0;
    case OPT_CHURN:
        if (number_parse(optarg, 0, 100000, &v))
            return usage("--churn takes 0 to 100000, not", optarg);
        o->churn = (uint32_t)v;
        return 0;
    case OPT_DYNAMIC:
        return take_dynamic(o);
    case OPT_AUCTIONS:
        return take_auctions(o);
    case OPT_SEED:
        return number_parse(optarg, 0, UINT64_MAX, &o->seed)
                   ? usage("--seed takes a whole number, not", optarg)
                   : 0;
    case OPT_CRASH:
        return number_parse(optarg, 0, UINT64_MAX, &o->crash_after)
                   ? usage("--crash-after takes a whole number, not", optarg)
                   : 0;
    default:
        return usage("unknown or incomplete option", NULL);
    }
}

static int ledger(const struct venue_options *o)
{
    struct err e;
    if (!o->state)
        return usage("ledger needs --state FILE.db", NULL);
    int rc = venue_ledger(o->state, stdout, &e);
    if (rc < 0)
        fprintf(stderr, "tripline venue: %s\n", e.msg);
    return rc ? 1 : 0;
}

int cmd_venue(int argc, char **argv)
{
    struct venue_options o = {.sync = true, .seed = 1};
    int c, bad;
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if ((bad = take_option(c, &o)) != 0)
            return bad;
    }
    if (optind < argc && strcmp(argv[optind], "ledger") == 0 && optind + 1 == argc)
        return ledger(&o);
    if (optind < argc)
        return usage("unexpected argument", argv[optind]);
    if (!o.socket || !o.state)
        return usage("--socket PATH and --state FILE.db are needed", NULL);
    struct err e;
    if (venue_serve(&o, &e)) {
        fprintf(stderr, "tripline venue: %s\n", e.msg);
        return 1;
    }
    return 0;
}
