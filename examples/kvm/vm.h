/* A virtual machine with one hart and one range of memory. Each of these ends the program with a
 * message where KVM refuses. */
#ifndef VM_H
#define VM_H

#include "kvm.h"

struct vm {
    int hart;
    volatile struct kvm_run *run;
    u8 *memory;
    u64 base; /* guest-physical */
    u64 size;
};

void vm_create(struct vm *vm, u64 base, u64 size);
void vm_set(const struct vm *vm, u64 reg, u64 value);
u64 vm_get(const struct vm *vm, u64 reg);
/* 0, or -errno where this kernel has no such register. */
i64 vm_try_set(const struct vm *vm, u64 reg, u64 value);
/* Run the guest to its next exit, and return the reason. */
u32 vm_run(const struct vm *vm);
/* The guest's memory from a guest-physical address on; a null pointer if not all is in it. */
void *vm_at(const struct vm *vm, u64 address, u64 size);

#endif
