/* A virtual machine monitor that is just enough to boot Linux as a guest of KVM: memory, a device
 * tree, and the SBI's debug console. The timer is KVM's, and the guest has no other device.
 *
 *     vmm [IMAGE [INITRD]] */
#include "tree.h"
#include "vm.h"

const char *const program_name = "vmm";

#define MEGABYTE (1UL << 20)
#define BASE 0x80000000UL
#define SIZE (96 * MEGABYTE)

#define DEBUG_CONSOLE 0x4442434e
#define NOT_SUPPORTED (-2L)
#define INVALID_PARAMETER (-3L)

static const char COMMAND_LINE[] =
    "earlycon=sbi keep_bootcon panic=-1 cryptomgr.notests lsm=capability ipv6.disable=1 audit=0 "
    "nokaslr no4lvl no5lvl";

/* Read a whole file to a guest-physical address, and return its size. */
static u64 load(const struct vm *vm, const char *path, u64 address)
{
    int file = sys_open(path, O_RDONLY);
    if (file < 0)
        die("%s cannot be opened: error %d", path, -file);
    u64 size = (u64)syscall6(SYS_lseek, file, 0, 2 /* SEEK_END */, 0, 0, 0);
    syscall6(SYS_lseek, file, 0, 0 /* SEEK_SET */, 0, 0, 0);
    u8 *to = vm_at(vm, address, size);
    if (!to)
        die("%s does not fit into the guest's memory", path);
    for (u64 done = 0; done < size;) {
        i64 count = sys_read(file, to + done, size - done);
        if (count <= 0)
            die("%s cannot be read: error %d", path, (int)-count);
        done += (u64)count;
    }
    sys_close(file);
    return size;
}

static u64 little(const u8 *at)
{
    u64 value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

/* Load the kernel where its header wants to be, and return that address. */
static u64 load_kernel(const struct vm *vm, const char *path)
{
    u64 start = BASE + 2 * MEGABYTE;
    u64 size = load(vm, path, start);
    const u8 *header = vm->memory + 2 * MEGABYTE;
    if (size < 64 || little(header + 0x30) != 0x5643534952 /* "RISCV" */)
        die("%s is no Linux Image", path);
    if (little(header + 8) != 2 * MEGABYTE)
        die("%s wants to be at another address", path);
    return start;
}

/* The guest's hart has what KVM gives it of the host's single-letter extensions. */
static void isa_string(const struct vm *vm, char *text)
{
    u64 letters = vm_get(vm, KVM_REG_ISA);
    copy(text, "rv64", 4);
    text += 4;
    for (const char *letter = "imafdc"; *letter; letter++)
        if (letters >> (*letter - 'a') & 1)
            *text++ = *letter;
    *text = 0;
}

static void write_tree(const struct vm *vm, u64 address, u64 initrd, u64 initrd_size)
{
    struct tree tree;
    char isa[16];
    isa_string(vm, isa);
    tree_begin(&tree, vm_at(vm, address, TREE_SIZE));
    tree_node(&tree, "");
    tree_number(&tree, "#address-cells", 2);
    tree_number(&tree, "#size-cells", 2);
    tree_text(&tree, "compatible", "linux,dummy-virt");
    tree_text(&tree, "model", "Drafthart's example of a KVM guest");
    tree_node(&tree, "chosen");
    tree_text(&tree, "bootargs", COMMAND_LINE);
    if (initrd_size) {
        tree_number(&tree, "linux,initrd-start", (u32)initrd);
        tree_number(&tree, "linux,initrd-end", (u32)(initrd + initrd_size));
    }
    tree_end_node(&tree);
    tree_node(&tree, "memory@80000000");
    tree_text(&tree, "device_type", "memory");
    tree_pair(&tree, "reg", vm->base, vm->size);
    tree_end_node(&tree);
    tree_node(&tree, "cpus");
    tree_number(&tree, "#address-cells", 1);
    tree_number(&tree, "#size-cells", 0);
    tree_number(&tree, "timebase-frequency", (u32)vm_get(vm, KVM_REG_FREQUENCY));
    tree_node(&tree, "cpu@0");
    tree_text(&tree, "device_type", "cpu");
    tree_text(&tree, "compatible", "riscv");
    tree_text(&tree, "riscv,isa", isa);
    tree_text(&tree, "mmu-type", "riscv,sv39");
    tree_number(&tree, "reg", 0);
    tree_node(&tree, "interrupt-controller");
    tree_text(&tree, "compatible", "riscv,cpu-intc");
    tree_number(&tree, "#interrupt-cells", 1);
    tree_words(&tree, "interrupt-controller", 0, 0);
    tree_end_node(&tree);
    tree_end_node(&tree);
    tree_end_node(&tree);
    tree_end_node(&tree);
    tree_end(&tree);
}

/* Each line of the guest is marked as such. */
static void show(const u8 *text, u64 size)
{
    static int inside;
    for (; size; text++, size--) {
        if (*text == '\r')
            continue;
        if (!inside)
            print("  | ");
        print("%c", *text);
        inside = *text != '\n';
    }
}

static void answer_call(const struct vm *vm)
{
    volatile struct kvm_run *run = vm->run;
    u64 first = run->riscv_sbi.args[0];
    run->riscv_sbi.ret[0] = 0;
    run->riscv_sbi.ret[1] = 0;
    if (run->riscv_sbi.extension_id != DEBUG_CONSOLE) {
        run->riscv_sbi.ret[0] = (u64)NOT_SUPPORTED;
    } else if (run->riscv_sbi.function_id == 0) { /* write: count, address, its upper half */
        const u8 *text = vm_at(vm, run->riscv_sbi.args[1], first);
        if (text && !run->riscv_sbi.args[2]) {
            show(text, first);
            run->riscv_sbi.ret[1] = first;
        } else {
            run->riscv_sbi.ret[0] = (u64)INVALID_PARAMETER;
        }
    } else if (run->riscv_sbi.function_id == 2) { /* write one byte */
        u8 letter = (u8)first;
        show(&letter, 1);
    } /* a read finds nothing typed */
}

int program(int count, char **arguments)
{
    const char *image = count > 1 ? arguments[1] : "/kvm/Image";
    const char *initrd = count > 2 ? arguments[2] : "/kvm/guest.cpio";
    struct vm vm;
    vm_create(&vm, BASE, SIZE);
    if (vm_try_set(&vm, KVM_REG_SBI(KVM_SBI_DEBUG_CONSOLE), 1))
        print("vmm: this KVM has no debug console: the guest is silent\n");
    u64 kernel = load_kernel(&vm, image);
    u64 initrd_at = BASE + SIZE - 4 * MEGABYTE, tree = BASE + SIZE - 2 * MEGABYTE;
    write_tree(&vm, tree, initrd_at, load(&vm, initrd, initrd_at));
    vm_set(&vm, KVM_REG_PC, kernel);
    vm_set(&vm, KVM_REG_X(10), 0);
    vm_set(&vm, KVM_REG_X(11), tree);
    print("vmm: %s starts at %x, with %d MiB\n", image, kernel, (int)(SIZE / MEGABYTE));
    for (;;) {
        u32 reason = vm_run(&vm);
        if (reason == KVM_EXIT_RISCV_SBI)
            answer_call(&vm);
        else if (reason == KVM_EXIT_SYSTEM_EVENT)
            break;
        else if (reason == KVM_EXIT_MMIO)
            die("the guest accesses %x, where nothing is", (u64)vm.run->mmio.phys_addr);
        else
            die("exit %d is not expected, at %x", (int)reason, vm_get(&vm, KVM_REG_PC));
    }
    if (vm.run->system_event.type != KVM_SYSTEM_EVENT_SHUTDOWN)
        die("the guest did not shut down: system event %d", (int)vm.run->system_event.type);
    print("vmm: the guest has shut down\nvmm: OK\n");
    return 0;
}
