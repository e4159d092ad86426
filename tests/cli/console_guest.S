# Asks for a line, says it back, and so on; "bye" ends it. All through the UART at 0x10000000.
    .globl _start
_start:
    li s0, 0x10000000
    la s2, buffer
ask:
    la a0, prompt
    jal print
    mv s1, s2
more:
    lbu t0, 5(s0)           # LSR
    andi t0, t0, 1
    beqz t0, more
    lbu t1, 0(s0)
    li t2, 13
    beq t1, t2, line
    li t2, 10
    beq t1, t2, line
    sb t1, 0(s0)
    sb t1, 0(s1)
    addi s1, s1, 1
    j more
line:
    sb zero, 0(s1)
    la a0, said
    jal print
    mv a0, s2
    jal print
    la a0, newline
    jal print
    lbu t0, 0(s2)
    li t1, 'b'
    bne t0, t1, ask
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    j .
print:
    lbu t0, 0(a0)
    beqz t0, 1f
    sb t0, 0(s0)
    addi a0, a0, 1
    j print
1:  ret
    .section .rodata
prompt: .string "name? "
said: .string "\r\nhello "
newline: .string "\r\n"
    .bss
    .align 3
buffer: .zero 256
