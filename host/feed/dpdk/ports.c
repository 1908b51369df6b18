// SPDX-License-Identifier: Apache-2.0
#include "feed/dpdk/ports.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "feed/dpdk/eal.h"
#include "feed/dpdk/nic.h"

enum {
    BURST = 32,
    MBUFS = 8192,
    MBUF_CACHE = 256,
    // One buffer holds a whole Ethernet frame of any MTU that a market-data multicast uses; a frame that
    // still arrives in several buffers is copied together.
    MBUF_ROOM = 9216 + RTE_PKTMBUF_HEADROOM,
    JOINED_ROOM = 65536,
    LEAVE_STEPS = 25,
    LEAVE_STEP_US = 10000,
};

struct burst {
    struct nic *nic;
    uint16_t n;
    struct rte_mbuf *m[BURST];
};

struct ports {
    struct nic nic[PORTS_MAX];
    unsigned n;
    struct rte_mempool *pool;
    int ts_offset; // of the receive timestamp in an mbuf, -1 when no driver gives any
    uint64_t ts_flag;
    uint64_t bad_sums;
    char text[256];
    struct burst burst[PORTS_MAX * PORTS_QUEUES + 1];
    uint8_t joined[JOINED_ROOM]; // a frame that came in several buffers
};

// ---- which port is meant

// Splits "WHAT%PORT"; *what without the port. The port's index, PORTS_MAX: every port, or -1 with *e.
static int which_port(const struct ports *p, const char *text, char what[64], struct err *e)
{
    const char *mark = strchr(text, '%');
    size_t len = mark ? (size_t)(mark - text) : strlen(text);
    if (len >= 64)
        return err_set(e, "%.80s: too long", text);
    memcpy(what, text, len);
    what[len] = '\0';
    if (!mark)
        return PORTS_MAX;
    for (unsigned i = 0; i < p->n; i++) {
        char number[8];
        (void)snprintf(number, sizeof number, "%u", p->nic[i].id);
        if (strcmp(mark + 1, p->nic[i].name) == 0 || strcmp(mark + 1, number) == 0)
            return (int)i;
    }
    return err_set(e, "%.80s: there is no port %.40s", text, mark + 1);
}

static int read_joins(struct ports *p, const struct ports_config *c, struct err *e)
{
    char what[64];
    for (size_t k = 0; k < c->n_joins; k++) {
        int port = which_port(p, c->join[k], what, e);
        if (port < 0)
            return -1;
        for (unsigned i = 0; i < p->n; i++)
            if ((port == PORTS_MAX || port == (int)i) && groups_join(&p->nic[i].groups, what, e) != 0)
                return -1;
    }
    return 0;
}

// The interface's own first address, host order; 0: none.
static uint32_t own_address(const char *iface)
{
    struct ifaddrs *list, *a;
    uint32_t ip = 0;
    if (getifaddrs(&list) != 0)
        return 0;
    for (a = list; a && ip == 0; a = a->ifa_next)
        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && strcmp(a->ifa_name, iface) == 0) {
            struct sockaddr_in in;
            memcpy(&in, a->ifa_addr, sizeof in);
            ip = ntohl(in.sin_addr.s_addr);
        }
    freeifaddrs(list);
    return ip;
}

static int find_address(const struct ports *p, const struct ports_config *c, unsigned i, uint32_t *ip,
                        struct err *e)
{
    char what[64];
    *ip = own_address(p->nic[i].name);
    for (size_t k = 0; k < c->n_addresses; k++) {
        struct in_addr a;
        int port = which_port(p, c->address[k], what, e);
        if (port < 0)
            return -1;
        if (inet_pton(AF_INET, what, &a) != 1)
            return err_set(e, "%.80s: not an IPv4 address", c->address[k]);
        if (port == PORTS_MAX || port == (int)i)
            *ip = ntohl(a.s_addr);
    }
    return 0;
}

// ---- opening

// The EAL goes on without a device that it could not make.
static int check_named(const struct ports_config *c, struct err *e)
{
    uint16_t id;
    if (c->capture && rte_eth_dev_get_port_by_name("net_pcap0", &id) != 0)
        return err_set(e, "%s: DPDK cannot open it as a capture (its own message is above)", c->capture);
    for (size_t i = 0; i < c->n_ifaces; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "net_af_packet%zu", i);
        if (rte_eth_dev_get_port_by_name(name, &id) != 0)
            return err_set(e,
                           "interface %s: DPDK cannot open it (its own message is above); see `ip link`, and "
                           "run as root",
                           c->iface[i]);
    }
    return 0;
}

// The interface behind an af_packet device, else the device's own name (a NIC's PCI address).
static const char *name_of(const struct ports_config *c, uint16_t id)
{
    static char names[PORTS_MAX][RTE_ETH_NAME_MAX_LEN];
    static unsigned used;
    uint16_t other;
    for (size_t i = 0; i < c->n_ifaces; i++) {
        char device[40];
        (void)snprintf(device, sizeof device, "net_af_packet%zu", i);
        if (rte_eth_dev_get_port_by_name(device, &other) == 0 && other == id)
            return c->iface[i];
    }
    char *name = names[used++ % PORTS_MAX];
    return rte_eth_dev_get_name_by_port(id, name) == 0 ? name : "";
}

static int find_ports(struct ports *p, const struct ports_config *c, struct err *e)
{
    uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
    for (; id < RTE_MAX_ETHPORTS; id = rte_eth_find_next_owned_by((uint16_t)(id + 1), RTE_ETH_DEV_NO_OWNER)) {
        if (p->n == PORTS_MAX)
            return err_set(e, "more than %d ports: name the wanted ones with -a", PORTS_MAX);
        struct nic *n = &p->nic[p->n++];
        n->id = (uint16_t)id;
        n->pool = p->pool;
        n->name = name_of(c, n->id);
        n->filter = "";
    }
    return p->n ? 0
                : err_set(e, "no port: give --capture FILE, --iface NAME, or EAL device arguments after --");
}

static void describe(struct ports *p, const struct nic *n)
{
    struct rte_eth_dev_info info;
    size_t used = strlen(p->text), room = sizeof p->text - used;
    const char *driver = rte_eth_dev_info_get(n->id, &info) == 0 ? info.driver_name : "?";
    int k = snprintf(p->text + used, room, "%sport %u %s", used ? ", " : "", n->id, driver);
    if (n->groups.n && k > 0 && (size_t)k < room)
        (void)snprintf(p->text + used + k, room - (size_t)k, " (%zu groups)", n->groups.n);
}

static int open_ports(struct ports *p, const struct ports_config *c, struct err *e)
{
    // A name of its own, because the pool outlives nothing and the EAL is opened once.
    p->pool = rte_pktmbuf_pool_create("tripline_rx", MBUFS, MBUF_CACHE, 0, MBUF_ROOM, (int)rte_socket_id());
    if (!p->pool)
        return err_set(e, "no memory for %d packet buffers: %s", MBUFS, rte_strerror(rte_errno));
    if (find_ports(p, c, e) != 0 || read_joins(p, c, e) != 0)
        return -1;
    for (unsigned i = 0; i < p->n; i++) {
        if (nic_start(&p->nic[i], c, e) != 0)
            return -1;
        describe(p, &p->nic[i]);
    }
    p->ts_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    p->ts_flag = bit >= 0 ? UINT64_C(1) << bit : 0;
    for (unsigned i = 0; i < p->n; i++) {
        uint32_t ip;
        if (p->nic[i].groups.n == 0)
            continue;
        if (find_address(p, c, i, &ip, e) != 0 || nic_join(&p->nic[i], c, ip, e) != 0)
            return -1;
    }
    return 0;
}

static int check_config(const struct ports_config *c, struct err *e)
{
    if (c->n_ifaces > PORTS_MAX || c->queues > PORTS_QUEUES)
        return err_set(e, "at most %d interfaces and %d queues of each", PORTS_MAX, PORTS_QUEUES);
    bool comma = c->capture && strchr(c->capture, ',');
    for (size_t i = 0; i < c->n_ifaces; i++)
        comma |= strchr(c->iface[i], ',') != NULL;
    return comma ? err_set(
                       e, "a file or interface name with a comma cannot be a DPDK device argument: rename it")
                 : 0;
}

int ports_open(const struct ports_config *c, struct ports **out, struct err *e)
{
    bool huge;
    if (check_config(c, e) != 0 || eal_open(c, &huge, e) != 0)
        return -1;
    struct ports *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, "out of memory for ports");
    if (check_named(c, e) != 0 || open_ports(p, c, e) != 0) {
        ports_close(p);
        return -1;
    }
    size_t used = strlen(p->text);
    (void)snprintf(p->text + used, sizeof p->text - used, "; %s", huge ? "hugepages" : "no hugepages");
    *out = p;
    return 0;
}

// ---- polling

static uint64_t stamp_of(const struct ports *p, struct nic *n, struct rte_mbuf *m, uint64_t polled_ns)
{
    rte_mbuf_timestamp_t stamp;
    if (p->ts_offset < 0 || !(m->ol_flags & p->ts_flag) || !(n->pcap_time || n->nic_time))
        return polled_ns;
    memcpy(&stamp, (const char *)m + p->ts_offset, sizeof stamp);
    return n->pcap_time ? stamp * 1000u : nic_clock_ns(&n->clock, stamp, polled_ns);
}

static bool bad_sum(const struct rte_mbuf *m)
{
    return (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
           (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

// Whether the frame is for the feed.
static bool wanted(struct nic *n, uint64_t now_ns, const uint8_t *data, size_t len)
{
    if (n->groups.n == 0)
        return true;
    enum groups_verdict v = groups_frame(&n->groups, data, len);
    if (v == FRAME_IGMP)
        nic_igmp(n, now_ns, data, len);
    else if (v == FRAME_OTHER)
        n->other++;
    return v == FRAME_WANTED;
}

static void take(struct ports *p, struct nic *n, struct rte_mbuf *m, uint64_t polled_ns, ports_frame *cb,
                 void *ctx)
{
    size_t len = rte_pktmbuf_pkt_len(m), have = len < JOINED_ROOM ? len : JOINED_ROOM;
    const uint8_t *data = rte_pktmbuf_read(m, 0, (uint32_t)have, p->joined);
    if (bad_sum(m))
        p->bad_sums++;
    else if (data && wanted(n, polled_ns, data, have))
        cb(ctx, stamp_of(p, n, m, polled_ns), data, have, len);
    rte_pktmbuf_free(m);
}

// All queues are emptied before the first frame is looked at, and their frames get one time: while some are
// worked on, copies of what is missing in them may wait on another port, and must not look late for it.
size_t ports_poll(struct ports *p, ports_frame *cb, void *ctx)
{
    size_t total = 0, used = 0;
    uint64_t begin_ns = clock_stream_ns();
    for (unsigned i = 0; i < p->n; i++)
        for (uint16_t q = 0; q < p->nic[i].queues; q++) {
            uint16_t n = rte_eth_rx_burst(p->nic[i].id, q, p->burst[used].m, BURST);
            p->burst[used].nic = &p->nic[i];
            p->burst[used].n = n;
            p->nic[i].frames += n;
            rx_mark_poll(&p->nic[i].mark[q], begin_ns, n, BURST, p->nic[i].ring);
            used += n != 0;
            total += n;
        }
    uint64_t polled_ns = used ? clock_stream_ns() : 0;
    for (size_t b = 0; b < used; b++)
        for (uint16_t k = 0; k < p->burst[b].n; k++)
            take(p, p->burst[b].nic, p->burst[b].m[k], polled_ns, cb, ctx);
    for (unsigned i = 0; i < p->n; i++)
        nic_tend(&p->nic[i]);
    return total;
}

uint64_t ports_read_until(const struct ports *p)
{
    uint64_t ns = UINT64_MAX;
    for (unsigned i = 0; i < p->n; i++)
        for (unsigned q = 0; q < p->nic[i].queues; q++)
            if (p->nic[i].mark[q].until_ns < ns)
                ns = p->nic[i].mark[q].until_ns;
    return ns;
}

void ports_stats(struct ports *p, struct ports_stats *out)
{
    *out = (struct ports_stats){.bad_sums = p->bad_sums};
    for (unsigned i = 0; i < p->n; i++) {
        struct rte_eth_stats s;
        out->other += p->nic[i].other;
        if (rte_eth_stats_get(p->nic[i].id, &s) != 0)
            continue;
        out->packets += s.ipackets;
        out->bytes += s.ibytes;
        out->missed += s.imissed;
        out->errors += s.ierrors;
        out->no_mbuf += s.rx_nombuf;
    }
}

bool ports_port(const struct ports *p, size_t i, struct ports_port *out)
{
    if (i >= p->n)
        return false;
    const struct nic *n = &p->nic[i];
    *out = (struct ports_port){.name = n->name,
                               .filter = n->filter,
                               .queues = n->queues,
                               .flows = n->flows,
                               .groups = (unsigned)n->groups.n,
                               .nic_time = n->nic_time,
                               .frames = n->frames,
                               .other = n->other,
                               .igmp_unsent = n->unsent};
    if (!n->igmp)
        return true;
    const struct igmp_counters *c = igmp_counters(n->igmp);
    out->igmp_version = igmp_version(n->igmp);
    out->igmp_queries = c->queries;
    out->igmp_reports = c->reports;
    out->igmp_leaves = c->leaves;
    out->igmp_bad = c->bad;
    return true;
}

const char *ports_describe(const struct ports *p)
{
    return p->text;
}

static void leave_all(struct ports *p)
{
    for (unsigned i = 0; i < p->n; i++)
        nic_leave(&p->nic[i]);
    for (int step = 0; step < LEAVE_STEPS; step++) {
        bool left = true;
        for (unsigned i = 0; i < p->n; i++)
            left &= nic_left(&p->nic[i]);
        if (left)
            return;
        (void)usleep(LEAVE_STEP_US);
    }
}

void ports_close(struct ports *p)
{
    if (!p)
        return;
    leave_all(p);
    for (unsigned i = 0; i < p->n; i++)
        nic_stop(&p->nic[i]);
    rte_mempool_free(p->pool);
    free(p);
    (void)rte_eal_cleanup();
}
