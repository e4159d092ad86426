/* Numbers and hints that generated code and the engine share. C11 with the extensions of gcc and clang. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned __int128 u128;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef __int128 i128;

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define INLINE static inline __attribute__((always_inline, unused))
#define OUTLINE static __attribute__((noinline, unused))

#if defined(__has_attribute)
#if __has_attribute(musttail)
#define TAIL __attribute__((musttail))
#endif
#endif
#ifndef TAIL
#define TAIL /* older compilers of gcc's family do it unasked from -O2 on */
#endif

/* A call within an expression, and as a statement, that may end the instruction: then its caller
   returns `result`, which nobody looks at. */
#define TRY(result, call) ({ __auto_type _value = (call); if (UNLIKELY(h->ended)) return result; _value; })
#define DO(result, call) do { call; if (UNLIKELY(h->ended)) return result; } while (0)

/* Operators of the operation language that C leaves undefined for some operands. */

INLINE u64 shift_left_64(u64 value, u64 amount) { return amount < 64 ? value << amount : 0; }
INLINE u64 shift_right_64(u64 value, u64 amount) { return amount < 64 ? value >> amount : 0; }
INLINE u64 shift_right_signed_64(i64 value, u64 amount) { return (u64)(value >> (amount < 64 ? amount : 63)); }
INLINE u128 shift_left_128(u128 value, u64 amount) { return amount < 128 ? value << amount : 0; }
INLINE u128 shift_right_128(u128 value, u64 amount) { return amount < 128 ? value >> amount : 0; }
INLINE u128 shift_right_signed_128(i128 value, u64 amount) { return (u128)(value >> (amount < 128 ? amount : 127)); }

/* A wide amount of a shift: beyond 64 bits all of them shift everything out. */
INLINE u64 narrow_amount(u128 amount) { return amount >> 64 ? ~(u64)0 : (u64)amount; }

INLINE u64 ones_64(unsigned width) { return ~(u64)0 >> (64 - width); }
INLINE i64 signed_64(u64 value, unsigned width) { return (i64)(value << (64 - width)) >> (64 - width); }
INLINE u128 ones_128(unsigned width) { return ~(u128)0 >> (128 - width); }
INLINE i128 signed_128(u128 value, unsigned width) { return (i128)(value << (128 - width)) >> (128 - width); }

/* Division as RISC-V has it: by zero all ones, or the dividend; the overflow wraps. */
#define DIVISION(bits)                                                                            \
    INLINE u##bits divide_##bits(u##bits a, u##bits b, unsigned width) {                          \
        return b ? a / b : ones_##bits(width);                                                    \
    }                                                                                             \
    INLINE u##bits remainder_##bits(u##bits a, u##bits b, unsigned width) {                       \
        (void)width;                                                                              \
        return b ? a % b : a;                                                                     \
    }                                                                                             \
    INLINE u##bits divide_signed_##bits(u##bits a, u##bits b, unsigned width) {                   \
        i##bits x = signed_##bits(a, width), y = signed_##bits(b, width);                         \
        if (y == 0) return ones_##bits(width);                                                    \
        return (y == -1 ? (u##bits)0 - (u##bits)x : (u##bits)(x / y)) & ones_##bits(width);       \
    }                                                                                             \
    INLINE u##bits remainder_signed_##bits(u##bits a, u##bits b, unsigned width) {                \
        i##bits x = signed_##bits(a, width), y = signed_##bits(b, width);                         \
        if (y == 0) return a;                                                                     \
        return (y == -1 ? 0 : (u##bits)(x % y)) & ones_##bits(width);                             \
    }
DIVISION(64)
DIVISION(128)
#undef DIVISION
