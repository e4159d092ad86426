# Between the hypervisor (HS-mode) and its guests (VS-mode). A `struct guest` begins with the guest's
# registers, by number; instead of x0 its pc; then the hypervisor's stack pointer.
    .option norelax

# From M-mode to HS-mode: the rest of work() runs there. PMP, where there is any, allows all.
    .globl enter_hypervisor
enter_hypervisor:                   # a0: satp
    csrr t1, mtvec
    la   t0, 1f
    csrw mtvec, t0
    li   t0, -1
    csrw pmpaddr0, t0
    li   t0, 0x1f
    csrw pmpcfg0, t0
    .align 2
1:  csrw mtvec, t1
    li   t0, 1 << 10                # exceptions of the hypervisor's concern: calls from VS-mode
    csrw medeleg, t0
    csrw satp, a0
    sfence.vma
    li   t0, 3 << 11                # mstatus.MPP: 1
    csrc mstatus, t0
    li   t0, 1 << 11
    csrs mstatus, t0
    la   t0, from_guest
    csrw stvec, t0
    csrw mepc, ra
    mret

# Run a guest until it traps.
    .globl run_guest
run_guest:                          # a0: struct guest
    addi sp, sp, -112
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11
    sd   s\r, 8*\r(sp)
    .endr
    sd   ra, 96(sp)
    sd   sp, 256(a0)
    csrw sscratch, a0
    ld   t0, 0(a0)
    csrw sepc, t0
    .irp r, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld   x\r, 8*\r(a0)
    .endr
    ld   a0, 80(a0)
    sret

    .align 2
from_guest:
    csrrw a0, sscratch, a0
    .irp r, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd   x\r, 8*\r(a0)
    .endr
    csrr t0, sscratch
    sd   t0, 80(a0)
    csrr t0, sepc
    sd   t0, 0(a0)
    ld   sp, 256(a0)
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11
    ld   s\r, 8*\r(sp)
    .endr
    ld   ra, 96(sp)
    addi sp, sp, 112
    csrr a0, scause
    ret
