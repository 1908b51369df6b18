// SPDX-License-Identifier: Apache-2.0
// The machine that a figure was measured on, and what was done to keep it quiet. Figures without this cannot
// be compared. What cannot be found out is said to be unknown, never guessed. Not for the hot path.
#ifndef TRIPLINE_BENCH_MACHINE_H
#define TRIPLINE_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { MACHINE_TEXT = 128, MACHINE_NOTES = 8 };
struct machine {
    char cpu[MACHINE_TEXT], kernel[MACHINE_TEXT], compiler[MACHINE_TEXT]; // compiler with its options
    char hypervisor[MACHINE_TEXT];                                        // "" none seen
    char governor[MACHINE_TEXT];    // "" the system does not say; likewise below
    char isolated[MACHINE_TEXT];    // CPUs taken from the scheduler (isolcpus)
    char tickless[MACHINE_TEXT];    // nohz_full
    char huge[MACHINE_TEXT];        // transparent hugepages: always, madvise, never
    char mitigations[MACHINE_TEXT]; // of the processor's faults, short
    char commit[MACHINE_TEXT];      // TRIPLINE_VERSION
    unsigned cpus;
    int smt, turbo; // 1, 0, -1 unknown
    uint64_t memory_mb, hugepages_2m, hugepages_2m_free, hugepages_1g;
    char note[MACHINE_NOTES][MACHINE_TEXT]; // what a reader should know: "hot thread shares its CPU", ...
    unsigned n_notes;
};
void machine_read(const char *commit, struct machine *m);
void machine_note(struct machine *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Pins the calling thread to a CPU (of those it may use), and asks for a real-time priority if it may; what
// could not be had is a note. cpu < 0: picks one: an isolated one, else the last.
int machine_pin(struct machine *m, int cpu, const char *whom, struct err *e);

#endif
