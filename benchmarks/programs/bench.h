/* What each program has from start.S, and gives to it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

extern const uint64_t rounds; /* how often to do the work */
extern const uint64_t size;   /* a size whose meaning is the program's */
extern uint64_t arena[];      /* all RAM behind the program */

/* Does the work; returns a checksum of its results. */
uint64_t work(void);

static inline uint64_t mixed(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x9e3779b97f4a7c15u + (sum >> 29);
}

/* A generator that is the same everywhere. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}
