/* The part of Linux's KVM interface that the programs here use; Documentation/virt/kvm/api.rst of
 * the kernel's source describes it. */
#ifndef KVM_H
#define KVM_H

#include "sys.h"

enum {
    KVM_API_VERSION = 12,
    KVM_GET_API_VERSION = 0xae00,
    KVM_CREATE_VM = 0xae01,
    KVM_GET_VCPU_MMAP_SIZE = 0xae04,
    KVM_CREATE_VCPU = 0xae41,
    KVM_SET_USER_MEMORY_REGION = 0x4020ae46,
    KVM_RUN = 0xae80,
    KVM_GET_ONE_REG = 0x4010aeab,
    KVM_SET_ONE_REG = 0x4010aeac,
};

enum {
    KVM_EXIT_MMIO = 6,
    KVM_EXIT_FAIL_ENTRY = 9,
    KVM_EXIT_INTR = 10,
    KVM_EXIT_INTERNAL_ERROR = 17,
    KVM_EXIT_SYSTEM_EVENT = 24,
    KVM_EXIT_RISCV_SBI = 35,
};

enum { KVM_SYSTEM_EVENT_SHUTDOWN = 1, KVM_SYSTEM_EVENT_RESET = 2 };

struct kvm_userspace_memory_region {
    u32 slot;
    u32 flags;
    u64 guest_phys_addr;
    u64 memory_size;
    u64 userspace_addr;
};

struct kvm_one_reg {
    u64 id;
    u64 addr;
};

struct kvm_run {
    u8 request_interrupt_window;
    u8 immediate_exit;
    u8 padding1[6];
    u32 exit_reason;
    u8 padding2[20];
    union {
        struct {
            u64 phys_addr;
            u8 data[8];
            u32 len;
            u8 is_write;
        } mmio;
        struct {
            u32 type;
            u32 ndata;
            u64 data[16];
        } system_event;
        struct {
            u64 extension_id;
            u64 function_id;
            u64 args[6];
            u64 ret[2];
        } riscv_sbi;
    };
};

/* Registers of a virtual hart: all are 64 bits wide here. */
#define KVM_REG(type, number) (0x8030000000000000UL | (u64)(type) << 24 | (u64)(number))
#define KVM_REG_ISA KVM_REG(1, 0)       /* bits as in misa */
#define KVM_REG_PC KVM_REG(2, 0)
#define KVM_REG_X(number) KVM_REG(2, number)
#define KVM_REG_FREQUENCY KVM_REG(4, 0) /* of the time CSR, in Hz */
#define KVM_REG_SBI(number) KVM_REG(8, number)
#define KVM_SBI_DEBUG_CONSOLE 9

#endif
