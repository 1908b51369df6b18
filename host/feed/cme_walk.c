// SPDX-License-Identifier: Apache-2.0
#include "feed/cme_wire.h"

// Groups behind the first: nothing is taken from them here, but they must lie inside. A message may end
// before one (older versions have fewer), and bytes behind the last are room for later versions.
bool cme_check_rest(const struct cme_message *m, const uint8_t *p, size_t left)
{
    const struct cme_template *t = m->t;
    unsigned from = m->entries != NULL, version = m->version;
    bool all = version >= t->last_since, group8 = t->group8 && all;
    unsigned groups = t->groups - (all || t->group8 ? 0u : 1u);
    uint16_t block;
    unsigned count;
    for (unsigned i = from; i < groups && left != 0; i++) {
        if (!cme_group_header(p, left, CME_GROUP3, 2, &block, &count))
            return false;
        p += CME_GROUP3 + (size_t)block * count;
        left -= CME_GROUP3 + (size_t)block * count;
    }
    return !group8 || left == 0 || cme_group_header(p, left, CME_GROUP8, CME_GROUP8_COUNT, &block, &count);
}

bool cme_group(const struct cme_message *m, unsigned n, const uint8_t **entries, uint16_t *block,
               unsigned *count)
{
    const uint8_t *p = m->root + m->block;
    size_t left = m->len - CME_MSG_HEADER - m->block;
    if (n >= m->t->groups)
        return false;
    for (unsigned i = 0;; i++) {
        if (!cme_group_header(p, left, CME_GROUP3, 2, block, count))
            return false;
        *entries = p + CME_GROUP3;
        if (i == n)
            return true;
        p += CME_GROUP3 + (size_t)*block * *count;
        left -= CME_GROUP3 + (size_t)*block * *count;
    }
}

static const uint8_t FORM_SIZE[] = {
    [CME_NONE] = 0,       [CME_I8] = 1,       [CME_U8] = 1,        [CME_I32] = 4,        [CME_U32] = 4,
    [CME_I64] = 8,        [CME_U64] = 8,      [CME_ACTION] = 1,    [CME_TYPE_BOOK] = 1,  [CME_TYPE_DAILY] = 1,
    [CME_TYPE_STATS] = 1, [CME_TYPE_ANY] = 1, [CME_CONST_INT] = 0, [CME_CONST_CHAR] = 0,
};

bool cme_field_get(const struct cme_field *f, const uint8_t *block, size_t block_len, unsigned version,
                   int64_t *out)
{
    unsigned form = f->form & (CME_NULLABLE - 1u);
    if (form == CME_NONE || form >= sizeof FORM_SIZE || version < f->since)
        return false;
    if (form == CME_CONST_INT || form == CME_CONST_CHAR) {
        *out = f->at;
        return true;
    }
    if ((size_t)f->at + FORM_SIZE[form] > block_len)
        return false;
    const uint8_t *p = block + f->at;
    bool nullable = f->form & CME_NULLABLE;
    switch (form) {
    case CME_I8:
        *out = (int8_t)p[0];
        return !nullable || *out != INT8_MAX;
    case CME_I32:
        *out = (int32_t)le32_load(p);
        return !nullable || *out != INT32_MAX;
    case CME_U32:
        *out = le32_load(p);
        return !nullable || *out != UINT32_MAX;
    case CME_I64:
        *out = (int64_t)le64_load(p);
        return !nullable || *out != INT64_MAX;
    case CME_U64: // callers cast it back
        *out = (int64_t)le64_load(p);
        return !nullable || (uint64_t)*out != UINT64_MAX;
    default:
        *out = p[0];
        return !nullable || *out != UINT8_MAX;
    }
}
