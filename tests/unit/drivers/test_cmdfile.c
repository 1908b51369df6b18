// SPDX-License-Identifier: Apache-2.0
// Command text: every beat survives printing and reading; faults are named with file and line.
#include "base/test_seed.h"
#include "cmdfile.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t state = 1;
static uint64_t next(void) // xorshift64*
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d);
}

enum { ROOM = 1024 };

START_TEST(every_beat_survives)
{
    struct beat b, again[ROOM];
    char text[CMDFILE_TEXT_MAX];
    struct err e = {""};
    for (int i = 0; i < 100000; i++) {
        for (int k = 0; k < 4; k++)
            b.w[k] = i % 3 == 2 ? 0 : next();
        if (i % 3)
            b.w[0] = (b.w[0] & ~UINT64_C(0xff)) | next() % 10;
        if (i % 3 == 2)
            b.w[1] = next();
        cmdfile_print(text, &b);
        ck_assert_msg(cmdfile_parse(text, again, ROOM, &e) == 1, "%s: %s", text, e.msg);
        ck_assert_msg(memcmp(&b, again, sizeof b) == 0, "%s", text);
    }
}
END_TEST

START_TEST(clean_commands_are_words)
{
    static const char *const lines[] = {
        "nop",
        "tick asset=4095 price=17179869183 group=4294967295 last=0",
        "tick asset=0 price=1099511627775 group=0 last=1",
        "band asset=7 lo=1 hi=2",
        "band asset=7 lo=1 hi=2 price=3",
        "row row=16777215 h=-9223372036854775808 armed=1 n=65535 1:134217727 4095:-134217728 0:0",
        "row row=4 h=2 armed=1 n=2 1:5 2:6",
        "row row=0 h=9223372036854775807 armed=0 n=0",
        "coef 1:134217727 2:-134217728 3:0 0:0 0:0 0:0",
        "arm row=9 armed=0",
        "read row=1",
        "read row=2 coef=0",
        "read row=16777215 coef=4095",
        "sync token=18446744073709551615"};
    struct beat b[ROOM];
    char text[CMDFILE_TEXT_MAX];
    struct err e = {""};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(cmdfile_parse(lines[i], b, ROOM, &e) == 1, "%s", e.msg);
        cmdfile_print(text, b);
        ck_assert_str_eq(text, lines[i]);
    }
}
END_TEST

START_TEST(a_row_brings_its_coefficients)
{
    struct beat b[ROOM];
    struct err e = {""};
    struct abi_row r;
    struct abi_coef c;
    const char *ten = "  row row=3 h=-7  0:1 1:2 2:3 3:4 4:5 5:6 6:7 7:8 8:9 9:-10 # ten";
    ck_assert_int_eq(cmdfile_parse(ten, b, ROOM, &e), 3);
    abi_unpack_row(&b[0], &r);
    ck_assert(r.row == 3 && r.h == -7 && r.armed && r.n == 10);
    ck_assert(r.asset[0] == 0 && r.coef[0] == 1 && r.asset[2] == 2 && r.coef[2] == 3);
    abi_unpack_coef(&b[1], &c);
    ck_assert(c.asset[0] == 3 && c.coef[0] == 4 && c.asset[5] == 8 && c.coef[5] == 9);
    abi_unpack_coef(&b[2], &c);
    ck_assert(c.asset[0] == 9 && c.coef[0] == -10 && c.asset[1] == 0 && c.coef[1] == 0);
    ck_assert_int_eq(cmdfile_parse("row row=3 h=-7 0:1 1:2 2:-3", b, ROOM, &e), 1);
    abi_unpack_row(&b[0], &r);
    ck_assert(r.n == 3 && r.asset[2] == 2 && r.coef[2] == -3);
    ck_assert_int_eq(cmdfile_parse("row row=3 h=-7 n=9 5:6", b, ROOM, &e), 1);
    abi_unpack_row(&b[0], &r);
    ck_assert(r.n == 9 && r.asset[0] == 5 && r.coef[0] == 6 && r.asset[1] == 0 && r.coef[1] == 0);
    ck_assert_int_eq(cmdfile_parse("   # nothing", b, ROOM, &e), 0);
    ck_assert_int_eq(cmdfile_parse("", b, ROOM, &e), 0);
}
END_TEST

START_TEST(faults_are_refused)
{
    static const char *const bad[] = {"tock asset=1",
                                      "tick price=1",
                                      "tick asset=4096 price=1",
                                      "tick asset=-1 price=1",
                                      "tick asset=1",
                                      "tick asset=1 price=1x",
                                      "tick asset=1 price=",
                                      "tick asset=1 price=1 last=2",
                                      "tick asset=1 asset=1 price=1",
                                      "tick asset=1 price=0x10000000000",
                                      "tick asset=1 price=99999999999999999999999",
                                      "row row=1 h=9223372036854775808",
                                      "row row=1 h=0 1:134217728",
                                      "row row=1 h=0 4096:1",
                                      "row row=1 h=0 1:",
                                      "row row=1 h=0 :1",
                                      "row row=1 h=0 n=65536",
                                      "coef 1:1 1:1 1:1 1:1 1:1 1:1 1:1",
                                      "arm",
                                      "nop x",
                                      "read row=1 1:1",
                                      "read coef=1",
                                      "read row=1 coef=4096",
                                      "sync token=+1",
                                      "beat 1 2 3",
                                      "beat 1 2 3 4 5",
                                      "beat 1 2 3 x",
                                      "beat 1 2 3 -1",
                                      "beat 1 2 3 10000000000000000"};
    struct beat b[ROOM];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {""};
        ck_assert_msg(cmdfile_parse(bad[i], b, ROOM, &e) == -1, "%s was taken", bad[i]);
        ck_assert_uint_gt(strlen(e.msg), 0);
    }
}
END_TEST

START_TEST(answers_to_read)
{
    struct beat b;
    char text[CMDFILE_TEXT_MAX];
    abi_pack_read_data(&b, &(struct abi_read_data){.row = 5, .armed = true, .h = -9, .group = 3});
    cmdfile_print_event(text, &b, false);
    ck_assert_str_eq(text, "read row=5 armed=1 h=-9 group=3");
    abi_pack_read_data(&b, &(struct abi_read_data){.row = 5, .coef = true, .asset = 7, .h = -9, .group = 3});
    cmdfile_print_event(text, &b, false);
    ck_assert_str_eq(text, "read row=5 armed=0 asset=7 coef=-9 group=3");
}
END_TEST

static int read_text(const char *text, struct cmdfile *f, struct err *e)
{
    char path[] = "/tmp/test_cmdfile_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int rc = cmdfile_read(path, f, e);
    unlink(path);
    return rc;
}

START_TEST(files)
{
    struct cmdfile f;
    struct err e = {""};
    ck_assert_int_eq(read_text("# head\nnop\n\nrow row=1 h=1 1:1 2:2 3:3 4:4\nsync token=4", &f, &e), 0);
    ck_assert_uint_eq(f.n, 4);
    ck_assert(f.lines[0] == 2 && f.lines[1] == 4 && f.lines[2] == 4 && f.lines[3] == 5);
    ck_assert_uint_eq(abi_opcode(&f.beats[3]), ABI_CMD_SYNC);
    cmdfile_free(&f);
    ck_assert_int_eq(read_text("nop\nnop\nbad\n", &f, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, ":3: 'bad'"));
    ck_assert_int_eq(cmdfile_read("/nonexistent/file.cmd", &f, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "/nonexistent/file.cmd"));
    ck_assert_int_eq(read_text("", &f, &e), 0);
    ck_assert_uint_eq(f.n, 0);
    cmdfile_free(&f);
}
END_TEST

int main(void)
{
    state = test_seed(20261121) | 1;
    Suite *s = suite_create("cmdfile");
    TCase *t = tcase_create("text");
    tcase_add_test(t, every_beat_survives);
    tcase_add_test(t, clean_commands_are_words);
    tcase_add_test(t, a_row_brings_its_coefficients);
    tcase_add_test(t, faults_are_refused);
    tcase_add_test(t, answers_to_read);
    tcase_add_test(t, files);
    suite_add_tcase(s, t);
    return run_suite(s);
}
