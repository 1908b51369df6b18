// SPDX-License-Identifier: Apache-2.0
#include "cli/port_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/number.h"
#include "feed/dpdk/telemetry.h"
#include "feed/groups.h"
#include "run/board.h"

static const char *take_number(const char *arg, uint64_t lo, uint64_t hi, unsigned *out, const char *why)
{
    uint64_t v;
    if (number_parse(arg, lo, hi, &v) != 0)
        return why;
    *out = (unsigned)v;
    return NULL;
}

// What is wrong with it is said before anything is started; the port is looked up later.
static const char *check_join(const char *arg)
{
    static struct groups tried;
    static struct err why;
    char what[64];
    size_t len = strcspn(arg, "%");
    memset(&tried, 0, sizeof tried);
    if (len >= sizeof what)
        return "--join: too long";
    memcpy(what, arg, len);
    what[len] = '\0';
    return groups_join(&tried, what, &why) == 0 ? NULL : why.msg;
}

const char *port_option(int opt, char *arg, struct port_options *o)
{
    switch (opt) {
    case PORT_OPT_IFACE:
        if (o->n_ifaces == PORTS_MAX)
            return "too many --iface (at most 8)";
        for (size_t i = 0; i < o->n_ifaces; i++)
            if (strcmp(o->iface[i], arg) == 0)
                return "an --iface is given twice";
        o->iface[o->n_ifaces++] = arg;
        return NULL;
    case PORT_OPT_JOIN:
        if (o->n_joins == PORT_JOINS)
            return "too many --join (at most 512)";
        o->join[o->n_joins++] = arg;
        return check_join(arg);
    case PORT_OPT_ADDRESS:
        if (o->n_addresses == PORTS_MAX)
            return "too many --address (at most 8)";
        o->address[o->n_addresses++] = arg;
        return NULL;
    case PORT_OPT_QUEUES:
        return take_number(arg, 1, PORTS_QUEUES, &o->queues, "--queues wants a number from 1 to 8");
    case PORT_OPT_IGMP:
        return take_number(arg, 2, 3, &o->igmp, "--igmp wants 2 or 3");
    default:
        return take_number(arg, 1, 4094, &o->vlan, "--vlan wants a number from 1 to 4094");
    }
}

bool port_options_live(const struct port_options *o)
{
    return o->n_joins || o->n_addresses || o->queues || o->igmp || o->vlan;
}

struct run_ports {
    struct ports *ports;
    struct board *board;
    const struct session *session;
};

static void log_line(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "tripline run: %s\n", line);
}

// A run without telemetry (EAL's --no-telemetry) is a run all the same.
static void publish(struct board *b)
{
    const struct telemetry_table tables[] = {
        {"/tripline/feed", "Counters of the feed. No parameters.", b, board_ask, board_feed_row},
        {"/tripline/lines", "Counters of each line. Parameter: the row to go on with.", b, board_ask,
         board_line_row},
        {"/tripline/prices", "Prices of the assets. Parameter: the row to go on with.", b, board_ask,
         board_price_row},
        {"/tripline/engine", "Counters of the engine; where the accounts are. No parameters.", b, board_ask,
         board_engine_row},
        {"/tripline/ports", "Ports, joins and IGMP. No parameters.", b, board_ask, board_port_row}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (telemetry_add(&tables[i]) != 0)
            log_line(NULL, "no telemetry");
}

int run_ports_open(const struct port_options *o, const char *capture, char *const *eal, uint64_t seed,
                   const struct market *market, const struct session *s, struct run_ports **out,
                   struct err *e)
{
    const struct ports_config c = {.program = "tripline",
                                   .capture = capture,
                                   .iface = o->iface,
                                   .n_ifaces = o->n_ifaces,
                                   .eal_args = eal,
                                   .join = o->join,
                                   .n_joins = o->n_joins,
                                   .address = o->address,
                                   .n_addresses = o->n_addresses,
                                   .queues = o->queues,
                                   .igmp_version = o->igmp,
                                   .vlan = (uint16_t)o->vlan,
                                   .seed = seed,
                                   .log = log_line};
    struct run_ports *r = calloc(1, sizeof *r);
    *out = r;
    if (!r)
        return err_set(e, "out of memory for ports");
    r->session = s;
    r->board = board_new(market);
    if (!r->board)
        return err_set(e, "out of memory for the table of counters");
    if (ports_open(&c, &r->ports, e) != 0)
        return -1;
    publish(r->board);
    return 0;
}

struct ports *run_ports_ports(struct run_ports *r)
{
    return r->ports;
}

void run_ports_tend(void *run_ports)
{
    struct run_ports *r = run_ports;
    struct ports_port port[PORTS_MAX];
    size_t n = 0;
    if (!board_asked(r->board))
        return;
    while (n < PORTS_MAX && ports_port(r->ports, n, &port[n]))
        n++;
    board_serve(r->board, r->session, port, n, clock_stream_ns());
}

void run_ports_close(struct run_ports *r)
{
    if (!r)
        return;
    telemetry_close();
    ports_close(r->ports);
    board_free(r->board);
    free(r);
}
