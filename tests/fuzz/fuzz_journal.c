// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the journal reader on any bytes, and what a writer makes of them.
// Checksums would stop nearly every mutation at the first record, so the first byte of the input says how
// much of the rest is made right before it becomes the file: bit 0 the file header, bit 1 the record headers
// along the chain of lengths, bit 2 the payloads' checksums too, bit 3: let a writer take the file up as
// well. Build: clang -fsanitize=fuzzer,address,undefined with host/journal/*.c and host/base/crc32c.c.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/format.h"
#include "journal/journal.h"

enum { FIX_FILE = 1, FIX_HEADS = 2, FIX_PAYLOADS = 4, TAKE_UP = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property that no input may break.
#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static char path[64];
static int file = -1;

static void open_file(void)
{
    snprintf(path, sizeof path, "%s/fuzz-journal-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    file = mkstemp(path);
    HOLDS(file >= 0);
    // Only the descriptor stays, so that nothing is left behind however the fuzzer ends.
    unlink(path);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
}

static void fix(uint8_t *p, size_t size, unsigned how)
{
    if (size < JF_FILE_HEAD)
        return;
    if (how & FIX_FILE) {
        memcpy(p, JF_MAGIC, JF_MAGIC_LEN);
        le32_store(p + 8, JF_VERSION);
        le32_store(p + 28, crc32c(0, p, 28));
    }
    uint32_t seed = jf_seed(le64_load(p + 16));
    for (size_t at = JF_FILE_HEAD; (how & (FIX_HEADS | FIX_PAYLOADS)) && size - at >= JF_RECORD_HEAD;) {
        size_t len = le32_load(p + at) & 0xffffff, left = size - at - JF_RECORD_HEAD;
        if ((how & FIX_PAYLOADS) && len <= left)
            le32_store(p + at + 8, crc32c(0, p + at + JF_RECORD_HEAD, len));
        le32_store(p + at + 12, jf_head_crc(seed, at, p + at));
        if (len > left)
            break;
        at += JF_RECORD_HEAD + len;
    }
}

static int read_all(uint64_t *records, uint64_t *end, uint64_t size)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {""};
    int rc;
    *records = *end = 0;
    if (journal_reader_open(path, &r, &e) != 0) {
        HOLDS(e.msg[0]);
        return -2;
    }
    uint64_t last = 0;
    volatile unsigned sum = 0; // read so that AddressSanitizer sees every byte that is handed out
    while ((rc = journal_next(r, &rec, &e)) > 0) {
        HOLDS(rec.len <= JOURNAL_RECORD_MAX && rec.type != 0 && rec.type != JF_MARK);
        HOLDS(rec.lsn >= last + JF_RECORD_HEAD + rec.len && rec.lsn <= size);
        for (uint32_t i = 0; i < rec.len; i++)
            sum = sum + rec.data[i];
        last = rec.lsn;
        ++*records;
    }
    *end = journal_reader_end(r);
    HOLDS(*end >= last && *end <= size);
    HOLDS(rc != 0 || journal_reader_torn(r) == size - *end);
    HOLDS(rc == 0 || e.msg[0]);
    journal_reader_close(r);
    return rc;
}

static void take_up(int rc, uint64_t records, uint64_t end, uint64_t size)
{
    struct journal *j;
    struct err e = {""};
    int opened = journal_open_ring(path, true, JOURNAL_RING_MIN, &j, &e);
    HOLDS((opened == 0) == (rc == 0));
    if (opened != 0)
        return;
    HOLDS(journal_cut(j) == size - end);
    HOLDS(journal_put(j, J_NOTE, "x", 1) != 0);
    HOLDS(journal_close(j, &e) == 0);
    struct stat st;
    uint64_t again, past;
    HOLDS(fstat(file, &st) == 0);
    HOLDS(read_all(&again, &past, (uint64_t)st.st_size) == 0);
    HOLDS(again == records + 1 && past == (uint64_t)st.st_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 16)
        return -1;
    if (file < 0)
        open_file();
    unsigned how = *data;
    size_t n = size - 1;
    uint8_t *copy = malloc(n ? n : 1);
    HOLDS(copy);
    memcpy(copy, data + 1, n);
    fix(copy, n, how);
    HOLDS(ftruncate(file, 0) == 0 && pwrite(file, copy, n, 0) == (ssize_t)n);
    uint64_t records, end;
    int rc = read_all(&records, &end, n);
    if (how & TAKE_UP)
        take_up(rc, records, end, n);
    free(copy);
    return 0;
}
