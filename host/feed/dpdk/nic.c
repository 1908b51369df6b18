// SPDX-License-Identifier: Apache-2.0
#define ALLOW_EXPERIMENTAL_API // rte_eth_read_clock, unchanged since 2019
#include "feed/dpdk/nic.h"

#include <rte_errno.h>
#include <rte_flow.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

enum {
    RX_DESC = 1024,
    TEND_EVERY = 64, // polls between looks at the clock
    MAC_MAX = GROUPS_MAX + 1,
    LINE = 256,
};
static const uint64_t LINK_NS = 1000000000;
static const uint32_t ALL_HOSTS = 0xe0000001;

__attribute__((format(printf, 2, 3))) static void nic_note(const struct ports_config *c, const char *fmt, ...)
{
    char line[LINE];
    va_list ap;
    if (!c->log)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    c->log(c->log_ctx, line);
}

// ---- start

static unsigned socket_of(uint16_t id)
{
    return (unsigned)rte_eth_dev_socket_id(id);
}

static int set_up_queues(struct nic *n, uint16_t tx)
{
    uint16_t rxd = RX_DESC, txd = RX_DESC;
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(n->id, &rxd, &txd);
    n->ring = rxd;
    for (uint16_t q = 0; rc == 0 && q < n->queues; q++)
        rc = rte_eth_rx_queue_setup(n->id, q, rxd, socket_of(n->id), NULL, n->pool);
    for (uint16_t q = 0; rc == 0 && q < tx; q++)
        rc = rte_eth_tx_queue_setup(n->id, q, txd, socket_of(n->id), NULL);
    return rc;
}

// Where the NIC checks sums, a frame with a bad one is dropped and counted; elsewhere nothing is checked, as
// senders with offload put nonsense there that only the wire would have put right.
static void choose(struct nic *n, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
    memset(conf, 0, sizeof *conf);
    conf->rxmode.offloads =
        info->rx_offload_capa &
        (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TIMESTAMP);
    uint64_t hash = info->flow_type_rss_offloads & (RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_UDP);
    if (n->queues > 1 && hash) {
        conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        conf->rx_adv_conf.rss_conf.rss_hf = hash;
    }
}

// Stamps help only where the counter behind them can be read.
static void find_clock(struct nic *n, const struct ports_config *c, const struct rte_eth_dev_info *info,
                       uint64_t offloads)
{
    uint64_t tick;
    n->pcap_time = strcmp(info->driver_name, "net_pcap") == 0;
    if (!(offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP))
        return;
    int rc = rte_eth_read_clock(n->id, &tick);
    n->nic_time = rc == 0;
    if (rc)
        nic_note(c,
                 "port %u: stamps frames, but its clock cannot be read (%s): frames get the time of the poll",
                 n->id, rte_strerror(-rc));
}

int nic_start(struct nic *n, const struct ports_config *c, struct err *e)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    int rc = rte_eth_dev_info_get(n->id, &info);
    if (rc)
        return err_set(e, "port %u: %s", n->id, rte_strerror(-rc));
    unsigned wanted = c->queues ? c->queues : 1;
    n->queues = wanted < info.max_rx_queues ? wanted : info.max_rx_queues;
    if (n->queues < wanted)
        nic_note(c, "port %u: %u queues, not %u: %s has no more", n->id, n->queues, wanted, info.driver_name);
    // As many to send as to receive: net_af_packet knows pairs only.
    uint16_t tx = (uint16_t)(n->queues < info.max_tx_queues ? n->queues : info.max_tx_queues);
    choose(n, &info, &conf);
    rc = rte_eth_dev_configure(n->id, (uint16_t)n->queues, tx, &conf);
    if (rc == 0)
        rc = set_up_queues(n, tx);
    if (rc == 0)
        rc = rte_eth_dev_start(n->id);
    if (rc)
        return err_set(e, "port %u (%s) cannot be started: %s", n->id, info.driver_name, rte_strerror(-rc));
    find_clock(n, c, &info, conf.rxmode.offloads);
    n->filter = "everything";
    n->up = true;
    if (n->groups.n == 0) {
        // Any group must arrive; drivers without the notion (captures) refuse, which is fine.
        (void)rte_eth_allmulticast_enable(n->id);
        (void)rte_eth_promiscuous_enable(n->id);
    } else if (tx == 0) {
        return err_set(e, "port %u (%s) cannot send, so it cannot join groups", n->id, info.driver_name);
    }
    return 0;
}

// ---- what the NIC lets through, and to which queue

static size_t addresses(const struct groups *g, struct rte_ether_addr mac[MAC_MAX])
{
    size_t n = 0;
    groups_mac(ALL_HOSTS, mac[n++].addr_bytes); // where general queries go
    for (size_t i = 0; i < g->n; i++) {
        size_t k = 0;
        groups_mac(g->group[i].ip, mac[n].addr_bytes);
        while (memcmp(mac[k].addr_bytes, mac[n].addr_bytes, RTE_ETHER_ADDR_LEN) != 0)
            k++;
        n += k == n; // 32 groups share one
    }
    return n;
}

static void filter(struct nic *n, const struct ports_config *c)
{
    struct rte_ether_addr mac[MAC_MAX];
    size_t count = addresses(&n->groups, mac);
    int rc = rte_eth_dev_set_mc_addr_list(n->id, mac, (uint32_t)count);
    n->filter = "groups";
    if (rc == 0)
        return;
    nic_note(c, "port %u: no filter for %zu multicast addresses (%s): takes all multicast", n->id, count,
             rte_strerror(-rc));
    rc = rte_eth_allmulticast_enable(n->id);
    n->filter = "multicast";
    if (rc == 0)
        return;
    nic_note(c, "port %u: cannot take all multicast (%s): promiscuous", n->id, rte_strerror(-rc));
    rc = rte_eth_promiscuous_enable(n->id);
    n->filter = "promiscuous";
    if (rc == 0)
        return;
    nic_note(c, "port %u: cannot be promiscuous either (%s): takes what its driver lets through", n->id,
             rte_strerror(-rc));
    n->filter = "everything";
}

static struct rte_flow *steer_one(uint16_t id, uint32_t group, uint16_t queue, struct rte_flow_error *why)
{
    const struct rte_flow_attr attr = {.ingress = 1};
    const struct rte_flow_item_ipv4 spec = {.hdr.dst_addr = rte_cpu_to_be_32(group)};
    const struct rte_flow_item_ipv4 mask = {.hdr.dst_addr = RTE_BE32(0xffffffff)};
    const struct rte_flow_item pattern[] = {{.type = RTE_FLOW_ITEM_TYPE_ETH},
                                            {.type = RTE_FLOW_ITEM_TYPE_IPV4, .spec = &spec, .mask = &mask},
                                            {.type = RTE_FLOW_ITEM_TYPE_UDP},
                                            {.type = RTE_FLOW_ITEM_TYPE_END}};
    const struct rte_flow_action_queue to = {.index = queue};
    const struct rte_flow_action actions[] = {{.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to},
                                              {.type = RTE_FLOW_ACTION_TYPE_END}};
    return rte_flow_create(id, &attr, pattern, actions, why);
}

// The first queue keeps what no rule names, so that strangers' bursts do not stand before the feed.
static void steer(struct nic *n, const struct ports_config *c)
{
    for (size_t i = 0; n->queues > 1 && i < n->groups.n; i++) {
        struct rte_flow_error why = {.message = NULL};
        uint16_t queue = (uint16_t)(1 + i % (n->queues - 1));
        if (steer_one(n->id, n->groups.group[i].ip, queue, &why)) {
            n->flows++;
            continue;
        }
        nic_note(
            c,
            "port %u: no flow rule for %zu of %zu groups (%s): these come on the queue of the NIC's choice",
            n->id, n->groups.n - i, n->groups.n, why.message ? why.message : rte_strerror(rte_errno));
        return;
    }
}

// ---- IGMP

static void send_igmp(void *ctx, const uint8_t *frame, size_t len)
{
    struct nic *n = ctx;
    struct rte_mbuf *m = rte_pktmbuf_alloc(n->pool);
    char *room = m ? rte_pktmbuf_append(m, (uint16_t)len) : NULL;
    if (room) {
        memcpy(room, frame, len);
        if (rte_eth_tx_burst(n->id, 0, &m, 1) == 1)
            return;
    }
    rte_pktmbuf_free(m);
    n->unsent++;
}

int nic_join(struct nic *n, const struct ports_config *c, uint32_t ip, struct err *e)
{
    struct rte_ether_addr mac;
    struct igmp_config ic = {
        .ip = ip, .vlan = c->vlan, .version = c->igmp_version ? c->igmp_version : 3, .seed = c->seed};
    int rc = rte_eth_macaddr_get(n->id, &mac);
    if (rc)
        return err_set(e, "port %u: has no Ethernet address: %s", n->id, rte_strerror(-rc));
    memcpy(ic.mac, mac.addr_bytes, sizeof ic.mac);
    // Hosts of one seed must not answer in chorus.
    for (size_t i = 0; i < sizeof ic.mac; i++)
        ic.seed = ic.seed * 257 + ic.mac[i];
    n->igmp = igmp_new(&ic, &n->groups, send_igmp, n);
    if (!n->igmp)
        return err_set(e, "out of memory for IGMP");
    filter(n, c);
    steer(n, c);
    if (ip == 0)
        nic_note(c,
                 "port %u: has no IPv4 address: reports come from 0.0.0.0, which IGMPv2 switches may ignore",
                 n->id);
    igmp_join(n->igmp, clock_stream_ns());
    return 0;
}

void nic_igmp(struct nic *n, uint64_t now_ns, const uint8_t *frame, size_t len)
{
    if (n->igmp)
        (void)igmp_receive(n->igmp, now_ns, frame, len);
}

// A switch forgets the port's groups when its link goes down.
static void watch_link(struct nic *n, uint64_t now_ns)
{
    struct rte_eth_link link;
    if (rte_eth_link_get_nowait(n->id, &link) != 0)
        return;
    bool up = link.link_status == RTE_ETH_LINK_UP;
    if (up && !n->up)
        igmp_join(n->igmp, now_ns);
    n->up = up;
}

static void sample_clock(struct nic *n)
{
    uint64_t tick, before = clock_stream_ns();
    if (rte_eth_read_clock(n->id, &tick) == 0)
        nic_clock_sample(&n->clock, tick, before, clock_stream_ns());
}

void nic_tend(struct nic *n)
{
    if ((!n->igmp && !n->nic_time) || ++n->polls % TEND_EVERY != 0)
        return;
    uint64_t now = clock_stream_ns();
    if (n->nic_time && nic_clock_wants(&n->clock, now))
        sample_clock(n);
    if (!n->igmp)
        return;
    igmp_time(n->igmp, now);
    if (now - n->link_ns >= LINK_NS) { // a question to the driver, which may take microseconds
        n->link_ns = now;
        watch_link(n, now);
    }
}

void nic_leave(struct nic *n)
{
    if (n->igmp)
        igmp_leave(n->igmp, clock_stream_ns());
}

bool nic_left(struct nic *n)
{
    if (!n->igmp)
        return true;
    igmp_time(n->igmp, clock_stream_ns());
    return igmp_due(n->igmp) == UINT64_MAX;
}

void nic_stop(struct nic *n)
{
    struct rte_flow_error why;
    if (n->flows)
        (void)rte_flow_flush(n->id, &why);
    (void)rte_eth_dev_stop(n->id);
    (void)rte_eth_dev_close(n->id);
    igmp_free(n->igmp);
    n->igmp = NULL;
}
