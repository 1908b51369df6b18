// SPDX-License-Identifier: Apache-2.0
// What is read of the machine: from files made here, from none at all, and from this machine beside what the
// system library says.
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/machine_inside.h"
#include "run_suite.h"

static char root[64];
static struct machine m;

static void setup(void)
{
    (void)snprintf(root, sizeof root, "/tmp/tl-machine-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    memset(&m, 0, sizeof m);
}

static int erase(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void teardown(void)
{
    ck_assert_int_eq(nftw(root, erase, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void put(const char *path, const char *text)
{
    char name[512];
    int n = snprintf(name, sizeof name, "%s%s", root, path);
    ck_assert(n > 0 && (size_t)n < sizeof name);
    for (char *p = name + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        ck_assert(mkdir(name, 0700) == 0 || errno == EEXIST);
        *p = '/';
    }
    FILE *f = fopen(name, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

#define CPU  "/sys/devices/system/cpu/"
#define VULN CPU "vulnerabilities/"
#define HUGE "/sys/kernel/mm/hugepages/"

START_TEST(test_files)
{
    put("/proc/cpuinfo",
        "processor\t: 0\nmodel\t\t: 7\nmodel name\t:  Some CPU  @ 3 GHz \nprocessor\t: 1\nmodel name\t: b\n");
    put("/proc/meminfo", "MemFree:  1 kB\nMemTotal:       4194304 kB\n");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    put(CPU "cpu0/cpufreq/scaling_governor", "performance\n");
    put(CPU "cpu3/cpufreq/scaling_governor", "performance\n");
    put(CPU "isolated", "2-3\n");
    put(CPU "nohz_full", "2,3\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    put(CPU "smt/active", "1\n");
    put(CPU "intel_pstate/no_turbo", "1\n");
    put(HUGE "hugepages-2048kB/nr_hugepages", "512\n");
    put(HUGE "hugepages-2048kB/free_hugepages", "500\n");
    put(HUGE "hugepages-1048576kB/nr_hugepages", "2\n");
    put(VULN "aaa", "Not affected\n");
    put(VULN "bbb", "Vulnerable: no microcode\n");
    put(VULN "ccc", "Mitigation: PTI\n");
    put(VULN "ddd", "Vulnerable\n");
    machine_read_files(root, &m);
    ck_assert_str_eq(m.cpu, "Some CPU  @ 3 GHz");
    ck_assert_uint_eq(m.memory_mb, 4096);
    ck_assert_str_eq(m.clocksource, "hpet");
    ck_assert_str_eq(m.governor, "performance");
    ck_assert_str_eq(m.isolated, "2-3");
    ck_assert_str_eq(m.tickless, "2,3");
    ck_assert_str_eq(m.huge, "never");
    ck_assert_int_eq(m.smt, 1);
    ck_assert_int_eq(m.turbo, 0);
    ck_assert_uint_eq(m.hugepages_2m, 512);
    ck_assert_uint_eq(m.hugepages_2m_free, 500);
    ck_assert_uint_eq(m.hugepages_1g, 2);
    ck_assert_str_eq(m.mitigations, "1 mitigated, 1 not affected, 2 open: bbb ddd");
}
END_TEST

START_TEST(test_other_files)
{
    put(CPU "cpu0/cpufreq/scaling_governor", "performance\n");
    put(CPU "cpu1/cpufreq/scaling_governor", "powersave\n");
    put(CPU "nohz_full", "(null)\n");
    put(CPU "isolated", "\n");
    put(CPU "smt/active", "0\n");
    put(CPU "cpufreq/boost", "1\n");
    put(VULN "ccc", "Mitigation: PTI\n");
    machine_read_files(root, &m);
    ck_assert_str_eq(m.governor, "mixed");
    ck_assert_str_eq(m.tickless, "");
    ck_assert_str_eq(m.isolated, "");
    ck_assert_int_eq(m.smt, 0);
    ck_assert_int_eq(m.turbo, 1);
    ck_assert_str_eq(m.mitigations, "1 mitigated, 0 not affected, 0 open");
}
END_TEST

START_TEST(test_what_is_not_there_is_unknown)
{
    machine_read_files(root, &m);
    const char *text[] = {m.cpu, m.clocksource, m.governor, m.isolated, m.tickless, m.huge, m.mitigations};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        ck_assert_str_eq(text[i], "");
    ck_assert_int_eq(m.smt, -1);
    ck_assert_int_eq(m.turbo, -1);
    ck_assert_uint_eq(m.memory_mb + m.hugepages_2m + m.hugepages_2m_free + m.hugepages_1g, 0);
}
END_TEST

// Text longer than its field is cut, and stays text.
START_TEST(test_long_text)
{
    char line[400] = "model name : ";
    memset(line + strlen(line), 'x', sizeof line - strlen(line) - 1);
    put("/proc/cpuinfo", line);
    for (char c = 'a'; c <= 'z'; c++) {
        char name[] = VULN "a_fault_with_a_long_name_?";
        name[sizeof name - 2] = c;
        put(name, "Vulnerable\n");
    }
    machine_read_files(root, &m);
    ck_assert_uint_eq(strlen(m.cpu), MACHINE_TEXT - 1);
    ck_assert_uint_lt(strlen(m.mitigations), MACHINE_TEXT);
    ck_assert_ptr_nonnull(strstr(m.mitigations, "26 open: a_fault_with_a_long_name_a"));
}
END_TEST

START_TEST(test_this_machine)
{
    machine_read("v1-2-g3", &m);
    printf("# %s; %s; %s; %s; %s\n# %s; %s\n", m.cpu, m.kernel, m.compiler, m.hypervisor, m.clocksource,
           m.mitigations, m.huge);
    ck_assert_uint_eq(m.cpus, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    uint64_t mb = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
    ck_assert(m.memory_mb + 1 >= mb && m.memory_mb <= mb + 1);
    ck_assert_str_eq(m.commit, "v1-2-g3");
    ck_assert_ptr_nonnull(strstr(m.kernel, "Linux "));
    ck_assert_ptr_nonnull(strstr(m.compiler, __VERSION__));
    ck_assert_ptr_nonnull(strstr(m.compiler, " -O"));
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    for (size_t i = 0; i < MACHINE_CPUS && i < CPU_SETSIZE; i++)
        ck_assert_int_eq(m.may[i / 64] >> i % 64 & 1, CPU_ISSET(i, &set) != 0);
}
END_TEST

START_TEST(test_lists)
{
    ck_assert(machine_in_list("0-3,8", 0) && machine_in_list("0-3,8", 3) && machine_in_list("0-3,8", 8));
    ck_assert(!machine_in_list("0-3,8", 4) && !machine_in_list("0-3,8", 9) && !machine_in_list("1", 0));
    ck_assert(machine_in_list("12", 12) && !machine_in_list("", 0) && !machine_in_list("(null)", 0));
}
END_TEST

START_TEST(test_notes)
{
    for (int i = 0; i < 3; i++)
        machine_note(&m, "the same %d", 1);
    ck_assert_uint_eq(m.n_notes, 1);
    ck_assert_str_eq(m.note[0], "the same 1");
    for (int i = 0; i < MACHINE_NOTES - 1; i++)
        machine_note(&m, "another %d", i);
    ck_assert_uint_eq(m.n_notes, MACHINE_NOTES);
    ck_assert_str_eq(m.note[MACHINE_NOTES - 1], "another 6");
    machine_note(&m, "too many");
    ck_assert_uint_eq(m.n_notes, MACHINE_NOTES);
    ck_assert_str_eq(m.note[MACHINE_NOTES - 1], "further notes found no room");
}
END_TEST

// ---- pinning, in the forked child that check gives each test

static int only_cpu(void)
{
    cpu_set_t set;
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_int_eq(CPU_COUNT(&set), 1);
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set))
            return (int)i;
    return -1;
}

static int last_cpu(void)
{
    int last = -1;
    for (int i = 0; i < MACHINE_CPUS; i++)
        if (m.may[i / 64] >> i % 64 & 1)
            last = i;
    return last;
}

START_TEST(test_pin_picks_the_last_then_others)
{
    struct err e = {""};
    machine_read("", &m);
    m.isolated[0] = '\0';
    int last = last_cpu(), cpus = 0;
    for (int i = 0; i < MACHINE_CPUS; i++)
        cpus += (m.may[i / 64] >> i % 64 & 1) != 0;
    ck_assert_msg(machine_pin(&m, -1, "hot thread", &e) == 0, "%s", e.msg);
    ck_assert_int_eq(only_cpu(), last);
    ck_assert_int_eq(sched_getscheduler(0), SCHED_OTHER);
    ck_assert_ptr_nonnull(strstr(m.note[0], "hot thread"));
    ck_assert_ptr_nonnull(strstr(m.note[0], "not isolated"));
    // The next one finds another CPU, though this thread may use no other by now; where there is none it says
    // so.
    ck_assert_msg(machine_pin(&m, -1, "gateway", &e) == 0, "%s", e.msg);
    ck_assert_int_eq(only_cpu() == last, cpus == 1);
    ck_assert_int_eq(strstr(m.note[1], "gateway: shares CPU") != NULL, cpus == 1);
    ck_assert_int_eq(machine_pin(&m, last, "third", &e), 0);
    bool said = false;
    for (unsigned i = 0; i < m.n_notes; i++)
        said |= strstr(m.note[i], "third: shares CPU") != NULL;
    ck_assert(said);
}
END_TEST

START_TEST(test_pin_prefers_isolated)
{
    struct err e = {""};
    machine_read("", &m);
    int first = 0;
    while (!(m.may[first / 64] >> first % 64 & 1))
        first++;
    (void)snprintf(m.isolated, sizeof m.isolated, "%d", first);
    ck_assert_int_eq(machine_pin(&m, -1, "hot thread", &e), 0);
    ck_assert_int_eq(only_cpu(), first);
    // Real-time, or a word on why not.
    bool said = false;
    for (unsigned i = 0; i < m.n_notes; i++)
        said |= strstr(m.note[i], "no real-time priority") != NULL;
    ck_assert_int_eq(said, sched_getscheduler(0) != SCHED_FIFO);
}
END_TEST

START_TEST(test_pin_refuses)
{
    struct err e = {""};
    machine_read("", &m);
    ck_assert_int_eq(machine_pin(&m, MACHINE_CPUS, "hot thread", &e), -1);
    int last = last_cpu();
    m.may[last / 64] &= ~(UINT64_C(1) << last % 64);
    ck_assert_int_eq(machine_pin(&m, last, "hot thread", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "hot thread: CPU"));
    memset(m.may, 0, sizeof m.may);
    ck_assert_int_eq(machine_pin(&m, -1, "hot thread", &e), -1);
    ck_assert_uint_eq(m.n_notes, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("machine");
    TCase *t = tcase_create("machine");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_files);
    tcase_add_test(t, test_other_files);
    tcase_add_test(t, test_what_is_not_there_is_unknown);
    tcase_add_test(t, test_long_text);
    tcase_add_test(t, test_this_machine);
    tcase_add_test(t, test_lists);
    tcase_add_test(t, test_notes);
    tcase_add_test(t, test_pin_picks_the_last_then_others);
    tcase_add_test(t, test_pin_prefers_isolated);
    tcase_add_test(t, test_pin_refuses);
    suite_add_tcase(s, t);
    return run_suite(s);
}
