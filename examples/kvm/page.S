# The guest of exits.c: leaves to the host in each way once, then shuts down. It needs no stack and
# runs wherever it is put; both GNU's assembler and Drafthart's take it.
        .option norvc
        .globl  page
        .globl  page_end
page:
        li      s0, 0x10000000          # nothing is there: each access is the host's to answer
        li      t0, 0x4b
        sb      t0, 0(s0)
        li      t0, 0x12345678
        sw      t0, 4(s0)
        lw      s1, 8(s0)               # the host answers 0x1234cafe
        lbu     s2, 12(s0)              # and 0xfe
        .option rvc
        c.ld    a3, 16(s0)              # and 0x0123456789abcdef, to a 16-bit instruction
        .option norvc
        sd      s1, 24(s0)              # what arrived here
        sd      s2, 32(s0)
        sd      a3, 40(s0)
        li      a7, 0x08000001          # SBI: an experimental extension, which is the host's
        li      a6, 7
        li      a0, 0x111
        li      a1, 0x222
        ecall
        sd      a0, 48(s0)              # its error
        sd      a1, 56(s0)              # its value
        li      a7, 0x53525354          # SBI: system reset, shut down, no reason
        li      a6, 0
        li      a0, 0
        li      a1, 0
        ecall
        sd      a0, 64(s0)              # not reached
1:      j       1b
page_end:
