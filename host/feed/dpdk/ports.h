// SPDX-License-Identifier: Apache-2.0
// DPDK ports as packet source: physical NICs, net_pcap (a capture) and net_af_packet (a live interface), by
// DPDK's own device arguments. Hugepages are used where there are free ones, otherwise the EAL runs from
// ordinary memory; the user needs no EAL flags but may pass them. One process may open it once (EAL's rule);
// all calls on the thread that opened it. ports_poll() neither allocates nor locks; with net_pcap the driver
// reads a file, i.e. makes system calls.
//
// Multicast: a port with joined groups reports them by IGMP (feed/igmp.h), answers queriers, leaves at the
// end, has the NIC take these groups' addresses only (else all multicast, else everything; each step back is
// logged) and hands out datagrams to these groups alone. A port without any takes and hands out everything,
// for networks that deliver the feed without a join.
//
// Queues: with several, a flow rule for each group leads it to a queue where the NIC can do that, else RSS
// spreads whatever arrives by its addresses, so one group stays on one queue; else all comes on the first.
// Stamps: where the NIC has a clock that can be read, its receive stamps in stream time (feed/nic_clock.h),
// else the time of the poll.
#ifndef TRIPLINE_FEED_DPDK_PORTS_H
#define TRIPLINE_FEED_DPDK_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PORTS_MAX = 8, PORTS_QUEUES = 8 };

struct ports_config {
    const char *program;   // argv[0], for the EAL's messages
    const char *capture;   // opened through net_pcap, or NULL
    char *const *iface;    // opened through net_af_packet, n_ifaces of them
    size_t n_ifaces;       // at most PORTS_MAX
    char *const *eal_args; // further EAL arguments, NULL-terminated, or NULL
    // "[SOURCE@]GROUP[%PORT]": PORT is an interface of `iface` or a port number; without it, every port.
    const char *const *join;
    size_t n_joins;
    const char *const *address; // "IP[%PORT]": sender of the reports; else the interface's own, else 0.0.0.0
    size_t n_addresses;
    unsigned queues;                          // per port, 1..PORTS_QUEUES; 0: 1
    unsigned igmp_version;                    // newest to speak, 2 or 3; 0: 3
    uint16_t vlan;                            // of the IGMP frames, 0: untagged
    uint64_t seed;                            // of the reports' delays
    void (*log)(void *ctx, const char *line); // what a port cannot do, once each; NULL: nobody listens
    void *log_ctx;
};

struct ports_stats {
    uint64_t packets, bytes, missed, errors, no_mbuf; // by the drivers' own count
    uint64_t bad_sums;                                // dropped here: the NIC found a wrong checksum
    uint64_t other;                                   // dropped here: not to a joined group
};

// One port's. Counted on the polling thread: ask there.
struct ports_port {
    const char *name;   // the device's
    const char *filter; // "groups", "multicast", "promiscuous"
    unsigned queues, flows, groups, igmp_version;
    bool nic_time;
    uint64_t frames, other, igmp_queries, igmp_reports, igmp_leaves, igmp_bad, igmp_unsent;
};

struct ports;
int ports_open(const struct ports_config *c, struct ports **out, struct err *e);
// Called for each frame of a burst. data holds the first caplen of wirelen bytes, valid during the call.
// ts_ns: with net_pcap the capture's time, else the NIC's stamp or the time of the poll (clock_stream_ns).
typedef void ports_frame(void *ctx, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen);
// Polls every queue once; returns frames taken from them, wanted or not.
size_t ports_poll(struct ports *p, ports_frame *cb, void *ctx);
// Every frame that had come before this time on any queue of any port has been taken by ports_poll()
// (clock_stream_ns; 0: not known yet). feed/rx_mark.h
uint64_t ports_read_until(const struct ports *p);
void ports_stats(struct ports *p, struct ports_stats *out);
// False when i is past the last.
bool ports_port(const struct ports *p, size_t i, struct ports_port *out);
// One line: ports, drivers, memory mode.
const char *ports_describe(const struct ports *p);
// Leaves the groups, which takes up to a quarter of a second where there are any.
void ports_close(struct ports *p);

#endif
