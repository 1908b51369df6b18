// SPDX-License-Identifier: Apache-2.0
#include "cli/run_options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/card_options.h"
#include "cli/number.h"
#include "cli/session_options.h"
#include "exec/paper/auction_spec.h"
#include "exec/paper/venue_dynamic.h"

static const char help[] =
    "usage: tripline run --accounts DB (--capture FILE | --iface NAME... | -- EAL-DEVICE...) [OPTIONS] [-- "
    "EAL...]\n"
    "\n"
    "Watches prices, flags accounts below maintenance through the health-check device, and issues "
    "liquidation\n"
    "orders to the paper venue, which it starts as a process of its own, or with --chain to a pool of Aave "
    "V3.\n"
    "\n"
    "input\n"
    "  --accounts DB      account store (see `tripline accounts`)\n"
    "  --capture FILE     a capture, through DPDK's net_pcap; ends with it\n"
    "  --iface NAME       a network interface, through DPDK's net_af_packet, repeatable; ends with Ctrl-C\n"
    "  -- ARGS            further EAL arguments, e.g. -a 0000:3b:00.0 for a NIC, -l 2 to pin the lcore\n"
    "  --packets N        stop after N packets\n"
    "  --seconds N        stop after N seconds\n" PORT_HELP "device\n"
    "  --device NAME      sim (default: Verilated RTL), vector (AVX2, AVX-512), model, or A+B, e.g. "
    "sim+model\n"
    "                     (both, events compared); sim*2 or a list like sim,model: several as one with "
    "the rows of all (docs/device.md)\n"
    "  --isa NAME         instruction set of vector: auto (default), avx512, avx2, scalar\n"
    "  --threads N        threads of vector, 1 to 64 (default 1); the others never sleep\n"
    "  --geometry LxSxA   lanes, slots, assets of model and vector (default 32x16x256; vector 64x64x256)\n"
    "  --trace FILE.fst   waveform of the simulated device\n" CARD_HELP
    "  --seed N           of what is random about it: splits and order of writes, jitter, state before "
    "reset\n";
static const char help_more[] =
    "state\n"
    "  --dir DIR          journal, venue state and socket (default tripline.run); a journal that is there "
    "is\n"
    "                     continued: open orders are looked up first\n"
    "  --venue SOCKET     use the venue that listens there instead of starting one\n"
    "  --venue-dynamic S  a threshold, or maintenance rates, at that venue follow its marks: tripline venue\n"
    "                     --help, --dynamic (not in lockstep)\n"
    "  --venue-auctions S that venue sells lending accounts' collateral by auction: tripline venue --help,\n"
    "                     --auctions (with a rival or by the wall clock: not in lockstep)\n"
    "  --venue-churn N    N random states a second at that venue (not in lockstep)\n"
    "  --venue-arg ARG    an argument for the venue started here (repeatable)\n"
    "  --kill-file PATH   no order leaves while this file exists (default DIR/kill); SIGUSR1 and SIGUSR2 do "
    "the\n"
    "                     same: on, off\n"
    "chain (docs/chain_run.md)\n"
    "  --chain FILE.yaml  accounts and prices from nodes, orders as transactions; DB is what `tripline chain "
    "index`\n"
    "                     has made, and is followed. With it a run is never in lockstep\n"
    "behaviour\n"
    "  --lockstep         wait for the venue after each packet, so that a run repeats exactly (default for\n"
    "                     captures; --no-lockstep turns it off)\n"
    "  --oracle FILE      what each asset's price is made of: sources, aggregates, guards (docs/oracle.md); "
    "an\n"
    "                     asset without a section there has the one source that its store names\n"
    "  --spin             the gateway's thread never sleeps: for a core that it has to itself\n"
    "  --audit            check every account at every update by brute force; exit status 1 if it fails\n"
    "  --set KEY=VALUE    a setting, repeatable: band_ppm warn_ppm desk target_ppm dust max_order_e8\n"
    "                     max_minute_e8 max_total_e8 max_price_age_ns min_profit_e8 cost_e8\n"
    "                     ready_tolerance_ppm (money in 1e-8 units of account, 0 = no limit)\n"
    "                     worth=2 (flash loan) or 1 (own money): lending orders are sized by what they earn\n"
    "                     after everything, at least min_profit_e8; worth_... (docs/worth.md, section 7)\n"
    "                     stages=hyperliquid or drift: perpetual accounts are liquidated in stages, an "
    "order\n"
    "                     for each transition; split: two orders of a lending account where they earn more "
    "than\n"
    "                     one (docs/execution.md, section 8; default none); stages_rest=within or after,\n"
    "                     stages_ramp_ms stages_ramp_initial stages_ramp_steps\n"
    "                     margin_call1_ppm 2 3: warning levels above the threshold, each lower than the one\n"
    "                     before and all within warn_ppm; margin_call_clear_ppm; books of any size\n"
    "                     (docs/econ/staged.md, section 5)\n"
    "                     depth=feed: what the feed's books take off each profit, depth_fee_ppm (500) of it "
    "a\n"
    "                     taker's; depth=required: no order without a book (default none; docs/worth.md)\n"
    "                     auctions=N: up to N auctions of the venue are followed and bid on (4096 where it\n"
    "                     has any), sold by depth= where that is set; auction_... _slippage_ppm _depth_e8\n"
    "                     _gas_e8 _profit_e8 _once_e8 _total_e8 _lead_ms (docs/execution.md, section 9)\n"
    "                     predicted_max_e8: budget of orders on predicted prices (default 0: none leave)\n"
    "  --histograms FILE  the stages' latencies as an HdrHistogram log, for existing plotters\n"
    "  --quiet            no progress\n"
    "  --help             this text\n"
    "\n"
    "exit status: 0 done and the audit (if any) holds; 1 failed; 2 usage, or a wrong policy or chain file\n";

enum {
    OPT_BASE = 256,
    OPT_NO_LOCKSTEP,
    OPT_SEED,
    OPT_ISA,
    OPT_THREADS,
    OPT_GEOMETRY,
    OPT_HISTOGRAMS,
    OPT_CHURN,
    OPT_DYNAMIC,
    OPT_AUCTIONS,
    OPT_CHAIN
};

static const struct option options[] = {
    {"accounts", required_argument, NULL, 'a'},
    {"capture", required_argument, NULL, 'c'},
    {"dir", required_argument, NULL, 'd'},
    {"device", required_argument, NULL, 'D'},
    {"trace", required_argument, NULL, 't'},
    {"venue", required_argument, NULL, 'v'},
    {"venue-arg", required_argument, NULL, 'V'},
    {"venue-churn", required_argument, NULL, OPT_CHURN},
    {"venue-dynamic", required_argument, NULL, OPT_DYNAMIC},
    {"venue-auctions", required_argument, NULL, OPT_AUCTIONS},
    {"chain", required_argument, NULL, OPT_CHAIN},
    {"kill-file", required_argument, NULL, 'k'},
    {"packets", required_argument, NULL, 'p'},
    {"seconds", required_argument, NULL, 's'},
    {"set", required_argument, NULL, 'S'},
    {"oracle", required_argument, NULL, 'o'},
    {"lockstep", no_argument, NULL, 'l'},
    {"no-lockstep", no_argument, NULL, OPT_NO_LOCKSTEP},
    {"audit", no_argument, NULL, 'A'},
    {"quiet", no_argument, NULL, 'q'},
    {"histograms", required_argument, NULL, OPT_HISTOGRAMS},
    CARD_OPTIONS,
    PORT_OPTIONS,
    {"seed", required_argument, NULL, OPT_SEED},
    {"isa", required_argument, NULL, OPT_ISA},
    {"geometry", required_argument, NULL, OPT_GEOMETRY},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"spin", no_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int bad(const char *what, const char *arg)
{
    fprintf(stderr, "tripline run: %s%s%s\ntry `tripline run --help`\n", what, arg ? ": " : "",
            arg ? arg : "");
    return 2;
}

static int set(struct run_options *o, char *arg)
{
    struct err e;
    o->auctions_given |= strncmp(arg, "auctions=", strlen("auctions=")) == 0;
    o->auction_terms |= strncmp(arg, "auction_", strlen("auction_")) == 0;
    return session_set(&o->config, arg, &e) == 0 ? 0 : bad(e.msg, NULL);
}

// The simulated device's; 0, or a usage error.
static int take_card(struct run_options *o, int c)
{
    bool good =
        c == OPT_SEED ? number_parse(optarg, 0, UINT64_MAX, &o->seed) == 0 : card_option(c, optarg, &o->card);
    o->card_given = true;
    return good ? 0 : bad("bad value for an option of the simulated device", optarg);
}

#define CHURN    "--churn" // of the venue
#define DYNAMIC  "--dynamic"
#define AUCTIONS "--auctions"

static int venue_arg(struct run_options *o, const char *arg)
{
    if (o->n_venue_args == sizeof o->venue_args / sizeof *o->venue_args)
        return bad("too many --venue-arg", NULL);
    o->venue_args[o->n_venue_args++] = arg;
    return 0;
}

static int dynamic_arg(struct run_options *o)
{
    struct dynamic_spec s;
    struct err e;
    if (dynamic_spec_parse(optarg, &s, &e) != 0)
        return bad("--venue-dynamic", e.msg);
    return venue_arg(o, DYNAMIC) != 0 ? 2 : venue_arg(o, optarg);
}

static int auctions_arg(struct run_options *o)
{
    struct auction_spec s;
    struct err e;
    if (auction_spec_parse(optarg, &s, &e) != 0)
        return bad("--venue-auctions", e.msg);
    o->auctions_beside = s.rival_pct || s.wall;
    return venue_arg(o, AUCTIONS) != 0 ? 2 : venue_arg(o, optarg);
}

static bool venue_has(const struct run_options *o, const char *option)
{
    for (size_t i = 0; i < o->n_venue_args; i++)
        if (strncmp(o->venue_args[i], option, strlen(option)) == 0)
            return true;
    return false;
}

// Options whose argument is kept as it is.
static const struct {
    int option;
    size_t at;
} texts[] = {
    {'a', offsetof(struct run_options, accounts)},
    {'c', offsetof(struct run_options, capture)},
    {'d', offsetof(struct run_options, dir)},
    {'D', offsetof(struct run_options, device)},
    {OPT_ISA, offsetof(struct run_options, isa)},
    {'t', offsetof(struct run_options, trace)},
    {'v', offsetof(struct run_options, venue)},
    {OPT_HISTOGRAMS, offsetof(struct run_options, histograms)},
    {OPT_CHAIN, offsetof(struct run_options, chain)},
    {'k', offsetof(struct run_options, kill_file)},
    {'o', offsetof(struct run_options, oracle)},
};

static int take(struct run_options *o, int c, bool *lockstep_given)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].option == c) {
            memcpy((char *)o + texts[i].at, &optarg, sizeof optarg);
            return 0;
        }
    if (c >= PORT_OPT_IFACE) {
        const char *why = port_option(c, optarg, &o->ports);
        return why ? bad(why, optarg) : 0;
    }
    if (c == OPT_SEED || c >= CARD_OPT_CLOCK)
        return take_card(o, c);
    switch (c) {
    case OPT_GEOMETRY:
        return geometry_parse(optarg, &o->geometry) == 0 ? 0
                                                         : bad("--geometry wants LANESxSLOTSxASSETS", optarg);
    case OPT_THREADS: {
        uint64_t threads;
        if (number_parse(optarg, 1, 64, &threads) != 0)
            return bad("--threads wants 1 to 64", optarg);
        o->threads = (unsigned)threads;
        return 0;
    }
    case 'V':
        return venue_arg(o, optarg);
    case OPT_CHURN:
        return venue_arg(o, CHURN) != 0 ? 2 : venue_arg(o, optarg);
    case OPT_DYNAMIC:
        return dynamic_arg(o);
    case OPT_AUCTIONS:
        return auctions_arg(o);
    case 'p':
        return number_parse(optarg, 1, UINT64_MAX, &o->max_frames) == 0
                   ? 0
                   : bad("--packets wants a number", optarg);
    case 's':
        return number_parse(optarg, 1, UINT32_MAX, &o->max_seconds) == 0
                   ? 0
                   : bad("--seconds wants a number", optarg);
    case 'S':
        return set(o, optarg);
    case 'l':
    case OPT_NO_LOCKSTEP:
        o->lockstep = c == 'l';
        *lockstep_given = true;
        return 0;
    case 'A':
        o->audit = true;
        return 0;
    case 'P':
        o->spin = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    default:
        return bad("unknown option", NULL);
    }
}

static int check_source(const struct run_options *o)
{
    if (!o->accounts)
        return bad("--accounts DB is missing", NULL);
    if (o->capture && o->ports.n_ifaces)
        return bad("either --capture or --iface", NULL);
    if (o->capture && port_options_live(&o->ports))
        return bad("--join, --address, --igmp, --vlan and --queues need a live port", NULL);
    if (!o->capture && !o->ports.n_ifaces && !o->eal)
        return bad("nothing to watch: --capture FILE, --iface NAME, or EAL device arguments after --", NULL);
    if (o->trace && !strstr(o->device, "sim"))
        return bad("--trace needs the simulated device", o->device);
    if ((o->isa || o->threads) && !strstr(o->device, "vector"))
        return bad("--isa and --threads need the device vector", o->device);
    if (o->card_given && !strstr(o->device, "sim"))
        return bad("--clock, --pcie, --jitter, --ring, --quiet-card and --seed need the simulated device",
                   o->device);
    return 0;
}

static int check_chain(const struct run_options *o)
{
    if (!o->chain)
        return 0;
    if (o->venue || o->n_venue_args)
        return bad("either --chain or a paper venue (--venue, --venue-arg, --venue-churn, --venue-dynamic,"
                   " --venue-auctions)",
                   NULL);
    if (o->lockstep)
        return bad(
            "--lockstep is for the paper venue: a chain answers when it will (a run is replayed exactly "
            "from its journal)",
            NULL);
    if (o->config.desk.worth.mode == DESK_WORTH_OFF || o->config.desk.min_profit_e8 <= 0)
        return bad(
            "--chain wants --set worth=2 (flash loan) or worth=1 (own money), and --set min_profit_e8=N "
            "above 0: a transaction costs gas whether it earns or not",
            NULL);
    if (o->config.desk.depth.mode != DESK_DEPTH_NONE)
        return bad("--chain sells along one way by its pools (docs/chain_run.md): leave depth out", NULL);
    if (o->config.bids.max || o->auction_terms)
        return bad(
            "auctions are a paper venue's: on a chain none is told, so leave auctions out, and auction_...",
            NULL);
    return 0;
}

static int check_desk(const struct run_options *o)
{
    struct err why;
    if (calls_check(&o->config.calls, o->config.engine.warn_ppm, &why) != 0)
        return bad(why.msg, NULL);
    if (o->config.desk.stages == STAGES_SPLIT && o->config.desk.worth.mode != DESK_WORTH_OFF)
        return bad("stages=split sizes lending orders by the close factor, worth by their profit: give one",
                   NULL);
    return 0;
}

static int check_venue(const struct run_options *o)
{
    if (venue_has(o, CHURN) && o->venue)
        return bad("--venue-churn is for a venue started here; give --churn to the one at", o->venue);
    if (venue_has(o, DYNAMIC) && o->venue)
        return bad("--venue-dynamic is for a venue started here; give --dynamic to the one at", o->venue);
    if (venue_has(o, AUCTIONS) && o->venue)
        return bad("--venue-auctions is for a venue started here; give --auctions to the one at", o->venue);
    if (o->auctions_beside && o->lockstep)
        return bad("--venue-auctions with a rival or wall=1 tells of auctions beside the orders, so a run in"
                   " lockstep would not repeat: add --no-lockstep",
                   NULL);
    if (venue_has(o, CHURN) && o->lockstep)
        return bad(
            "--venue-churn comes by the clock, so a run in lockstep would not repeat: add --no-lockstep",
            NULL);
    if (venue_has(o, DYNAMIC) && o->lockstep)
        return bad("--venue-dynamic answers beside the orders, so a run in lockstep would not repeat: add "
                   "--no-lockstep",
                   NULL);
    return 0;
}

int run_options_parse(int argc, char **argv, struct run_options *o)
{
    bool lockstep_given = false;
    memset(o, 0, sizeof *o);
    o->device = "sim";
    o->dir = "tripline.run";
    o->card = device_card_default;
    config_default(&o->config);
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(help, stdout);
            fputs(help_more, stdout);
            return 1;
        }
        int rc = c == '?' ? bad("bad option", NULL) : take(o, c, &lockstep_given);
        if (rc)
            return rc;
    }
    if (optind < argc) {
        if (strcmp(argv[optind - 1], "--") != 0)
            return bad("unexpected argument (EAL arguments come after --)", argv[optind]);
        o->eal = argv + optind;
    }
    if (check_source(o) || check_chain(o) || check_desk(o))
        return 2;
    if (!lockstep_given)
        o->lockstep = o->capture != NULL && !o->chain;
    return check_venue(o);
}
