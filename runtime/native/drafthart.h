/* A hart of one revision of the RISC-V privileged architecture and its hypervisor extension, to be
   linked into a program of yours. For C11 and C++11.

   `drafthart generate --target c-engine` writes hart.c, which implements all of this. Harts share
   nothing: each may live in a thread of its own, and one hart in one thread at a time. */
#ifndef DRAFTHART_H
#define DRAFTHART_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counts what a program that was compiled before would have to be compiled again for. */
#define DH_ABI 1

typedef struct hart dh_hart;

uint32_t dh_abi(void);            /* the DH_ABI of hart.c: compare it where that is a library */
const char *dh_revision(void);    /* "h@0.6.1" */
const char *dh_status(void);      /* "ratified"; any other is unstable */
const char *dh_content(void);     /* hex SHA-256 of the spec */
uint32_t dh_xlen(void);           /* 32 or 64 */

/* Making one, and its memory */

/* A device answers for all physical addresses outside RAM that lie in a window of dh_add_window;
   others are access faults. `size` is 1, 2, 4 or 8 bytes. */
typedef uint64_t dh_device_read(void *host, uint64_t address, uint32_t size);
typedef void dh_device_write(void *host, uint64_t address, uint32_t size, uint64_t value);

/* A hart in its reset state, with pc 0. Its RAM are the `size` bytes at `ram`, a multiple of 4096,
   little endian, at physical address `base`, a multiple of 4096; they stay the caller's. `host` is
   handed to the devices. NULL if there is no memory. */
dh_hart *dh_create(uint8_t *ram, uint64_t base, uint64_t size, dh_device_read *read,
                   dh_device_write *write, void *host);
void dh_destroy(dh_hart *h);
void dh_reset(dh_hart *h);        /* registers and CSRs; RAM stays */

/* Devices from `base` up to before `end`; 0 if there are too many windows (64). */
int dh_add_window(dh_hart *h, uint64_t base, uint64_t end);

/* Copy bytes into RAM; 0, with nothing copied, if they do not fit. */
int dh_load(dh_hart *h, uint64_t address, const void *bytes, uint64_t size);

/* RAM was changed by other means: forget what was decoded and translated from it. */
void dh_flush(dh_hart *h);

/* Running */

enum {
    DH_LIMIT,      /* as many steps as asked for */
    DH_SLEEPING,   /* WFI, and nothing pending: raise a line, or let time pass */
    DH_ATTENTION,  /* a device was written, a timer was set or dh_interrupt called: call dh_run again */
    DH_BREAKPOINT  /* the next instruction is at one */
};

/* Run until dh_steps is `limit`, or another reason to return. */
int dh_run(dh_hart *h, uint64_t limit);

/* One instruction, or the exception that it raises; interrupts are not looked at. */
void dh_step(dh_hart *h);

/* Have dh_run return; for use in a callback. */
void dh_interrupt(dh_hart *h);

/* Virtual addresses, in any mode; at most 1024. */
void dh_set_breakpoints(dh_hart *h, const uint64_t *addresses, uint32_t count);

uint64_t dh_steps(const dh_hart *h);    /* instructions begun since dh_create */
uint64_t dh_retired(const dh_hart *h);  /* those that did not trap */

/* The time CSR: `offset`, and one more each `steps_per_tick` steps (at least 1; 10 if not set). */
void dh_set_clock(dh_hart *h, uint64_t offset, uint64_t steps_per_tick);

/* Drive the wire of interrupt `number` (3 machine software, 7 machine timer, 11 machine external…). */
void dh_set_line(dh_hart *h, uint32_t number, int level);

/* State. Registers 0 to 31; others read as 0. */

uint64_t dh_x(const dh_hart *h, uint32_t number);
void dh_set_x(dh_hart *h, uint32_t number, uint64_t value);
uint64_t dh_f(const dh_hart *h, uint32_t number);  /* the bits; a float is NaN-boxed */
void dh_set_f(dh_hart *h, uint32_t number, uint64_t value);
uint64_t dh_pc(const dh_hart *h);
void dh_set_pc(dh_hart *h, uint64_t value);
uint32_t dh_mode(const dh_hart *h);                /* 0 U, 1 S, 3 M */
uint32_t dh_virtual(const dh_hart *h);             /* V: 1 in VS-mode and VU-mode */
void dh_set_mode(dh_hart *h, uint32_t mode, uint32_t virtualized);

/* CSRs by their number, as M-mode sees them: nothing is checked, and writes obey the fields' rules
   (WARL and so on). 0 if the revision has no such CSR. */
int dh_read_csr(dh_hart *h, uint32_t number, uint64_t *value);
int dh_write_csr(dh_hart *h, uint32_t number, uint64_t value);
int dh_csr_number(const char *name);               /* -1 if there is none */
const char *dh_csr_name(uint32_t number);          /* NULL if there is none */

/* What each instruction did */

typedef struct {
    uint32_t number;
    uint64_t value;             /* what is there now */
} dh_csr_write_t;

typedef struct {
    uint64_t address;           /* virtual; that of the page table's entry for a walk's access */
    uint64_t physical;
    uint64_t value;             /* written; 0 for reads */
    uint32_t size;              /* bytes */
    uint32_t walk;              /* 1: the access was made by address translation */
} dh_access_t;

typedef struct {
    uint64_t pc;
    uint64_t instruction;       /* its 16 or 32 bits; 0 if it could not be fetched */
    uint32_t mode;              /* in which it ran, as in dh_mode */
    uint32_t virtualized;       /* V, likewise */
    uint32_t trapped;           /* 1: it raised an exception, and did not retire */
    uint64_t cause;             /* of the exception, */
    uint64_t value;             /* and its trap value (xtval) */
    char bank;                  /* 'x' or 'f': it writes a register; else 0 */
    uint32_t number;            /* of the register */
    uint64_t written;           /* what is in it now */
    const dh_csr_write_t *csrs; /* those that it named, else those that changed, as by mret */
    uint32_t csr_count;
    const dh_access_t *reads;
    uint32_t read_count;
    const dh_access_t *writes;
    uint32_t write_count;
} dh_commit;

/* Called behind each instruction. What `commit` points to holds until it returns; it may read the
   hart's state, and call dh_interrupt. */
typedef void dh_commit_callback(void *host, const dh_commit *commit);

/* Call `callback` from now on, or nobody if it is NULL. The hart is then slower by far. */
void dh_on_commit(dh_hart *h, dh_commit_callback *callback, void *host);

#ifdef __cplusplus
}
#endif
#endif
