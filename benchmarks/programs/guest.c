/* (d) Two guests under a hypervisor, each with two processes: Sv39 over Sv39x4.
   A process works on `size` pages of 4 KiB. Now and then its guest's kernel calls the hypervisor, goes over to
   the other process (satp), or moves pages of a process and fences (sfence.vma); the hypervisor takes turns
   between the guests (hgatp, vsatp), and moves pages of a guest and fences (hfence.gvma). */
#include "bench.h"

#define PAGE 4096u
#define VISITS 48      /* to pages, between calls of the hypervisor */
#define SLICES 8       /* calls, before the kernel goes over to the other process, */
#define TURNS 4        /* and turns of each process, before the other guest runs */
#define PROCESSES 2
#define GUESTS 2

#define FETCH_OF_CALLS 10 /* cause: environment call from VS-mode */
#define SV39 (8ull << 60)
#define HSTATUS_SPV (1u << 7)
#define SSTATUS_SPP (1u << 8)

enum { V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128 };

#define GUEST_DATA 0x40000000ull /* guest physical address of its pages */
#define PROCESS_DATA 0x10000000ull
#define IMAGE 0x80000000ull
#define IMAGE_PAGES 64

#define write_csr(name, value) __asm__ volatile("csrw " name ", %0" ::"r"((uint64_t)(value)) : "memory")
#define set_csr(name, value) __asm__ volatile("csrs " name ", %0" ::"r"((uint64_t)(value)) : "memory")

/* hfence.gvma and sfence.vma of one address; gcc's assembler needs no name of the extension so. */
static void hfence_gvma(uint64_t address, uint64_t vmid)
{
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, %0, %1" ::"r"(address >> 2), "r"(vmid) : "memory");
}

static void sfence_vma(uint64_t address, uint64_t asid)
{
    __asm__ volatile("sfence.vma %0, %1" ::"r"(address), "r"(asid) : "memory");
}

void enter_hypervisor(uint64_t satp);
uint64_t run_guest(void *guest);

static char *free_memory;

static void *memory(uint64_t bytes, uint64_t alignment)
{
    char *it = (char *)(((uint64_t)free_memory + alignment - 1) & -alignment);
    free_memory = it + bytes;
    return it;
}

/* The leaf PTE of an address, with the tables above it; `wide` is the bits of the topmost index. */
static uint64_t *leaf(uint64_t *table, uint64_t address, unsigned wide)
{
    for (unsigned level = 2; level > 0; level--) {
        uint64_t mask = (1u << (level == 2 ? wide : 9)) - 1;
        uint64_t *entry = &table[address >> (12 + 9 * level) & mask];
        if (!*entry)
            *entry = (uint64_t)memory(PAGE, PAGE) >> 2 | V;
        table = (uint64_t *)(*entry >> 10 << 12);
    }
    return &table[address >> 12 & 511];
}

static void map(uint64_t *entry, uint64_t to, unsigned flags)
{
    *entry = to >> 2 | flags | V | A | D;
}

struct process {
    uint64_t satp;
    uint64_t *page_entry; /* of the last page, which the kernel moves */
    uint64_t at;          /* page that it visits next */
    uint64_t sum;
};

struct guest {
    uint64_t registers[32]; /* run_guest knows this part */
    uint64_t host_stack;
    uint64_t hgatp, vsatp;
    uint64_t *page_entry; /* of the page that the hypervisor moves */
    uint64_t vmid;
    struct process process[PROCESSES];
    uint64_t stack[256];
};

static struct guest guests[GUESTS];

/* A process: visits pages, far from each other, and works on a cache line of each. */
static void visit(struct process *process)
{
    uint64_t at = process->at, sum = process->sum;
    for (int i = 0; i < VISITS; i++) {
        uint64_t *line = (uint64_t *)(PROCESS_DATA + at * PAGE + (at * 0x140 & 0xfc0));
        sum = mixed(sum, line[0] + line[1]);
        line[2] += sum;
        line[3] ^= line[2] >> 7;
        line[0] = sum << 3 | line[3] >> 61;
        at = (at + size / 2 + 5) & (size - 1);
    }
    process->at = at;
    process->sum = sum;
}

/* Let two neighbouring PTEs change places. */
static void swap(uint64_t *entry)
{
    uint64_t other = entry[0];
    entry[0] = entry[-1];
    entry[-1] = other;
}

/* The kernel of a guest. */
static void kernel(struct guest *guest)
{
    for (;;)
        for (int i = 0; i < PROCESSES; i++) {
            struct process *process = &guest->process[i];
            write_csr("satp", process->satp);
            uint64_t last = PROCESS_DATA + (size - 1) * PAGE;
            swap(process->page_entry);
            sfence_vma(last, (uint64_t)i + 1);
            sfence_vma(last - PAGE, (uint64_t)i + 1);
            for (int slice = 0; slice < SLICES; slice++) {
                visit(process);
                __asm__ volatile("ecall" ::: "memory");
            }
        }
}

static void make_guest(struct guest *guest, uint64_t vmid)
{
    uint64_t *root = memory(4 * PAGE, 4 * PAGE);
    guest->vmid = vmid;
    guest->hgatp = SV39 | vmid << 44 | (uint64_t)root >> 12;
    char *pages = memory(size * PAGE, PAGE);
    for (uint64_t i = 0; i < size; i++)
        map(leaf(root, GUEST_DATA + i * PAGE, 11), (uint64_t)pages + (i * 7 + 3) % size * PAGE, R | W | U);
    guest->page_entry = leaf(root, GUEST_DATA + (size / 2 + 1) * PAGE, 11);
    char *tables = free_memory;
    for (int i = 0; i < PROCESSES; i++) {
        struct process *process = &guest->process[i];
        uint64_t *top = memory(PAGE, PAGE);
        process->satp = SV39 | (uint64_t)(i + 1) << 44 | (uint64_t)top >> 12;
        for (uint64_t j = 0; j < size; j++)
            map(leaf(top, PROCESS_DATA + j * PAGE, 9), GUEST_DATA + (j * 5 + (uint64_t)i) % size * PAGE, R | W);
        for (uint64_t j = 0; j < IMAGE_PAGES; j++)
            map(leaf(top, IMAGE + j * PAGE, 9), IMAGE + j * PAGE, R | W | X);
        process->sum = vmid * PROCESSES + (uint64_t)i;
        process->page_entry = leaf(top, PROCESS_DATA + (size - 1) * PAGE, 9);
    }
    /* The kernel reaches the page tables at their own addresses; to map them there may take further ones. */
    for (char *page = (char *)((uint64_t)tables & -(uint64_t)PAGE); page < free_memory; page += PAGE)
        for (int i = 0; i < PROCESSES; i++)
            map(leaf((uint64_t *)(guest->process[i].satp << 20 >> 8), (uint64_t)page, 9), (uint64_t)page, R | W);
    for (uint64_t i = 0; i < IMAGE_PAGES; i++)
        map(leaf(root, IMAGE + i * PAGE, 11), IMAGE + i * PAGE, R | W | X | U);
    char *end = free_memory;
    for (char *page = (char *)((uint64_t)tables & -(uint64_t)PAGE); page < end; page += PAGE)
        map(leaf(root, (uint64_t)page, 11), (uint64_t)page, R | W | U);
    guest->vsatp = guest->process[0].satp;
    guest->registers[0] = (uint64_t)kernel;
    guest->registers[2] = (uint64_t)(guest->stack + 256);
    guest->registers[10] = (uint64_t)guest;
}

static uint64_t satp_root[512] __attribute__((aligned(4096)));

uint64_t work(void)
{
    free_memory = (char *)arena;
    for (uint64_t i = 0; i < 4; i++)
        map(&satp_root[i], i << 30, R | W | X);
    for (uint64_t i = 0; i < GUESTS; i++)
        make_guest(&guests[i], i + 1);
    enter_hypervisor(SV39 | (uint64_t)satp_root >> 12);
    write_csr("hedeleg", 0);
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < GUESTS; i++) {
            struct guest *guest = &guests[i];
            write_csr("hgatp", guest->hgatp);
            write_csr("vsatp", guest->vsatp);
            for (int slice = 0; slice < TURNS * SLICES; slice++) {
                set_csr("hstatus", HSTATUS_SPV);
                set_csr("sstatus", SSTATUS_SPP);
                if (run_guest(guest) != FETCH_OF_CALLS)
                    __asm__ volatile("unimp");
                guest->registers[0] += 4;
            }
            __asm__ volatile("csrr %0, vsatp" : "=r"(guest->vsatp));
            swap(guest->page_entry);
            hfence_gvma(GUEST_DATA + (size / 2 + 1) * PAGE, guest->vmid);
            hfence_gvma(GUEST_DATA + size / 2 * PAGE, guest->vmid);
        }
    uint64_t sum = 0;
    for (int i = 0; i < GUESTS; i++)
        for (int j = 0; j < PROCESSES; j++)
            sum = mixed(sum, guests[i].process[j].sum);
    return sum;
}
