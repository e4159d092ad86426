# Turns floating point on, runs the kernel, and leaves by the test finisher.
    .globl _start
_start:
    li   t0, 3 << 13
    csrs mstatus, t0
    la   sp, stack_top
    la   a0, results
    call kernel
    li   t0, 0x100000
    li   t1, 0x5555
    sw   t1, 0(t0)
1:  j    1b

    .bss
    .align 4
    .globl results
results:   .skip 48
    .skip 0x4000
stack_top:
