// SPDX-License-Identifier: Apache-2.0
// One port: its queues, what the NIC can take over (address filter, flow rules, stamps), and IGMP on it.
// Internal to feed/dpdk.
#ifndef TRIPLINE_FEED_DPDK_NIC_H
#define TRIPLINE_FEED_DPDK_NIC_H

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "feed/dpdk/ports.h"
#include "feed/groups.h"
#include "feed/igmp.h"
#include "feed/nic_clock.h"
#include "feed/rx_mark.h"

struct nic {
    uint16_t id;
    const char *name; // of the device, or the interface
    struct rte_mempool *pool;
    bool pcap_time; // stamps count microseconds since the epoch
    bool nic_time;  // stamps are the NIC's, clock relates them
    struct nic_clock clock;
    struct groups groups; // empty: takes everything
    struct igmp *igmp;    // NULL: no groups
    bool up;              // link, as last seen at link_ns
    uint64_t link_ns;
    unsigned queues, flows, polls;
    unsigned ring; // frames that a queue holds
    struct rx_mark mark[PORTS_QUEUES];
    const char *filter;
    uint64_t frames, other, unsent;
};

// Queues, offloads, start. The nic's id, pool and groups are set.
int nic_start(struct nic *n, const struct ports_config *c, struct err *e);
// Has the NIC take the groups' addresses and, with several queues, steer them; then joins. ip: sender of
// reports.
int nic_join(struct nic *n, const struct ports_config *c, uint32_t ip, struct err *e);
// An IGMP frame that came in.
void nic_igmp(struct nic *n, uint64_t now_ns, const uint8_t *frame, size_t len);
// Called at each poll: now and then looks at the clocks, the link, and what IGMP has to send.
void nic_tend(struct nic *n);
void nic_leave(struct nic *n); // the goodbye begins
bool nic_left(struct nic *n);  // sends what is due; whether all is said
void nic_stop(struct nic *n);

#endif
