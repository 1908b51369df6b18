// SPDX-License-Identifier: Apache-2.0
// usage: fst2vcd FILE.fst FROM TO    prints what changed in that span of time as VCD, signals and scopes
// included. The reader is GTKWave's, which Verilator brings along to write such files.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// From gtkwave/fstapi.h, which is on no include path of ours.
void *fstReaderOpen(const char *name);
void fstReaderClose(void *reader);
int fstReaderProcessHier(void *reader, FILE *vcd);
void fstReaderSetFacProcessMaskAll(void *reader);
void fstReaderSetLimitTimeRange(void *reader, uint64_t from, uint64_t to);
int fstReaderIterBlocks(void *reader, void (*change)(void *, uint64_t, uint32_t, const unsigned char *),
                        void *user, FILE *vcd);

static int number(const char *s, uint64_t *v)
{
    char *end;
    errno = 0;
    *v = strtoull(s, &end, 10);
    return errno || end == s || *end ? -1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t from, to;
    if (argc != 4 || number(argv[2], &from) || number(argv[3], &to)) {
        fprintf(stderr, "usage: fst2vcd FILE.fst FROM TO\n");
        return 2;
    }
    void *reader = fstReaderOpen(argv[1]);
    if (!reader) {
        fprintf(stderr, "fst2vcd: %s cannot be read as FST\n", argv[1]);
        return 1;
    }
    int good = fstReaderProcessHier(reader, stdout); // it clears the mask
    fstReaderSetFacProcessMaskAll(reader);
    fstReaderSetLimitTimeRange(reader, from, to);
    good = good && fstReaderIterBlocks(reader, NULL, NULL, stdout);
    fstReaderClose(reader);
    if (!good || fflush(stdout)) {
        fprintf(stderr, "fst2vcd: %s cannot be converted\n", argv[1]);
        return 1;
    }
    return 0;
}
