// SPDX-License-Identifier: Apache-2.0
// Opening a journal file for writing; private to this module.
#ifndef TRIPLINE_JOURNAL_FILE_H
#define TRIPLINE_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "journal/journal.h"

struct journal_file {
    int fd;        // open for writing and locked; the caller closes it
    uint64_t end;  // where the next record goes; all before it is durable
    uint64_t cut;  // bytes of a torn tail that were cut off
    uint32_t seed; // of the record header CRCs
};

// As journal_open, without ring and thread. On -1 nothing stays open.
int journal_file_open(const char *path, bool append, struct journal_file *out, struct err *e);

// A reader on an open file; takes fd over in any case. path is for messages.
int journal_reader_wrap(int fd, const char *path, struct journal_reader **out, struct err *e);
// Seed of the record header CRCs; defined once journal_next has returned 1 or 0 and the file is not unborn.
uint32_t journal_reader_seed(const struct journal_reader *r);
// True when creation was interrupted before the file's own header was whole: nothing was ever put.
bool journal_reader_unborn(const struct journal_reader *r);

#endif
