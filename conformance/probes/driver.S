# Runs probes from a table and notes what each one left behind.
#
# A probe: (action, mstatus, a0, a1, exit), then its setup, pairs of a routine and its argument, then
# a zero. The driver applies `baseline` and the setup in M-mode, enters the action by MRET and waits
# for a trap into M-mode. Actions may use the registers a0 to a7 and t0 to t6; these are the driver's:
#
#   s0 probe   s1 record   s2 setup   s5 the routine's return   s6 address for store_word
#   s7 instructions of the setup that trapped   s8 1 while an action runs, else a trap skips
#   s9 1 once the action is complete   s10 exit by ecall rather than ebreak
#   s11 a hexadecimal digit for each handler entered below M-mode: 2 HS, 3 VS

    .text
    .globl  _start
_start:
    la      t0, trap_to_m
    csrw    mtvec, t0
    li      s8, 0
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f                # NAPOT, all permissions
    csrw    pmpcfg0, t0
    la      s2, prologue
    call    run_setup
    fence.i
    la      s0, probes
    la      s1, begin_signature

next_probe:
    ld      t0, 0(s0)
    beqz    t0, report
    li      s7, 0
    la      s2, baseline
    call    run_setup
    addi    s2, s0, 40
    call    run_setup
    call    fence_translations
    ld      t0, 0(s0)
    csrw    mepc, t0
    ld      a0, 16(s0)
    ld      a1, 24(s0)
    ld      s10, 32(s0)
    ld      t0, 8(s0)
    csrw    mstatus, t0
    mv      s0, s2
    li      s9, 0
    li      s11, 0
    li      s8, 1
    mret

# s2: pairs of routine and argument, closed by a zero; leaves s2 behind it.
run_setup:
    mv      s5, ra
1:
    ld      t0, 0(s2)
    addi    s2, s2, 8
    beqz    t0, 2f
    ld      a0, 0(s2)
    addi    s2, s2, 8
    jalr    t0
    j       1b
2:
    jr      s5

choose_address:
    mv      s6, a0
    ret
store_word:
    sd      a0, 0(s6)
    ret

    .balign 4
trap_to_m:
    beqz    s8, skip
    li      s8, 0
    addi    t5, s9, 2               # bit 17: there is a record
    slli    t5, t5, 16
    or      t5, t5, s11
    slli    t6, s7, 32
    or      t5, t5, t6
    sd      a0, 8(s1)
    sd      a1, 16(s1)
    call    observe                 # leaves s1 behind the record
    sd      t5, -8*RECORD_WORDS(s1) # last: what is read earlier is no record
    j       next_probe
skip:
    csrr    t6, mepc
    addi    t6, t6, 4
    csrw    mepc, t6
    addi    s7, s7, 1
    mret

    .balign 4
trap_to_hs:
    slli    s11, s11, 4
    ori     s11, s11, 2
    j       leave

    .balign 4
trap_to_vs:
    slli    s11, s11, 4
    ori     s11, s11, 3
    j       leave

done:
    li      s9, 1
leave:
    bnez    s10, 1f
by_ebreak:
    ebreak
1:
    ecall

# Print the records, one a line, and end the run.
report:
    la      t0, console
    ld      s3, 0(t0)
    beqz    s3, 8f
    la      s0, begin_signature
2:
    bgeu    s0, s1, 8f
    li      s2, RECORD_WORDS
3:
    ld      a0, 0(s0)
    addi    s0, s0, 8
    li      t2, 60
4:
    srl     t0, a0, t2              # find the first digit that is not zero, or the last one
    bnez    t0, 5f
    beqz    t2, 5f
    addi    t2, t2, -4
    j       4b
5:
    srl     t0, a0, t2
    andi    t0, t0, 15
    la      t1, digits
    add     t1, t1, t0
    lbu     a1, 0(t1)
    call    put
    addi    t2, t2, -4
    bgez    t2, 5b
    addi    s2, s2, -1
    li      a1, ' '
    bnez    s2, 6f
    li      a1, '\n'
6:
    call    put
    bnez    s2, 3b
    j       2b
8:
    .globl  finish                  # where debuggers stop: all records are in memory
finish:
    la      t0, tohost
    li      t1, 1
    sd      t1, 0(t0)
    li      t0, EXIT
    li      t1, EXIT_VALUE
    sw      t1, 0(t0)
    .globl  parked                  # where debuggers leave the hart
parked:
    j       parked

# a1: a character for the 16550 at s3, or for HTIF's console if that is tohost.
put:
    la      t0, tohost
    beq     s3, t0, put_by_htif
1:
    lbu     t1, 5(s3)
    andi    t1, t1, 0x20            # the transmitter is empty
    beqz    t1, 1b
    sb      a1, 0(s3)
    ret
put_by_htif:
    li      t1, 0x0101000000000000  # device 1, command 1
    or      a1, a1, t1
    sd      a1, 0(t0)
1:
    sd      zero, 8(t0)             # whatever it answers
    ld      t1, 0(t0)               # zero once it is taken
    bnez    t1, 1b
    ret

    .section .rodata
digits:
    .ascii  "0123456789abcdef"
    .data
    .balign 64
    .globl  console
console:                            # its address; whoever reads the records in memory writes 0
    .dword  CONSOLE
    .globl  tohost
tohost:
    .dword  0
fromhost:
    .dword  0

# For Vectored mode: a0 tells how far behind the base the trap entered.
    .text
    .balign 256
vector_to_hs:
    .rept   16
    jal     t0, vectored_to_hs
    .endr
    .balign 256
vector_to_vs:
    .rept   16
    jal     t0, vectored_to_vs
    .endr
vectored_to_hs:
    andi    a0, t0, 0xff
    j       trap_to_hs
vectored_to_vs:
    andi    a0, t0, 0xff
    j       trap_to_vs
