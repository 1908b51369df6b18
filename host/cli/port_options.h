// SPDX-License-Identifier: Apache-2.0
// Options of `tripline run` that say where live packets come from, and the run's counters for others to read
// while it goes on (telemetry, `tripline top`).
#ifndef TRIPLINE_CLI_PORT_OPTIONS_H
#define TRIPLINE_CLI_PORT_OPTIONS_H

#include <getopt.h>

#include "feed/dpdk/ports.h"
#include "run/session.h"

enum {
    PORT_OPT_IFACE = 1024,
    PORT_OPT_JOIN,
    PORT_OPT_ADDRESS,
    PORT_OPT_QUEUES,
    PORT_OPT_IGMP,
    PORT_OPT_VLAN,
    PORT_JOINS = 512,
};
#define PORT_OPTIONS                                                                                         \
    {"iface", required_argument, NULL, PORT_OPT_IFACE}, {"join", required_argument, NULL, PORT_OPT_JOIN},    \
        {"address", required_argument, NULL, PORT_OPT_ADDRESS},                                              \
        {"queues", required_argument, NULL, PORT_OPT_QUEUES},                                                \
        {"igmp", required_argument, NULL, PORT_OPT_IGMP},                                                    \
    {                                                                                                        \
        "vlan", required_argument, NULL, PORT_OPT_VLAN                                                       \
    }
#define PORT_HELP                                                                                            \
    "live ports (docs/operations.md)\n"                                                                      \
    "  --join [SOURCE@]GROUP[%PORT]\n"                                                                       \
    "                     join a multicast group by IGMP, repeatable; of one sender only; on one port (an\n" \
    "                     --iface name or a port number) instead of all. Then only these groups are taken\n" \
    "  --address IP[%PORT]  sender of the IGMP reports (default: the interface's own), repeatable\n"         \
    "  --igmp 2|3         newest IGMP version to speak (default 3; older queriers are followed)\n"           \
    "  --vlan ID          VLAN tag of the IGMP frames\n"                                                     \
    "  --queues N         receive queues of each port, 1 to 8 (default 1)\n"

struct port_options {
    char *iface[PORTS_MAX];
    const char *join[PORT_JOINS], *address[PORTS_MAX];
    size_t n_ifaces, n_joins, n_addresses;
    unsigned queues, igmp, vlan;
};
// Takes one of the options above; NULL, or why its value makes no sense.
const char *port_option(int opt, char *arg, struct port_options *o);
// Whether any but --iface was given: these need a live port.
bool port_options_live(const struct port_options *o);

// The ports and, beside them, the counters' tables.
struct run_ports;
int run_ports_open(const struct port_options *o, const char *capture, char *const *eal, uint64_t seed,
                   const struct market *market, const struct session *s, struct run_ports **out,
                   struct err *e);
struct ports *run_ports_ports(struct run_ports *r);
void run_ports_tend(void *run_ports); // from the hot thread, between packets
void run_ports_close(struct run_ports *r);

#endif
