// SPDX-License-Identifier: Apache-2.0
// Part of pcie.c: what a card hardly ever sees, or sees after years only. Every value of the registers, ages
// of the cycle counter, large rings, errors of the host, narrow bursts, reads of the window, every asset in
// every row.
#ifndef TRIPLINE_TESTS_PCIE_RARE_H
#define TRIPLINE_TESTS_PCIE_RARE_H

static struct device *model_of(const struct sim *s)
{
    const struct card_info *i = &sim_card((struct sim *)s)->info;
    struct device_config c = {.backend = "model", .lanes = i->lanes, .slots = i->slots, .assets = i->assets};
    struct device *m = NULL;
    if (device_open(&c, &m, NULL))
        bail_out("no model");
    return m;
}

static struct stream stream_for(struct sim *s)
{
    struct stream st;
    const struct card_info *i = &sim_card(s)->info;
    stream_init(&st, t.seed + (uint64_t)tap.n, i->lanes, i->slots, i->assets);
    return st;
}

// One command goes through, and its event comes back.
static bool answers(struct sim *s, uint64_t token, struct abi_sync_done *x)
{
    struct beat b = sync_beat(token), evt;
    bool good = sim_submit(s, &b, 1) == 1 && sim_poll(s, &evt, 1) == 1 && abi_opcode(&evt) == ABI_EVT_SYNC;
    abi_unpack_sync_done(&evt, x);
    return good && x->token == token && sim_poll(s, &evt, 1) == 0;
}

// The host's registers keep every value while the card is not enabled, and what the ring rests on none while
// it is.
static void register_values(void)
{
    enum { ROUNDS = 60 };
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct stream r = stream_for(s);
    struct abi_sync_done x;
    bool good = answers(s, 4, &x); // also the size of a ring that has been used may change, until the reset
    sim_write(s, ABI_REG_CONTROL, 0);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t ring = stream_random(&r), status = stream_random(&r), rest = stream_random(&r);
        uint32_t log2 = i < 32 ? (uint32_t)i : (uint32_t)stream_random(&r) | 32;
        const uint32_t values[][2] = {{ABI_REG_RING_BASE, (uint32_t)ring},
                                      {ABI_REG_RING_BASE + 4, (uint32_t)(ring >> 32)},
                                      {ABI_REG_STATUS_BASE, (uint32_t)status},
                                      {ABI_REG_STATUS_BASE + 4, (uint32_t)(status >> 32)},
                                      {ABI_REG_RING_CONSUMED, (uint32_t)rest},
                                      {ABI_REG_WATCHDOG, (uint32_t)(rest >> 32)},
                                      {ABI_REG_RING_LOG2, log2}};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            sim_write(s, values[k][0], values[k][1]);
        good = good && reg64(s, ABI_REG_RING_BASE) == (ring & ~UINT64_C(63)) &&
               reg64(s, ABI_REG_STATUS_BASE) == (status & ~UINT64_C(63)) &&
               sim_read(s, ABI_REG_RING_CONSUMED) == (uint32_t)rest &&
               sim_read(s, ABI_REG_WATCHDOG) == (uint32_t)(rest >> 32) &&
               sim_read(s, ABI_REG_RING_LOG2) == (log2 < 32 ? log2 : 31);
    }
    ok(good, "a card that is not enabled keeps %d random settings, bases aligned to 64 bytes", ROUNDS);
    good = sim_soft_reset(s, 0) == 0;
    uint64_t ring, status;
    board_ring(sim_board(s), &ring);
    board_status(sim_board(s), &status);
    for (uint32_t i = 0; i < 4; i++) {
        sim_write(s, ABI_REG_RING_BASE + i * 4, (uint32_t)stream_random(&r)); // and STATUS_BASE behind it
        sim_write(s, ABI_REG_RING_LOG2, i);
        for (uint32_t byte = 1; byte < 4; byte++) { // not the address of a register
            sim_write(s, ABI_REG_WATCHDOG + byte, 1);
            good = good && sim_read(s, ABI_REG_MAGIC + byte) == ABI_MAGIC;
        }
    }
    good = good && reg64(s, ABI_REG_RING_BASE) == ring && reg64(s, ABI_REG_STATUS_BASE) == status &&
           sim_read(s, ABI_REG_RING_LOG2) == device_card_default.ring_log2 &&
           sim_read(s, ABI_REG_WATCHDOG) == 0;
    ok(good && answers(s, 5, &x), "an enabled card lets ring and status memory be where they are");
    sim_close(s);
}

// Rings of every size that is cheap to simulate, each wrapped if small.
static void ring_sizes(void)
{
    struct device_card card = at_once();
    struct beat b[300], evt[300];
    size_t total = 0;
    bool good = true;
    for (uint64_t i = 0; i < 300; i++)
        b[i] = sync_beat(i);
    for (card.ring_log2 = 1; card.ring_log2 <= 17 && good; card.ring_log2++) {
        struct sim *s = open_sim(&card, 0, 0, false);
        size_t n = run_beats(s, b, 300, evt, 300);
        for (uint64_t i = 0; i < n; i++) {
            struct abi_sync_done x;
            abi_unpack_sync_done(&evt[i], &x);
            good = good && x.token == i;
        }
        good = good && n == 300 && sim_read(s, ABI_REG_PRODUCED) == 300;
        total += n;
        sim_close(s);
    }
    ok(good, "rings of 2 to 2^17 records, %zu events in order", total);
}

// Events' stamps are the low half of the cycle counter at every age, and status records carry all of it.
static void ages(void)
{
    enum { STEPS = 60 };
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct board *board = sim_board(s);
    struct stream r = stream_for(s);
    uint64_t bus, last = 0;
    struct beat *status = board_status(board, &bus);
    bool good = true;
    for (int i = 0; i < STEPS && good; i++) {
        // Bit 62 first, so that every bit of the counter changes.
        board_run(board, (UINT64_C(1) << (62 - i)) + stream_random(&r) % 1000);
        struct abi_sync_done x;
        uint64_t start = board_cycles(board);
        good = answers(s, (uint64_t)i, &x);
        uint64_t in = start + (uint32_t)(x.cycle_in - (uint32_t)start);
        uint64_t out = in + (uint32_t)(x.cycle_out - x.cycle_in), end = board_cycles(board);
        board_run(board, 200); // its status record
        uint64_t noted = status->w[1], here = board_cycles(board), count = reg64(s, ABI_REG_CYCLES);
        last = board_cycles(board);
        good = good && in > start && out > in && out < end && noted > out - 1 && noted < here &&
               count >= here && count < last;
    }
    ok(good && last >> 62, "stamps and counter agree in %d ages up to cycle %" PRIu64, STEPS, last);
    sim_close(s);
}

// The host answers a write with an error: the card says so, the driver stops, and a reset is a new start.
static void refused_records(void)
{
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct stream r = stream_for(s);
    struct beat b[8], evt[8];
    int k = 0;
    bool good = true;
    for (; k < 6 && good; k++) {
        struct abi_sync_done x;
        for (uint64_t i = 0; i < 8; i++)
            b[i] = sync_beat(i);
        good = answers(s, 1, &x);
        board_run(sim_board(s), 1000);
        board_refuse(sim_board(s), 1 + (unsigned)k); // from the first event on
        size_t n = 1 + stream_random(&r) % 8;
        good = good && sim_submit(s, b, n) == n && sim_poll(s, evt, 8) == 0;
        board_refuse(sim_board(s), 0);
        b[0] = sync_beat(9); // if the status record that told it was refused too, the next one tells
        card_submit(sim_card(s), b, 1);
        board_run(sim_board(s), 2000);
        (void)sim_poll(s, evt, 8);
        const struct card *c = sim_card(s);
        good = good && sim_read(s, ABI_REG_ERROR_FLAGS) == ABI_FLAG_HOST_WRITE &&
               !(sim_read(s, ABI_REG_STATUS) & ABI_STATUS_HALTED) && c->stopped &&
               strstr(c->fault, "refused");
        good = good && sim_soft_reset(s, 0) == 0 && answers(s, 2, &x);
    }
    ok(good, "a record that the host refuses raises flag host_write and stops the driver, %d times", k);
    sim_close(s);
}

// Window writes as bursts of up to eight narrow beats, and reads in between: the same events.
static void narrow_and_reads(void)
{
    enum { ROUNDS = 60, PHRASES = 6 };
    struct device_card card = device_card_default;
    card.write_ns = card.event_ns = card.read_ns = 20;
    struct sim *s = open_sim(&card, 20, 20, false);
    struct stream st = stream_for(s);
    struct device *m = model_of(s);
    struct beat *b = calloc(PHRASES * stream_room(&st), sizeof *b);
    bool good = true;
    board_narrow(sim_board(s), 70);
    for (int i = 0; i < ROUNDS && good; i++) {
        size_t n = phrases(&st, b, PHRASES), first = n < 20 ? n : 20;
        for (size_t k = 0; k < first; k++) { // the read meets them on their way
            device_submit(m, &b[k], 1);
            good = good && sim_submit(s, &b[k], 1) == 1;
        }
        board_read_window(sim_board(s), (uint32_t)(stream_random(&st) & 0xffff), 1 + stream_random(&st) % 256,
                          stream_random(&st) & 15);
        struct beat x, y;
        while (device_poll(m, &y, 1) == 1)
            good = good && sim_poll(s, &x, 1) == 1 && abi_event_equal(&x, &y);
        good = good && same_events(s, m, b + first, n - first);
    }
    ok(good && sim_read(s, ABI_REG_ERROR_FLAGS) >> 16 == 0,
       "narrow bursts give the same events, and reads of the window disturb nothing (%d rounds)", ROUNDS);
    free(b);
    device_close(m);
    sim_close(s);
}

// Every row uses every asset, then none does.
static void every_asset(void)
{
    struct sim *s = open_sim(NULL, 0, 0, false);
    struct device *m = model_of(s);
    const struct card_info *i = &sim_card(s)->info;
    const uint32_t rows = i->lanes * i->slots, n = i->assets;
    struct beat *b = calloc(rows * (1 + (size_t)n / ABI_COEF_PAIRS + 1) + 2 * (size_t)n, sizeof *b);
    bool good = true;
    for (int coef = -1; coef <= 0; coef++) {
        size_t len = 0;
        for (uint32_t row = 0; row < rows; row++) {
            struct abi_row head = {.row = row, .h = row, .armed = true, .n = (uint16_t)n};
            uint32_t a = 0;
            for (; a < ABI_ROW_PAIRS && a < n; a++) {
                head.asset[a] = (uint16_t)a;
                head.coef[a] = coef;
            }
            abi_pack_row(&b[len++], &head);
            while (a < n) {
                struct abi_coef more = {0};
                for (uint32_t k = 0; k < ABI_COEF_PAIRS && a < n; k++, a++) {
                    more.asset[k] = (uint16_t)a;
                    more.coef[k] = coef;
                }
                abi_pack_coef(&b[len++], &more);
            }
        }
        for (uint32_t a = 0; a < 2 * n;
             a++) // twice, so that each price rises; rows that use them fire one by one
            abi_pack_tick(&b[len++], &(struct abi_tick){.asset = (uint16_t)(a % n),
                                                        .group = a,
                                                        .last = true,
                                                        .price = a < n ? 0 : 5 + a});
        good = good && same_events(s, m, b, len);
    }
    ok(good, "all %" PRIu32 " rows use all %" PRIu32 " assets, then none: the same events", rows, n);
    free(b);
    device_close(m);
    sim_close(s);
}

static void rare(void)
{
    register_values();
    ring_sizes();
    ages();
    refused_records();
    narrow_and_reads();
    every_asset();
}

#endif
