// SPDX-License-Identifier: Apache-2.0
// The table of `tripline decode` for CME: docs/feeds-cme.md, "Rows". Not for the hot path.
#ifndef TRIPLINE_FEED_CME_ROWS_H
#define TRIPLINE_FEED_CME_ROWS_H

#include "feed/protocol.h"

#define CME_COLUMNS                                                                                          \
    "channel,seq,sending_time,winner_group,cap_ts,msg_idx,template,version,entry_idx,transact_time,"         \
    "match_event,security_id,rpt_seq,update_action,entry_type,level,px_mantissa,px_exponent,size,"           \
    "num_orders,order_id"

// One row for each entry of NoMDEntries, one for a message without any.
void cme_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out);

#endif
