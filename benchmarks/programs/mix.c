/* (a) Integers, strings and structures, as everyday code mixes them. */
#include <stddef.h>
#include <stdint.h>

#ifndef ROUNDS
#define ROUNDS 400
#endif

struct record {
    struct record *next;
    uint32_t key;
    char name[20];
};

static struct record pool[64];
static char text[256];

void *memcpy(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;
    while (n--)
        *t++ = *f++;
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    char *t = to;
    while (n--)
        *t++ = (char)byte;
    return to;
}

static size_t length(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

static int compare(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

static void number(char *out, uint32_t value)
{
    char digits[12];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        *out++ = digits[--n];
    *out = 0;
}

static struct record *insert(struct record *head, struct record *it)
{
    struct record **at = &head;
    while (*at && compare((*at)->name, it->name) < 0)
        at = &(*at)->next;
    it->next = *at;
    *at = it;
    return head;
}

int main(void)
{
    uint32_t seed = 1, sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct record *head = NULL;
        for (int i = 0; i < 64; i++) {
            seed = seed * 1664525u + 1013904223u;
            pool[i].key = seed >> 7;
            number(pool[i].name, pool[i].key);
            head = insert(head, &pool[i]);
        }
        char *out = text;
        for (struct record *it = head; it; it = it->next) {
            size_t n = length(it->name);
            if (out + n + 1 > text + sizeof text)
                out = text;
            memcpy(out, it->name, n);
            out += n;
            sum = (sum ^ it->key) * 31 + (uint32_t)n;
        }
    }
    return sum == 0; /* keeps the work; never true for these seeds */
}
