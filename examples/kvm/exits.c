/* A virtual machine with a page of code that leaves to the host in every way: accesses to memory
 * that is not there, a call of the SBI, a shutdown. Prints each exit, and OK if all were as they
 * must be. */
#include "vm.h"

const char *const program_name = "exits";

extern const u8 page[], page_end[]; /* page.S */

#define BASE 0x80000000UL
#define DEVICE 0x10000000UL

/* What must come, in this order. `value` is what the guest writes, or is to read. No word to read
 * has its highest bit set: KVM in Linux 6.12 hands it on without extending the sign. */
static const struct access {
    u64 offset;
    u32 size;
    u8 is_write;
    u64 value;
} BEFORE[] = {
    {0, 1, 1, 0x4b},
    {4, 4, 1, 0x12345678},
    {8, 4, 0, 0x1234cafe},
    {12, 1, 0, 0xfe},
    {16, 8, 0, 0x0123456789abcdef},
    {24, 8, 1, 0x1234cafe},
    {32, 8, 1, 0xfe},
    {40, 8, 1, 0x0123456789abcdef},
}, AFTER[] = {
    {48, 8, 1, 0},
    {56, 8, 1, 0x333},
};

static void expect_access(const struct vm *vm, const struct access *expected)
{
    u32 reason = vm_run(vm);
    if (reason != KVM_EXIT_MMIO)
        die("exit %d where an access must come", (int)reason);
    u64 address = vm->run->mmio.phys_addr, value = 0;
    u32 size = vm->run->mmio.len;
    if (!vm->run->mmio.is_write)
        for (u32 i = 0; i < 8; i++)
            vm->run->mmio.data[i] = (u8)(expected->value >> 8 * i);
    for (u32 i = 0; i < size && i < 8; i++)
        value |= (u64)vm->run->mmio.data[i] << 8 * i;
    print("exits: %s of %d bytes at %x: %x\n", vm->run->mmio.is_write ? "write" : "read",
          (int)size, address, value);
    if (address != DEVICE + expected->offset || size != expected->size ||
        vm->run->mmio.is_write != expected->is_write || value != expected->value)
        die("that must be a %s of %d bytes at %x: %x", expected->is_write ? "write" : "read",
            (int)expected->size, DEVICE + expected->offset, expected->value);
}

static void expect_call(const struct vm *vm)
{
    u32 reason = vm_run(vm);
    if (reason != KVM_EXIT_RISCV_SBI)
        die("exit %d where a call of the SBI must come", (int)reason);
    u64 extension = vm->run->riscv_sbi.extension_id, function = vm->run->riscv_sbi.function_id;
    u64 first = vm->run->riscv_sbi.args[0], second = vm->run->riscv_sbi.args[1];
    print("exits: SBI call %x, function %x, of %x and %x\n", extension, function, first, second);
    if (extension != 0x08000001 || function != 7 || first != 0x111 || second != 0x222)
        die("that must be call 0x8000001, function 0x7, of 0x111 and 0x222");
    vm->run->riscv_sbi.ret[0] = 0;
    vm->run->riscv_sbi.ret[1] = first + second;
}

static void expect_shutdown(const struct vm *vm)
{
    u32 reason = vm_run(vm);
    if (reason != KVM_EXIT_SYSTEM_EVENT ||
        vm->run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN)
        die("exit %d where the guest must shut down", (int)reason);
    print("exits: shutdown\n");
}

int program(int count, char **arguments)
{
    struct vm vm;
    (void)count, (void)arguments;
    vm_create(&vm, BASE, 4096);
    copy(vm.memory, page, (u64)(page_end - page));
    vm_set(&vm, KVM_REG_PC, BASE);
    for (u32 i = 0; i < sizeof BEFORE / sizeof *BEFORE; i++)
        expect_access(&vm, &BEFORE[i]);
    expect_call(&vm);
    for (u32 i = 0; i < sizeof AFTER / sizeof *AFTER; i++)
        expect_access(&vm, &AFTER[i]);
    expect_shutdown(&vm);
    print("exits: OK\n");
    return 0;
}
