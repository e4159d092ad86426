/* See vm.h. */
#include "vm.h"

#define EINTR 4

static i64 check(i64 result, const char *what)
{
    if (result < 0)
        die("%s: error %d", what, (int)-result);
    return result;
}

void vm_create(struct vm *vm, u64 base, u64 size)
{
    int kvm = (int)check(sys_open("/dev/kvm", O_RDWR), "/dev/kvm");
    i64 version = sys_ioctl(kvm, KVM_GET_API_VERSION, 0);
    if (version != KVM_API_VERSION)
        die("KVM's interface has version %d, not %d", (int)version, KVM_API_VERSION);
    int machine = (int)check(sys_ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
    i64 memory = sys_map(size, -1, 0);
    if (memory < 0 && memory >= -4095)
        die("no %x bytes of memory for the guest", size);
    struct kvm_userspace_memory_region region = {0, 0, base, size, (u64)memory};
    check(sys_ioctl(machine, KVM_SET_USER_MEMORY_REGION, (u64)&region), "the guest's memory");
    i64 shared = check(sys_ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");
    vm->hart = (int)check(sys_ioctl(machine, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
    i64 run = sys_map((u64)shared, vm->hart, 0);
    if (run < 0 && run >= -4095)
        die("the virtual hart's shared page: error %d", (int)-run);
    vm->run = (struct kvm_run *)run;
    vm->memory = (u8 *)memory;
    vm->base = base;
    vm->size = size;
}

i64 vm_try_set(const struct vm *vm, u64 reg, u64 value)
{
    struct kvm_one_reg one = {reg, (u64)&value};
    return sys_ioctl(vm->hart, KVM_SET_ONE_REG, (u64)&one);
}

void vm_set(const struct vm *vm, u64 reg, u64 value)
{
    if (vm_try_set(vm, reg, value))
        die("register %x cannot be set", reg);
}

u64 vm_get(const struct vm *vm, u64 reg)
{
    u64 value = 0;
    struct kvm_one_reg one = {reg, (u64)&value};
    if (sys_ioctl(vm->hart, KVM_GET_ONE_REG, (u64)&one))
        die("register %x cannot be read", reg);
    return value;
}

u32 vm_run(const struct vm *vm)
{
    i64 error;
    do
        error = sys_ioctl(vm->hart, KVM_RUN, 0);
    while (error == -EINTR);
    check(error, "KVM_RUN");
    return vm->run->exit_reason;
}

void *vm_at(const struct vm *vm, u64 address, u64 size)
{
    u64 offset = address - vm->base;
    return offset <= vm->size && size <= vm->size - offset ? vm->memory + offset : 0;
}
