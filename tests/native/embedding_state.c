/* What drafthart.h promises of modes, registers, lines and commits, looked at from outside. Linked
   with hart.c of a revision; test_embedding.py says what it is given. The status is the line of the
   first check that fails, modulo 256, and 0 if all hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drafthart.h"

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                               \
            exit(__LINE__ % 255 + 1);                                                             \
        }                                                                                         \
    } while (0)

#define BASE UINT64_C(0x80000000)
#define SIZE UINT64_C(0x100000)
#define HANDLER (BASE + 0x200)
#define GUEST (BASE + 0x100)
#define SLEEP (BASE + 0x300)
#define DATA (BASE + 0x1000)
#define ROOT (BASE + 0x4000) /* of the G-stage: 16 KiB */

static dh_commit last;
static dh_csr_write_t csrs[256];
static dh_access_t reads[256], writes[256];

static uint64_t device_read(void *host, uint64_t address, uint32_t size) {
    (void)host, (void)address, (void)size;
    return 0;
}

static void device_write(void *host, uint64_t address, uint32_t size, uint64_t value) {
    (void)host, (void)address, (void)size, (void)value;
}

static void keep(void *host, const dh_commit *commit) {
    ++*(int *)host;
    CHECK(commit->csr_count <= 256 && commit->read_count <= 256 && commit->write_count <= 256);
    last = *commit;
    memcpy(csrs, commit->csrs, commit->csr_count * sizeof *csrs);
    memcpy(reads, commit->reads, commit->read_count * sizeof *reads);
    memcpy(writes, commit->writes, commit->write_count * sizeof *writes);
}

static void put(dh_hart *h, const char *name, uint64_t value) {
    int number = dh_csr_number(name);
    CHECK(number >= 0);
    CHECK(dh_write_csr(h, (uint32_t)number, value));
}

static uint64_t get(dh_hart *h, const char *name) {
    uint64_t value = 0;
    int number = dh_csr_number(name);
    CHECK(number >= 0);
    CHECK(dh_read_csr(h, (uint32_t)number, &value));
    return value;
}

/* The one access that is not a walk's, if there is just one. */
static const dh_access_t *own(const dh_access_t *list, uint32_t count) {
    const dh_access_t *found = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (!list[i].walk) {
            CHECK(!found);
            found = &list[i];
        }
    return found;
}

static void check_modes(dh_hart *h) {
    static const uint32_t MODES[][4] = {
        {3, 0, 3, 0}, {1, 0, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 1, 0, 1}, {3, 1, 3, 0},
    };
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        dh_set_mode(h, MODES[i][0], MODES[i][1]);
        CHECK(dh_mode(h) == MODES[i][2] && dh_virtual(h) == MODES[i][3]);
    }
}

static void check_registers(dh_hart *h) {
    dh_set_x(h, 0, 5);
    dh_set_x(h, 31, ~UINT64_C(0));
    dh_set_x(h, 32, 5);
    CHECK(dh_x(h, 0) == 0 && dh_x(h, 31) == ~UINT64_C(0) && dh_x(h, 32) == 0);
    dh_set_f(h, 0, UINT64_C(0xffffffff3f800000));
    dh_set_f(h, 31, UINT64_C(0x4000000000000000));
    dh_set_f(h, 32, 5);
    CHECK(dh_f(h, 0) == UINT64_C(0xffffffff3f800000));
    CHECK(dh_f(h, 31) == UINT64_C(0x4000000000000000) && dh_f(h, 32) == 0);
    dh_set_pc(h, BASE + 1);
    CHECK(dh_pc(h) == BASE);
    CHECK(!dh_load(h, BASE + SIZE - 3, "1234", 4) && !dh_load(h, BASE - 1, "1", 1));
    CHECK(dh_load(h, BASE + SIZE - 4, "1234", 4) && dh_load(h, BASE + SIZE, "", 0));
    CHECK(dh_csr_number("no_such") == -1 && !dh_csr_name(0x5ff));
    uint64_t value;
    CHECK(!dh_read_csr(h, 0x5ff, &value) && !dh_write_csr(h, 0x5ff, 0));
    CHECK(strcmp(dh_csr_name(0x300), "mstatus") == 0);
}

/* VS-mode over a G-stage that maps the GiB of RAM to itself: load, fadd.d, csrw, store, ecall. */
static void check_guest(dh_hart *h, uint8_t *ram) {
    int count = 0;
    uint64_t leaf = (BASE >> 12) << 10 | 0xdf, one = UINT64_C(0x3ff0000000000000);
    memcpy(ram + (ROOT - BASE) + 16, &leaf, 8);
    dh_flush(h);
    put(h, "hgatp", UINT64_C(8) << 60 | ROOT >> 12);
    put(h, "mstatus", 1 << 13);
    put(h, "vsstatus", 1 << 13);
    dh_set_pc(h, GUEST);
    dh_set_mode(h, 1, 1);
    dh_set_x(h, 11, DATA);
    dh_set_f(h, 11, one);
    dh_set_f(h, 12, one);
    CHECK(dh_load(h, DATA, "\1\2\3\4\5\6\7\10", 8));
    dh_on_commit(h, keep, &count);

    dh_step(h);
    CHECK(count == 1 && last.pc == GUEST && last.mode == 1 && last.virtualized == 1);
    CHECK(!last.trapped && last.bank == 'x' && last.number == 10);
    CHECK(last.written == UINT64_C(0x0807060504030201) && dh_x(h, 10) == last.written);
    const dh_access_t *load = own(reads, last.read_count);
    CHECK(load && load->address == DATA && load->physical == DATA && load->size == 8);
    CHECK(last.read_count > 1 && last.write_count == 0);
    for (uint32_t i = 0; i < last.read_count; i++)
        CHECK(!reads[i].walk || (reads[i].physical == ROOT + 16 && reads[i].address == ROOT + 16));

    dh_step(h);
    CHECK(count == 2 && last.virtualized == 1 && last.bank == 'f' && last.number == 10);
    CHECK(last.written == UINT64_C(0x4000000000000000) && dh_f(h, 10) == last.written);

    /* In VS-mode sscratch stands for vsscratch. */
    dh_step(h);
    CHECK(count == 3 && !last.bank && last.csr_count == 1);
    CHECK(csrs[0].value == UINT64_C(0x0807060504030201));
    CHECK(get(h, "vsscratch") == csrs[0].value && get(h, "sscratch") == 0);

    dh_step(h);
    const dh_access_t *store = own(writes, last.write_count);
    CHECK(count == 4 && !last.bank && store && store->address == DATA + 8);
    CHECK(store->size == 8 && store->value == UINT64_C(0x0807060504030201));
    CHECK(memcmp(ram + (DATA - BASE) + 8, "\1\2\3\4\5\6\7\10", 8) == 0);

    dh_step(h);
    CHECK(count == 5 && last.trapped && last.cause == 10 && last.pc == GUEST + 16);
    CHECK(last.mode == 1 && last.virtualized == 1);
    CHECK(dh_mode(h) == 3 && dh_virtual(h) == 0 && dh_pc(h) == HANDLER);
    CHECK(get(h, "mcause") == 10 && get(h, "mepc") == GUEST + 16);
    CHECK(dh_retired(h) + 1 == dh_steps(h));
    dh_on_commit(h, NULL, NULL);
    dh_step(h);
    CHECK(count == 5);
}

static int run(dh_hart *h, uint64_t limit) {
    int reason;
    do reason = dh_run(h, limit);
    while (reason == DH_ATTENTION);
    return reason;
}

static void check_lines(dh_hart *h) {
    uint64_t steps = dh_steps(h);
    dh_set_mode(h, 3, 0);
    dh_set_pc(h, SLEEP);
    put(h, "mie", 1 << 3);
    put(h, "mstatus", 1 << 3);
    CHECK(run(h, steps + 10) == DH_SLEEPING);
    CHECK(dh_steps(h) == steps + 1);
    dh_set_line(h, 64, 1); /* there is no such one */
    CHECK(run(h, steps + 10) == DH_SLEEPING);
    dh_set_line(h, 3, 1);
    CHECK(get(h, "mip") & 1 << 3);
    CHECK(run(h, steps + 10) == DH_LIMIT && dh_steps(h) == steps + 10);
    CHECK(get(h, "mcause") == (UINT64_C(1) << 63 | 3) && get(h, "mepc") == SLEEP + 4);
    CHECK(dh_pc(h) == HANDLER);
    dh_set_line(h, 3, 0);
    CHECK(!(get(h, "mip") & 1 << 3));
    uint64_t handler = HANDLER;
    dh_set_breakpoints(h, &handler, 1);
    CHECK(run(h, steps + 20) == DH_BREAKPOINT && dh_steps(h) == steps + 10);
}

int main(int argc, char **argv) {
    uint8_t *ram = calloc(1, SIZE), program[0x400];
    FILE *file = argc == 3 ? fopen(argv[1], "rb") : NULL;
    CHECK(ram && file);
    size_t size = fread(program, 1, sizeof program, file);
    fclose(file);
    CHECK(strcmp(dh_revision(), argv[2]) == 0 && dh_abi() == DH_ABI);
    dh_hart *h = dh_create(ram, BASE, SIZE, device_read, device_write, NULL);
    CHECK(h && dh_steps(h) == 0 && dh_mode(h) == 3 && dh_virtual(h) == 0);
    CHECK(dh_load(h, BASE, program, size));
    put(h, "mtvec", HANDLER);
    put(h, "pmpaddr0", ~UINT64_C(0));
    put(h, "pmpcfg0", 0x1f);
    check_modes(h);
    check_registers(h);
    check_guest(h, ram);
    check_lines(h);
    dh_destroy(h);
    dh_destroy(NULL);
    free(ram);
    return 0;
}
