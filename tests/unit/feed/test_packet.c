// SPDX-License-Identifier: Apache-2.0
// The frame walk: every header case, every reason to ignore a frame, every length a frame can be cut to.
#include "feed/feedtest.h"
#include "feed/packet.h"
#include "feed/wire.h"

static const uint8_t DATA[] = "0123456789abcdefghijklmnopqrstuvwxyz"; // long enough for no padding

static enum feed_drop walk(enum feed_link link, const uint8_t *bytes, size_t caplen, size_t wirelen,
                           struct packet_udp *u)
{
    uint8_t *copy = malloc(caplen + 1);
    memcpy(copy + 1, bytes, caplen); // odd address: nothing may assume alignment
    memset(u, 0, sizeof *u);
    enum feed_drop why = packet_walk(link, copy + 1, caplen, wirelen, u);
    if (why == DROP_NONE) {
        ck_assert(u->payload >= copy + 1);
        ck_assert(u->payload + u->len <= copy + 1 + caplen);
        ck_assert_mem_eq(u->payload, DATA, u->len);
        u->payload = NULL;
    }
    free(copy);
    return why;
}

static enum feed_drop walk_frame(const struct gen_frame *f, struct packet_udp *u)
{
    return walk(LINK_ETHERNET, f->buf, f->len, f->wire, u);
}

static struct gen_frame plain(void)
{
    return wrap(DATA, sizeof DATA, (struct frame_options){0});
}

START_TEST(test_tags_and_options)
{
    for (unsigned vlans = 0; vlans <= 2; vlans++) {
        for (unsigned alert = 0; alert <= 1; alert++) {
            struct packet_udp u;
            struct frame_options o = {.vlans = vlans, .router_alert = alert};
            struct gen_frame f = wrap(DATA, sizeof DATA, o);
            ck_assert_int_eq(walk_frame(&f, &u), DROP_NONE);
            ck_assert_uint_eq(u.len, sizeof DATA);
            ck_assert_uint_eq(u.dst_ip, TEST_IP);
            ck_assert_uint_eq(u.dst_port, TEST_PORT);
            ck_assert_uint_eq(u.src_ip, 0xc000020a);
            ck_assert_uint_eq(u.src_port, 46100);
        }
    }
}
END_TEST

START_TEST(test_longest_ip_header)
{
    uint8_t b[14 + 60 + 8 + 4] = {0};
    be16_store(b + 12, 0x0800);
    b[14] = 0x4f; // 15 words: 40 bytes of options
    be16_store(b + 16, 60 + 8 + 4);
    b[23] = 17;
    be16_store(b + 14 + 60 + 4, 12);
    memcpy(b + 14 + 68, DATA, 4);
    struct packet_udp u;
    ck_assert_int_eq(walk(LINK_ETHERNET, b, sizeof b, sizeof b, &u), DROP_NONE);
    ck_assert_uint_eq(u.len, 4);
}
END_TEST

START_TEST(test_padding_is_ignored)
{
    struct packet_udp u;
    struct gen_frame f = wrap(DATA, 3, (struct frame_options){0});
    ck_assert_uint_eq(f.len, FRAME_MIN);
    ck_assert_int_eq(walk_frame(&f, &u), DROP_NONE);
    ck_assert_uint_eq(u.len, 3);
    f = wrap(DATA, 0, (struct frame_options){0});
    ck_assert_int_eq(walk_frame(&f, &u), DROP_NONE);
    ck_assert_uint_eq(u.len, 0);
}
END_TEST

START_TEST(test_frame_check_sequence_cut_off)
{
    struct packet_udp u;
    struct gen_frame f = plain();
    ck_assert_int_eq(walk(LINK_ETHERNET, f.buf, f.len, f.len + 4, &u), DROP_NONE);
}
END_TEST

START_TEST(test_every_cut)
{
    for (unsigned vlans = 0; vlans <= 2; vlans++) {
        struct frame_options o = {.vlans = vlans, .router_alert = true};
        struct gen_frame f = wrap(DATA, sizeof DATA, o);
        for (size_t n = 0; n < f.len; n++) {
            struct packet_udp u;
            ck_assert_int_eq(walk(LINK_ETHERNET, f.buf, n, f.len, &u), DROP_TRUNCATED);
            // The same bytes as a whole frame: cut in the Ethernet header, the IP header, or its datagram.
            enum feed_drop want = n < f.ip_at + 20 ? DROP_SHORT_FRAME : DROP_IP_HEADER;
            ck_assert_int_eq(walk(LINK_ETHERNET, f.buf, n, n, &u), want);
        }
    }
}
END_TEST

START_TEST(test_captured_more_than_sent)
{
    struct packet_udp u;
    struct gen_frame f = plain();
    ck_assert_int_eq(walk(LINK_ETHERNET, f.buf, f.len, f.len - 1, &u), DROP_IP_HEADER);
    ck_assert_int_eq(walk(LINK_ETHERNET, f.buf, f.len, 10, &u), DROP_SHORT_FRAME);
}
END_TEST

START_TEST(test_other_networks)
{
    static const uint16_t types[] = {0x0806, 0x86dd, 0x9200, 0x0026, 0xffff, 0x0801};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        be16_store(f.buf + 12, types[i]);
        ck_assert_int_eq(walk_frame(&f, &u), DROP_NOT_IPV4);
    }
}
END_TEST

START_TEST(test_tag_types)
{
    static const struct {
        uint16_t type;
        enum feed_drop why;
    } tags[] = {{0x8100, DROP_NONE}, {0x88a8, DROP_NONE}, {0x9100, DROP_NONE}, {0x9200, DROP_NOT_IPV4}};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        for (unsigned at = 12; at <= 16; at += 4) { // of two tags
            struct packet_udp u;
            struct gen_frame f = wrap(DATA, sizeof DATA, (struct frame_options){.vlans = 2});
            be16_store(f.buf + at, tags[i].type);
            ck_assert_int_eq(walk_frame(&f, &u), tags[i].why);
        }
}
END_TEST

START_TEST(test_three_tags)
{
    struct packet_udp u;
    struct gen_frame f = wrap(DATA, sizeof DATA, (struct frame_options){.vlans = 2});
    be16_store(f.buf + 20, 0x8100);
    ck_assert_int_eq(walk_frame(&f, &u), DROP_VLAN_DEPTH);
    be16_store(f.buf + 20, 0x88a8);
    ck_assert_int_eq(walk_frame(&f, &u), DROP_VLAN_DEPTH);
}
END_TEST

START_TEST(test_ip_header_fields)
{
    for (unsigned first = 0; first < 256; first++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        f.buf[f.ip_at] = (uint8_t)first;
        enum feed_drop why = walk_frame(&f, &u);
        if (first >> 4 != 4 || (first & 15) < 5)
            ck_assert_int_eq(why, DROP_IP_HEADER);
        else if (first != 0x45)
            ck_assert_int_ne(why, DROP_NONE); // UDP's length is elsewhere now
    }
    size_t total = 28 + sizeof DATA;
    for (unsigned claimed = 0; claimed <= UINT16_MAX; claimed++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        be16_store(f.buf + f.ip_at + 2, (uint16_t)claimed);
        enum feed_drop want = claimed == total                  ? DROP_NONE
                              : claimed < 20 || claimed > total ? DROP_IP_HEADER
                                                                : DROP_UDP_LENGTH;
        ck_assert_int_eq(walk_frame(&f, &u), want);
    }
}
END_TEST

START_TEST(test_protocols)
{
    for (unsigned proto = 0; proto < 256; proto++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        f.buf[f.ip_at + 9] = (uint8_t)proto;
        ck_assert_int_eq(walk_frame(&f, &u), proto == 17 ? DROP_NONE : DROP_NOT_UDP);
    }
}
END_TEST

START_TEST(test_fragments)
{
    for (unsigned bits = 0; bits <= UINT16_MAX; bits++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        be16_store(f.buf + f.ip_at + 6, (uint16_t)bits);
        bool whole = (bits & 0x2000) == 0 && (bits & 0x1fff) == 0;
        ck_assert_int_eq(walk_frame(&f, &u), whole ? DROP_NONE : DROP_FRAGMENT);
    }
}
END_TEST

START_TEST(test_udp_length)
{
    for (unsigned len = 0; len <= UINT16_MAX; len++) {
        struct packet_udp u;
        struct gen_frame f = plain();
        be16_store(f.buf + f.udp_at + 4, (uint16_t)len);
        ck_assert_int_eq(walk_frame(&f, &u), len == 8 + sizeof DATA ? DROP_NONE : DROP_UDP_LENGTH);
    }
}
END_TEST

START_TEST(test_checksums_are_not_judged)
{
    struct packet_udp u;
    struct gen_frame f = plain();
    f.buf[f.udp_at + 6] ^= 0x55;
    f.buf[f.ip_at + 10] ^= 0x55;
    ck_assert_int_eq(walk_frame(&f, &u), DROP_NONE);
}
END_TEST

START_TEST(test_other_links)
{
    struct gen_frame f = plain();
    struct packet_udp u;
    uint8_t b[FRAME_ROOM] = {0};
    size_t ip_len = f.len - f.ip_at;
    static const struct {
        enum feed_link link;
        size_t header, type_at;
    } cases[] = {{LINK_SLL, 16, 14}, {LINK_SLL2, 20, 0}};
    for (size_t i = 0; i < 2; i++) {
        memset(b, 0, sizeof b);
        memcpy(b + cases[i].header, f.buf + f.ip_at, ip_len);
        size_t len = cases[i].header + ip_len;
        ck_assert_int_eq(walk(cases[i].link, b, len, len, &u), DROP_NOT_IPV4);
        be16_store(b + cases[i].type_at, 0x0800);
        ck_assert_int_eq(walk(cases[i].link, b, len, len, &u), DROP_NONE);
        ck_assert_uint_eq(u.len, sizeof DATA);
        for (size_t n = 0; n < len; n++)
            ck_assert_int_eq(walk(cases[i].link, b, n, len, &u), DROP_TRUNCATED);
        ck_assert_int_eq(walk(cases[i].link, b, 5, 5, &u), DROP_SHORT_FRAME);
    }
    ck_assert_int_eq(walk(LINK_RAW_IP, f.buf + f.ip_at, ip_len, ip_len, &u), DROP_NONE);
    ck_assert_int_eq(walk(LINK_RAW_IP, f.buf, 0, 0, &u), DROP_SHORT_FRAME);
    f.buf[f.ip_at] = 0x60;
    ck_assert_int_eq(walk(LINK_RAW_IP, f.buf + f.ip_at, ip_len, ip_len, &u), DROP_NOT_IPV4);
}
END_TEST

RUN_SUITE("packet", test_tags_and_options, test_longest_ip_header, test_padding_is_ignored,
          test_frame_check_sequence_cut_off, test_every_cut, test_captured_more_than_sent,
          test_other_networks, test_tag_types, test_three_tags, test_ip_header_fields, test_protocols,
          test_fragments, test_udp_length, test_checksums_are_not_judged, test_other_links)
