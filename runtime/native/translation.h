/* Contexts and their cached translations, and the loads and stores that use them.
   Included behind the spec's functions. */
#pragma once

#include "primitives.h"

static u64 hash(u64 value) { return (value * 0x9e3779b97f4a7c15ull) >> 32; }

static void clear_translations(Translation *entries, size_t count) {
    for (size_t i = 0; i < count; i++) entries[i].page = NO_PAGE;
}

static void clear_context(Engine *e, Context *context) {
    clear_translations(context->reads, ENTRIES);
    clear_translations(context->writes, ENTRIES);
    clear_translations(context->fetches, FETCH_ENTRIES);
    context->key = e->next_key++;
}

/* Make the context of the hart's present state the present one. */
static void select_context(Hart *h) {
    Engine *e = &h->engine;
    u64 tags[MOST_TAGS] = {fn_translation_context(h)};
    u64 mixed = tags[0];
    read_tags(h, tags + 1);
    for (int i = 1; i <= TAGS; i++) mixed = mixed * 31 + tags[i];
    Context *context = e->context;
    if (LIKELY(context && memcmp(context->tags, tags, sizeof tags) == 0)) return;
    Context **slot = NULL;
    for (u64 i = 0, at = hash(mixed); i < 4; i++, at++) {
        slot = &e->contexts[at % CONTEXTS];
        if (*slot && (*slot)->used && memcmp((*slot)->tags, tags, sizeof tags) == 0) goto found;
        if (!*slot || !(*slot)->used) break;
    }
    if (!*slot) *slot = calloc(1, sizeof(Context));
    if (!*slot) abort();
    memcpy((*slot)->tags, tags, sizeof tags);
    (*slot)->used = 1;
    clear_context(e, *slot);
found:
    e->context = *slot;
    e->key = (*slot)->key;
}

static void flush_translations(Hart *h) {
    Engine *e = &h->engine;
    for (int i = 0; i < CONTEXTS; i++)
        if (e->contexts[i] && e->contexts[i]->used) e->contexts[i]->used = 0;
    if (e->context) {
        e->context->used = 1;
        clear_context(e, e->context);
        e->key = e->context->key;
    }
    h->changed = 1;
}

/* All instructions may have changed: links and jumps hold no more. */
static void forget_links(Engine *e) {
    for (int i = 0; i < CONTEXTS; i++)
        if (e->contexts[i]) e->contexts[i]->key = e->next_key++;
    if (e->context) e->key = e->context->key;
}

/* May translations to this page of RAM be kept? */
static int cachable(Hart *h, u64 physical) {
    return in_ram(h, physical & PAGE_MASK, PAGE) && fn_page_is_uniform(h, physical);
}

static void keep(Translation *entries, u64 address, const Hart *h, u64 physical) {
    u64 host = (u64)(uintptr_t)h->engine.ram + (physical - h->engine.ram_base);
    entries[entry_index(address)] = (Translation){address & PAGE_MASK, host - address};
}

#define MEMORY_FUNCTIONS(size)                                                                    \
    OUTLINE u64 load_missed_##size(Hart *h, u64 address) {                                        \
        if (!(address & (size - 1)) && !h->watching) {                                            \
            u64 physical = fn_translate_data(h, address, LOAD);                                   \
            if (h->ended) return 0;                                                               \
            if (cachable(h, physical)) {                                                          \
                keep(h->engine.context->reads, address, h, physical);                             \
                return ram_read(h->engine.ram + (physical - h->engine.ram_base), size);           \
            }                                                                                     \
        }                                                                                         \
        return fn_load__##size(h, address);                                                       \
    }                                                                                             \
    OUTLINE void store_missed_##size(Hart *h, u64 address, u64 value) {                           \
        if (!(address & (size - 1)) && !h->watching) {                                            \
            u64 physical = fn_translate_data(h, address, STORE);                                  \
            if (h->ended) return;                                                                 \
            if (cachable(h, physical)) {                                                          \
                u64 page = (physical - h->engine.ram_base) / PAGE;                                \
                if (!h->engine.page_state[page]) keep(h->engine.context->writes, address, h, physical); \
                write_physical(h, physical, size, value);                                         \
                return;                                                                           \
            }                                                                                     \
        }                                                                                         \
        fn_store__##size(h, address, value);                                                      \
    }                                                                                             \
    INLINE u64 load__##size(Hart *h, u64 address) {                                               \
        const Translation *entry = &h->engine.context->reads[entry_index(address)];               \
        if (LIKELY(entry->page == page_and_alignment(address, size)))                             \
            return ram_read((const u8 *)(uintptr_t)(entry->host + address), size);                \
        return load_missed_##size(h, address);                                                    \
    }                                                                                             \
    INLINE void store__##size(Hart *h, u64 address, u64 value) {                                  \
        const Translation *entry = &h->engine.context->writes[entry_index(address)];              \
        if (LIKELY(entry->page == page_and_alignment(address, size)))                             \
            ram_write((u8 *)(uintptr_t)(entry->host + address), size, value);                     \
        else                                                                                      \
            store_missed_##size(h, address, value);                                               \
    }
MEMORY_FUNCTIONS(1)
MEMORY_FUNCTIONS(2)
MEMORY_FUNCTIONS(4)
MEMORY_FUNCTIONS(8)
#undef MEMORY_FUNCTIONS
