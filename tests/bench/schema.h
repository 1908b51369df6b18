// SPDX-License-Identifier: Apache-2.0
// The second reference of the benchmark: a generic reader that knows a format only by tables, as one finds it
// in libraries that load a schema at run time. For each message it walks the groups that the tables name and
// hands out each entry as a record of values. It reads the fields that the decoders use, checks the lengths
// that it needs to stay inside, and does nothing else: no order of packets, no copies, no books, no nulls.
// Pure; no allocation.
#ifndef TRIPLINE_BENCH_SCHEMA_H
#define TRIPLINE_BENCH_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

enum { SCHEMA_FIELDS = 16 };
enum schema_type { S_END = 0, S_U8, S_U16, S_I8, S_I32, S_U32, S_I64, S_U64, S_F64, S_CHARS };

struct schema_value {
    const char *name;
    enum schema_type type;
    union {
        uint64_t u;
        int64_t i;
        double f;
        const uint8_t *chars;
    } v;
};
struct schema_record { // values of the root, then of the entry
    uint16_t template_id;
    unsigned n;
    struct schema_value value[2 * SCHEMA_FIELDS];
};
typedef void schema_out(void *ctx, const struct schema_record *r);

struct schema;
const struct schema *schema_of(const char *protocol); // NULL: none
void schema_read(const struct schema *s, const uint8_t *payload, size_t len, schema_out *out, void *ctx);

#endif
