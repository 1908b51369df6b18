// SPDX-License-Identifier: Apache-2.0
// Command beats and events as text, so that one file can be run on any back end (docs/device.md has the
// format). One command a line, `#` starts a comment:
//   nop
//   tick asset=A price=P [group=G] [last=0|1]        last is 1 unless given
//   band asset=A lo=L hi=H [price=P]                 price also sets the price file
//   row row=R h=H [armed=0|1] [n=N] [A:C ...]        armed is 1 unless given; the first three pairs A:C go
//                                                    into the ROW beat, the others follow as COEF beats; N is
//                                                    their number unless given (other values are for tests)
//   coef A:C ...                                     one COEF beat, up to six pairs
//   arm row=R [armed=0|1]
//   read row=R [coef=A]                              H, or the coefficient of asset A
//   sync [token=T]
//   beat W3 W2 W1 W0                                 the four 64-bit words in hexadecimal, the most
//                                                    significant first
// Numbers are decimal or 0x...; each must fit its field in the beat, which is wider than what the device
// accepts. Not for the hot path; any thread.
#ifndef TRIPLINE_DRIVERS_CMDFILE_H
#define TRIPLINE_DRIVERS_CMDFILE_H

#include "abi.h"
#include "base/err.h"

#include <stddef.h>

enum {
    CMDFILE_TEXT_MAX = 256,   // a printed command or event with its terminator
    CMDFILE_PAIRS_MAX = 4096, // coefficients in one line
};

struct cmdfile {
    struct beat *beats; // owned
    uint32_t *lines;    // line of each beat
    size_t n;
};

// Reads a whole file. 0 and a list to be freed with cmdfile_free, or -1 with *e naming file, line and fault.
int cmdfile_read(const char *path, struct cmdfile *out, struct err *e);
void cmdfile_free(struct cmdfile *f);
// Beats of one line (without its newline) appended at beats[0..]; returns their number (0 for an empty line),
// or -1 with *e set. room must be at least 2 + CMDFILE_PAIRS_MAX / 6.
int cmdfile_parse(const char *line, struct beat *beats, size_t room, struct err *e);
// Text of one command; reading it back gives the same beat. text has CMDFILE_TEXT_MAX bytes.
void cmdfile_print(char *text, const struct beat *cmd);
// Text of one event, with its cycle stamps when asked. text has CMDFILE_TEXT_MAX bytes.
void cmdfile_print_event(char *text, const struct beat *evt, bool stamps);

#endif
