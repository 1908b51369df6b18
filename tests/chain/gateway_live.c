// SPDX-License-Identifier: Apache-2.0
// The gateway to a chain against real nodes and contracts, driven line by line (tests/chain/test_gateway.py):
//   gateway_live LOG CHAIN_ID CONTRACT ROUTER [--node URL]... [--token ADDRESS]... [--bump-ms N]
//                [--give-up-ms N] [--wait-ms N] [--flags N] [--batch]
// Tokens by instrument. Keys: KEY0, KEY1 ... in the environment. Lines in:
//   user ID ADDRESS
//   offer|submit ID REVISION DEBT AMOUNT COLLATERAL LEAST_PROFIT GAS TIP VIA   instruments; VIA "-": none
//   drop ID REVISION, applied BLOCK, kill 0|1, counters, quit
// Replies come as they are polled: reply STATUS ID REVISION SUCCESS INSTRUMENT BLOCK PROFIT GAS_WEI PAID
// REASON
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wide.h"
#include "exec/evm/flash.h"
#include "exec/evm/gateway_evm.h"
#include "live.h"

enum { KEYS = 8, TOKENS = 64, USERS = 256 };
#define MS UINT64_C(1000000)

static struct {
    struct gateway *gw;
    struct private_key *key[KEYS];
    struct evm_address token[TOKENS], user[USERS];
    struct gateway_users users;
    int killed; // atomic
    uint64_t lsn;
} t = {.users = {t.user, USERS}};

static void die(const char *what)
{
    fprintf(stderr, "gateway_live: %s\n", what);
    exit(1);
}

static bool killed(void *ctx)
{
    (void)ctx;
    return __atomic_load_n(&t.killed, __ATOMIC_ACQUIRE) != 0;
}

static u128 number(const char *text)
{
    i256 v;
    if (i256_parse(text, &v))
        die("not a number");
    return i256_lo(v);
}

static void order(char **w, bool offer)
{
    struct order o = {.key = {1, 2 * (uint32_t)number(w[0]), 1, (uint32_t)number(w[1])}, .n = 2};
    o.leg[0] = (struct order_leg){(uint16_t)number(w[2]), (i128)number(w[3])};
    o.leg[1] = (struct order_leg){(uint16_t)number(w[4]), 0};
    struct gateway_order g = {.key = o.key, .lsn = ++t.lsn};
    g.n_bytes = (uint16_t)order_encode(&o, g.bytes, sizeof g.bytes);
    g.terms = (struct gateway_terms){.worth_e8 = 1,
                                     .least_profit = number(w[5]),
                                     .gas = (uint32_t)number(w[6]),
                                     .tip = (uint64_t)number(w[7])};
    if (strcmp(w[8], "-") != 0)
        g.terms.via[g.terms.n_via++] = (uint16_t)number(w[8]);
    if (offer)
        gateway_offer(t.gw, &g);
    else if (gateway_submit(t.gw, &g))
        die("the ring is full");
}

static void counters(void)
{
    struct gateway_evm_counters c;
    gateway_evm_counters(t.gw, &c);
    printf("counters ready %" PRIu64 " cold %" PRIu64 " batched %" PRIu64 " busy %" PRIu64 " made %" PRIu64
           " replaced %" PRIu64 " recovered %" PRIu64 " open %zu flights %zu nodes %zu offered %" PRIu64 "\n",
           c.ready_sent, c.cold_sent, c.batched, c.busy, c.sender.sends, c.sender.replaced,
           c.sender.recovered, gateway_evm_open_flights(t.gw), c.flights, c.nodes_usable, c.offered);
}

static void line(char *s)
{
    char *w[10] = {NULL};
    int n = 0;
    struct err e;
    for (char *p = strtok(s, " "); p && n < 10; p = strtok(NULL, " "))
        w[n++] = p;
    if (n == 10 && (!strcmp(w[0], "offer") || !strcmp(w[0], "submit"))) {
        order(w + 1, w[0][0] == 'o');
    } else if (n == 3 && !strcmp(w[0], "user")) {
        if (address_parse(w[2], &t.user[strtoul(w[1], NULL, 10) % USERS], &e))
            die(e.msg);
    } else if (n == 3 && !strcmp(w[0], "drop")) {
        gateway_drop(t.gw, &(struct order_key){1, 2 * (uint32_t)number(w[1]), 1, (uint32_t)number(w[2])});
    } else if (n == 2 && !strcmp(w[0], "applied")) {
        gateway_evm_applied(t.gw, strtoull(w[1], NULL, 10));
    } else if (n == 2 && !strcmp(w[0], "kill")) {
        __atomic_store_n(&t.killed, atoi(w[1]), __ATOMIC_RELEASE);
    } else if (n == 1 && !strcmp(w[0], "counters")) {
        counters();
    } else {
        die("what line is that?");
    }
}

static void replies(void)
{
    static struct order_reply r;
    char text[3][80];
    while (gateway_poll(t.gw, &r)) {
        const u128 v[3] = {r.mined.profit, r.mined.gas_wei, r.mined.paid_wei};
        for (int i = 0; i < 3; i++)
            (void)i256_format(i256_from_u128(v[i]), text[i], sizeof text[i]);
        printf("reply %s %u %u %d %u %" PRIu64 " %s %s %s %s\n", order_status_name(r.status),
               r.key.account / 2, r.key.revision, r.mined.success, r.mined.instrument, r.mined.block, text[0],
               text[1], text[2], r.reason);
    }
}

static void start(int argc, char **argv)
{
    static struct rpc_config node[PORT_LINKS_MAX];
    static const struct private_key *key[KEYS];
    struct err e;
    struct gateway_evm_config c = {.chain_id = strtoull(argv[2], NULL, 10),
                                   .node = node,
                                   .stall_ns = UINT64_MAX,
                                   .key = key,
                                   .txlog = argv[1],
                                   .token = t.token,
                                   .users = &t.users,
                                   .flags = FLASH_LOAN,
                                   .killed = killed,
                                   .max_wait_ms = 20000,
                                   .sender = {.confirmations = 3,
                                              .look_ns = 50 * MS,
                                              .wallet_ns = 500 * MS,
                                              .bump_after_ns = 100000 * MS,
                                              .give_up_ns = 200000 * MS}};
    if (address_parse(argv[3], &c.contract, &e) || address_parse(argv[4], &c.router, &e))
        die(e.msg);
    for (int i = 5; i < argc; i++) {
        if (!strcmp(argv[i], "--batch"))
            c.batch = true;
        else if (i + 1 == argc)
            die("an option without its value");
        else if (!strcmp(argv[i], "--node"))
            node[c.n_nodes++].url = argv[++i];
        else if (!strcmp(argv[i], "--token") && !address_parse(argv[i + 1], &t.token[c.n_tokens], &e))
            i++, c.n_tokens++;
        else if (!strcmp(argv[i], "--bump-ms"))
            c.sender.bump_after_ns = strtoull(argv[++i], NULL, 10) * MS;
        else if (!strcmp(argv[i], "--give-up-ms"))
            c.sender.give_up_ns = strtoull(argv[++i], NULL, 10) * MS;
        else if (!strcmp(argv[i], "--wait-ms"))
            c.max_wait_ms = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--flags"))
            c.flags = (uint8_t)strtoul(argv[++i], NULL, 10);
        else
            die("an unknown option");
    }
    for (char name[8] = "KEY0"; c.n_keys < KEYS && getenv(name); name[3]++, c.n_keys++)
        if (!(key[c.n_keys] = t.key[c.n_keys] = key_from_env(name, &e)))
            die(e.msg);
    if (!(t.gw = gateway_evm_open(&c, &e)))
        die(e.msg);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    clock_init();
    start(argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    printf("started\n");
    while (read_lines(line)) {
        replies();
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        (void)poll(&p, 1, 2);
    }
    gateway_close(t.gw);
    for (size_t i = 0; i < KEYS; i++)
        key_free(t.key[i]);
    return 0;
}
