// SPDX-License-Identifier: Apache-2.0
#include "feed/capture.h"

#include <pcap/pcap.h>

int capture_count(const char *path, uint64_t *packets, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const u_char *data;
    int rc;
    pcap_t *p = pcap_open_offline(path, why);
    if (!p)
        return err_set(e, "%s: not readable as a capture: %s", path, why);
    if (pcap_datalink(p) != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(pcap_datalink(p));
        pcap_close(p);
        return err_set(e, "%s: link type %s, but a port carries Ethernet: convert the capture", path,
                       name ? name : "unknown");
    }
    *packets = 0;
    while ((rc = pcap_next_ex(p, &h, &data)) == 1)
        ++*packets;
    if (rc != PCAP_ERROR_BREAK)
        (void)err_set(e, "%s: breaks off after packet %llu: %s", path, (unsigned long long)*packets,
                      pcap_geterr(p));
    pcap_close(p);
    return rc == PCAP_ERROR_BREAK ? 0 : -1;
}

bool capture_link(int datalink, enum feed_link *out)
{
    switch (datalink) {
    case DLT_EN10MB:
        *out = LINK_ETHERNET;
        return true;
    case DLT_RAW:
#ifdef DLT_IPV4
    case DLT_IPV4:
#endif
        *out = LINK_RAW_IP;
        return true;
    case DLT_LINUX_SLL:
        *out = LINK_SLL;
        return true;
#ifdef DLT_LINUX_SLL2
    case DLT_LINUX_SLL2:
        *out = LINK_SLL2;
        return true;
#endif
    default:
        return false;
    }
}
