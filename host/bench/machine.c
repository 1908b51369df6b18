// SPDX-License-Identifier: Apache-2.0
#include "bench/machine_inside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#ifndef TRIPLINE_OPT
#define TRIPLINE_OPT "" // the options that the compiler was given: from the Makefile
#endif

enum { PATH_ROOM = 512, LINE_ROOM = 512, PRIORITY = 50 };

// ---- files

// Without blanks and line ends around it, cut to what fits.
static void set_text(char out[MACHINE_TEXT], const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (n >= MACHINE_TEXT)
        n = MACHINE_TEXT - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

// The first line of a file; false, and "", when there is none.
__attribute__((format(printf, 3, 4))) static bool first_line(char line[LINE_ROOM], const char *root,
                                                             const char *path, ...)
{
    char name[PATH_ROOM];
    va_list ap;
    int at = snprintf(name, sizeof name, "%s", root);
    va_start(ap, path);
    if (at >= 0 && (size_t)at < sizeof name)
        (void)vsnprintf(name + at, sizeof name - (size_t)at, path, ap);
    va_end(ap);
    FILE *f = fopen(name, "r");
    line[0] = '\0';
    bool got = f && fgets(line, LINE_ROOM, f);
    if (f)
        (void)fclose(f);
    return got;
}

static uint64_t number_in(const char *root, const char *path)
{
    char line[LINE_ROOM];
    return first_line(line, root, "%s", path) ? strtoull(line, NULL, 10) : 0;
}

// "name : value" of the first such line.
static bool value_of(const char *root, const char *path, const char *name, char value[MACHINE_TEXT])
{
    char file[PATH_ROOM], line[LINE_ROOM];
    bool found = false;
    (void)snprintf(file, sizeof file, "%s%s", root, path);
    FILE *f = fopen(file, "r");
    while (f && !found && fgets(line, sizeof line, f)) {
        const char *colon = strchr(line, ':');
        found = colon && strncmp(line, name, strlen(name)) == 0 && strchr(" \t:", line[strlen(name)]);
        if (found)
            set_text(value, colon + 1);
    }
    if (f)
        (void)fclose(f);
    return found;
}

// 1 or 0 as the file says; where it says neither, -1.
static int yes_or_no(const char *root, const char *path, bool inverted)
{
    char line[LINE_ROOM];
    if (!first_line(line, root, "%s", path) || (line[0] != '0' && line[0] != '1'))
        return -1;
    return (line[0] == '1') != inverted;
}

// The governors of all CPUs: one name, or "mixed".
static void read_governor(const char *root, struct machine *m)
{
    char line[LINE_ROOM], one[MACHINE_TEXT];
    for (unsigned cpu = 0; cpu < MACHINE_CPUS; cpu++) {
        if (!first_line(line, root, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", cpu))
            continue;
        set_text(one, line);
        if (m->governor[0] == '\0')
            set_text(m->governor, one);
        else if (strcmp(m->governor, one) != 0)
            set_text(m->governor, "mixed");
    }
}

// The word in brackets.
static void read_huge(const char *root, struct machine *m)
{
    char line[LINE_ROOM];
    if (!first_line(line, root, "/sys/kernel/mm/transparent_hugepage/enabled"))
        return;
    char *from = strchr(line, '['), *to = from ? strchr(from, ']') : NULL;
    if (to) {
        *to = '\0';
        set_text(m->huge, from + 1);
    }
}

// Kernels write "(null)" for an empty list of tickless CPUs.
static void read_list(const char *root, const char *path, char out[MACHINE_TEXT])
{
    char line[LINE_ROOM];
    if (first_line(line, root, "%s", path) && isdigit((unsigned char)line[0]))
        set_text(out, line);
}

// How many of the known faults are mitigated, and which are open.
static void read_mitigations(const char *root, struct machine *m)
{
    static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
    char path[PATH_ROOM], line[LINE_ROOM], open[MACHINE_TEXT] = "", *end = open;
    unsigned none = 0, mitigated = 0, vulnerable = 0;
    struct dirent **entry;
    (void)snprintf(path, sizeof path, "%s%s", root, dir);
    int n = scandir(path, &entry, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        if (name[0] != '.' && first_line(line, root, "%s/%s", dir, name)) {
            none += strncmp(line, "Not affected", 12) == 0;
            mitigated += strncmp(line, "Mitigation", 10) == 0;
            if (strncmp(line, "Vulnerable", 10) == 0) {
                vulnerable++;
                if ((size_t)(end - open) + strlen(name) + 2 < sizeof open)
                    end += sprintf(end, " %s", name);
            }
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
    if (none + mitigated + vulnerable)
        (void)snprintf(m->mitigations, sizeof m->mitigations, "%u mitigated, %u not affected, %u open%s%.70s",
                       mitigated, none, vulnerable, vulnerable ? ":" : "", open);
}

void machine_read_files(const char *root, struct machine *m)
{
    char text[MACHINE_TEXT], line[LINE_ROOM];
    (void)value_of(root, "/proc/cpuinfo", "model name", m->cpu);
    if (value_of(root, "/proc/meminfo", "MemTotal", text))
        m->memory_mb = strtoull(text, NULL, 10) / 1024;
    if (first_line(line, root, "/sys/devices/system/clocksource/clocksource0/current_clocksource"))
        set_text(m->clocksource, line);
    read_governor(root, m);
    read_list(root, "/sys/devices/system/cpu/isolated", m->isolated);
    read_list(root, "/sys/devices/system/cpu/nohz_full", m->tickless);
    read_huge(root, m);
    read_mitigations(root, m);
    m->smt = yes_or_no(root, "/sys/devices/system/cpu/smt/active", false);
    m->turbo = yes_or_no(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", true);
    if (m->turbo < 0)
        m->turbo = yes_or_no(root, "/sys/devices/system/cpu/cpufreq/boost", false);
    m->hugepages_2m = number_in(root, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    m->hugepages_2m_free = number_in(root, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    m->hugepages_1g = number_in(root, "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages");
}

// ---- everything else

static void read_hypervisor(struct machine *m)
{
#if defined(__x86_64__)
    enum { PRESENT_BIT = 31, NAME_LEAF = 0x40000000 };
    unsigned a, b, c, d;
    char name[13] = "";
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> PRESENT_BIT & 1))
        return;
    __cpuid(NAME_LEAF, a, b, c, d);
    memcpy(name, &b, 4);
    memcpy(name + 4, &c, 4);
    memcpy(name + 8, &d, 4);
    for (char *p = name; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = ' ';
    set_text(m->hypervisor, name);
    if (m->hypervisor[0] == '\0')
        set_text(m->hypervisor, "present, nameless");
#else
    (void)m;
#endif
}

static void read_may(struct machine *m)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (size_t cpu = 0; cpu < MACHINE_CPUS && cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            m->may[cpu / 64] |= UINT64_C(1) << cpu % 64;
}

void machine_read(const char *commit, struct machine *m)
{
    struct utsname u;
    memset(m, 0, sizeof *m);
    machine_read_files("", m);
    if (uname(&u) == 0)
        (void)snprintf(m->kernel, sizeof m->kernel, "%.20s %.60s %.20s", u.sysname, u.release, u.machine);
#if defined(__clang__)
    set_text(m->compiler, __VERSION__ " " TRIPLINE_OPT);
#else
    set_text(m->compiler, "gcc " __VERSION__ " " TRIPLINE_OPT);
#endif
    set_text(m->commit, commit);
    read_hypervisor(m);
    read_may(m);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    m->cpus = n > 0 ? (unsigned)n : 0;
}

void machine_note(struct machine *m, const char *fmt, ...)
{
    char text[MACHINE_TEXT];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (unsigned i = 0; i < m->n_notes; i++)
        if (strcmp(m->note[i], text) == 0)
            return;
    if (m->n_notes < MACHINE_NOTES)
        set_text(m->note[m->n_notes++], text);
    else
        set_text(m->note[MACHINE_NOTES - 1], "further notes found no room");
}

// ---- pinning

bool machine_in_list(const char *list, unsigned cpu)
{
    while (isdigit((unsigned char)*list)) {
        char *end;
        unsigned long from = strtoul(list, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (cpu >= from && cpu <= to)
            return true;
        list = *end == ',' ? end + 1 : end;
    }
    return false;
}

static bool has(const uint64_t *set, unsigned cpu)
{
    return set[cpu / 64] >> cpu % 64 & 1;
}

// The last isolated CPU that nobody has, else the last that nobody has, else the last.
static int pick(const struct machine *m)
{
    int best = -1, rank = -1;
    for (unsigned cpu = 0; cpu < MACHINE_CPUS; cpu++) {
        if (!has(m->may, cpu))
            continue;
        int r = has(m->taken, cpu) ? 0 : machine_in_list(m->isolated, cpu) ? 2 : 1;
        if (r >= rank) {
            rank = r;
            best = (int)cpu;
        }
    }
    return best;
}

// Hyperthreads of one core share what latency is made of.
static void note_sibling(struct machine *m, unsigned cpu, const char *whom)
{
    char line[LINE_ROOM], list[MACHINE_TEXT];
    if (!first_line(line, "", "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu))
        return;
    set_text(list, line);
    if (strpbrk(list, ",-"))
        machine_note(m, "%s: CPU %u is one of a core's hyperthreads %.40s", whom, cpu, list);
}

static void note_quiet(struct machine *m, unsigned cpu, const char *whom)
{
    const struct sched_param p = {.sched_priority = PRIORITY};
    if (has(m->taken, cpu))
        machine_note(m, "%s: shares CPU %u with another thread of this run", whom, cpu);
    if (!machine_in_list(m->isolated, cpu))
        machine_note(m, "%s: CPU %u is not isolated, other processes may run there", whom, cpu);
    else if (!has(m->taken, cpu) && sched_setscheduler(0, SCHED_FIFO, &p) != 0)
        machine_note(m, "%s: no real-time priority: %s", whom, strerror(errno));
    note_sibling(m, cpu, whom);
}

int machine_pin(struct machine *m, int cpu, const char *whom, struct err *e)
{
    cpu_set_t set;
    int at = cpu < 0 ? pick(m) : cpu;
    if (at < 0)
        return err_set(e, "%s: which CPUs there are is not known: give one", whom);
    if (at >= MACHINE_CPUS || !has(m->may, (unsigned)at))
        return err_set(e, "%s: CPU %d is not one that this process may use (see taskset -p)", whom, at);
    CPU_ZERO(&set);
    CPU_SET((size_t)at, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        return err_set(e, "%s: cannot be pinned to CPU %d: %s", whom, at, strerror(errno));
    note_quiet(m, (unsigned)at, whom);
    m->taken[at / 64] |= UINT64_C(1) << at % 64;
    return 0;
}
