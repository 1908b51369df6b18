// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_rows.h"

#include <inttypes.h>

#include "feed/cme_wire.h"

// The field of an entry, or the root's where entries have none such.
struct row {
    const struct cme_message *m;
    const uint8_t *entry; // NULL: the message has no entries
};

static const struct cme_field *where(const struct row *r, enum cme_field_id id)
{
    const struct cme_field *in = &r->m->t->in[id];
    return r->entry && in->form != CME_NONE ? in : &r->m->t->root[id];
}

static bool get(const struct row *r, enum cme_field_id id, int64_t *v)
{
    const struct cme_message *m = r->m;
    if (r->entry && m->t->in[id].form != CME_NONE)
        return cme_field_get(&m->t->in[id], r->entry, m->entry_block, m->version, v);
    return cme_field_get(&m->t->root[id], m->root, m->block, m->version, v);
}

static void put_number(const struct row *r, enum cme_field_id id, FILE *out)
{
    int64_t v;
    fputc(',', out);
    if (!get(r, id, &v))
        return;
    if ((where(r, id)->form & (CME_NULLABLE - 1)) == CME_U64)
        fprintf(out, "%" PRIu64, (uint64_t)v);
    else
        fprintf(out, "%" PRId64, v);
}

// By its name in the schema; a value without one as it is, a character that would disturb the table as its
// number.
static void put_enum(const struct row *r, enum cme_field_id id, FILE *out)
{
    int64_t v;
    fputc(',', out);
    if (!get(r, id, &v))
        return;
    uint8_t form = where(r, id)->form;
    const char *name = cme_enum_name(form, v, r->m->version);
    if (name)
        fputs(name, out);
    else if (form != CME_ACTION && form != CME_CONST_INT && v > ' ' && v <= '~' && v != ',' && v != '"')
        fputc((int)v, out);
    else
        fprintf(out, "%" PRId64, v);
}

static void put_event(const struct row *r, FILE *out)
{
    int64_t v;
    const char *between = "";
    fputc(',', out);
    if (!get(r, CME_F_EVENT, &v))
        return;
    for (unsigned i = 0; i < 8; i++) {
        if (!(v >> i & 1))
            continue;
        fprintf(out, "%s%s", between, cme_event_names[i]);
        between = "|";
    }
}

// The exponent is the schema's constant: it stands there also where the mantissa is null.
static void put_price(const struct row *r, FILE *out)
{
    put_number(r, CME_F_PX, out);
    fputc(',', out);
    if (where(r, CME_F_PX)->form != CME_NONE)
        fprintf(out, "%d", r->m->t->exp);
}

static void put_row(const struct feed_packet *p, unsigned msg_idx, unsigned entry_idx, const struct row *r,
                    FILE *out)
{
    fprintf(out, "%u,%" PRIu32 ",%" PRIu64 ",%u.%u.%u.%u,%" PRIu64 ",%u,%u,%u,%u", p->stream,
            le32_load(p->payload + CME_SEQ), le64_load(p->payload + CME_SENT), p->dst_ip >> 24,
            p->dst_ip >> 16 & 255, p->dst_ip >> 8 & 255, p->dst_ip & 255, p->ts_ns, msg_idx,
            r->m->template_id, r->m->version, entry_idx);
    put_number(r, CME_F_TRANSACT, out);
    put_event(r, out);
    put_number(r, CME_F_ID, out);
    put_number(r, CME_F_RPT, out);
    put_enum(r, CME_F_ACTION, out);
    put_enum(r, CME_F_TYPE, out);
    put_number(r, CME_F_LEVEL, out);
    put_price(r, out);
    put_number(r, CME_F_SIZE, out);
    put_number(r, CME_F_COUNT, out);
    put_number(r, CME_F_ORDER, out);
    fputc('\n', out);
}

void cme_rows(const struct protocol_ctx *c, const struct feed_packet *p, uint32_t skip, FILE *out)
{
    (void)c;
    (void)skip;
    struct cme_message m;
    unsigned idx = 0;
    for (size_t at = CME_PACKET_HEADER; at < p->len; at += m.len, idx++) {
        if (!cme_walk(p->payload + at, p->len - at, &m))
            return;
        if (m.count == 0)
            put_row(p, idx, 0, &(struct row){&m, NULL}, out);
        for (unsigned i = 0; i < m.count; i++)
            put_row(p, idx, i, &(struct row){&m, m.entries + (size_t)i * m.entry_block}, out);
    }
}
