// SPDX-License-Identifier: Apache-2.0
#include "feed/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    ARGS_MAX = 64,
    ARG_LEN = 1100,
    MEMORY_MIB = 192, // buffers, rings, and the EAL's own
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
    bool vdev_only = (c->capture || c->n_ifaces) && !given(c, "-a") && !given(c, "--allow");
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
    for (size_t i = 0; i < c->n_ifaces; i++)
        ok = ok &&
             add(a, "--vdev=net_af_packet%zu,iface=%s,qpairs=%u", i, c->iface[i], c->queues ? c->queues : 1);
    for (char *const *p = c->eal_args; p && *p; p++)
        ok = ok && add(a, "%s", *p);
    a->v[a->n] = NULL;
    return ok ? 0
              : err_set(e, "too many or too long EAL arguments (at most %d of %d bytes)", ARGS_MAX, ARG_LEN);
}

int eal_open(const struct ports_config *c, bool *huge, struct err *e)
{
    static struct args a; // the EAL keeps pointers into its arguments
    *huge = enough_hugepages();
    if (build_args(c, *huge, &a, e) != 0)
        return -1;
    if (rte_eal_init(a.n, a.v) < 0)
        return err_set(e, "DPDK's EAL refuses to start: %s (try with --log-level=debug after --)",
                       rte_strerror(rte_errno));
    return 0;
}
