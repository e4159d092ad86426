/* Runs a flat program at 0x8000_0000 on a hart of whatever revision hart.c was generated from, and
   prints what each instruction did, in the form of `drafthart run --log-commits`. The program ends
   by storing to 0x10_0000, as to QEMU virt's test finisher; a0 is shown then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "drafthart.h"

#define RAM_BASE UINT64_C(0x80000000)
#define RAM_SIZE UINT64_C(0x100000)
#define FINISHER UINT64_C(0x100000)
#define MOST_STEPS 100000

typedef struct {
    dh_hart *hart;
    int finished;
} bench;

static uint64_t device_read(void *host, uint64_t address, uint32_t size) {
    (void)host, (void)address, (void)size;
    return 0;
}

static void device_write(void *host, uint64_t address, uint32_t size, uint64_t value) {
    bench *b = host;
    (void)size, (void)value;
    if (address == FINISHER) {
        b->finished = 1;
        dh_interrupt(b->hart);
    }
}

static void print_commit(void *host, const dh_commit *commit) {
    int digits = (int)dh_xlen() / 4;
    (void)host;
    if (commit->trapped) {
        printf("# trap at 0x%0*" PRIx64 ": cause %" PRIu64 ", value 0x%" PRIx64 "\n", digits,
               commit->pc, commit->cause, commit->value);
        return;
    }
    printf("core   0: %" PRIu32 " 0x%0*" PRIx64 " (0x%0*" PRIx64 ")", commit->mode, digits,
           commit->pc, (commit->instruction & 3) == 3 ? 8 : 4, commit->instruction);
    if (commit->bank)
        printf(" %c%-2" PRIu32 " 0x%0*" PRIx64, commit->bank, commit->number,
               commit->bank == 'f' ? 16 : digits, commit->written);
    for (uint32_t i = 0; i < commit->csr_count; i++)
        printf(" c%" PRIu32 "_%s 0x%0*" PRIx64, commit->csrs[i].number,
               dh_csr_name(commit->csrs[i].number), digits, commit->csrs[i].value);
    for (uint32_t i = 0; i < commit->read_count; i++)
        if (!commit->reads[i].walk) printf(" mem 0x%0*" PRIx64, digits, commit->reads[i].address);
    for (uint32_t i = 0; i < commit->write_count; i++)
        if (!commit->writes[i].walk)
            printf(" mem 0x%0*" PRIx64 " 0x%0*" PRIx64, digits, commit->writes[i].address,
                   (int)commit->writes[i].size * 2, commit->writes[i].value);
    printf("\n");
}

/* The file's size, or -1; at most `room` bytes of it go to `bytes`. */
static long read_file(const char *name, uint8_t *bytes, size_t room) {
    FILE *file = fopen(name, "rb");
    size_t size;
    if (!file) return -1;
    size = fread(bytes, 1, room, file);
    fclose(file);
    return (long)size;
}

int main(int argc, char **argv) {
    static uint8_t program[RAM_SIZE];
    uint8_t *ram = calloc(1, RAM_SIZE);
    bench b = {NULL, 0};
    long size = argc == 2 ? read_file(argv[1], program, sizeof program) : -1;
    if (size < 0 || !ram) {
        fprintf(stderr, "usage: %s PROGRAM.bin\n", argv[0]);
        return 2;
    }
    if (dh_abi() != DH_ABI) return 2;
    b.hart = dh_create(ram, RAM_BASE, RAM_SIZE, device_read, device_write, &b);
    if (!b.hart) return 2;
    dh_add_window(b.hart, FINISHER, FINISHER + 0x1000);
    dh_load(b.hart, RAM_BASE, program, (uint64_t)size);
    dh_set_pc(b.hart, RAM_BASE);
    dh_on_commit(b.hart, print_commit, NULL);
    printf("# %s (%s)\n", dh_revision(), dh_status());
    while (!b.finished && dh_run(b.hart, MOST_STEPS) == DH_ATTENTION) {
    }
    printf("# a0 is 0x%" PRIx64 ", %" PRIu64 " instructions retired\n", dh_x(b.hart, 10),
           dh_retired(b.hart));
    dh_destroy(b.hart);
    free(ram);
    return b.finished ? 0 : 1;
}
