// SPDX-License-Identifier: Apache-2.0
// Margin calls: settings, records and where a level begins and ends.
#include <inttypes.h>

#include "base/bytes.h"
#include "run/calls.h"

enum { PPM = 1000000 };

int calls_check(const struct calls_config *c, uint32_t warn_ppm, struct err *e)
{
    for (int k = 0; k < CALL_LEVELS; k++) {
        if (c->level_ppm[k] > warn_ppm)
            return err_set(e,
                           "margin_call%d_ppm=%" PRIu32 " is beyond the warning distance, warn_ppm=%" PRIu32
                           ": give a lower level or a greater distance",
                           k + 1, c->level_ppm[k], warn_ppm);
        if (k > 0 && c->level_ppm[k] && c->level_ppm[k] >= c->level_ppm[k - 1])
            return err_set(e,
                           "margin_call%d_ppm=%" PRIu32 ": each level has to be lower than the one before, "
                           "which is %" PRIu32,
                           k + 1, c->level_ppm[k], c->level_ppm[k - 1]);
    }
    return 0;
}

// ---- records

void call_encode(const struct call_record *c, uint8_t buf[CALL_BYTES])
{
    le32_store(buf, c->account);
    buf[4] = c->level;
    buf[5] = c->entered;
    le64_store(buf + 6, c->ns);
}

int call_decode(const uint8_t *buf, size_t len, struct call_record *c)
{
    if (len != CALL_BYTES || buf[4] < 1 || buf[4] > CALL_LEVELS || buf[5] > 1)
        return -1;
    *c = (struct call_record){
        .account = le32_load(buf), .level = buf[4], .entered = buf[5] == 1, .ns = le64_load(buf + 6)};
    return 0;
}

// ---- levels

bool calls_below(const struct health *h, uint32_t ppm)
{
    return i256_cmp(i256_mul_i64(h->equity, PPM), i256_mul_i64(h->requirement, PPM + (int64_t)ppm)) < 0;
}

unsigned calls_level(const struct calls_config *c, const struct health *h, unsigned before)
{
    while (before < CALL_LEVELS && c->level_ppm[before] && calls_below(h, c->level_ppm[before]))
        before++;
    while (before > 0 && !calls_below(h, c->level_ppm[before - 1] + c->clear_ppm))
        before--;
    return before;
}
