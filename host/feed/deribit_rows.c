// SPDX-License-Identifier: Apache-2.0
// The table of `tripline decode`: one row for each ticker, quote and index, values as on the wire.
#include "feed/deribit.h"

#include "feed/deribit_wire.h"
#include "feed/wire.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

const char DERIBIT_COLUMNS[] =
    "cap_ts_ns,group,port,channel,seq,msg_idx,template,version,instrument_id,name,ts_ms,"
    "mark,index,bid,bidamt,ask,askamt,last,state_or_price";

// Shortest of the three precisions that survives the way there and back; 17 digits always do.
static void print_double(FILE *out, const uint8_t *at)
{
    double v = le_double_load(at);
    char text[40];
    if (isnan(v)) {
        fputs("nan", out); // printf would show the sign bit of the wire's NaN
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fputs(text, out);
}

static void print_head(FILE *out, const struct feed_packet *p, const struct deribit_message *m, unsigned idx)
{
    fprintf(out, "%" PRIu64 ",%u.%u.%u.%u,%u,%u,%" PRIu64 ",%u,%u,%u,", p->ts_ns, p->dst_ip >> 24,
            p->dst_ip >> 16 & 255, p->dst_ip >> 8 & 255, p->dst_ip & 255, p->dst_port, p->channel, p->seq,
            idx, m->template_id, m->version);
}

static void print_ticker(FILE *out, const struct names *names, const uint8_t *b)
{
    static const unsigned fields[] = {TICKER_MARK, TICKER_INDEX,      TICKER_BID, TICKER_BID_AMOUNT,
                                      TICKER_ASK,  TICKER_ASK_AMOUNT, TICKER_LAST};
    uint32_t id = le32_load(b + TICKER_ID);
    fprintf(out, "%" PRIu32 ",%s,%" PRIu64, id, names_get(names, id), le64_load(b + TICKER_TS));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fputc(',', out);
        print_double(out, b + fields[i]);
    }
    fprintf(out, ",%u\n", b[TICKER_STATE]);
}

// The first version of the ticker has neither state nor mark, index and last price.
static void print_quote(FILE *out, const struct names *names, const uint8_t *b)
{
    static const unsigned fields[] = {QUOTE_BID, QUOTE_BID_AMOUNT, QUOTE_ASK, QUOTE_ASK_AMOUNT};
    uint32_t id = le32_load(b + QUOTE_ID);
    fprintf(out, "%" PRIu32 ",%s,%" PRIu64 ",,", id, names_get(names, id), le64_load(b + QUOTE_TS));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        fputc(',', out);
        print_double(out, b + fields[i]);
    }
    fputs(",,\n", out);
}

static void print_index(FILE *out, const char *name, const uint8_t *b)
{
    fprintf(out, ",%s,%" PRIu64 ",,", name, le64_load(b + INDEX_TS));
    print_double(out, b + INDEX_PRICE);
    fputs(",,,,,,\n", out);
}

void deribit_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out)
{
    struct names *names = c->state->names;
    struct deribit_message m;
    char name[64];
    unsigned idx = 0;
    (void)skip; // packets are numbered: none overlap
    for (size_t at = FRAME_HEADER; at < p->len && deribit_walk(p->payload + at, p->len - at, &m);
         at += m.len, idx++) {
        enum deribit_layout l = deribit_layout(&m);
        if (l == LAYOUT_TICKER || l == LAYOUT_QUOTE) {
            print_head(out, p, &m, idx);
            (l == LAYOUT_TICKER ? print_ticker : print_quote)(out, names, m.block);
        } else if (l == LAYOUT_INDEX && deribit_name(name, m.block + INDEX_NAME, INDEX_NAME_SIZE)) {
            print_head(out, p, &m, idx);
            print_index(out, name, m.block);
        } else if (l == LAYOUT_INSTRUMENT && deribit_name(name, m.text + 1, m.text[0])) {
            c->counters->nameless += names_put(names, le32_load(m.block + INSTRUMENT_ID), name) != 0;
        }
    }
}
