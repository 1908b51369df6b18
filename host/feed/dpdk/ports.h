// SPDX-License-Identifier: Apache-2.0
// DPDK ports as packet source: physical NICs, net_pcap (a capture) and net_af_packet (a live interface), by
// DPDK's own device arguments. Hugepages are used where there are free ones, otherwise the EAL runs from
// ordinary memory; the user needs no EAL flags but may pass them. One process may open it once (EAL's rule);
// all calls on the thread that opened it. ports_poll() neither allocates nor locks; with net_pcap the driver
// reads a file, i.e. makes system calls.
#ifndef TRIPLINE_FEED_DPDK_PORTS_H
#define TRIPLINE_FEED_DPDK_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct ports_config {
    const char *program;   // argv[0], for the EAL's messages
    const char *capture;   // opened through net_pcap, or NULL
    const char *iface;     // opened through net_af_packet, or NULL
    char *const *eal_args; // further EAL arguments, NULL-terminated, or NULL
};

struct ports_stats {
    uint64_t packets, bytes, missed, errors, no_mbuf; // by the drivers' own count
    uint64_t bad_sums;                                // dropped here: the NIC found a wrong checksum
};

struct ports;
int ports_open(const struct ports_config *c, struct ports **out, struct err *e);
// Called for each frame of a burst. data holds the first caplen of wirelen bytes, valid during the call.
// ts_ns: with net_pcap the capture's time, else that of the poll (clock_stream_ns).
typedef void ports_frame(void *ctx, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen);
// Polls every queue once; returns frames delivered.
size_t ports_poll(struct ports *p, ports_frame *cb, void *ctx);
void ports_stats(struct ports *p, struct ports_stats *out);
// One line: ports, drivers, memory mode.
const char *ports_describe(const struct ports *p);
void ports_close(struct ports *p);

#endif
