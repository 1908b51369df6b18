// SPDX-License-Identifier: Apache-2.0
// Runs a command file on the simulated card of the geometry it is linked with and writes the waveform; prints
// the events with their stamps. Small geometries make small waveforms; `tripline check --trace` has the
// default one only. usage: run_commands STALL-OUT SEED FILE.cmd FILE.fst    STALL-OUT: percent of cycles in
// which no record is taken
#include "cmdfile.h"
#include "device.h"

#include <stdio.h>
#include <stdlib.h>

static int run(struct device *d, const struct cmdfile *f)
{
    struct beat evt;
    char text[CMDFILE_TEXT_MAX];
    for (size_t i = 0; i < f->n;) {
        size_t taken = device_submit(d, f->beats + i, f->n - i);
        size_t events = 0;
        for (; device_poll(d, &evt, 1) == 1; events++) {
            cmdfile_print_event(text, &evt, true);
            puts(text);
        }
        if (!taken && !events)
            return -1;
        i += taken;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: run_commands STALL-OUT SEED FILE.cmd FILE.fst\n");
        return 2;
    }
    // A near and steady host: what it does is not what these waveforms are about.
    struct device_card card = device_card_default;
    card.write_ns = card.event_ns = card.read_ns = 20;
    card.jitter_pct = 0;
    card.whole = true;
    struct device_config c = {.backend = "sim",
                              .trace = argv[4],
                              .seed = strtoull(argv[2], NULL, 10),
                              .stall_out_pct = (unsigned)strtoul(argv[1], NULL, 10),
                              .card = &card};
    struct device *d = NULL;
    struct cmdfile f = {0};
    struct err e;
    device_register(&device_ops_sim);
    if (cmdfile_read(argv[3], &f, &e) || device_open(&c, &d, &e)) {
        fprintf(stderr, "run_commands: %s\n", e.msg);
        cmdfile_free(&f);
        return 1;
    }
    int rc = run(d, &f);
    if (rc)
        fprintf(stderr, "run_commands: the device takes no more commands\n");
    device_close(d);
    cmdfile_free(&f);
    return rc ? 1 : 0;
}
