// SPDX-License-Identifier: Apache-2.0
// The kill switch: file and signals, alone and together, and what was there before is put back.
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exec/kill.h"
#include "run_suite.h"

static char path[64];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/tripline-kill-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(unlink(path), 0);
}

static void teardown(void)
{
    (void)unlink(path);
}

static void touch(void)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
}

// The file is looked for every few milliseconds; a busy machine may take longer.
static bool becomes(const struct kill_switch *k, bool on)
{
    for (int i = 0; i < 10000 && kill_on(k) != on; i++)
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return kill_on(k) == on;
}

static struct kill_switch *open_switch(const char *file)
{
    struct err e;
    struct kill_switch *k = kill_open(file, &e);
    ck_assert_msg(k != NULL, "%s", e.msg);
    return k;
}

START_TEST(file)
{
    struct kill_switch *k = open_switch(path);
    ck_assert(!kill_on(k));
    touch();
    ck_assert(becomes(k, true));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(becomes(k, false));
    kill_close(k);
}
END_TEST

START_TEST(file_there_at_the_start)
{
    touch();
    struct kill_switch *k = open_switch(path);
    ck_assert(kill_on(k)); // at once: no order may slip out before the first look
    kill_close(k);
}
END_TEST

START_TEST(signals)
{
    struct kill_switch *k = open_switch(NULL);
    ck_assert(!kill_on(k));
    raise(SIGUSR2);
    ck_assert(!kill_on(k));
    raise(SIGUSR1);
    ck_assert(kill_on(k));
    raise(SIGUSR1);
    ck_assert(kill_on(k));
    raise(SIGUSR2);
    ck_assert(!kill_on(k));
    kill_close(k);
}
END_TEST

START_TEST(either_is_enough)
{
    struct kill_switch *k = open_switch(path);
    touch();
    ck_assert(becomes(k, true)); // the file is seen
    raise(SIGUSR1);
    ck_assert(kill_on(k));
    raise(SIGUSR2); // the file stays
    ck_assert(kill_on(k));
    raise(SIGUSR1);
    ck_assert_int_eq(unlink(path), 0); // the signal stays
    nanosleep(&(struct timespec){.tv_nsec = 5 * KILL_POLL_MS * 1000000L}, NULL);
    ck_assert(kill_on(k));
    raise(SIGUSR2);
    ck_assert(becomes(k, false));
    kill_close(k);
}
END_TEST

static volatile sig_atomic_t mine;
static void my_handler(int s)
{
    mine = s;
}

START_TEST(one_a_process_and_handlers_back)
{
    struct err e;
    ck_assert(signal(SIGUSR1, my_handler) != SIG_ERR);
    struct kill_switch *k = open_switch(NULL);
    ck_assert_ptr_null(kill_open(NULL, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "already"));
    raise(SIGUSR1);
    ck_assert(kill_on(k) && mine == 0);
    kill_close(k);
    raise(SIGUSR1);
    ck_assert_int_eq(mine, SIGUSR1);
    k = open_switch(NULL); // a new one starts off
    ck_assert(!kill_on(k));
    kill_close(k);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kill");
    TCase *t = tcase_create("kill");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, file);
    tcase_add_test(t, file_there_at_the_start);
    tcase_add_test(t, signals);
    tcase_add_test(t, either_is_enough);
    tcase_add_test(t, one_a_process_and_handlers_back);
    suite_add_tcase(s, t);
    return run_suite(s);
}
