// SPDX-License-Identifier: Apache-2.0
// The machine that a figure was measured on, and what was done to keep it quiet. Figures without this cannot
// be compared. What cannot be found out is said to be unknown, never guessed. Not for the hot path.
#ifndef TRIPLINE_BENCH_MACHINE_H
#define TRIPLINE_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { MACHINE_TEXT = 128, MACHINE_NOTES = 8, MACHINE_CPUS = 1024 };
struct machine {
    char cpu[MACHINE_TEXT], kernel[MACHINE_TEXT], compiler[MACHINE_TEXT]; // compiler with its options
    char clocksource[MACHINE_TEXT];                                       // the kernel's
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
    // CPUs that the process might use when machine_read() was called, and those that machine_pin() has given.
    uint64_t may[MACHINE_CPUS / 64], taken[MACHINE_CPUS / 64];
};
// commit: TRIPLINE_VERSION. Call it before any thread is pinned.
void machine_read(const char *commit, struct machine *m);
// Kept once, however often it is said; what finds no room is left out, and the last note says so.
void machine_note(struct machine *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// Pins the calling thread to a CPU of those that the process may use. cpu < 0: picks one that no other thread
// of ours was given: an isolated one, else the last. Threads that it starts inherit its CPU: each pins
// itself. On an isolated CPU it asks for a real-time priority; elsewhere a thread that never sleeps would
// then starve the system. What could not be had is a note. 0, or -1 with *e set: not a CPU that it may use.
int machine_pin(struct machine *m, int cpu, const char *whom, struct err *e);

#endif
