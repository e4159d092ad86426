/* Numbers of many kinds, folded into checksums: the same program on any machine with IEEE 754. */
#include "kernel.h"

#define COUNT 64

static uint64_t state;

static uint32_t random32(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static uint64_t fold(uint64_t sum, uint64_t value) {
    return (sum << 7 | sum >> 57) ^ value * 0x9E3779B97F4A7C15u;
}

static uint64_t bits_of_double(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint32_t bits_of_float(float x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double root(double x) {
    double guess = x;
    for (int i = 0; i < 40; i++)
        guess = 0.5 * (guess + x / guess);
    return guess;
}

static double sine(double x) {
    double term = x, sum = x;
    for (int i = 1; i < 14; i++) {
        term = -term * x * x / ((2.0 * i) * (2.0 * i + 1.0));
        sum += term;
    }
    return sum;
}

static double a[8][8], b[8][8], c[8][8];

static uint64_t matrices(void) {
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            a[i][j] = (double)(int32_t)random32() / 65536.0;
            b[i][j] = (double)(random32() & 0xFFFF) * 1e-3 - 30.0;
        }
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            double total = 0;
            for (int k = 0; k < 8; k++)
                total += a[i][k] * b[k][j];
            c[i][j] = total;
            sum = fold(sum, bits_of_double(total));
        }
    return sum;
}

static uint64_t functions(void) {
    uint64_t sum = 0;
    for (int i = 1; i < COUNT; i++) {
        double x = (double)i / 10.0;
        sum = fold(sum, bits_of_double(root(x)));
        sum = fold(sum, bits_of_double(__builtin_sqrt(x)));
        sum = fold(sum, bits_of_double(sine(x / 3.0)));
    }
    return sum;
}

static uint64_t singles(void) {
    uint64_t sum = 0;
    float x = 1.0f, y = 0.1f;
    for (int i = 0; i < COUNT; i++) {
        float z = (float)(int32_t)random32() * 1e-5f;
        x = x * 0.99f + z / (1.0f + y * y);
        y = __builtin_sqrtf(x < 0 ? -x : x) - y;
        sum = fold(sum, bits_of_float(x));
        sum = fold(sum, bits_of_float(y));
    }
    return sum;
}

static uint64_t conversions(void) {
    uint64_t sum = 0;
    for (int i = 0; i < COUNT; i++) {
        int64_t whole = (int64_t)((uint64_t)random32() << 32 | random32());
        double wide = (double)whole;
        float narrow = (float)whole;
        sum = fold(sum, bits_of_double(wide));
        sum = fold(sum, bits_of_float(narrow));
        sum = fold(sum, bits_of_double((double)(uint64_t)whole));
        sum = fold(sum, bits_of_float((float)(uint32_t)whole));
        sum = fold(sum, bits_of_float((float)wide));
        sum = fold(sum, bits_of_double((double)narrow));
        sum = fold(sum, (uint64_t)(int64_t)(wide / 3.0));
        sum = fold(sum, (uint64_t)(int32_t)(narrow / 1e12f));
        sum = fold(sum, (uint64_t)(wide < narrow) | (uint64_t)(wide == narrow) << 1);
    }
    return sum;
}

static uint64_t extremes(void) {
    uint64_t sum = 0;
    double tiny = 1.0, huge = 1.0;
    for (int i = 0; i < 1100; i++) {
        tiny *= 0.499999;
        huge *= 2.000001;
        sum = fold(sum, bits_of_double(tiny));
        sum = fold(sum, bits_of_double(huge));
        sum = fold(sum, bits_of_float((float)tiny));
        sum = fold(sum, bits_of_float((float)huge));
    }
    return sum;
}

static uint64_t fused(void) {
    uint64_t sum = 0;
    double x = 1.0;
    for (int i = 0; i < COUNT; i++) {
        double y = (double)(int32_t)random32() / 3.0;
        x = __builtin_fma(x, 0.75, y);
        sum = fold(sum, bits_of_double(x));
        sum = fold(sum, bits_of_double(__builtin_fma(-x, y, x)));
        sum = fold(sum, bits_of_double(-__builtin_fma(x, y, -x)));
        sum = fold(sum, bits_of_float(__builtin_fmaf((float)x, (float)y, -1.5f)));
    }
    return sum;
}

void kernel(uint64_t results[RESULTS]) {
    state = 42;
    results[0] = matrices();
    results[1] = functions();
    results[2] = singles();
    results[3] = conversions();
    results[4] = extremes();
    results[5] = fused();
}
