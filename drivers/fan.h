// SPDX-License-Identifier: Apache-2.0
// Inside the back end "A*N,B": several devices (members) as one. fan.c opens them, fan_route.c leads commands
// to them, fan_merge.c brings their events into the order of one device. docs/device.md, "Several devices".
//
// How an event finds its place. Every command that may be answered is a job with a number. Each member works
// off the jobs that were sent to it in order, so its next event belongs to the job it is at or to a later
// one:
//  * a TICK goes out with a number of its own in place of the group, so its events name it; a lockstep member
//    has also finished when it is at rest or says something later, another is sent a SYNC behind it (a mark);
//  * ARM may be answered or not: a mark follows it;
//  * of all else the number of events follows from the command alone (job.count).
// A place in the merged order is (job, BAND_EXIT, then rows ascending), one integer: see fan_key.
#ifndef TRIPLINE_DRIVERS_FAN_H
#define TRIPLINE_DRIVERS_FAN_H

#include "device.h"

enum {
    FAN_MEMBERS = 64,
    FAN_NAME = 64,
    FAN_JOBS = 1024,    // power of two
    FAN_OUT = 256,      // beats that wait for a member; power of two
    FAN_IN = 256,       // events of a member that wait for their turn; power of two
    FAN_ARRIVED = 1024, // likewise for poll() by arrival
    FAN_BEATS = 2,      // a command makes at most so many beats for a member
    FAN_POLL = 64,
    FAN_TEXT = 512,
    FAN_LOCAL_BITS = ABI_ROW_BITS, // of a place: the member's own row address; the member stands above
};

enum fan_kind {
    FAN_TICK,
    FAN_ARM,   // ends with a mark
    FAN_COUNT, // `count` events of one member
    FAN_SYNC,  // one event of each member, told once
};

struct fan_job {
    enum fan_kind kind;
    uint32_t group;    // what events of this job say
    uint32_t tag;      // TICK: what the members' events say instead
    uint32_t count;    // COUNT: events due
    uint32_t answers;  // BAND_EXITs of a TICK, answers to a SYNC, of all members so far
    uint64_t to, real; // members it was sent to; of those, who got the TICK itself and not a substitute
    uint64_t price;
    uint16_t asset;
    bool told;       // BAND_EXIT or SYNC is out
    bool exit_known; // some member has got past the place of the BAND_EXIT
};

struct fan_event {
    uint64_t key;
    struct beat b;
};

struct fan_member {
    struct device *dev;
    uint64_t bit; // in job.to
    uint32_t rows, columns;
    const uint32_t *global; // [own row address], ascending
    bool lockstep;
    bool rest;     // lockstep: has done everything that was sent to it
    bool unjudged; // has had ticks since signs were last judged
    // The job that its next event belongs to at the earliest, how many events of it there were (COUNT), and
    // the lowest own row that it can still report (TICK).
    uint64_t at;
    uint32_t taken, floor;
    struct beat out[FAN_OUT];
    size_t out_head, out_used;
    struct fan_event in[FAN_IN];
    size_t in_head, in_used;
};

struct fan {
    struct device dev;
    uint32_t n, rows, assets;
    struct fan_member *member;
    struct fan_member *wide; // has as many columns as the fan: commands that must be refused go there
    uint32_t *place;         // [row]: member << FAN_LOCAL_BITS | own row
    uint32_t *global;        // of all members, one after the other
    // What a device knows, as far as it decides where things go.
    uint32_t group, tag;
    uint64_t price0; // price of asset 0, which every member has
    struct {
        bool open, discard, bad, armed, negative;
        uint32_t left;
        struct fan_member *owner; // NULL with discard
    } load;
    struct fan_job job[FAN_JOBS];
    uint64_t base, end; // jobs base..end - 1 are at work
    struct beat arrived[FAN_ARRIVED];
    size_t arrived_head, arrived_used;
    struct device_counters count; // of the one stream, as a single device would count
    bool dead;                    // some member or the agreement between them has failed: fault says why
    char fault[FAN_TEXT], warning[FAN_TEXT];
    char name[FAN_NAME];
};

static inline struct fan_job *fan_job(struct fan *f, uint64_t i)
{
    return &f->job[i & (FAN_JOBS - 1)];
}

// Place in the merged order: job, then 0 for BAND_EXIT, 1 for SYNC, 2 + row for a trigger (2 for anything
// else). Keys wrap around: they are compared by their difference, which jobs at work keep small.
enum { FAN_KEY_BITS = ABI_ROW_BITS + 2, FAN_KEY_EXIT = 0, FAN_KEY_SYNC = 1, FAN_KEY_ROW = 2 };
static inline uint64_t fan_key(uint64_t job, uint32_t sub)
{
    return (job << FAN_KEY_BITS) + sub;
}
static inline bool fan_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

// The fan takes no more commands; the text names the member (NULL: none in particular). Only the first
// counts.
__attribute__((format(printf, 3, 4))) void fan_fail(struct fan *f, const struct fan_member *m,
                                                    const char *fmt, ...);

// fan_route.c
size_t fan_submit(struct device *d, const struct beat *cmd, size_t n);
bool fan_pump(struct fan_member *m); // hands a member what it has room for; whether it took any

// fan_merge.c
size_t fan_poll(struct device *d, struct beat *evt, size_t max);
size_t fan_merged(struct device *d, struct beat *evt, size_t max);

#endif
