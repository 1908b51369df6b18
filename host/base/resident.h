// SPDX-License-Identifier: Apache-2.0
// Memory that is there before it is needed: a page touched for the first time costs a fault of the hot
// thread, some microseconds with zeroing, and one that the system took back costs a read of the disk.
// Start-up only: all of it makes system calls.
#ifndef TRIPLINE_BASE_RESIDENT_H
#define TRIPLINE_BASE_RESIDENT_H

#include <stddef.h>

// A reservation (MAP_NORESERVE): all its pages now when it is at most so many bytes; a larger one is left to
// be touched as it fills, as all of it might be memory that is never used. p is page-aligned, or the pages
// that hold [p, p + bytes) are the caller's alone. Best effort.
void resident_take(void *p, size_t bytes, size_t most);

enum resident {
    RESIDENT_LOCKED,  // every page is there and stays
    RESIDENT_TOUCHED, // every page is there; the limit on locked memory lets the system take some back
    RESIDENT_NOT,     // a page may be missing: this kernel cannot be asked (Linux before 5.14, no /proc)
};
// Every private page of this process that it may write, and every page of its programs, is brought in and
// locked where the limit (RLIMIT_MEMLOCK, CAP_IPC_LOCK) allows. Not: reservations (resident_take), stacks of
// threads of the default size, and what is allocated later, since locking that too would make other threads'
// allocations fail at the limit. Of the calling thread's stack a further RESIDENT_STACK bytes. Call it last
// before the first packet, on the hot thread.
enum { RESIDENT_STACK = 256 << 10 };
enum resident resident_now(void);

#endif
