# A hypervisor small enough to read in one sitting, with one guest.
#
# OpenSBI (fw_jump) starts it in HS-mode at 0x80200000, with the hart id in a0 and the device tree in
# a1. It maps a few pages for a guest, lets it run in VS-mode, and reports what makes the guest trap.
# Then it asks the hart those questions to which drafts 0.6.1 and 1.0 give different answers, and
# says whose answers it got. CSRs that one of the drafts lacks are written as numbers, so that
# the same file assembles for both, and the same binary runs on both.

    .option norvc                   # the probes step over instructions of four bytes
    .option norelax

    .include "constants.inc"
    .include "macros.inc"

    .section .text
    .globl _start
_start:
    la      sp, guest_registers     # the stack grows down from there; see exits.inc
    mv      s0, a0
    mv      s1, a1
    la      t0, unexpected_trap
    csrw    stvec, t0

    say     "hyper: hello from HS-mode on hart "
    mv      a0, s0
    call    print_decimal
    call    print_newline
    lwu     t0, 0(s1)
    li      t1, DEVICE_TREE_MAGIC
    bne     t0, t1, 1f
    say_line "hyper: SBI gave us a device tree"
1:
    call    build_g_stage
    say_line "hyper: G-stage Sv39x4 in place: guest-physical to real addresses"
    call    build_vs_stage
    say_line "hyper: VS-stage Sv39 in place: guest-virtual to guest-physical"
    call    prepare_guest
    say_line "hyper: entering the guest"
    j       resume_guest

# What the guest may do, and where it starts.
prepare_guest:
    li      t0, 1 << CALL_FROM_U    # the guest's own system calls; everything else is ours
    csrw    hedeleg, t0
    li      t0, VSSIP | VSTIP | VSEIP
    csrw    hideleg, t0
    csrw    hvip, zero
    csrw    hie, zero
    li      t0, COUNTERS            # cycle, time and instret
    csrw    hcounteren, t0
    csrr    t0, time                # the guest's clock starts at zero
    neg     t0, t0
    csrw    htimedelta, t0
    li      t0, HSTATUS_SPV | HSTATUS_SPVP
    csrw    hstatus, t0             # sret is to set V
    li      t0, SSTATUS_SPP
    csrs    sstatus, t0             # … and to enter VS-mode, not VU-mode
    csrw    vsstatus, zero
    li      t0, GUEST_VIRTUAL
    csrw    sepc, t0
    la      t0, guest_exit
    csrw    stvec, t0
    ret

    .include "console.inc"
    .include "paging.inc"
    .include "exits.inc"
    .include "calls.inc"
    .include "faults.inc"
    .include "probes.inc"
    .include "ending.inc"
    .include "guest.inc"
