/* What architecture tests ask of a model: how a test ends, where its signature lies, and how the
   interrupts of the CLINT are raised and cleared. */
#ifndef DRAFTHART_MODEL_TEST_H
#define DRAFTHART_MODEL_TEST_H

#define RVMODEL_BOOT

/* A store of 1 to tohost ends the run with status 0. */
#define RVMODEL_HALT     \
        la      t0, tohost; \
        li      t1, 1;   \
98:     sw      t1, 0(t0); \
        sw      zero, 4(t0); \
        j       98b;

#define RVMODEL_DATA_BEGIN                   \
        .balign 16;                          \
        .globl  begin_signature;             \
begin_signature:

#define RVMODEL_DATA_END                     \
        .balign 16;                          \
        .globl  end_signature;               \
end_signature:                               \
        .pushsection .tohost, "aw", @progbits; \
        .balign 64;                          \
        .globl  tohost;                      \
tohost: .dword  0;                           \
        .balign 64;                          \
        .globl  fromhost;                    \
fromhost: .dword 0;                          \
        .popsection;

/* Tests print nothing: the signature tells all. */
#define RVMODEL_IO_INIT
#define RVMODEL_IO_WRITE_STR(register, text)
#define RVMODEL_IO_CHECK()
#define RVMODEL_IO_ASSERT_GPR_EQ(stack, register, value)
#define RVMODEL_IO_ASSERT_SFPR_EQ(register, stack, value)
#define RVMODEL_IO_ASSERT_DFPR_EQ(register, stack, value)

/* The CLINT: msip at its start, mtimecmp at 0x4000. */
#define RVMODEL_SET_MSW_INT      \
        li      t0, 0x2000000;   \
        li      t1, 1;           \
        sw      t1, 0(t0);
#define RVMODEL_CLEAR_MSW_INT    \
        li      t0, 0x2000000;   \
        sw      zero, 0(t0);
#define RVMODEL_CLEAR_MTIMER_INT \
        li      t0, 0x2004000;   \
        li      t1, -1;          \
        sd      t1, 0(t0);
#define RVMODEL_CLEAR_MEXT_INT

#endif
