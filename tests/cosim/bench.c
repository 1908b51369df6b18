// SPDX-License-Identifier: Apache-2.0
// How fast the simulated card is on this machine: ticks a second through driver, PCIe model and RTL, beside a
// fixed loop, so that the figures mean something on another machine. Wall-clock time says nothing about the
// device's latency. usage: bench [--ticks N] [--row R]    ticks of each row of the table (default 200000);
// only row R
#include "board.h"
#include "device.h"
#include "sim_api.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASSETS = 8, CHUNK = 512, WORDS = 4096 / sizeof(uint32_t) };

// Time of this process alone, so that others on the machine matter less.
static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

// The yardstick: multiply-add over 4 KiB, each step waiting for the one before. Best of five, in ns a step.
static double reference(void)
{
    enum { ROUNDS = 20000 };
    static uint32_t word[WORDS];
    double best = 1e9;
    volatile uint32_t sink = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        word[i] = i * 2654435761u;
    for (int k = 0; k < 5; k++) {
        uint32_t x = sink | 1;
        double start = now_s();
        for (int r = 0; r < ROUNDS; r++)
            for (size_t i = 0; i < WORDS; i++)
                x = x * 1664525u + word[i];
        double took = (now_s() - start) * 1e9 / ((double)ROUNDS * (double)WORDS);
        sink = x;
        best = took < best ? took : best;
    }
    return best;
}

static void finish(struct sim *s)
{
    struct beat evt[64];
    while (sim_poll(s, evt, 64) > 0)
        ;
}

static void submit(struct sim *s, const struct beat *b, size_t n)
{
    for (size_t i = 0; i < n;) {
        i += sim_submit(s, b + i, n - i);
        if (i < n)
            finish(s);
    }
}

// Every row holds the first assets and is far from firing, so that a tick works on all rows and gives no
// event.
static void load_rows(struct sim *s)
{
    uint32_t rows = sim_read(s, ABI_REG_LANES) * sim_read(s, ABI_REG_SLOTS);
    for (uint32_t r = 0; r < rows; r++) {
        struct abi_row row = {.row = r, .h = INT64_C(1) << 62, .armed = true, .n = ASSETS};
        struct abi_coef coef = {0};
        for (unsigned i = 0; i < ASSETS; i++) {
            int32_t value = (int32_t)(r * 7 + i + 1);
            if (i < ABI_ROW_PAIRS) {
                row.asset[i] = (uint16_t)i;
                row.coef[i] = value;
            } else {
                coef.asset[i - ABI_ROW_PAIRS] = (uint16_t)i;
                coef.coef[i - ABI_ROW_PAIRS] = value;
            }
        }
        struct beat b[2];
        abi_pack_row(&b[0], &row);
        abi_pack_coef(&b[1], &coef);
        submit(s, b, 2);
    }
    finish(s);
}

static struct beat tick(uint64_t i, uint32_t first_asset)
{
    struct beat b;
    abi_pack_tick(&b, &(struct abi_tick){.asset = (uint16_t)(first_asset + i % ASSETS),
                                         .price = 1000 + i * 7 % 1000,
                                         .group = (uint32_t)i,
                                         .last = true});
    return b;
}

static void run(const char *name, const struct device_card *card, uint64_t ticks, bool queued,
                uint32_t first_asset)
{
    const char *why = "";
    struct sim *s = sim_open(&(struct sim_config){.seed = 1, .card = card}, &why);
    if (!s) {
        fprintf(stderr, "bench: %s\n", why);
        exit(1);
    }
    load_rows(s);
    struct board *board = sim_board(s);
    uint64_t cycles = board_cycles(board), evaluated = board_evaluated(board);
    double start = now_s();
    for (uint64_t i = 0; i < ticks;) {
        struct beat b[CHUNK];
        size_t n = 0;
        for (size_t most = queued ? CHUNK : 1; n < most && i < ticks; i++)
            b[n++] = tick(i, first_asset);
        submit(s, b, n);
        finish(s);
    }
    double took = now_s() - start;
    cycles = board_cycles(board) - cycles;
    evaluated = board_evaluated(board) - evaluated;
    printf("%-42s %9.0f ticks/s  %7.2f cycles/tick  %7.2f simulated  %6.0f ns each\n", name,
           (double)ticks / took, (double)cycles / (double)ticks, (double)evaluated / (double)ticks,
           took * 1e9 / (double)evaluated);
    fflush(stdout);
    sim_close(s);
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {
        {"ticks", required_argument, NULL, 't'}, {"row", required_argument, NULL, 'r'}, {0}};
    uint64_t ticks = 200000;
    unsigned only = 0;
    for (int opt; (opt = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (opt == 't')
            ticks = strtoull(optarg, NULL, 0);
        else if (opt == 'r')
            only = (unsigned)strtoul(optarg, NULL, 0);
        else
            return 2;
    }
    struct device_card none = device_card_default;
    none.write_ns = none.event_ns = none.read_ns = 0;
    none.whole = true;
    double before = reference();
    const struct {
        const char *name;
        const struct device_card *card;
        bool queued;
        uint32_t first_asset;
    } rows[] = {{"streaming, default latencies", &device_card_default, true, 0},
                {"streaming, no latency, whole beats", &none, true, 0},
                {"one by one, default latencies", &device_card_default, false, 0},
                {"one by one, no latency, whole beats", &none, false, 0},
                {"streaming, assets that no row holds", &none, true, ASSETS}};
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (!only || only == i + 1)
            run(rows[i].name, rows[i].card, ticks, rows[i].queued, rows[i].first_asset);
    double after = reference();
    printf("reference loop: %.2f ns a step (a multiply and an add that wait for the step before)\n",
           before < after ? before : after);
    return 0;
}
