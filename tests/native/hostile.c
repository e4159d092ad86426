/* Hostile guests against the engine, for sanitizers: random instructions, page tables, CSRs and
   registers at every edge, a small RAM, a host that interferes. hostile.py writes hostile.h, which
   says which instructions there are, and the engine of a revision beside it.

   ./hostile SECONDS SEED: runs guests for as long; tells the seed of the one that went wrong. */
#include "hart.c"

#include <signal.h>
#include <stdio.h>
#define time host_time /* the engine has a function of that name */
#include <sys/time.h>
#include <time.h>
#undef time
#include <unistd.h>

#include "hostile.h"

#define BASE 0x80000000ull
#define PAGES 24
#define SIZE (PAGES * PAGE)
#define GUESTS 16
#define SLICES 40
#define PATIENCE 20

static u64 state;

static u64 rnd(void) {
    state += 0x9e3779b97f4a7c15ull;
    u64 z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static u64 below(u64 count) { return rnd() % count; }

/* An address where something begins, ends, or overflows, and a few bytes to either side. */
static u64 edge(void) {
    static const u64 EDGES[] = {
        0, 0x1000, BASE, BASE + PAGE, BASE + SIZE, BASE + SIZE - PAGE, 0x02000000, 0x0200bff8,
        0x10000000, 1ull << 31, 1ull << 32, 1ull << 38, 1ull << 39, 1ull << 40, 1ull << 41,
        1ull << 47, 1ull << 48, 1ull << 50, 1ull << 55, 1ull << 56, 1ull << 57, 1ull << 59, 1ull << 63,
        ~0ull << 38, ~0ull << 47, ~0ull << 56, ~0ull,
    };
    switch (below(4)) {
    case 0: return BASE + below(SIZE);
    case 1: return (BASE + below(PAGES) * PAGE) - 8 + below(17);
    case 2: return EDGES[below(sizeof EDGES / sizeof *EDGES)] - 8 + below(17);
    default: return rnd() >> below(64);
    }
}

static u32 instruction(void) {
    if (below(30) == 0) return (u32)rnd();
    const u32 *one = POOL[below(sizeof POOL / sizeof *POOL)];
    return one[0] | ((u32)rnd() & ~one[1]);
}

static u64 entry(void) {
    u64 bits = below(4) ? 0xcf | (below(2) << 4) | (rnd() & 0x300) : rnd() & 0x3ff;
    if (below(4) == 0) bits &= ~0xeull; /* a pointer to the next level */
    u64 page = below(8) ? (BASE >> 12) + below(PAGES + 1) : rnd() >> 20;
    return page << 10 | bits | (below(50) ? 0 : rnd() << 54);
}

static u64 device_reads(void *host, u64 address, u32 size) {
    (void)host, (void)address, (void)size;
    return rnd();
}

static void device_writes(void *host, u64 address, u32 size, u64 value) {
    Hart *h = *(Hart **)host;
    (void)address, (void)size;
    if (below(4) == 0) h->interrupt_lines = value & 0x1eee;
    if (below(50) == 0) dh_set_clock(h, value, 1 + below(20));
}

static void fill(u8 *ram) {
    for (u64 at = 0; at < SIZE; at += PAGE) {
        u64 kind = below(8);
        for (u64 i = 0; i < PAGE; i += kind < 4 ? (u64)4 : 8) {
            if (kind < 4) ram_write(ram + at + i, 4, instruction());
            else if (kind < 7) ram_write(ram + at + i, 8, entry());
            else ram_write(ram + at + i, 8, edge());
        }
    }
}

static void shake(Hart *h) {
    for (int i = 1; i < 32; i++)
        if (below(2)) h->x[i] = edge();
    for (u32 i = 0; i < CSR_COUNT; i++)
        if (below(6) == 0) dh_csr_write(h, i, below(2) ? edge() : rnd());
    for (u32 i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
        static const u64 MODES[] = {0, 1, 8, 8, 8, 9, 10};
        u64 root = (BASE >> 12) + below(PAGES + 1);
        if (below(2)) dh_csr_write(h, TABLES[i], MODES[below(7)] << 60 | below(4) << 44 | root);
    }
    for (u32 i = 0; i < sizeof VECTORS / sizeof *VECTORS; i++)
        dh_csr_write(h, VECTORS[i], below(8) ? BASE + below(PAGES) * PAGE + below(2) : edge());
    if (below(4)) open_memory(h);
    h->pc = below(8) ? BASE + below(SIZE) / 4 * 4 : edge() & ~1ull;
    set_mode(h, rnd());
    dh_flush(h);
}

static void interfere(Hart *h, u8 *ram) {
    u64 listed[3] = {edge() & ~1ull, BASE + below(SIZE) / 4 * 4, h->pc};
    switch (below(12)) {
    case 0: dh_set_breakpoints(h, listed, (u32)below(4)); break;
    case 1: dh_watch_page(h, edge(), (int)below(2)); break;
    case 2: h->watching = (u8)below(2); break;
    case 3: h->interrupt_lines = rnd() & 0x1eee; break;
    case 4: shake(h); break;
    case 5: dh_step(h); break;
    case 6: dh_clear_logs(h); break;
    case 7: fill(ram); dh_flush(h); break;
    case 8: h->attention = 1; break;
    case 9: dh_set_breakpoints(h, listed, 0); break;
    }
}

static u64 instructions, exceptions;

/* One guest after another on the same hart. */
static void guests_of_a_hart(void) {
    u8 *ram = malloc(SIZE); /* of this very size: the sanitizer sees each byte beside it */
    Hart *h = NULL;
    if (!ram) abort();
    h = dh_create(ram, BASE, SIZE, device_reads, device_writes, &h);
    if (!h) abort();
    dh_add_window(h, 0x02000000, 0x02010000);
    dh_add_window(h, 0x10000000, 0x10000100);
    for (int guest = 0; guest < GUESTS; guest++) {
        fill(ram);
        dh_reset(h);
        shake(h);
        for (int slice = 0; slice < SLICES; slice++) {
            u64 access[3], before = h->steps, trapped = h->trapped;
            int reason = dh_run(h, h->steps + below(3000));
            if (reason == STOP_SLEEPING) h->sleeping = 0;
            if (h->x[0] || h->mode > 3 || h->ended) abort();
            for (u32 which = 0; which < 3; which++) dh_log(h, which, (u32)below(8), access);
            instructions += h->steps - before;
            exceptions += h->trapped - trapped;
            interfere(h, ram);
        }
    }
    dh_destroy(h);
    free(ram);
}

static u64 seed;

static void hangs(int number) {
    (void)number;
    char text[80];
    int length = snprintf(text, sizeof text, "hostile: hangs: seed %llu\n", (unsigned long long)seed);
    if (write(2, text, (size_t)length)) {}
    _exit(3);
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    double end = now() + atof(arguments[1]);
    signal(SIGPROF, hangs);
    u64 harts = 0;
    for (seed = strtoull(arguments[2], NULL, 0); now() < end || !harts; seed++, harts++) {
        state = seed;
        /* Of processor time: how long it waits for its turn is the machine's matter. */
        setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = PATIENCE}, NULL);
        guests_of_a_hart();
        if (harts % 10 == 0) fprintf(stderr, "hostile: seed %llu\n", (unsigned long long)seed);
    }
    printf("%llu guests, %llu instructions, %llu exceptions\n", (unsigned long long)harts * GUESTS,
           (unsigned long long)instructions, (unsigned long long)exceptions);
    return 0;
}
