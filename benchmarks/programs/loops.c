/* (b) Sieve, matrix product and CRC: tight loops. */
#include "bench.h"

static uint8_t composite[20000];
static uint32_t a[32][32], b[32][32], c[32][32];

static uint32_t sieve(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sizeof composite; i++)
        composite[i] = 0;
    for (uint32_t i = 2; i < sizeof composite; i++) {
        if (composite[i])
            continue;
        count++;
        for (uint32_t j = i + i; j < sizeof composite; j += i)
            composite[j] = 1;
    }
    return count;
}

static uint32_t matrix(void)
{
    for (uint32_t i = 0; i < 32; i++)
        for (uint32_t j = 0; j < 32; j++)
            a[i][j] = i + j, b[i][j] = i ^ j;
    for (uint32_t i = 0; i < 32; i++)
        for (uint32_t j = 0; j < 32; j++) {
            uint32_t sum = 0;
            for (uint32_t k = 0; k < 32; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    return c[7][11] ^ c[30][2];
}

static uint32_t crc(void)
{
    uint32_t value = ~0u;
    for (uint32_t i = 0; i < 8000; i++) {
        value ^= composite[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (0xEDB88320u & -(value & 1));
    }
    return ~value;
}

uint64_t work(void)
{
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        sum = mixed(sum, sieve());
        sum = mixed(sum, matrix());
        sum = mixed(sum, crc());
    }
    return sum;
}
