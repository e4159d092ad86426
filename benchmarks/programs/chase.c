/* (c) Following pointers through `size` bytes in an order that no cache foresees, with a little work on what is
   found at each. */
#include "bench.h"

struct node {
    struct node *next;
    uint64_t value;
    uint64_t fill[6]; /* one node to a cache line of the host */
};

#define STEPS 16384

uint64_t work(void)
{
    struct node *nodes = (struct node *)arena;
    uint64_t count = size / sizeof *nodes;
    uint32_t seed = 1;
    /* One cycle through all nodes (Sattolo), by indices first. */
    for (uint64_t i = 0; i < count; i++)
        nodes[i].value = i;
    for (uint64_t i = count - 1; i > 0; i--) {
        uint64_t j = next_random(&seed) % i, other = nodes[i].value;
        nodes[i].value = nodes[j].value;
        nodes[j].value = other;
    }
    for (uint64_t i = 0; i < count; i++)
        nodes[i].next = &nodes[nodes[i].value];
    uint64_t sum = 0;
    const struct node *at = nodes;
    for (uint64_t round = 0; round < rounds; round++)
        for (int i = 0; i < STEPS; i++) {
            sum = mixed(sum, at->value);
            at = at->next;
        }
    return mixed(sum, at->value);
}
