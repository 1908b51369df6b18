// SPDX-License-Identifier: Apache-2.0
// Flipped bits in the device's memory (docs/device.md): what the device reports is loaded anew from the
// host's picture, at the current prices. A row that is below zero fires as it is loaded, so what its flipped
// bit hid is flagged in the same update (P1); what a flipped bit made fire is refused by the exact rule (P2)
// like any early flag.
#include "engine/internal.h"

// Rounds of mending in one update. A bit that is back at once, load after load, is a broken memory.
enum { ROUNDS_MAX = 16 };

void mend_note(struct engine *g, const struct abi_error *x)
{
    g->count.device_faults++;
    if (x->row >= g->rows_all || x->asset >= MARKET_ASSETS_MAX || g->n_faults == FAULTS_KEPT) {
        g->fault_all = true;
        return;
    }
    g->fault[g->n_faults++] = (struct fault){x->row, x->asset};
}

static void mend_row(struct engine *g, const struct fault *f)
{
    bool also[MARKET_ASSETS_MAX] = {false};
    also[f->asset] = true;
    hot_again(g, f->row, also);
    g->count.rows_mended++;
}

// Prices before rows: a row's value is that at the prices which the device then has.
static void mend_all(struct engine *g)
{
    for (uint16_t a = 0; a < g->book->market.n_assets; a++)
        if (g->tracked[a] && a < g->dev->info.assets)
            place_band_again(g, a);
    for (uint32_t at = 0; at < g->rows_all; at++) {
        hot_again(g, at, g->tracked);
        g->count.rows_mended++;
    }
}

int mend(struct engine *g, struct err *e)
{
    for (unsigned round = 0; g->n_faults || g->fault_all; round++) {
        if (round == ROUNDS_MAX)
            return err_set(e,
                           "device %s reports flipped memory bits again as soon as they are mended (row %u): "
                           "its memory is broken, "
                           "replace it",
                           g->dev->info.backend, g->n_faults ? (unsigned)g->fault[0].row : ABI_ROW_ALL);
        struct fault f[FAULTS_KEPT];
        size_t n = g->n_faults;
        bool all = g->fault_all;
        for (size_t i = 0; i < n; i++)
            f[i] = g->fault[i];
        g->n_faults = 0; // draining may report more
        g->fault_all = false;
        if (all)
            mend_all(g);
        for (size_t i = 0; i < n && !all; i++)
            mend_row(g, &f[i]);
        engine_drain(g);
        watch_verdicts(g);
    }
    return 0;
}
