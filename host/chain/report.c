// SPDX-License-Identifier: Apache-2.0
#include "chain/report.h"

#include "evm/abi.h"

// First four bytes of the calls: abi_selector of the text beside each (prices_diff.py compares).
#define FORWARD    UINT32_C(0x6fadcf72) // forward(address,bytes)
#define TRANSMIT_1 UINT32_C(0xc9807539) // transmit(bytes,bytes32[],bytes32[],bytes32)
#define TRANSMIT_2 UINT32_C(0xb1dc65a4) // transmit(bytes32[3],bytes,bytes32[],bytes32[],bytes32)
#define SECONDARY  UINT32_C(0xba0cb29e) // transmitSecondary(bytes32[3],bytes,bytes32[],bytes32[],bytes32)
enum { SELECTOR_BYTES = 4 };

static uint32_t selector_of(const uint8_t *data, size_t n)
{
    if (n < SELECTOR_BYTES)
        return 0;
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

// The lowest 40 bits of a context's word: 4 bytes of epoch, 1 of round.
static uint64_t epoch_round(const struct word *w)
{
    return be64_load(w->b + 24) & UINT64_C(0xffffffffff);
}

// An array of int192, not empty, rising as the aggregators demand; its median.
static bool median(struct abi_in *in, struct report *out)
{
    size_t n;
    struct abi_in list = abi_get_array(in, 1, &n);
    if (*in->bad || n == 0 || n > REPORT_OBSERVATIONS_MAX)
        return false;
    i256 before = I256_ZERO, v;
    for (size_t i = 0; i < n; i++, before = v) {
        v = abi_get_signed(&list);
        if (i256_bits(v) > 191 || (i > 0 && i256_cmp(v, before) < 0))
            return false;
        if (i == n / 2)
            out->answer = v;
    }
    out->observations = (unsigned)n;
    return !*in->bad;
}

static bool read_ocr1(const uint8_t *data, size_t n, struct report *out)
{
    bool bad = false;
    size_t len;
    struct abi_in args = abi_in_of(data, n, &bad);
    const uint8_t *bytes = abi_get_bytes(&args, &len);
    if (bad)
        return false;
    struct abi_in in = abi_in_of(bytes, len, &bad); // (bytes32 context, bytes32 observers, int192[])
    struct word context = abi_get_word(&in);
    (void)abi_get_word(&in);
    out->epoch_round = epoch_round(&context);
    return median(&in, out);
}

static bool read_ocr2(const uint8_t *data, size_t n, struct report *out)
{
    bool bad = false;
    size_t len;
    struct abi_in args = abi_in_of(data, n, &bad);
    (void)abi_get_word(&args); // configuration's digest
    struct word context = abi_get_word(&args);
    (void)abi_get_word(&args); // extra hash
    const uint8_t *bytes = abi_get_bytes(&args, &len);
    if (bad)
        return false;
    struct abi_in in = abi_in_of(bytes, len, &bad); // (uint32 time, bytes32 observers, int192[], int192 fee)
    (void)abi_get_u64(&in);
    (void)abi_get_word(&in);
    out->epoch_round = epoch_round(&context);
    return median(&in, out);
}

static enum report_result read_transmission(const uint8_t *data, size_t n, struct report *out)
{
    bool ok;
    switch (selector_of(data, n)) {
    case TRANSMIT_1:
        out->kind = REPORT_OCR1;
        ok = read_ocr1(data + SELECTOR_BYTES, n - SELECTOR_BYTES, out);
        break;
    case TRANSMIT_2:
    case SECONDARY:
        out->kind = selector_of(data, n) == SECONDARY ? REPORT_OCR2_SECONDARY : REPORT_OCR2;
        ok = read_ocr2(data + SELECTOR_BYTES, n - SELECTOR_BYTES, out);
        break;
    default:
        return REPORT_OTHER;
    }
    return ok ? REPORT_READ : REPORT_BAD;
}

enum report_result report_read(const struct evm_address *to, const uint8_t *data, size_t n,
                               struct report *out)
{
    *out = (struct report){.aggregator = *to};
    if (selector_of(data, n) != FORWARD)
        return read_transmission(data, n, out);
    bool bad = false;
    size_t len;
    struct abi_in in = abi_in_of(data + SELECTOR_BYTES, n - SELECTOR_BYTES, &bad);
    out->aggregator = abi_get_address(&in);
    out->forwarded = true;
    const uint8_t *inner = abi_get_bytes(&in, &len);
    return bad ? REPORT_OTHER : read_transmission(inner, len, out);
}
