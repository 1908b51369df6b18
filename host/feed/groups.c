// SPDX-License-Identifier: Apache-2.0
#include "feed/groups.h"

#include <arpa/inet.h>
#include <string.h>

#include "feed/packet.h"
#include "feed/wire.h"

static const uint32_t HASH = 2654435769u; // 2^32 / golden ratio: spreads neighbours (Knuth, TAOCP 3, 6.4)

static size_t first_slot(uint32_t ip)
{
    return ip * HASH >> (32 - GROUPS_HASH_BITS);
}

static size_t next_slot(size_t at)
{
    return (at + 1) & ((1u << GROUPS_HASH_BITS) - 1);
}

const struct group *groups_find(const struct groups *s, uint32_t ip)
{
    for (size_t at = first_slot(ip); s->slot[at]; at = next_slot(at))
        if (s->group[s->slot[at] - 1].ip == ip)
            return &s->group[s->slot[at] - 1];
    return NULL;
}

bool groups_want(const struct groups *s, uint32_t src, uint32_t dst)
{
    const struct group *g = groups_find(s, dst);
    if (!g || g->n_sources == 0)
        return g != NULL;
    for (unsigned i = 0; i < g->n_sources; i++)
        if (g->source[i] == src)
            return true;
    return false;
}

enum groups_verdict groups_frame(const struct groups *s, const uint8_t *frame, size_t len)
{
    enum { TYPE = 12, TAG = 4, IP_HEADER = 20, IGMP = 2 };
    size_t at = TYPE;
    if (len < TYPE + 2)
        return FRAME_WANTED;
    for (unsigned tags = 0; tags < 2 && len >= at + TAG + 2; tags++, at += TAG)
        if (!packet_vlan_type(be16_load(frame + at)))
            break;
    if (be16_load(frame + at) != 0x0800)
        return FRAME_OTHER;
    const uint8_t *ip = frame + at + 2;
    if (len < at + 2 + IP_HEADER)
        return FRAME_WANTED;
    if (ip[9] == IGMP)
        return FRAME_IGMP;
    return groups_want(s, be32_load(ip + 12), be32_load(ip + 16)) ? FRAME_WANTED : FRAME_OTHER;
}

void groups_mac(uint32_t ip, uint8_t mac[6])
{
    mac[0] = 0x01;
    mac[1] = 0x00;
    mac[2] = 0x5e;
    mac[3] = (uint8_t)(ip >> 16 & 0x7f);
    mac[4] = (uint8_t)(ip >> 8);
    mac[5] = (uint8_t)ip;
}

static int read_ip(const char *text, size_t len, uint32_t *ip)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr a;
    if (len >= sizeof copy)
        return -1;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, &a) != 1)
        return -1;
    *ip = ntohl(a.s_addr);
    return 0;
}

static bool unicast(uint32_t ip)
{
    return ip >> 24 != 0 && ip >> 28 < 0xe;
}

static int add_source(struct group *g, uint32_t source, struct err *e)
{
    for (unsigned i = 0; i < g->n_sources; i++)
        if (g->source[i] == source)
            return 0;
    if (g->n_sources == GROUP_SOURCES)
        return err_set(e, "more than %d sources of one group", GROUP_SOURCES);
    g->source[g->n_sources++] = source;
    return 0;
}

int groups_join(struct groups *s, const char *text, struct err *e)
{
    const char *at = strchr(text, '@'), *name = at ? at + 1 : text;
    uint32_t ip, source = 0;
    if (read_ip(name, strlen(name), &ip) != 0 || ip >> 28 != 0xe)
        return err_set(e, "%.64s: not a multicast address (224.0.1.0 to 239.255.255.255)", text);
    if (ip >> 8 == 0xe00000)
        return err_set(e, "%.64s: 224.0.0.x belongs to the link and is not joined", text);
    if (at && (read_ip(text, (size_t)(at - text), &source) != 0 || !unicast(source)))
        return err_set(e, "%.64s: before the @ stands the sender's address", text);
    struct group *g = (struct group *)(uintptr_t)groups_find(s, ip);
    if (g) {
        if (!at)
            g->n_sources = 0;
        return at && g->n_sources ? add_source(g, source, e) : 0;
    }
    if (s->n == GROUPS_MAX)
        return err_set(e, "more than %d groups", GROUPS_MAX);
    g = &s->group[s->n++];
    *g = (struct group){.ip = ip, .n_sources = at ? 1 : 0, .source = {source}};
    size_t slot = first_slot(ip);
    while (s->slot[slot])
        slot = next_slot(slot);
    s->slot[slot] = (uint8_t)s->n;
    return 0;
}
