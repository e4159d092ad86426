/* (e) Floating point: planets in double, the Mandelbrot set in single precision, a matrix product of fused
   operations, a square root by Newton beside the instruction's, and conversions. */
#include "bench.h"

#define BODIES 5

static double place[BODIES][3], speed[BODIES][3], mass[BODIES];

static uint64_t bits(double value)
{
    union {
        double value;
        uint64_t bits;
    } it = {value};
    return it.bits;
}

static void advance(double step)
{
    for (int i = 0; i < BODIES; i++)
        for (int j = i + 1; j < BODIES; j++) {
            double away[3], squared = 0;
            for (int k = 0; k < 3; k++) {
                away[k] = place[i][k] - place[j][k];
                squared += away[k] * away[k];
            }
            double pull = step / (squared * __builtin_sqrt(squared));
            for (int k = 0; k < 3; k++) {
                speed[i][k] -= away[k] * mass[j] * pull;
                speed[j][k] += away[k] * mass[i] * pull;
            }
        }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            place[i][k] += step * speed[i][k];
}

static uint64_t planets(void)
{
    for (int i = 0; i < BODIES; i++) {
        mass[i] = 1.0 / (i + 1);
        for (int k = 0; k < 3; k++) {
            place[i][k] = (double)((i * 7 + k * 3) % 11) - 5.5 + i * 0.01;
            speed[i][k] = (double)((i * 5 + k) % 7 - 3) / 8;
        }
    }
    for (int i = 0; i < 60; i++)
        advance(1.0 / 64);
    return mixed(bits(place[0][0]), bits(speed[4][2]));
}

static uint64_t mandelbrot(void)
{
    uint64_t sum = 0;
    for (int row = 0; row < 24; row++)
        for (int column = 0; column < 24; column++) {
            float re = (float)column / 10 - 1.7f, im = (float)row / 12 - 1.0f, x = 0, y = 0;
            int steps = 0;
            while (steps < 40 && x * x + y * y < 4) {
                float next = x * x - y * y + re;
                y = 2 * x * y + im;
                x = next;
                steps++;
            }
            sum = mixed(sum, (uint64_t)steps);
        }
    return sum;
}

static double a[16][16], b[16][16];

static uint64_t matrix(void)
{
    double trace = 0;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++)
            a[i][j] = 1.0 / (i + j + 1), b[i][j] = i == j ? 2.5 : 0.125 * (i - j);
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++)
                sum += a[i][k] * b[k][j];
            trace += i == j ? sum : sum * 0.001;
        }
    return bits(trace);
}

static uint64_t roots(void)
{
    uint64_t sum = 0;
    for (int i = 1; i < 100; i++) {
        double value = i * 1.7, guess = value;
        for (int j = 0; j < 6; j++)
            guess = 0.5 * (guess + value / guess);
        double error = guess - __builtin_sqrt(value);
        float narrow = (float)guess;
        sum = mixed(sum, bits(error < 0 ? -error : error) + (uint64_t)(int64_t)(narrow * 1000));
    }
    return sum;
}

uint64_t work(void)
{
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        sum = mixed(sum, planets());
        sum = mixed(sum, mandelbrot());
        sum = mixed(sum, matrix());
        sum = mixed(sum, roots());
    }
    return sum;
}
