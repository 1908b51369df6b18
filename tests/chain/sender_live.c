// SPDX-License-Identifier: Apache-2.0
// The sender against real nodes, driven line by line (tests/chain/test_sender.py):
//   sender_live LOG CHAIN_ID [--node URL]... [--relay URL]... [--bump-ms N] [--give-up-ms N] [--private-only]
// Keys: KEY0, KEY1 ... and RELAY_KEY in the environment. Lines in:
//   offer ACCOUNT TO DATA GAS WORTH EXPIRES_MS TIP...   answered by: offered ACCOUNT NAME
//   fire NAME LEVEL relay|public                        answered by: fired ANSWER
//   ready NAME LEVEL, up, nodes, next, kill 0|1, counters, quit
// Events come as they happen, one line each; the journal's disk is waited for by nobody.
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "evm/hex.h"
#include "exec/evm/port_rpc.h"
#include "exec/evm/relay.h"
#include "live.h"

enum { KEYS = 8 };
#define MS UINT64_C(1000000)

static struct {
    struct sender *sender;
    struct relay *relay;
    struct nodes *nodes;
    struct port_rpc *port;
    struct txlog *log;
    struct private_key *key[KEYS + 1]; // the relay's last
    uint64_t head;
    bool killed;
} t;

static void die(const struct err *e)
{
    fprintf(stderr, "sender_live: %s\n", e->msg);
    exit(1);
}

static bool allow(void *ctx, const struct order_key *key, bool again, uint64_t now)
{
    (void)ctx, (void)key, (void)again, (void)now;
    return !t.killed;
}

static void offer(char *args)
{
    static uint8_t data[4096];
    struct signed_order o = {.key = {1, 0, 1, 1}, .data = data};
    struct err e = {""};
    char *word[10];
    int n = 0;
    for (char *w = strtok(args, " \n"); w && n < 10; w = strtok(NULL, " \n"))
        word[n++] = w;
    if (n < 7 || address_parse(word[1], &o.to, &e) ||
        hex_data_get(word[2], strlen(word[2]), data, sizeof data, &o.n_data))
        exit(2);
    o.key.account = (uint32_t)strtoul(word[0], NULL, 10);
    o.gas = strtoull(word[3], NULL, 10);
    o.worth = strtoull(word[4], NULL, 10);
    o.expires_ns = clock_stream_ns() + strtoull(word[5], NULL, 10) * MS;
    for (int i = 6; i < n && o.n_tips < SIGNED_TIPS; i++)
        o.tip[o.n_tips++] = strtoull(word[i], NULL, 10);
    uint32_t name = signed_offer(sender_orders(t.sender), SIGNED_NONE, &o, &e);
    printf("offered %u %d %s\n", o.key.account, (int)name, e.msg);
}

static void counters(void)
{
    const struct sender_counters *c = sender_counters(t.sender);
    printf("counters resent %" PRIu64 " replaced %" PRIu64 " cancels %" PRIu64 " reorgs %" PRIu64
           " recovered %" PRIu64 " fenced %" PRIu64 " fell_back %" PRIu64 " private %" PRIu64 " flights %zu",
           c->resent, c->replaced, c->cancels, c->reorgs, c->recovered, c->fenced, c->fell_back,
           c->private_sends, sender_flights(t.sender));
    if (t.relay) {
        const struct relay_counters *r = relay_counters(t.relay);
        printf(" accepted %" PRIu64 " refused %" PRIu64 " cold %" PRIu64 " prepared %" PRIu64 " odd %" PRIu64
               " bundles %" PRIu64 " refusal %s",
               r->accepted, r->refused, r->cold, r->prepared, r->odd, r->sent, relay_last_refusal(t.relay));
    }
    printf("\n");
}

static void line(char *s)
{
    unsigned name, level;
    char how[16];
    uint64_t now = clock_stream_ns();
    if (!strncmp(s, "offer ", 6)) {
        offer(s + 6);
    } else if (sscanf(s, "fire %u %u %15s", &name, &level, how) == 3) {
        enum fire_answer a = sender_fire(t.sender, name, level, !strcmp(how, "relay"), now);
        printf("fired %s\n", fire_answer_name(a));
    } else if (sscanf(s, "ready %u %u", &name, &level) == 2) {
        printf("ready %d\n", signed_ready(sender_orders(t.sender), name, level, 1, now) != NULL);
    } else if (!strncmp(s, "up", 2)) {
        printf("up %zu\n", t.relay ? relay_up(t.relay) : 0);
    } else if (!strncmp(s, "nodes", 5)) {
        unsigned n = 0;
        for (size_t i = 0; i < nodes_count(t.nodes); i++)
            n += nodes_usable(t.nodes, i, now);
        printf("nodes %u\n", n);
    } else if (!strncmp(s, "next", 4)) {
        printf("next %" PRIu64 "\n", sender_wallet(t.sender)->s[0].next);
    } else if (sscanf(s, "kill %u", &level) == 1) {
        t.killed = level != 0;
    } else if (!strncmp(s, "counters", 8)) {
        counters();
    } else {
        exit(2);
    }
}

static void events(void)
{
    static const char *const kind[] = {"",        "state",  "reorged", "replaced",
                                       "cancels", "reason", "stuck",   "node-says"};
    struct sender_event ev;
    while (sender_poll(t.sender, &ev)) {
        char hash[2 * WORD_BYTES + 1];
        hex_put(ev.hash.b, WORD_BYTES, hash);
        hash[2 * WORD_BYTES] = 0;
        printf("event %s %u %s %s %" PRIu64 " 0x%s %s\n", kind[ev.kind], ev.key.account,
               flight_state_name(ev.to), flight_outcome_name(ev.outcome), ev.nonce, hash, ev.text);
    }
}

static void heads(uint64_t now)
{
    struct nodes_event ev;
    while (nodes_poll(t.nodes, now, &ev)) {
        if (ev.kind != NODES_HEAD || (int)ev.node != nodes_best(t.nodes, now) || ev.head.number < t.head)
            continue;
        t.head = ev.head.number;
        sender_head(t.sender, t.head, ev.head.base_fee, now);
    }
    // A node may have become the best after it told its head.
    struct node_state st;
    int best = nodes_best(t.nodes, now);
    if (best < 0)
        return;
    nodes_state(t.nodes, (size_t)best, now, &st);
    if (st.has_head && st.head.number > t.head) {
        t.head = st.head.number;
        sender_head(t.sender, t.head, st.head.base_fee, now);
    }
}

static void start(int argc, char **argv)
{
    static struct rpc_config node[PORT_LINKS_MAX], relay[RELAY_BUILDERS_MAX];
    static const struct private_key *key[KEYS];
    size_t n = 0, n_relay = 0, n_keys = 0;
    struct err e;
    struct sender_config c = {.chain_id = strtoull(argv[2], NULL, 10),
                              .key = key,
                              .confirmations = 3,
                              .look_ns = 50 * MS,
                              .wallet_ns = 500 * MS,
                              .bump_after_ns = 600 * MS,
                              .give_up_ns = 6000 * MS,
                              .gate = {NULL, allow}};
    for (int i = 3; i < argc; i++) {
        if (!strcmp(argv[i], "--private-only"))
            c.private_only = true;
        else if (i + 1 == argc)
            exit(2);
        else if (!strcmp(argv[i], "--node"))
            node[n++].url = argv[++i];
        else if (!strcmp(argv[i], "--relay"))
            relay[n_relay++].url = argv[++i];
        else if (!strcmp(argv[i], "--bump-ms"))
            c.bump_after_ns = strtoull(argv[++i], NULL, 10) * MS;
        else if (!strcmp(argv[i], "--give-up-ms"))
            c.give_up_ns = strtoull(argv[++i], NULL, 10) * MS;
    }
    for (char name[8] = "KEY0"; n_keys < KEYS && getenv(name); name[3]++, n_keys++)
        if (!(key[n_keys] = t.key[n_keys] = key_from_env(name, &e)))
            die(&e);
    c.n_keys = n_keys;
    if (n_relay) {
        t.key[KEYS] = key_from_env("RELAY_KEY", &e);
        struct relay_config rc = {.builder = relay, .n = n_relay, .key = t.key[KEYS]};
        if (!rc.key || !(t.relay = relay_new(&rc, &e)))
            die(&e);
        c.relay = relay_for_sender(t.relay);
    }
    const struct nodes_config nc = {.node = node,
                                    .n = n,
                                    .chain_id = c.chain_id,
                                    .stall_ns = UINT64_MAX,
                                    .poll_ns = 10 * MS,
                                    .check_ns = 50 * MS,
                                    .steady_ns = 50 * MS};
    if (!(t.nodes = nodes_new(&nc, &e)) || !(t.port = port_rpc_new(node, n, t.nodes, &e)) ||
        txlog_open(argv[1], c.chain_id, &t.log, &e))
        die(&e);
    struct evm_port port = port_rpc_port(t.port);
    if (!(t.sender = sender_new(&c, &port, t.log, &e)))
        die(&e);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    clock_init();
    start(argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    printf("started\n");
    while (read_lines(line)) {
        uint64_t now = clock_stream_ns();
        heads(now);
        sender_step(t.sender, now);
        if (t.relay)
            relay_step(t.relay, now);
        events();
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        (void)poll(&p, 1, 2);
    }
    struct err e;
    sender_free(t.sender);
    if (txlog_close(t.log, &e))
        die(&e);
    relay_free(t.relay);
    port_rpc_free(t.port);
    nodes_free(t.nodes);
    for (size_t i = 0; i < sizeof t.key / sizeof *t.key; i++)
        key_free(t.key[i]);
    return 0;
}
