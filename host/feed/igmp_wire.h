// SPDX-License-Identifier: Apache-2.0
// IGMP frames: reading what came, writing what is to be sent. Layouts: RFC 3376 section 4, RFC 2236 section
// 2, RFC 1112 appendix I. Pure functions, addresses in host order.
#ifndef TRIPLINE_FEED_IGMP_WIRE_H
#define TRIPLINE_FEED_IGMP_WIRE_H

#include "feed/igmp.h"

enum igmp_type {
    IGMP_QUERY = 0x11,
    IGMP_V1_REPORT = 0x12,
    IGMP_V2_REPORT = 0x16,
    IGMP_V2_LEAVE = 0x17,
    IGMP_V3_REPORT = 0x22,
};

// Group records of a v3 report.
enum igmp_record { IS_IN = 1, IS_EX = 2, TO_IN = 3, TO_EX = 4, ALLOW = 5, BLOCK = 6 };

#define IGMP_ALL_HOSTS   UINT32_C(0xe0000001) // 224.0.0.1
#define IGMP_ALL_ROUTERS UINT32_C(0xe0000002)
#define IGMP_V3_ROUTERS  UINT32_C(0xe0000016)

enum igmp_heard_kind {
    HEARD_OTHER, // not IGMP, or not on this VLAN
    HEARD_BAD,   // to be ignored
    HEARD_QUERY,
    HEARD_REPORT, // of another host, v1 or v2, for `group`
    HEARD_NOTHING // other IGMP: of no use to a host
};

struct igmp_heard {
    enum igmp_heard_kind kind;
    unsigned version; // of a query
    uint32_t group;   // 0: general query
    uint64_t max_response_ns;
    unsigned robustness;    // v3 querier's, 0: not said
    uint64_t query_ns;      // v3 querier's interval, 0: not said
    unsigned n_sources;     // in the frame
    const uint8_t *sources; // network order, inside the frame
};

void igmp_read(const uint8_t *frame, size_t len, uint16_t vlan, struct igmp_heard *out);

// A v3 report under way; records are added until one does not fit.
struct igmp_frame {
    uint8_t buf[IGMP_FRAME];
    size_t ip;  // where the IP header begins
    size_t len; // so far
    unsigned records;
};
void igmp_report_begin(struct igmp_frame *f, const struct igmp_config *c);
bool igmp_report_add(struct igmp_frame *f, enum igmp_record type, uint32_t group, const uint32_t *source,
                     unsigned n);
void igmp_report_end(struct igmp_frame *f);

// v1 or v2 report, or leave.
void igmp_short_frame(struct igmp_frame *f, const struct igmp_config *c, enum igmp_type type, uint32_t group);

#endif
