// SPDX-License-Identifier: Apache-2.0
#include "feed/dpdk/ports.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    ARGS_MAX = 64,
    ARG_LEN = 1100,
    PORTS_MAX = 8,
    BURST = 32,
    RX_DESC = 1024,
    MBUFS = 8192,
    MBUF_CACHE = 256,
    // One buffer holds a whole Ethernet frame of any MTU that a market-data multicast uses; a frame that
    // still arrives in several buffers is copied together.
    MBUF_ROOM = 9216 + RTE_PKTMBUF_HEADROOM,
    JOIN_ROOM = 65536,
    MEMORY_MIB = 192, // buffers, rings, and the EAL's own
};

struct ports {
    uint16_t port[PORTS_MAX];
    bool pcap_time[PORTS_MAX]; // timestamps count microseconds since the epoch
    unsigned n;
    struct rte_mempool *pool;
    int ts_offset; // of the receive timestamp in an mbuf, -1 when no driver gives any
    uint64_t ts_flag;
    uint64_t bad_sums;
    char text[256];
    uint8_t joined[JOIN_ROOM];
};

// Whether enough huge pages are free for the packet buffers; a few left over by others are no help.
static bool enough_hugepages(void)
{
    char line[128];
    unsigned long pages = 0, kib = 0, n;
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "HugePages_Free: %lu", &n) == 1)
            pages = n;
        if (sscanf(line, "Hugepagesize: %lu kB", &n) == 1)
            kib = n;
    }
    if (f)
        fclose(f);
    return pages * kib >= MEMORY_MIB * 1024ul;
}

struct args {
    int n;
    char *v[ARGS_MAX];
    char store[ARGS_MAX][ARG_LEN];
};

__attribute__((format(printf, 2, 3))) static bool add(struct args *a, const char *fmt, ...)
{
    if (a->n >= ARGS_MAX - 1)
        return false;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(a->store[a->n], ARG_LEN, fmt, ap);
    va_end(ap);
    a->v[a->n] = a->store[a->n];
    a->n++;
    return n >= 0 && n < ARG_LEN;
}

// One lcore that may run on any CPU this process may use; pin it with -l or --lcores.
static bool add_lcore(struct args *a)
{
    cpu_set_t set;
    char list[ARG_LEN - 16];
    size_t used = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return true; // the EAL's own default
    for (unsigned i = 0; i < CPU_SETSIZE && i < RTE_MAX_LCORE && used + 8 < sizeof list; i++)
        if (CPU_ISSET(i, &set))
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%u", used ? "," : "", i);
    return used == 0 || add(a, "--lcores=0@(%s)", list);
}

static bool given(const struct ports_config *c, const char *flag)
{
    for (char *const *p = c->eal_args; p && *p; p++)
        if (strncmp(*p, flag, strlen(flag)) == 0)
            return true;
    return false;
}

static int build_args(const struct ports_config *c, bool huge, struct args *a, struct err *e)
{
    bool vdev_only = (c->capture || c->iface) && !given(c, "-a") && !given(c, "--allow");
    bool ok = add(a, "%s", c->program ? c->program : "tripline");
    if (!given(c, "-l") && !given(c, "-c") && !given(c, "--lcores"))
        ok = ok && add_lcore(a);
    // Nothing shared with other processes, nothing left on disk. The EAL does not take --in-memory without
    // hugepages; there --no-shconf does the same.
    if (!given(c, "--in-memory") && !given(c, "--file-prefix") && !given(c, "--no-shconf"))
        ok = ok && add(a, "%s", huge ? "--in-memory" : "--no-shconf");
    if (!huge && !given(c, "--no-huge"))
        ok = ok && add(a, "--no-huge");
    if (!huge && !given(c, "-m") && !given(c, "--socket-mem"))
        ok = ok && add(a, "-m") && add(a, "%d", MEMORY_MIB);
    if (!given(c, "--log-level"))
        ok = ok && add(a, "--log-level=error");
    if (vdev_only && !given(c, "--no-pci"))
        ok = ok && add(a, "--no-pci");
    if (c->capture)
        ok = ok && add(a, "--vdev=net_pcap0,rx_pcap=%s", c->capture);
    if (c->iface)
        ok = ok && add(a, "--vdev=net_af_packet0,iface=%s", c->iface);
    for (char *const *p = c->eal_args; p && *p; p++)
        ok = ok && add(a, "%s", *p);
    a->v[a->n] = NULL;
    return ok ? 0
              : err_set(e, "too many or too long EAL arguments (at most %d of %d bytes)", ARGS_MAX, ARG_LEN);
}

static int start_port(struct ports *p, uint16_t id, struct err *e)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    memset(&conf, 0, sizeof conf);
    int rc = rte_eth_dev_info_get(id, &info);
    if (rc)
        return err_set(e, "port %u: %s", id, rte_strerror(-rc));
    // Where the NIC checks sums, a frame with a bad one is dropped and counted; elsewhere nothing is checked,
    // as senders with offload put nonsense there that only the wire would have put right.
    conf.rxmode.offloads |=
        info.rx_offload_capa & (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM);
    bool tx = info.max_tx_queues > 0;
    rc = rte_eth_dev_configure(id, 1, tx ? 1 : 0, &conf);
    uint16_t rxd = RX_DESC, txd = RX_DESC;
    if (rc == 0)
        rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rxd, &txd);
    unsigned socket = (unsigned)rte_eth_dev_socket_id(id);
    if (rc == 0)
        rc = rte_eth_rx_queue_setup(id, 0, rxd, socket, NULL, p->pool);
    if (rc == 0 && tx)
        rc = rte_eth_tx_queue_setup(id, 0, txd, socket, NULL);
    if (rc == 0)
        rc = rte_eth_dev_start(id);
    if (rc)
        return err_set(e, "port %u (%s) cannot be started: %s", id, info.driver_name, rte_strerror(-rc));
    // Multicast of any group must arrive; drivers without the notion (captures) refuse, which is fine.
    (void)rte_eth_allmulticast_enable(id);
    (void)rte_eth_promiscuous_enable(id);
    p->pcap_time[p->n] = strcmp(info.driver_name, "net_pcap") == 0;
    p->port[p->n++] = id;
    size_t used = strlen(p->text);
    (void)snprintf(p->text + used, sizeof p->text - used, "%sport %u %s", used ? ", " : "", id,
                   info.driver_name);
    return 0;
}

// The EAL goes on without a device that it could not make.
static int check_named(const struct ports_config *c, struct err *e)
{
    uint16_t id;
    if (c->capture && rte_eth_dev_get_port_by_name("net_pcap0", &id) != 0)
        return err_set(e, "%s: DPDK cannot open it as a capture (its own message is above)", c->capture);
    if (c->iface && rte_eth_dev_get_port_by_name("net_af_packet0", &id) != 0)
        return err_set(
            e, "interface %s: DPDK cannot open it (its own message is above); see `ip link`, and run as root",
            c->iface);
    return 0;
}

static int open_ports(struct ports *p, struct err *e)
{
    // A name of its own, because the pool outlives nothing and the EAL is opened once.
    p->pool = rte_pktmbuf_pool_create("tripline_rx", MBUFS, MBUF_CACHE, 0, MBUF_ROOM, (int)rte_socket_id());
    if (!p->pool)
        return err_set(e, "no memory for %d packet buffers: %s", MBUFS, rte_strerror(rte_errno));
    uint64_t id = rte_eth_find_next_owned_by(0, RTE_ETH_DEV_NO_OWNER);
    for (; id < RTE_MAX_ETHPORTS; id = rte_eth_find_next_owned_by((uint16_t)(id + 1), RTE_ETH_DEV_NO_OWNER)) {
        if (p->n == PORTS_MAX)
            return err_set(e, "more than %d ports: name the wanted ones with -a", PORTS_MAX);
        if (start_port(p, (uint16_t)id, e) != 0)
            return -1;
    }
    if (p->n == 0)
        return err_set(e, "no port: give --capture FILE, --iface NAME, or EAL device arguments after --");
    p->ts_offset = rte_mbuf_dynfield_lookup(RTE_MBUF_DYNFIELD_TIMESTAMP_NAME, NULL);
    int bit = rte_mbuf_dynflag_lookup(RTE_MBUF_DYNFLAG_RX_TIMESTAMP_NAME, NULL);
    p->ts_flag = bit >= 0 ? UINT64_C(1) << bit : 0;
    return 0;
}

int ports_open(const struct ports_config *c, struct ports **out, struct err *e)
{
    static struct args a; // the EAL keeps pointers into its arguments
    if ((c->capture && strchr(c->capture, ',')) || (c->iface && strchr(c->iface, ',')))
        return err_set(e,
                       "a file or interface name with a comma cannot be a DPDK device argument: rename it");
    bool huge = enough_hugepages();
    if (build_args(c, huge, &a, e) != 0)
        return -1;
    if (rte_eal_init(a.n, a.v) < 0)
        return err_set(e, "DPDK's EAL refuses to start: %s (try with --log-level=debug after --)",
                       rte_strerror(rte_errno));
    struct ports *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(e, "out of memory for ports");
    if (check_named(c, e) != 0 || open_ports(p, e) != 0) {
        ports_close(p);
        return -1;
    }
    size_t used = strlen(p->text);
    (void)snprintf(p->text + used, sizeof p->text - used, "; %s", huge ? "hugepages" : "no hugepages");
    *out = p;
    return 0;
}

// A capture's own time; else that of the poll: a NIC's clock is not the host's until somebody relates the
// two.
static uint64_t stamp_of(const struct ports *p, unsigned i, struct rte_mbuf *m, uint64_t polled_ns)
{
    if (p->pcap_time[i] && p->ts_offset >= 0 && (m->ol_flags & p->ts_flag)) {
        rte_mbuf_timestamp_t us;
        memcpy(&us, (const char *)m + p->ts_offset, sizeof us);
        return us * 1000u;
    }
    return polled_ns;
}

static bool bad_sum(const struct rte_mbuf *m)
{
    return (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
           (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

size_t ports_poll(struct ports *p, ports_frame *cb, void *ctx)
{
    size_t total = 0;
    for (unsigned i = 0; i < p->n; i++) {
        struct rte_mbuf *m[BURST];
        uint16_t n = rte_eth_rx_burst(p->port[i], 0, m, BURST);
        uint64_t polled_ns = n ? clock_stream_ns() : 0;
        for (uint16_t k = 0; k < n; k++) {
            size_t len = rte_pktmbuf_pkt_len(m[k]), have = len < JOIN_ROOM ? len : JOIN_ROOM;
            const uint8_t *data = rte_pktmbuf_read(m[k], 0, (uint32_t)have, p->joined);
            if (bad_sum(m[k]))
                p->bad_sums++;
            else if (data)
                cb(ctx, stamp_of(p, i, m[k], polled_ns), data, have, len);
            rte_pktmbuf_free(m[k]);
        }
        total += n;
    }
    return total;
}

void ports_stats(struct ports *p, struct ports_stats *out)
{
    *out = (struct ports_stats){.bad_sums = p->bad_sums};
    for (unsigned i = 0; i < p->n; i++) {
        struct rte_eth_stats s;
        if (rte_eth_stats_get(p->port[i], &s) != 0)
            continue;
        out->packets += s.ipackets;
        out->bytes += s.ibytes;
        out->missed += s.imissed;
        out->errors += s.ierrors;
        out->no_mbuf += s.rx_nombuf;
    }
}

const char *ports_describe(const struct ports *p)
{
    return p->text;
}

void ports_close(struct ports *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->n; i++) {
        (void)rte_eth_dev_stop(p->port[i]);
        (void)rte_eth_dev_close(p->port[i]);
    }
    rte_mempool_free(p->pool);
    free(p);
    (void)rte_eal_cleanup();
}
