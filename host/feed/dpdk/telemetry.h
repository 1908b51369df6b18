// SPDX-License-Identifier: Apache-2.0
// Tables for DPDK's telemetry socket (its own thread answers there, see DPDK's "Telemetry User Guide"). A
// table's command answers with one object per row; more rows than fit one answer come in pages: `next` names
// the parameter to go on with. Rows are made on the socket's thread, one request at a time.
#ifndef TRIPLINE_FEED_DPDK_TELEMETRY_H
#define TRIPLINE_FEED_DPDK_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TELEMETRY_FIELDS = 48,
    TELEMETRY_NAME = 64,
    TELEMETRY_TABLES = 8,
    TELEMETRY_PAGE = 15000, // bytes of an answer, of the 16,384 that the socket sends
};

struct telemetry_field {
    const char *key;  // letters, digits, _; valid as long as the table
    const char *text; // NULL: a number
    uint64_t value;   // INT64_MIN..-1 as its complement when `negative`
    bool negative;
};

struct telemetry_row {
    char name[TELEMETRY_NAME]; // unique in the table
    unsigned n;
    struct telemetry_field field[TELEMETRY_FIELDS];
};

struct telemetry_table {
    const char *cmd, *help; // cmd begins with a /
    void *ctx;
    bool (*begin)(void *ctx); // before the first row of a new answer: false, nothing can be said now
    bool (*row)(void *ctx, size_t i, struct telemetry_row *out); // false: i is past the last
};

// After the EAL is up. 0, or -1: no room, or DPDK refuses. The table is copied. Until telemetry_close() its
// ctx must live.
int telemetry_add(const struct telemetry_table *t);
// Answers nothing more; waits for the one under way.
void telemetry_close(void);

static inline void telemetry_put(struct telemetry_row *r, const char *key, uint64_t value)
{
    if (r->n < TELEMETRY_FIELDS)
        r->field[r->n++] = (struct telemetry_field){.key = key, .value = value};
}
static inline void telemetry_put_signed(struct telemetry_row *r, const char *key, int64_t value)
{
    telemetry_put(r, key, (uint64_t)value);
    r->field[r->n - 1].negative = value < 0;
}
static inline void telemetry_put_text(struct telemetry_row *r, const char *key, const char *text)
{
    telemetry_put(r, key, 0);
    r->field[r->n - 1].text = text;
}

#endif
