// SPDX-License-Identifier: Apache-2.0
// --dpdk: the capture through a port of DPDK's net_pcap that keeps all its frames in buffers (infinite_rx)
// and gives a copy of each, so that no file is read while it is measured.
#include <stdio.h>

#include "cli/bench_inside.h"
#include "feed/dpdk/ports.h"

static void log_line(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "tripline bench: %s\n", line);
}

static size_t poll_ports(void *ctx, live_frame *cb, void *cb_ctx)
{
    return ports_poll(ctx, cb, cb_ctx);
}

int bench_port_open(struct bench *b, struct err *e)
{
    static char vdev[BENCH_PATH + 64]; // the EAL keeps its arguments
    static char *eal[] = {"--no-pci", "--no-telemetry", "--vdev", vdev, NULL};
    const struct ports_config c = {.program = "tripline", .eal_args = eal, .log = log_line};
    struct err why;
    if (!b->o.dpdk)
        return 0;
    int n = snprintf(vdev, sizeof vdev, "net_pcap0,rx_pcap=%s,infinite_rx=1", b->o.capture);
    if (n < 0 || (size_t)n >= sizeof vdev)
        return err_set(e, "%s: path too long", b->o.capture);
    if (ports_open(&c, &b->ports, &why) != 0)
        return err_set(
            e, "%.200s; a capture for --dpdk has at most some 7,000 frames, and a path without commas",
            why.msg);
    b->port = (struct live_source){.ctx = b->ports, .poll = poll_ports};
    machine_note(&b->result.machine,
                 "frames through DPDK: %.30s; a poll gives many, which wait for those before",
                 ports_describe(b->ports));
    return 0;
}

void bench_port_close(struct bench *b)
{
    ports_close(b->ports);
}
