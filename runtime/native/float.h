/* IEEE 754-2008 arithmetic on bit patterns, for binary32 and binary64: the primitives `float_…` of
 * the operation language (docs/format.md). All five rounding directions, all five flags, no use of
 * the host's floating-point environment, no libraries.
 *
 * A value is a uint64_t; a binary32 is in its low half, and the upper half is zero. `rm` is 0 to 4:
 * nearest-even, toward zero, down, up, nearest-away. Flags raised are ORed into *flags. What the
 * standard leaves open is as RISC-V has it: every NaN result is the canonical one, underflow is
 * detected after rounding, and a fused infinity times zero is invalid whatever is added.
 *
 * Most operations could also be the host's own. That path is taken only where its result is known
 * to be exact to the flag: to nearest-even, with the inexact flag already set, and a result so far
 * from both ends of the range that no other flag can be raised.
 *
 * Include it by its path, in quotes: a folder with this file is no place for -I, as <float.h> is C's.
 */
#ifndef DRAFTHART_FLOAT_H
#define DRAFTHART_FLOAT_H

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { FLOAT_NX = 1, FLOAT_UF = 2, FLOAT_OF = 4, FLOAT_DZ = 8, FLOAT_NV = 16 };
enum { FLOAT_RNE, FLOAT_RTZ, FLOAT_RDN, FLOAT_RUP, FLOAT_RMM };

/* Define FLOAT_NO_HOST to have the integer path alone. */
#if !defined(FLOAT_NO_HOST) && defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 0 && !defined(__FAST_MATH__)
#define FLOAT_HOST 1
#else
#define FLOAT_HOST 0
#endif

__extension__ typedef unsigned __int128 float_u128;

/* A format by its size in bytes, which is a constant at each use. */
#define FLOAT_FRACTION(size) ((size) == 8 ? 52 : 23)                       /* bits of the fraction */
#define FLOAT_BIAS(size) ((size) == 8 ? 1023 : 127)
#define FLOAT_SIGN(size) (UINT64_C(1) << (8 * (size) - 1))
#define FLOAT_INFINITY(size) ((size) == 8 ? UINT64_C(0x7FF0000000000000) : UINT64_C(0x7F800000))
#define FLOAT_NAN(size) ((size) == 8 ? UINT64_C(0x7FF8000000000000) : UINT64_C(0x7FC00000))
#define FLOAT_QUIET(size) (UINT64_C(1) << (FLOAT_FRACTION(size) - 1))

static inline int float_is_nan(uint64_t a, int size) {
    return (a & ~FLOAT_SIGN(size)) > FLOAT_INFINITY(size);
}

static inline int float_is_infinite(uint64_t a, int size) {
    return (a & ~FLOAT_SIGN(size)) == FLOAT_INFINITY(size);
}

static inline int float_is_zero(uint64_t a, int size) {
    return (a & ~FLOAT_SIGN(size)) == 0;
}

static inline int float_is_signaling(uint64_t a, int size) {
    return float_is_nan(a, size) && !(a & FLOAT_QUIET(size));
}

static inline int float_is_negative(uint64_t a, int size) {
    return (a & FLOAT_SIGN(size)) != 0;
}

static inline uint64_t float_signed(uint64_t magnitude, int negative, int size) {
    return negative ? magnitude | FLOAT_SIGN(size) : magnitude;
}

static inline uint64_t float_invalid(uint8_t *flags, int size) {
    *flags |= FLOAT_NV;
    return FLOAT_NAN(size);
}

/* The result of an operation that has a NaN among its operands. */
static inline uint64_t float_nan2(uint8_t *flags, uint64_t a, uint64_t b, int size) {
    if (float_is_signaling(a, size) || float_is_signaling(b, size))
        *flags |= FLOAT_NV;
    return FLOAT_NAN(size);
}

/* A finite number other than zero: significand * 2^(exponent - 63), bit 63 of the significand set. */
typedef struct {
    int negative;
    int exponent;
    uint64_t significand;
} float_number;

static inline float_number float_unpack(uint64_t a, int size) {
    const int fraction = FLOAT_FRACTION(size);
    float_number n;
    int biased = (int)((a & ~FLOAT_SIGN(size)) >> fraction);
    uint64_t bits = a & ((UINT64_C(1) << fraction) - 1);
    n.negative = float_is_negative(a, size);
    if (biased == 0) {
        int zeros = __builtin_clzll(bits);
        n.significand = bits << zeros;
        n.exponent = 1 - FLOAT_BIAS(size) - fraction + 63 - zeros;
    } else {
        n.significand = (bits | UINT64_C(1) << fraction) << (63 - fraction);
        n.exponent = biased - FLOAT_BIAS(size);
    }
    return n;
}

/* value / 2^shift, rounded to an integer; *inexact tells whether it was none. Shift is 0 or more. */
static inline uint64_t float_round_shift(uint64_t value, int shift, int negative, unsigned rm, int *inexact) {
    uint64_t quotient, rest, half;
    if (shift == 0) {
        *inexact = 0;
        return value;
    }
    if (shift > 64) { /* less than half, however much */
        rest = value != 0;
        shift = 64;
    } else
        rest = shift == 64 ? value : value & ((UINT64_C(1) << shift) - 1);
    quotient = shift == 64 ? 0 : value >> shift;
    half = UINT64_C(1) << (shift - 1);
    *inexact = rest != 0;
    switch (rm) {
    case FLOAT_RTZ:
        return quotient;
    case FLOAT_RDN:
        return quotient + (negative && rest);
    case FLOAT_RUP:
        return quotient + (!negative && rest);
    case FLOAT_RMM:
        return quotient + (rest >= half);
    default:
        return quotient + (rest > half || (rest == half && (quotient & 1)));
    }
}

/* The number as a float. Bit 0 of the significand may stand for anything below it. */
static inline uint64_t float_round(uint8_t *flags, float_number n, unsigned rm, int size) {
    const int fraction = FLOAT_FRACTION(size), least = 1 - FLOAT_BIAS(size);
    int shift = 63 - fraction, exponent = n.exponent, tiny = 0, inexact;
    uint64_t bits;
    if (exponent > FLOAT_BIAS(size))
        goto overflow;
    if (exponent < least) {
        /* Tiny unless rounding at full precision would reach the least normal number. */
        tiny = exponent < least - 1
               || !(float_round_shift(n.significand, shift, n.negative, rm, &inexact) >> (fraction + 1));
        shift = least - exponent > 64 ? 65 : shift + (least - exponent);
        exponent = least;
    }
    bits = float_round_shift(n.significand, shift, n.negative, rm, &inexact);
    /* The leading bit, where there is one, adds 1 to the exponent; so does a carry. */
    bits += (uint64_t)(exponent - least) << fraction;
    if (bits >= FLOAT_INFINITY(size))
        goto overflow;
    if (inexact)
        *flags |= tiny ? FLOAT_UF | FLOAT_NX : FLOAT_NX;
    return float_signed(bits, n.negative, size);
overflow:
    *flags |= FLOAT_OF | FLOAT_NX;
    bits = FLOAT_INFINITY(size);
    if (rm == FLOAT_RTZ || rm == (n.negative ? FLOAT_RUP : FLOAT_RDN))
        bits -= 1; /* the greatest finite number */
    return float_signed(bits, n.negative, size);
}

static inline uint64_t float_jam(uint64_t value, int shift) {
    if (shift == 0)
        return value;
    return shift > 63 ? value != 0 : value >> shift | ((value & ((UINT64_C(1) << shift) - 1)) != 0);
}

static inline float_u128 float_jam_wide(float_u128 value, int shift) {
    if (shift == 0)
        return value;
    return shift > 127 ? value != 0 : value >> shift | ((value & (((float_u128)1 << shift) - 1)) != 0);
}

static inline uint64_t float_soft_add(uint8_t *flags, uint64_t a, uint64_t b, unsigned rm, int size) {
    float_number x, y, sum;
    uint64_t small;
    if (float_is_nan(a, size) || float_is_nan(b, size))
        return float_nan2(flags, a, b, size);
    if (float_is_infinite(a, size)) {
        if (float_is_infinite(b, size) && a != b)
            return float_invalid(flags, size);
        return a;
    }
    if (float_is_infinite(b, size))
        return b;
    if (float_is_zero(b, size)) {
        if (!float_is_zero(a, size) || a == b)
            return a;
        return float_signed(0, rm == FLOAT_RDN, size);
    }
    if (float_is_zero(a, size))
        return b;
    x = float_unpack(a, size);
    y = float_unpack(b, size);
    if (x.exponent < y.exponent || (x.exponent == y.exponent && x.significand < y.significand)) {
        float_number other = x;
        x = y;
        y = other;
    }
    /* One bit of room above, and ten or more below. */
    small = float_jam(y.significand >> 1, x.exponent - y.exponent);
    sum.negative = x.negative;
    sum.significand = x.significand >> 1;
    if (x.negative == y.negative)
        sum.significand += small;
    else
        sum.significand -= small;
    if (sum.significand == 0)
        return float_signed(0, rm == FLOAT_RDN, size);
    int zeros = __builtin_clzll(sum.significand);
    sum.significand <<= zeros;
    sum.exponent = x.exponent + 1 - zeros;
    return float_round(flags, sum, rm, size);
}

static inline uint64_t float_soft_mul(uint8_t *flags, uint64_t a, uint64_t b, unsigned rm, int size) {
    int negative = float_is_negative(a ^ b, size);
    float_number x, y;
    float_u128 product;
    if (float_is_nan(a, size) || float_is_nan(b, size))
        return float_nan2(flags, a, b, size);
    if (float_is_infinite(a, size) || float_is_infinite(b, size)) {
        if (float_is_zero(a, size) || float_is_zero(b, size))
            return float_invalid(flags, size);
        return float_signed(FLOAT_INFINITY(size), negative, size);
    }
    if (float_is_zero(a, size) || float_is_zero(b, size))
        return float_signed(0, negative, size);
    x = float_unpack(a, size);
    y = float_unpack(b, size);
    product = (float_u128)x.significand * y.significand;
    x.exponent += y.exponent + 1;
    if (!(product >> 127)) {
        product <<= 1;
        x.exponent -= 1;
    }
    x.negative = negative;
    x.significand = (uint64_t)float_jam_wide(product, 64);
    return float_round(flags, x, rm, size);
}

static inline uint64_t float_soft_div(uint8_t *flags, uint64_t a, uint64_t b, unsigned rm, int size) {
    int negative = float_is_negative(a ^ b, size);
    float_number x, y;
    float_u128 dividend;
    uint64_t quotient;
    int zeros;
    if (float_is_nan(a, size) || float_is_nan(b, size))
        return float_nan2(flags, a, b, size);
    if (float_is_infinite(a, size)) {
        if (float_is_infinite(b, size))
            return float_invalid(flags, size);
        return float_signed(FLOAT_INFINITY(size), negative, size);
    }
    if (float_is_infinite(b, size))
        return float_signed(0, negative, size);
    if (float_is_zero(b, size)) {
        if (float_is_zero(a, size))
            return float_invalid(flags, size);
        *flags |= FLOAT_DZ;
        return float_signed(FLOAT_INFINITY(size), negative, size);
    }
    if (float_is_zero(a, size))
        return float_signed(0, negative, size);
    x = float_unpack(a, size);
    y = float_unpack(b, size);
    dividend = (float_u128)x.significand << 63;
    quotient = (uint64_t)(dividend / y.significand);
    quotient |= dividend % y.significand != 0;
    zeros = __builtin_clzll(quotient); /* 0 or 1 */
    x.significand = quotient << zeros;
    x.exponent -= y.exponent + zeros;
    x.negative = negative;
    return float_round(flags, x, rm, size);
}

static inline uint64_t float_soft_sqrt(uint8_t *flags, uint64_t a, unsigned rm, int size) {
    float_number x;
    float_u128 rest, root = 0, bit;
    if (float_is_nan(a, size))
        return float_nan2(flags, a, a, size);
    if (float_is_zero(a, size))
        return a;
    if (float_is_negative(a, size))
        return float_invalid(flags, size);
    if (float_is_infinite(a, size))
        return a;
    x = float_unpack(a, size);
    /* The square root of a 127- or 128-bit number, digit by digit, has 64 bits. */
    rest = (float_u128)x.significand << (x.exponent & 1 ? 64 : 63);
    for (bit = (float_u128)1 << 126; bit; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else
            root >>= 1;
    }
    x.significand = (uint64_t)root | (rest != 0);
    x.exponent = (x.exponent - (x.exponent & 1)) / 2;
    return float_round(flags, x, rm, size);
}

static inline uint64_t float_soft_fma(uint8_t *flags, uint64_t a, uint64_t b, uint64_t c, unsigned rm, int size) {
    int negative = float_is_negative(a ^ b, size), exponent, zeros, c_exponent, swap;
    float_number x, y, z;
    float_u128 product, addend;
    if ((float_is_infinite(a, size) && float_is_zero(b, size)) || (float_is_zero(a, size) && float_is_infinite(b, size)))
        return float_invalid(flags, size);
    if (float_is_nan(a, size) || float_is_nan(b, size) || float_is_nan(c, size)) {
        float_nan2(flags, a, b, size);
        return float_nan2(flags, c, c, size);
    }
    if (float_is_infinite(a, size) || float_is_infinite(b, size)) {
        if (float_is_infinite(c, size) && float_is_negative(c, size) != negative)
            return float_invalid(flags, size);
        return float_signed(FLOAT_INFINITY(size), negative, size);
    }
    if (float_is_infinite(c, size))
        return c;
    if (float_is_zero(a, size) || float_is_zero(b, size)) {
        if (!float_is_zero(c, size) || float_is_negative(c, size) == negative)
            return c;
        return float_signed(0, rm == FLOAT_RDN, size);
    }
    if (float_is_zero(c, size)) /* a product other than zero: rounded once */
        return float_soft_mul(flags, a, b, rm, size);
    x = float_unpack(a, size);
    y = float_unpack(b, size);
    z = float_unpack(c, size);
    /* Both with bit 126 the highest; 21 bits or more below the product are zero. */
    product = (float_u128)x.significand * y.significand;
    exponent = x.exponent + y.exponent + 1;
    if (!(product >> 127)) {
        product <<= 1;
        exponent -= 1;
    }
    product >>= 1;
    addend = (float_u128)z.significand << 63;
    c_exponent = z.exponent;
    swap = exponent < c_exponent || (exponent == c_exponent && product < addend);
    if (swap) {
        float_u128 other = product;
        product = addend;
        addend = other;
        c_exponent = exponent;
        exponent = z.exponent;
    }
    addend = float_jam_wide(addend, exponent - c_exponent > 200 ? 200 : exponent - c_exponent);
    if (negative == z.negative)
        product += addend;
    else
        product -= addend;
    if (product == 0)
        return float_signed(0, rm == FLOAT_RDN, size);
    x.negative = swap ? z.negative : negative;
    zeros = product >> 64 ? __builtin_clzll((uint64_t)(product >> 64)) : 64 + __builtin_clzll((uint64_t)product);
    x.significand = (uint64_t)float_jam_wide(product << zeros, 64);
    x.exponent = exponent + 1 - zeros;
    return float_round(flags, x, rm, size);
}

static inline uint64_t float_soft_convert(uint8_t *flags, uint64_t a, unsigned rm, int source, int size) {
    if (float_is_nan(a, source)) {
        if (float_is_signaling(a, source))
            *flags |= FLOAT_NV;
        return FLOAT_NAN(size);
    }
    if (float_is_infinite(a, source))
        return float_signed(FLOAT_INFINITY(size), float_is_negative(a, source), size);
    if (float_is_zero(a, source))
        return float_signed(0, float_is_negative(a, source), size);
    return float_round(flags, float_unpack(a, source), rm, size);
}

/* To an integer of `bits` bits; one that does not fit is invalid and becomes the nearest that does. */
static inline uint64_t float_to_integer(uint8_t *flags, uint64_t a, unsigned rm, int size, int bits, int is_signed) {
    uint64_t most = UINT64_MAX >> (64 - bits + is_signed), least = is_signed ? most + 1 : 0, mask = UINT64_MAX >> (64 - bits);
    uint64_t value;
    float_number x;
    int inexact;
    if (float_is_nan(a, size)) {
        *flags |= FLOAT_NV;
        return most;
    }
    if (float_is_zero(a, size))
        return 0;
    if (float_is_infinite(a, size)) {
        *flags |= FLOAT_NV;
        return float_is_negative(a, size) ? least : most;
    }
    x = float_unpack(a, size);
    if (x.exponent > 63) {
        *flags |= FLOAT_NV;
        return x.negative ? least : most;
    }
    value = float_round_shift(x.significand, 63 - x.exponent, x.negative, rm, &inexact);
    if (value > (x.negative ? least : most)) {
        *flags |= FLOAT_NV;
        return x.negative ? least : most;
    }
    if (inexact)
        *flags |= FLOAT_NX;
    return (x.negative ? 0 - value : value) & mask;
}

static inline uint64_t float_from_integer(uint8_t *flags, uint64_t magnitude, int negative, unsigned rm, int size) {
    float_number x;
    int zeros;
    if (magnitude == 0)
        return 0;
    zeros = __builtin_clzll(magnitude);
    x.negative = negative;
    x.significand = magnitude << zeros;
    x.exponent = 63 - zeros;
    return float_round(flags, x, rm, size);
}

/* Order of two numbers, no NaNs: is a below b, or with `equal` not above it? */
static inline int float_ordered(uint64_t a, uint64_t b, int equal, int size) {
    if (float_is_zero(a, size) && float_is_zero(b, size))
        return equal;
    if (float_is_negative(a, size) != float_is_negative(b, size))
        return float_is_negative(a, size);
    if (a == b)
        return equal;
    return (a < b) != float_is_negative(a, size);
}

static inline uint64_t float_compare(uint8_t *flags, uint64_t a, uint64_t b, int equal, int size) {
    if (float_is_nan(a, size) || float_is_nan(b, size)) {
        *flags |= FLOAT_NV;
        return 0;
    }
    return (uint64_t)float_ordered(a, b, equal, size);
}

/* The host's own arithmetic. */

static inline double float_host_8(uint64_t a) {
    double value;
    memcpy(&value, &a, sizeof value);
    return value;
}

static inline float float_host_4(uint64_t a) {
    uint32_t bits = (uint32_t)a;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t float_bits_8(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t float_bits_4(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* May the host compute? Only NX could be new, and it is set. */
#define FLOAT_MAY_HOST(flags, rm) (FLOAT_HOST && (rm) == FLOAT_RNE && (*(flags) & FLOAT_NX))

/* Is the host's result far enough from the ends of the range? NaNs, infinities and zeros are not. */
static inline int float_is_ordinary(uint64_t bits, int size) {
    uint64_t room = size == 8 ? 64 : 32;
    uint64_t biased = (bits & ~FLOAT_SIGN(size)) >> FLOAT_FRACTION(size);
    return biased - room < (size == 8 ? 2046 : 254) - room;
}

#define FLOAT_BINARY(name, operator, size)                                                              \
    static inline uint64_t float_##name##_##size(uint8_t *flags, uint64_t a, uint64_t b, unsigned rm) { \
        if (FLOAT_MAY_HOST(flags, rm)) {                                                                \
            uint64_t bits = float_bits_##size(float_host_##size(a) operator float_host_##size(b));      \
            if (float_is_ordinary(bits, size))                                                          \
                return bits;                                                                            \
        }                                                                                               \
        return float_soft_##name(flags, a, b, rm, size);                                                \
    }

/* a - b is a + -b; a NaN's sign says nothing. */
static inline uint64_t float_soft_sub(uint8_t *flags, uint64_t a, uint64_t b, unsigned rm, int size) {
    return float_soft_add(flags, a, b ^ FLOAT_SIGN(size), rm, size);
}

FLOAT_BINARY(add, +, 4)
FLOAT_BINARY(add, +, 8)
FLOAT_BINARY(sub, -, 4)
FLOAT_BINARY(sub, -, 8)
FLOAT_BINARY(mul, *, 4)
FLOAT_BINARY(mul, *, 8)
FLOAT_BINARY(div, /, 4)
FLOAT_BINARY(div, /, 8)
#undef FLOAT_BINARY

static inline uint64_t float_sqrt_4(uint8_t *flags, uint64_t a, unsigned rm) {
#if defined(__SSE2__)
    if (FLOAT_MAY_HOST(flags, rm) && float_is_ordinary(a, 4) && !float_is_negative(a, 4))
        return float_bits_4(_mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(float_host_4(a)))));
#endif
    return float_soft_sqrt(flags, a, rm, 4);
}

static inline uint64_t float_sqrt_8(uint8_t *flags, uint64_t a, unsigned rm) {
#if defined(__SSE2__)
    if (FLOAT_MAY_HOST(flags, rm) && float_is_ordinary(a, 8) && !float_is_negative(a, 8)) {
        __m128d value = _mm_set_sd(float_host_8(a));
        return float_bits_8(_mm_cvtsd_f64(_mm_sqrt_sd(value, value)));
    }
#endif
    return float_soft_sqrt(flags, a, rm, 8);
}

static inline uint64_t float_fma_4(uint8_t *flags, uint64_t a, uint64_t b, uint64_t c, unsigned rm) {
    if (FLOAT_MAY_HOST(flags, rm)) {
        /* The product is exact. A second rounding of the sum does harm only at the middle of two. */
        double product = (double)float_host_4(a) * (double)float_host_4(b);
        double sum = product + (double)float_host_4(c);
        if ((float_bits_8(sum) & 0x1FFFFFFF) != 0x10000000) {
            uint64_t bits = float_bits_4((float)sum);
            if (float_is_ordinary(bits, 4))
                return bits;
        }
    }
    return float_soft_fma(flags, a, b, c, rm, 4);
}

static inline uint64_t float_fma_8(uint8_t *flags, uint64_t a, uint64_t b, uint64_t c, unsigned rm) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
    if (FLOAT_MAY_HOST(flags, rm)) {
        uint64_t bits = float_bits_8(__builtin_fma(float_host_8(a), float_host_8(b), float_host_8(c)));
        if (float_is_ordinary(bits, 8))
            return bits;
    }
#endif
    return float_soft_fma(flags, a, b, c, rm, 8);
}

static inline uint64_t float_convert_4_8(uint8_t *flags, uint64_t a, unsigned rm) {
    return float_soft_convert(flags, a, rm, 4, 8);
}

static inline uint64_t float_convert_8_4(uint8_t *flags, uint64_t a, unsigned rm) {
    if (FLOAT_MAY_HOST(flags, rm)) {
        uint64_t bits = float_bits_4((float)float_host_8(a));
        if (float_is_ordinary(bits, 4))
            return bits;
    }
    return float_soft_convert(flags, a, rm, 8, 4);
}

#define FLOAT_COMPARISONS(size)                                                                      \
    static inline uint64_t float_equal_##size(uint8_t *flags, uint64_t a, uint64_t b) {              \
        if (float_is_nan(a, size) || float_is_nan(b, size)) {                                        \
            float_nan2(flags, a, b, size);                                                           \
            return 0;                                                                                \
        }                                                                                            \
        return a == b || (float_is_zero(a, size) && float_is_zero(b, size));                         \
    }                                                                                                \
    static inline uint64_t float_less_##size(uint8_t *flags, uint64_t a, uint64_t b) {               \
        return float_compare(flags, a, b, 0, size);                                                  \
    }                                                                                                \
    static inline uint64_t float_less_equal_##size(uint8_t *flags, uint64_t a, uint64_t b) {         \
        return float_compare(flags, a, b, 1, size);                                                  \
    }

FLOAT_COMPARISONS(4)
FLOAT_COMPARISONS(8)
#undef FLOAT_COMPARISONS

/* `to` and `from`: bytes of the integer. */
#define FLOAT_INTEGERS(size, bytes, integer)                                                                      \
    static inline uint64_t float_to_signed_##size##_##bytes(uint8_t *flags, uint64_t a, unsigned rm) {            \
        return float_to_integer(flags, a, rm, size, 8 * bytes, 1);                                                \
    }                                                                                                             \
    static inline uint64_t float_to_unsigned_##size##_##bytes(uint8_t *flags, uint64_t a, unsigned rm) {          \
        return float_to_integer(flags, a, rm, size, 8 * bytes, 0);                                                \
    }                                                                                                             \
    static inline uint64_t float_from_signed_##bytes##_##size(uint8_t *flags, uint64_t a, unsigned rm) {          \
        uint64_t sign = (a >> (8 * bytes - 1)) & 1;                                                               \
        return float_from_integer(flags, sign ? (integer)(0 - a) : (integer)a, (int)sign, rm, size);              \
    }                                                                                                             \
    static inline uint64_t float_from_unsigned_##bytes##_##size(uint8_t *flags, uint64_t a, unsigned rm) {        \
        return float_from_integer(flags, (integer)a, 0, rm, size);                                                \
    }

FLOAT_INTEGERS(4, 4, uint32_t)
FLOAT_INTEGERS(4, 8, uint64_t)
FLOAT_INTEGERS(8, 4, uint32_t)
FLOAT_INTEGERS(8, 8, uint64_t)
#undef FLOAT_INTEGERS

#endif
