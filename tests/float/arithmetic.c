/* Runs arrays of cases: through runtime/native/float.h, and through the host's arithmetic. */
#include <fenv.h>
#include <math.h>
#include <stddef.h>
#include "../../runtime/native/float.h"

enum { ADD, SUB, MUL, DIV, SQRT, FMA };

#define RUN(size)                                                                                                  \
    static uint64_t run_##size(int what, uint8_t *flags, uint64_t a, uint64_t b, uint64_t c, unsigned rm) {        \
        switch (what) {                                                                                            \
        case ADD: return float_add_##size(flags, a, b, rm);                                                        \
        case SUB: return float_sub_##size(flags, a, b, rm);                                                        \
        case MUL: return float_mul_##size(flags, a, b, rm);                                                        \
        case DIV: return float_div_##size(flags, a, b, rm);                                                        \
        case SQRT: return float_sqrt_##size(flags, a, rm);                                                         \
        default: return float_fma_##size(flags, a, b, c, rm);                                                      \
        }                                                                                                          \
    }
RUN(4)
RUN(8)

void run(int what, int size, unsigned rm, size_t count, const uint64_t *a, const uint64_t *b, const uint64_t *c,
         uint64_t *results, uint8_t *flags) {
    for (size_t i = 0; i < count; i++)
        results[i] = (size == 8 ? run_8 : run_4)(what, &flags[i], a[i], b[i], c[i], rm);
}

#define HOST(size, type, sqrt_, fma_)                                                                              \
    static uint64_t host_##size(int what, uint64_t abits, uint64_t bbits, uint64_t cbits) {                        \
        volatile type a = float_host_##size(abits), b = float_host_##size(bbits), c = float_host_##size(cbits), r; \
        feclearexcept(FE_ALL_EXCEPT);                                                                              \
        switch (what) {                                                                                            \
        case ADD: r = a + b; break;                                                                                \
        case SUB: r = a - b; break;                                                                                \
        case MUL: r = a * b; break;                                                                                \
        case DIV: r = a / b; break;                                                                                \
        case SQRT: r = sqrt_(a); break;                                                                            \
        default: r = fma_(a, b, c); break;                                                                         \
        }                                                                                                          \
        return float_bits_##size(r);                                                                               \
    }
HOST(4, float, sqrtf, fmaf)
HOST(8, double, sqrt, fma)

static const int directions[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

void host(int what, int size, unsigned rm, size_t count, const uint64_t *a, const uint64_t *b, const uint64_t *c,
          uint64_t *results, uint8_t *flags) {
    fesetround(directions[rm]);
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = (size == 8 ? host_8 : host_4)(what, a[i], b[i], c[i]);
        int raised = fetestexcept(FE_ALL_EXCEPT);
        results[i] = float_is_nan(bits, size) ? FLOAT_NAN(size) : bits;
        flags[i] = (raised & FE_INEXACT ? FLOAT_NX : 0) | (raised & FE_UNDERFLOW ? FLOAT_UF : 0)
                   | (raised & FE_OVERFLOW ? FLOAT_OF : 0) | (raised & FE_DIVBYZERO ? FLOAT_DZ : 0)
                   | (raised & FE_INVALID ? FLOAT_NV : 0);
    }
    fesetround(FE_TONEAREST);
}

#define EXPORT2(name, size)                                                                       \
    uint64_t c_##name##_##size(uint8_t *flags, uint64_t a, uint64_t b) {                          \
        return float_##name##_##size(flags, a, b);                                                \
    }
EXPORT2(equal, 4)
EXPORT2(equal, 8)
EXPORT2(less, 4)
EXPORT2(less, 8)
EXPORT2(less_equal, 4)
EXPORT2(less_equal, 8)

#define EXPORT1(name)                                                                             \
    uint64_t c_##name(uint8_t *flags, uint64_t a, unsigned rm) { return float_##name(flags, a, rm); }
EXPORT1(convert_4_8)
EXPORT1(convert_8_4)
#define INTEGERS(size, bytes)              \
    EXPORT1(to_signed_##size##_##bytes)    \
    EXPORT1(to_unsigned_##size##_##bytes)  \
    EXPORT1(from_signed_##bytes##_##size)  \
    EXPORT1(from_unsigned_##bytes##_##size)
INTEGERS(4, 4)
INTEGERS(4, 8)
INTEGERS(8, 4)
INTEGERS(8, 8)
