/* What a hart of any revision has, and the engine's own data. The generated code defines
   `struct hart` with HART_MEMBERS first, the revision's state behind them, and the engine last. */
#pragma once

#include "drafthart.h"
#include "types.h"

typedef struct hart Hart;
typedef struct op Op;
typedef struct translation Translation;

#define HART_MEMBERS                                                                              \
    u64 x[33];          /* the integer registers; 32 takes what is written to x0 */               \
    u64 pc;                                                                                       \
    u64 next_pc;                                                                                  \
    u64 instruction;    /* the raw bits of the instruction that runs, 16 or 32 */                 \
    u64 steps;          /* instructions begun since reset */                                      \
    u64 trapped;        /* those of them that ended in an exception */                            \
    u64 sleeping;                                                                                 \
    u64 interrupt_lines;                                                                          \
    u64 elsewhere;      /* steps of the machine's other harts, which time counts as well */       \
    union {                                                                                       \
        struct {                                                                                  \
            u8 ended;     /* the operation ended before its end: an exception is to be taken */   \
            u8 changed;   /* something was written that the loop looks at */                      \
            u8 attention; /* the host wants to look */                                            \
            u8 watching;  /* single steps, accesses listed */                                     \
        };                                                                                        \
        u32 events;                                                                               \
    };

/* A decoded instruction. Operands are where the decoder of its revision puts them: registers and
   other small ones in a, b, c, the wide one in imm. */
typedef void Handler(const Op *op, Hart *h, i64 left, const Translation *reads, const Translation *writes);

struct op {
    Handler *run;
    u64 imm;
    u64 pc;
    u32 word; /* the raw bits */
    u8 a, b, c;
    u8 steps; /* instructions of its block up to this one */
};

#define LONGEST 64
#define OP_LENGTH(op) (((op)->word & 3) == 3 ? 4 : 2)

/* Where control goes from the op before it, in an op's place: valid while the key is that of the
   context, since then the address still leads to the same instructions. */
typedef struct {
    const Op *op;
    u64 key;
    u64 target;
    u64 unused;
} Link;

_Static_assert(sizeof(Op) == 32 && sizeof(Link) == 32, "a link takes the place of an op");

/* Translations. An entry holds for addresses `page + offset`; the host's address is `host + address`. */
struct translation {
    u64 page; /* NO_PAGE: none */
    u64 host;
};

#define PAGE 4096ull
#define PAGE_MASK (~(PAGE - 1))
#define ENTRIES 1024
#define FETCH_ENTRIES 256
#define FEW 64
/* No address with its alignment can be this: those keep bits 12 and up, and the lowest three. */
#define NO_PAGE 0x800ull

INLINE size_t entry_index(u64 address) { return (address >> 12) % ENTRIES; }
INLINE u64 page_and_alignment(u64 address, unsigned size) { return address & (PAGE_MASK | (size - 1)); }

/* All that translations depend on, with what was translated under it. */
#define MOST_TAGS 8
typedef struct {
    u64 tags[MOST_TAGS]; /* what the spec calls the translation context, then the tagged CSRs */
    u64 key;             /* unique: a new one whenever instructions may have moved */
    u64 number;          /* unique, and never another one */
    u64 owner;           /* whose translations these are, for fences */
    u8 used;
    u8 superpages;       /* is any level not 0? */
    u16 filled;          /* entries put in since it was cleared, or so many that it does not matter */
    Translation reads[ENTRIES];
    Translation writes[ENTRIES];
    Translation fetches[FETCH_ENTRIES]; /* host: physical page address */
    u8 read_levels[ENTRIES]; /* levels of the superpages that the entries are part of */
    u8 write_levels[ENTRIES];
    u8 fetch_levels[FETCH_ENTRIES];
    u16 log[FEW]; /* the first entries that were filled: table and index */
} Context;

#define CONTEXTS 64

/* What a function of the spec returned for a page, for as long as nothing is fenced. */
typedef struct {
    u64 key; /* the page, and the function and its small arguments in the low bits */
    u64 context;
    u64 fences;
    u64 page;
} Answer;

#define ANSWERS 2048
#define PERMITTED 4096

typedef struct block Block;
struct block {
    u64 pc;
    u64 physical;
    Op *first;
    Block *next;      /* with the same hash */
    Block *next_here; /* on the same page */
};

typedef struct {
    u64 pc;
    u64 key;
    const Op *op;
} Jump;

#define JUMPS 4096
#define BUCKETS 32768
#define OPS (1u << 19)
#define BLOCKS (1u << 17)

typedef struct {
    u64 lines; /* bit n: instructions of its 64 bytes n were decoded */
    Block *blocks;
} CodePage;

enum { PAGE_CODE = 1, PAGE_WATCHED = 2 };

/* A hart among those that share its RAM and run in turns with it, in one thread. They are of any
   revision: what one asks of another goes through these functions. */
typedef struct peer Peer;
struct peer {
    Peer *next; /* they are in a ring */
    void *hart;
    u8 *page_state;
    void (*hide_stores)(void *hart, u64 page);          /* stores to the page must not pass unseen from now on */
    int (*drop_code)(void *hart, u64 page, u64 lines);  /* forget instructions in these lines; are there others? */
};

typedef struct {
    u64 base, end;
} Window;

#define MOST_WINDOWS 64
#define MOST_BREAKPOINTS 1024

/* The host's side of devices; a read of more than the device has gives zeros. */
typedef u64 DeviceRead(void *host, u64 address, u32 size);
typedef void DeviceWrite(void *host, u64 address, u32 size, u64 value);

typedef struct {
    u64 address, value;
    u64 size;
} Access;

#define MOST_ACCESSES 256

/* Traps for the host, and what was counted beside them; see traps.h. */
typedef struct {
    u64 *records; /* NULL: nobody asked */
    u32 count, room;
    int all;        /* also those that do not leave V=1 */
    u32 mode;       /* V << 2 | mode when we looked last */
    u64 steps, trapped; /* likewise */
    u64 steps_in[8];    /* steps begun in each such mode */
    u64 switches;       /* changes of V */
    u64 walks, walks_saved, filled;
} Traps;

typedef struct {
    Context *context; /* the present one */
    u64 key;          /* its key */
    i64 left;         /* when a block ended: steps until the deadline */
    u64 deadline;     /* step count at which blocks end */
    u8 *ram;
    u64 ram_base, ram_size;
    u8 *page_state; /* one for all peers */
    CodePage *code;
    Peer peer; /* this hart, for the others */
    u64 time_offset, steps_per_tick;
    u64 timer; /* what next_timer said last */
    u64 next_key;
    u64 fences; /* how often any translation was fenced */
    Answer answers[ANSWERS];
    u64 permitted[PERMITTED]; /* pages and accesses that are known to be permitted, and uniform pages */
    u32 level; /* of the translation under way; see note_leaf */
    u64 generation; /* how often all blocks were dropped */
    Context *contexts[CONTEXTS];
    Jump jumps[JUMPS];
    Block *buckets[BUCKETS];
    Op *ops;
    Block *blocks;
    u32 ops_used, blocks_used;
    u32 windows;
    u32 invoke_ended; /* a function that the host called ended an instruction */
    Window window[MOST_WINDOWS];
    DeviceRead *device_read;
    DeviceWrite *device_write;
    void *host;
    u32 breakpoints;
    u64 breakpoint[MOST_BREAKPOINTS];
    u32 read_count, write_count, csr_count;
    Access read_log[MOST_ACCESSES], write_log[MOST_ACCESSES], csr_log[MOST_ACCESSES];
    Traps traps;
    dh_commit_callback *commit; /* see api.h */
    void *commit_host;
    u32 noted_count;
    Access noted[MOST_ACCESSES]; /* explicit accesses: virtual address, and the physical one as value */
} Engine;
