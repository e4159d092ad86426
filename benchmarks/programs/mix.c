/* (a) Integers, strings and structures, as everyday code mixes them: a sorted list of names, a table of
   words, records sorted by a function of the caller's, numbers read and written, and a small interpreter. */
#include "bench.h"

struct record {
    struct record *next;
    uint32_t key;
    char name[20];
};

static struct record pool[64];
static char text[2048];

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

static char *copy(char *to, const char *from, size_t n)
{
    while (n--)
        *to++ = *from++;
    return to;
}

static char *number(char *out, uint32_t value)
{
    char digits[12];
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n)
        *out++ = digits[--n];
    *out = 0;
    return out;
}

static uint64_t read_number(const char **at)
{
    uint64_t value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (uint64_t)(*(*at)++ - '0');
    return value;
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

/* Names in a sorted list, then one after the other in a text. */
static uint64_t names(void)
{
    uint32_t seed = 1;
    uint64_t sum = 0;
    struct record *head = NULL;
    for (int i = 0; i < 32; i++) {
        pool[i].key = next_random(&seed);
        number(pool[i].name, pool[i].key);
        head = insert(head, &pool[i]);
    }
    char *out = text;
    for (struct record *it = head; it; it = it->next) {
        size_t n = length(it->name);
        out = copy(out, it->name, n);
        *out++ = ' ';
        sum = mixed(sum, it->key + n);
    }
    *out = 0;
    return sum;
}

struct word {
    char name[12];
    uint16_t count;
    uint16_t next;
};

static struct word words[128];
static uint16_t heads[64];

/* Count the words of the text in a table. */
static uint64_t count_words(void)
{
    uint16_t used = 1;
    for (int i = 0; i < 64; i++)
        heads[i] = 0;
    for (const char *at = text; *at;) {
        const char *end = at;
        uint32_t hash = 5381;
        while (*end && *end != ' ')
            hash = hash * 33 ^ (uint8_t)*end++;
        size_t n = (size_t)(end - at) < 4 ? (size_t)(end - at) : 4;
        uint16_t *head = &heads[hash % 61], index = *head;
        while (index) {
            struct word *word = &words[index];
            size_t same = 0;
            while (same < n && word->name[same] == at[same])
                same++;
            if (same == n && !word->name[n])
                break;
            index = word->next;
        }
        if (!index) {
            index = used++;
            copy(words[index].name, at, n);
            words[index].name[n] = 0;
            words[index].count = 0;
            words[index].next = *head;
            *head = index;
        }
        words[index].count++;
        at = *end ? end + 1 : end;
    }
    uint64_t sum = 0;
    for (uint16_t i = 1; i < used; i++)
        sum = mixed(sum, words[i].count + (uint64_t)words[i].name[1]);
    return sum;
}

typedef int order(const struct record *, const struct record *);

static int by_key(const struct record *a, const struct record *b)
{
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_last_digit(const struct record *a, const struct record *b)
{
    int difference = (int)(a->key % 10) - (int)(b->key % 10);
    return difference ? difference : by_key(b, a);
}

/* Quicksort of pointers to records. */
static void sort(struct record **first, struct record **last, order *before)
{
    while (first < last) {
        struct record *pivot = first[(last - first) / 2], **low = first, **high = last;
        while (low <= high) {
            while (before(*low, pivot) < 0)
                low++;
            while (before(pivot, *high) < 0)
                high--;
            if (low <= high) {
                struct record *other = *low;
                *low++ = *high;
                *high-- = other;
            }
        }
        if (high - first < last - low) {
            sort(first, high, before);
            first = low;
        } else {
            sort(low, last, before);
            last = high;
        }
    }
}

static uint64_t sorted(void)
{
    static order *const orders[] = {by_key, by_last_digit};
    struct record *all[64];
    uint32_t seed = 7;
    uint64_t sum = 0;
    for (int i = 0; i < 64; i++) {
        pool[i].key = next_random(&seed);
        all[i] = &pool[i];
    }
    for (int i = 0; i < 2; i++) {
        sort(all, all + 63, orders[i]);
        for (int j = 0; j < 64; j += 7)
            sum = mixed(sum, all[j]->key);
    }
    return sum;
}

enum { PUSH, ADD, MULTIPLY, XOR, LOAD, STORE, DECREMENT, JUMP_IF, STOP };

/* A stack machine, and a program for it: a polynomial of the numbers in the text. */
static uint64_t interpret(const int8_t *code, uint64_t *slots)
{
    uint64_t stack[8], *top = stack;
    for (;;) {
        switch (*code++) {
        case PUSH: *top++ = (uint64_t)*code++; break;
        case ADD: top--; top[-1] += top[0]; break;
        case MULTIPLY: top--; top[-1] *= top[0]; break;
        case XOR: top--; top[-1] ^= top[0]; break;
        case LOAD: *top++ = slots[*code++]; break;
        case STORE: slots[*code++] = *--top; break;
        case DECREMENT: slots[*code++]--; break;
        case JUMP_IF: code += slots[code[0]] ? code[1] : 2; break;
        default: return slots[0];
        }
    }
}

static uint64_t interpreted(void)
{
    static const int8_t program[] = {
        LOAD, 0, LOAD, 1, MULTIPLY, PUSH, 17, ADD, LOAD, 2, XOR, STORE, 0, DECREMENT, 2, JUMP_IF, 2, -16, STOP,
    };
    uint64_t sum = 0;
    for (const char *at = text; *at; at++) {
        uint64_t slots[3] = {1, read_number(&at), 6};
        sum = mixed(sum, interpret(program, slots));
    }
    return sum;
}

uint64_t work(void)
{
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        sum = mixed(sum, names());
        sum = mixed(sum, count_words());
        sum = mixed(sum, sorted());
        sum = mixed(sum, interpreted());
    }
    return sum;
}
