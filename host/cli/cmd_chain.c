// SPDX-License-Identifier: Apache-2.0
// tripline chain: accounts of a lending pool read from nodes, followed, and held against the contract.
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "chain/follower.h"
#include "cli/cli.h"
#include "cli/number.h"
#include "evm/address.h"

static const char help[] =
    "usage: tripline chain index --node URL --pool ADDRESS --db STORE.db [OPTIONS]\n"
    "       tripline chain audit --node URL --db STORE.db [--accounts N] [--no-health]\n"
    "       tripline chain show --db STORE.db\n"
    "\n"
    "index reads everybody who ever borrowed from a pool of Aave V3, and its market, into an account store, "
    "and\n"
    "brings the store to the chain's head. It goes on where it was ended, however that was. audit compares "
    "the\n"
    "store with the contract at the block of the store; exit 1 if anything differs. show prints where it "
    "is.\n"
    "\n"
    "  --node URL      ipc:/path, http://, https://, ws:// or wss://; several times: in the order of "
    "preference\n"
    "  --pool ADDRESS  the pool; a store that has one knows it\n"
    "  --db STORE.db   the account store, created by the first index\n"
    "  --from BLOCK    first block to search for borrowers: that of the pool's deployment (default 0)\n"
    "  --follow        stay and follow the head until SIGINT or SIGTERM\n"
    "  --again         search all blocks again; accounts keep their ids\n"
    "  --rule NAME     rule of the accounts (default: by the pool's revision)\n"
    "  --range N       most blocks in one question for logs (default 10000; adapts to what the node takes)\n"
    "  --audit N       accounts compared with the contract after each block (default 2, at most 50)\n"
    "  --accounts N    audit: so many drawn at random (default: all)\n"
    "  --no-health     audit: without health factors\n"
    "  --seed N        of what is drawn (default: the clock)\n";

struct chain_options {
    struct rpc_config node[NODES_MAX];
    size_t n_nodes;
    struct follower_config f;
    bool follow, no_health;
    uint64_t accounts;
};

static volatile sig_atomic_t stop;

static void on_signal(int s)
{
    (void)s;
    stop = 1;
}

static int usage(const char *what, const char *arg)
{
    fprintf(stderr, "tripline chain: %s%s%s\ntry `tripline chain --help`\n", what, arg ? ": " : "",
            arg ? arg : "");
    return 2;
}

static int failed(const struct err *e)
{
    fprintf(stderr, "tripline chain: %s\n", e->msg);
    return 1;
}

enum {
    OPT_NODE = 256,
    OPT_POOL,
    OPT_DB,
    OPT_FROM,
    OPT_FOLLOW,
    OPT_AGAIN,
    OPT_RULE,
    OPT_RANGE,
    OPT_AUDIT,
    OPT_ACCOUNTS,
    OPT_NO_HEALTH,
    OPT_SEED
};

static const struct option options[] = {
    {"node", required_argument, NULL, OPT_NODE},
    {"pool", required_argument, NULL, OPT_POOL},
    {"db", required_argument, NULL, OPT_DB},
    {"from", required_argument, NULL, OPT_FROM},
    {"follow", no_argument, NULL, OPT_FOLLOW},
    {"again", no_argument, NULL, OPT_AGAIN},
    {"rule", required_argument, NULL, OPT_RULE},
    {"range", required_argument, NULL, OPT_RANGE},
    {"audit", required_argument, NULL, OPT_AUDIT},
    {"accounts", required_argument, NULL, OPT_ACCOUNTS},
    {"no-health", no_argument, NULL, OPT_NO_HEALTH},
    {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_number(int c, struct chain_options *o)
{
    uint64_t v;
    switch (c) {
    case OPT_FROM:
        return number_parse(optarg, 0, INT64_MAX, &o->f.from)
                   ? usage("--from takes a block's number, not", optarg)
                   : 0;
    case OPT_RANGE:
        return number_parse(optarg, 1, 1000000, &o->f.range_most)
                   ? usage("--range takes 1 to 1000000, not", optarg)
                   : 0;
    case OPT_AUDIT:
        if (number_parse(optarg, 0, CHAIN_READ_ACCOUNTS, &v))
            return usage("--audit takes 0 to 50, not", optarg);
        o->f.audit = (unsigned)v;
        return 0;
    case OPT_ACCOUNTS:
        return number_parse(optarg, 1, UINT32_MAX, &o->accounts)
                   ? usage("--accounts takes 1 or more, not", optarg)
                   : 0;
    case OPT_SEED:
        return number_parse(optarg, 0, UINT64_MAX, &o->f.seed)
                   ? usage("--seed takes a whole number, not", optarg)
                   : 0;
    default:
        return usage("unknown or incomplete option", NULL);
    }
}

// 0 taken, else the usage error that was printed.
static int take_option(int c, struct chain_options *o)
{
    struct err e;
    switch (c) {
    case OPT_NODE:
        if (o->n_nodes == NODES_MAX)
            return usage("too many --node", optarg);
        o->node[o->n_nodes++].url = optarg;
        return 0;
    case OPT_POOL:
        return address_parse(optarg, &o->f.pool, &e) ? usage("--pool", e.msg) : 0;
    case OPT_DB:
        o->f.db = optarg;
        return 0;
    case OPT_FOLLOW:
        o->follow = true;
        return 0;
    case OPT_AGAIN:
        o->f.again = true;
        return 0;
    case OPT_RULE:
        o->f.rule = optarg;
        return 0;
    case OPT_NO_HEALTH:
        o->no_health = true;
        return 0;
    default:
        return take_number(c, o);
    }
}

// ---- nodes

static int ask_chain_id(const struct chain_options *o, uint64_t *id, struct err *e)
{
    enum { WAIT_MS = 5000 };
    int rc = -1;
    for (size_t i = 0; rc && i < o->n_nodes; i++) {
        struct rpc *c = rpc_new(&o->node[i], e);
        struct rpc_event ev;
        if (c && rpc_call_wait(c, "eth_chainId", "[]", WAIT_MS, &ev, e) == 0)
            rc = rpc_json_quantity(ev.result, id) ? err_set(e, "the node does not tell its chain") : 0;
        rpc_free(c);
    }
    return rc;
}

struct connection {
    struct nodes *nodes;
    struct chain_link *link;
};

static int connect_nodes(struct chain_options *o, struct connection *c, struct err *e)
{
    static const uint64_t answer_ns = UINT64_C(60000000000);
    struct nodes_config cfg = {.node = o->node, .n = o->n_nodes, .stall_ns = UINT64_MAX, .seed = o->f.seed};
    if (ask_chain_id(o, &cfg.chain_id, e))
        return -1;
    o->f.chain_id = cfg.chain_id;
    c->nodes = nodes_new(&cfg, e);
    c->link = c->nodes ? chain_link_open(c->nodes, o->node, o->n_nodes, answer_ns, &stop, e) : NULL;
    if (c->link)
        return 0;
    nodes_free(c->nodes);
    return -1;
}

static void disconnect_nodes(struct connection *c)
{
    chain_link_close(c->link);
    nodes_free(c->nodes);
}

// ---- index

static void progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
    static const uint64_t every_ns = 2000000000;
    uint64_t *shown = ctx, now = clock_system_ns();
    if (now - *shown < every_ns)
        return;
    *shown = now;
    fprintf(stderr, "chain index: %s %" PRIu64 " of %" PRIu64 "\n", what, done, total);
}

static void hold(void *ctx, uint32_t id, const char *why)
{
    (void)ctx;
    fprintf(stderr, "chain index: account %" PRIu32 " is held: %s\n", id, why);
}

static void pause_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

// Until the head (or, with --follow, a signal).
static int run(const struct chain_options *o, struct follower *f, struct chain_link *l, struct err *e)
{
    enum { WAIT_MS = 250, PAUSE_MS = 100, PAUSE_MOST_MS = 5000, TRIES = 8 };
    unsigned pause = PAUSE_MS, failures = 0;
    while (!stop) {
        enum follower_result r = follower_step(f, e);
        if (r == FOLLOWER_FATAL)
            return -1;
        if (r == FOLLOWER_RETRY && !stop) {
            if (!o->follow && ++failures == TRIES)
                return -1;
            fprintf(stderr, "chain index: %s; trying again\n", e->msg);
            pause_ms(pause);
            pause = 2 * pause < PAUSE_MOST_MS ? 2 * pause : PAUSE_MOST_MS;
            continue;
        }
        pause = PAUSE_MS;
        failures = 0;
        if (r == FOLLOWER_IDLE && !o->follow)
            return 0;
        if (r == FOLLOWER_IDLE)
            l->wait(l, WAIT_MS);
    }
    return o->follow ? 0 : err_set(e, "interrupted; run it again to go on");
}

static void print_state(const struct follower *f)
{
    static const char *const phases[] = {"empty", "searching for borrowers", "reading accounts", "settling",
                                         "complete"};
    const struct chain_meta *m = follower_meta(f);
    char pool[ADDRESS_TEXT];
    address_format(&follower_pool(f)->pool, pool);
    printf("chain %" PRIu64 ", pool %s, rule %s: %s\n", m->chain_id, pool, m->rule, phases[m->phase]);
    printf("block %" PRIu64 " (time %" PRIu64 "), state %" PRIu64 ", %u reserves, %" PRIu32 " accounts\n",
           m->at.number, m->at.timestamp, m->seq, (unsigned)follower_market(f)->n_instruments, m->last_id);
}

static void print_counters(const struct follower_counters *n)
{
    printf("%" PRIu64 " blocks, %" PRIu64 " reorganisations (%" PRIu64 " blocks undone), %" PRIu64
           " accounts read, %" PRIu64 " added, %" PRIu64 " held\n",
           n->blocks, n->reorgs, n->undone, n->accounts, n->added, n->held);
    printf("%" PRIu64 " ranges of logs (%" PRIu64 " halved), audited %" PRIu64 ", %" PRIu64 " differences\n",
           n->ranges, n->halved, n->audited, n->differences);
}

static int do_index(struct chain_options *o, struct follower *f, struct chain_link *l, struct err *e)
{
    int rc = run(o, f, l, e);
    print_state(f);
    print_counters(follower_counters(f));
    return rc ? failed(e) : follower_counters(f)->differences != 0;
}

// ---- audit

static int do_audit(const struct chain_options *o, struct follower *f, struct err *e)
{
    struct chain_audit a;
    if (follower_audit(f, o->accounts, !o->no_health, &a, e))
        return failed(e);
    print_state(f);
    printf("audited %" PRIu64 " accounts, %" PRIu64 " reserves: differences %" PRIu64 " in accounts, %" PRIu64
           " in reserves, %" PRIu64 " in health (%" PRIu64 " accounts without)\n",
           a.accounts, a.reserves, a.states, a.market, a.health, a.unpriced);
    if (a.states + a.market + a.health == 0)
        return 0;
    fprintf(stderr, "tripline chain: %s\n", a.first);
    return 1;
}

static int with_nodes(struct chain_options *o, bool audit)
{
    struct err e;
    struct connection c;
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (audit && access(o->f.db, F_OK)) {
        err_set(&e, "%s is not there: `tripline chain index` makes it", o->f.db);
        return failed(&e);
    }
    if (connect_nodes(o, &c, &e))
        return failed(&e);
    struct follower *f = follower_open(&o->f, c.link, &e);
    int rc = !f ? failed(&e) : audit ? do_audit(o, f, &e) : do_index(o, f, c.link, &e);
    follower_close(f);
    disconnect_nodes(&c);
    return rc;
}

static int show(const struct chain_options *o)
{
    struct err e;
    if (access(o->f.db, F_OK)) {
        err_set(&e, "%s is not there: `tripline chain index` makes it", o->f.db);
        return failed(&e);
    }
    struct follower *f = follower_open(&o->f, NULL, &e);
    if (!f)
        return failed(&e);
    print_state(f);
    follower_close(f);
    return 0;
}

int cmd_chain(int argc, char **argv)
{
    uint64_t shown = clock_system_ns();
    struct chain_options o = {.f = {.audit = 2, .seed = shown}};
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
    o.f.hooks = (struct chain_hooks){.ctx = &shown, .progress = progress, .hold = hold};
    if (optind + 1 != argc)
        return usage("index, audit or show?", optind + 1 < argc ? argv[optind + 1] : NULL);
    const char *what = argv[optind];
    if (!o.f.db)
        return usage("--db STORE.db is needed", NULL);
    if (strcmp(what, "show") == 0)
        return show(&o);
    if (strcmp(what, "index") != 0 && strcmp(what, "audit") != 0)
        return usage("no such command", what);
    return o.n_nodes ? with_nodes(&o, what[0] == 'a') : usage("--node URL is needed", NULL);
}
