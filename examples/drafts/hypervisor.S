# One small hypervisor for every draft from 0.1 to 1.0.
#
# It starts in M-mode without firmware, runs one guest through two stages of translation, emulates
# a device that the guest reads, injects a timer interrupt, and prints PASS. Assembled for a draft, it
# is a hypervisor as that draft wants it:
#
#     drafthart asm hypervisor.S --revision h@0.4
#     drafthart run --revision h@0.4 --allow-unstable h@0.4 hypervisor.elf
#
# (0.1 has no numbers for its CSRs: give both commands --overlay specs/overlays/h-0.1.yaml.)
#
# On a hart of another draft it fails where the two drafts part, and says in which step that is.
# docs/examples.md shows all pairs.
#
#   drafts.inc   what differs between the drafts: read it to see what a port from one to another changes
#   steps.inc    says what is done, compares what is found with what is wanted, ends the run
#   paging.inc   the page tables of both stages
#   switch.inc   into the guest and out of it
#   guest.inc    the guest: a kernel in VS-mode and two instructions in VU-mode
#
# What follows here is the same for all drafts.

    .option norvc                   # the hypervisor steps over instructions of four bytes

# The guest's calls: the number in a0, and what it tells in a1.
    .equ CALL_HELLO, 1
    .equ CALL_READ, 2               # a1: what the device read
    .equ CALL_READY, 3              # for an interrupt
    .equ CALL_TRAPPED, 4            # a1: the scause that the guest's kernel found

# Codes of exceptions and interrupts that are the same in all drafts.
    .equ ILLEGAL, 2
    .equ CALL_FROM_VU, 8
    .equ CALL_FROM_VS, 10
    .equ LOAD_PAGE, 13
    .equ PAGE_FAULTS, 1 << 12 | 1 << 13 | 1 << 15
    .equ TIMER, 5
    .equ TIMER_BIT, 1 << TIMER
    .equ INTERRUPT, 1 << 63

    .equ DEVICE_ANSWER, 42
    .equ COUNTERS, 7                # cycle, time and instret

    .section .text
    .globl _start
_start:                             # first of all, for machines that start at 0x80000000
    j       machine_start

    .include "steps.inc"
    .include "paging.inc"
    .include "drafts.inc"
    .include "switch.inc"
    .include "guest.inc"

# M-mode: what firmware does for a hypervisor.
machine_start:
    la      sp, stack
    la      t0, machine_trap
    csrw    mtvec, t0
    li      t0, -1                  # all memory to all modes
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    li      t0, COUNTERS
    csrw    mcounteren, t0

    step    "M-mode: what HS-mode is to handle (csr:medeleg)"
    li      t0, 1 << ILLEGAL | 1 << CALL_FROM_VU | 1 << CALL_FROM_VS | PAGE_FAULTS | NEW_CAUSES
    csrw    medeleg, t0
    check_new_causes
    li      t0, sip.SSIP | sip.STIP | sip.SEIP
    csrw    mideleg, t0

    step    "M-mode: go to HS-mode (insn:mret)"
    li      t0, mstatus.MPP | mstatus.MPV
    csrc    mstatus, t0
    li      t0, 1 << shift(mstatus.MPP)
    csrs    mstatus, t0
    la      t0, hyper_start
    csrw    mepc, t0
    mret

# HS-mode: the hypervisor.
hyper_start:
    la      t0, hyper_trap
    csrw    stvec, t0
    la      s0, guest_registers     # register n of the guest is at 8 * n from here

    step    "HS-mode: what the guest is to handle itself (csr:hedeleg)"
    li      t0, 1 << CALL_FROM_VU | GUESTS_OWN_CAUSES
    csrw    hedeleg, t0
    csrr    t0, hedeleg
    check_set t0, 1 << CALL_FROM_VU, "hedeleg takes calls from VU-mode (csr:hedeleg)"

    step    "HS-mode: which interrupts are for the guest (csr:hideleg)"
    li      t0, GUESTS_INTERRUPTS
    csrw    hideleg, t0
    csrr    t0, hideleg
    check_set t0, GUESTS_INTERRUPTS, "hideleg takes the guest's timer interrupt (csr:hideleg)"

    configure_guest

    call    build_second_stage
    start_second_stage
    call    build_first_stage
    start_first_stage

    step    "HS-mode: enter the guest (csr:hstatus.SPV)"
    li      t0, sstatus.SPP
    csrs    sstatus, t0             # into its kernel
    la      t0, guest_start
    csrw    sepc, t0
    prepare_return_to_guest
    call    run_guest
    check_call CALL_HELLO
    check_mode_of_guest
    say     "guest: hello from VS-mode"

    # The guest's page table maps a device; the second stage does not.
    step    "HS-mode: a load that the second stage refuses"
    call    skip_and_run_guest
    check_second_stage_fault
    read_guest_instruction
    li      t1, 0xffffffff
    and     t0, t0, t1
    check   t0, 0x0042a583, "the guest's instruction is lw a1, 4(t0)"
    li      t0, DEVICE_ANSWER
    sd      t0, 8*11(s0)            # a1
    call    skip_and_run_guest
    check_call CALL_READ
    ld      t0, 8*11(s0)
    check   t0, DEVICE_ANSWER, "the guest got what the device answers"
    say     "guest: the device answers 42"

    # What a guest may not do, and its hypervisor emulates or does not.
    step    "HS-mode: the guest reads hstatus, which is not for it"
    call    skip_and_run_guest
    check_refused
    trap_waiting
    call    skip_and_run_guest
    check_refused

    call    skip_and_run_guest
    check_call CALL_READY
    inject_timer
    call    skip_and_run_guest
    check_call CALL_TRAPPED
    ld      t0, 8*11(s0)
    check   t0, INTERRUPT | TIMER, "the guest is interrupted, with the code 5 (interrupt:5)"
    say     "guest: timer interrupt"
    withdraw_timer

    # Its kernel withholds the counters from its user mode.
    step    "HS-mode: the guest's user mode reads cycle (csr:scounteren)"
    call    skip_and_run_guest
    check_counter_refused
    call    skip_and_run_guest
    check_call CALL_TRAPPED
    ld      t0, 8*11(s0)
    check   t0, CALL_FROM_VU, "the guest's kernel gets the call of its user mode (csr:hedeleg)"
    say     "PASS"
    li      t0, FINISHER_PASS
    j       finish
