// SPDX-License-Identifier: Apache-2.0
// Asks host/chain's formulas line by line, for tests/diff/prices_diff.py.
//   cap SNAPSHOT SINCE GROWTH SCALE DECIMALS BASE RATIO NOW    stable PRICE CAP
//   product ASSET PEG DECIMALS FEED_DECIMALS                   report ADDRESS HEX
// Answers: a number, "reverts", or of a report "KIND AGGREGATOR FORWARDED EPOCH_ROUND N ANSWER", "other",
// "bad".
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain/adapter.h"
#include "chain/report.h"
#include "evm/address.h"
#include "evm/hex.h"

enum { LINE_MAX_BYTES = 1 << 16, WORDS_MAX = 9 };

static void print(struct answer a)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(a.value, text, sizeof text);
    printf("%s\n", a.reverts ? "reverts" : text);
}

static i256 number(const char *text)
{
    i256 v;
    if (i256_parse(text, &v))
        abort();
    return v;
}
static uint32_t small(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static void report(const char *to, const char *data)
{
    static uint8_t bytes[LINE_MAX_BYTES / 2];
    struct evm_address at;
    struct report r;
    struct err e;
    char aggregator[ADDRESS_TEXT], text[I256_DIGITS_MAX];
    size_t n;
    if (address_parse(to, &at, &e) || hex_data_get(data, strlen(data), bytes, sizeof bytes, &n))
        abort();
    enum report_result result = report_read(&at, bytes, n, &r);
    if (result != REPORT_READ) {
        printf("%s\n", result == REPORT_BAD ? "bad" : "other");
        return;
    }
    address_format(&r.aggregator, aggregator);
    (void)i256_format(r.answer, text, sizeof text);
    printf("%d %s %d %llu %u %s\n", r.kind, aggregator, r.forwarded, (unsigned long long)r.epoch_round,
           r.observations, text);
}

static void ask(char *const w[WORDS_MAX], unsigned n)
{
    if (n == 9 && strcmp(w[0], "cap") == 0) {
        struct ratio_cap c = {number(w[1]), strtoull(w[2], NULL, 10), number(w[3]), strtoull(w[4], NULL, 10),
                              small(w[5])};
        print(adapter_capped_ratio(&c, number(w[6]), number(w[7]), strtoull(w[8], NULL, 10)));
    } else if (n == 3 && strcmp(w[0], "stable") == 0) {
        print(adapter_capped_stable(number(w[1]), number(w[2])));
    } else if (n == 5 && strcmp(w[0], "product") == 0) {
        print(adapter_product(number(w[1]), number(w[2]), small(w[3]), small(w[4])));
    } else if (n == 3 && strcmp(w[0], "report") == 0) {
        report(w[1], w[2]);
    } else {
        abort();
    }
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        char *w[WORDS_MAX], *save;
        unsigned n = 0;
        for (char *t = strtok_r(line, " \n", &save); t && n < WORDS_MAX; t = strtok_r(NULL, " \n", &save))
            w[n++] = t;
        ask(w, n);
    }
    return 0;
}
