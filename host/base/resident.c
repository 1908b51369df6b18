// SPDX-License-Identifier: Apache-2.0
#include "base/resident.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// Linux 5.14; older headers lack them.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// The stack grows by faults.
__attribute__((noinline)) static void touch_stack(void)
{
    volatile unsigned char deep[RESIDENT_STACK];
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 0;
}

static void *page_of(uintptr_t at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return (void *)(at & ~(page - 1));
}

void resident_take(void *p, size_t bytes, size_t most)
{
    if (bytes == 0 || bytes > most)
        return;
    char *from = page_of((uintptr_t)p);
    (void)madvise(from, (size_t)((char *)p - from) + bytes, MADV_POPULATE_WRITE);
}

struct mapping {
    uintptr_t from, to;
    char mode[5]; // "rwxp"; p: private, s: shared
};

// Whether all is well. Some mappings cannot be brought in (of devices, of the kernel's own): these never
// fault, or are not the hot path's.
static bool bring_in(const struct mapping *m)
{
    int how;
    if (m->mode[0] != 'r')
        return true;
    if (m->mode[1] == 'w')
        how =
            m->mode[3] == 'p' ? MADV_POPULATE_WRITE : MADV_POPULATE_READ; // shared ones have owners elsewhere
    else if (m->mode[2] == 'x' || m->mode[3] == 'p')
        how = MADV_POPULATE_READ;
    else
        return true;
    errno = 0;
    void *from = page_of(m->from);
    return madvise(from, m->to - m->from, how) == 0 || errno != EINVAL || how == MADV_POPULATE_READ;
}

// The size of a stack that the library makes for a thread; 0: unknown.
static size_t stack_size(void)
{
    pthread_attr_t a;
    size_t bytes = 0;
    if (pthread_getattr_default_np(&a) != 0)
        return 0;
    (void)pthread_attr_getstacksize(&a, &bytes);
    (void)pthread_attr_destroy(&a);
    return bytes;
}

// Another thread's stack: as large as the library makes them, right behind a guard that nobody may read. It
// fills as that thread goes deeper, mostly never; where the limit is large (`ulimit -s`), all of them
// together may be more than the machine has.
static bool is_stack(const struct mapping *m, const struct mapping *before, size_t stack)
{
    enum { GUARD_MOST = 64 << 10 };
    size_t bytes = m->to - m->from;
    return m->mode[1] == 'w' && before->to == m->from && before->mode[0] == '-' &&
           before->to - before->from <= GUARD_MOST && bytes <= stack && bytes + GUARD_MOST >= stack;
}

// Each mapping's lines end with its flags; "nr" marks a reservation.
static bool bring_in_all(void)
{
    char line[512];
    struct mapping m = {0}, before = {0}, next;
    const size_t stack = stack_size();
    FILE *f = fopen("/proc/self/smaps", "re");
    bool ok = f != NULL;
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &next.from, &next.to, next.mode) == 3) {
            before = m;
            m = next;
        } else if (strncmp(line, "VmFlags:", 8) == 0 && m.to && !strstr(line, " nr") &&
                   !is_stack(&m, &before, stack)) {
            ok &= bring_in(&m);
        }
    }
    if (f)
        (void)fclose(f);
    return ok;
}

enum resident resident_now(void)
{
    touch_stack();
    // Locked as it is brought in: without ONFAULT reservations would be brought in as well.
    bool locked = mlockall(MCL_CURRENT | MCL_ONFAULT) == 0;
    bool there = bring_in_all();
    return !there ? RESIDENT_NOT : locked ? RESIDENT_LOCKED : RESIDENT_TOUCHED;
}
