#include <stdint.h>

#define RESULTS 6

void kernel(uint64_t results[RESULTS]);
