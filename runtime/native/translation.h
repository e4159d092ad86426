/* Contexts and their cached translations, and the loads and stores that use them.
   Included behind the spec's functions. */
#pragma once

#include "primitives.h"

enum { READS, WRITES, FETCHES };

static Translation *table_of(Context *context, u32 table) {
    return table == READS ? context->reads : table == WRITES ? context->writes : context->fetches;
}

static u8 *levels_of(Context *context, u32 table) {
    return table == READS ? context->read_levels : table == WRITES ? context->write_levels : context->fetch_levels;
}

static u32 entries_of(u32 table) { return table == FETCHES ? FETCH_ENTRIES : ENTRIES; }

/* Drop all translations of a context: those in its log, or where they were too many, all there is room for. */
static void clear_context(Engine *e, Context *context) {
    if (context->filled <= FEW) {
        for (u32 i = 0; i < context->filled; i++)
            table_of(context, context->log[i] >> 14)[context->log[i] & 0x3fff].page = NO_PAGE;
    } else {
        for (u32 table = READS; table <= FETCHES; table++)
            for (u32 i = 0; i < entries_of(table); i++) table_of(context, table)[i].page = NO_PAGE;
    }
    context->filled = 0;
    context->superpages = 0;
    context->key = e->next_key++;
}

/* Put a translation into a table of the present context. */
static void put(Engine *e, u32 table, u32 index, Translation entry) {
    Context *context = e->context;
    e->traps.filled++;
    if (context->filled <= FEW) {
        if (context->filled < FEW) context->log[context->filled] = (u16)(table << 14 | index);
        context->filled++;
    }
    table_of(context, table)[index] = entry;
    levels_of(context, table)[index] = (u8)e->level;
    context->superpages |= e->level != 0;
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
    if (!(*slot)->key) (*slot)->filled = FEW + 1; /* new: its tables hold nothing that could be read */
    (*slot)->used = 1;
    (*slot)->number = e->next_key++;
    (*slot)->owner = fn_translation_owner(h);
    clear_context(e, *slot);
found:
    e->context = *slot;
    e->key = (*slot)->key;
}

static void context_cleared(Hart *h, Context *context) {
    if (context == h->engine.context) h->engine.key = context->key;
    h->changed = 1;
}

static void flush_translations(Hart *h) {
    Engine *e = &h->engine;
    e->fences++;
    memset(e->permitted, 0, sizeof e->permitted);
    for (int i = 0; i < CONTEXTS; i++) {
        Context *context = e->contexts[i];
        if (!context || !context->used) continue;
        clear_context(e, context);
        context_cleared(h, context);
    }
}

/* Drop what a context holds of one virtual address, and of the superpages around it. */
static void drop_address(Engine *e, Context *context, u64 address) {
    for (u32 table = READS; table <= FETCHES; table++) {
        Translation *entries = table_of(context, table);
        u32 index = (u32)((address >> 12) % entries_of(table));
        if (entries[index].page == (address & PAGE_MASK)) entries[index].page = NO_PAGE;
        if (!context->superpages) continue;
        const u8 *levels = levels_of(context, table);
        for (u32 i = 0; i < entries_of(table); i++)
            if (levels[i] && entries[i].page != NO_PAGE && !((entries[i].page ^ address) >> (12 + 9 * levels[i])))
                entries[i].page = NO_PAGE;
    }
    context->key = e->next_key++;
}

static void fence_translations(Hart *h, u64 owner, u64 mask, u64 address, u64 every_address) {
    Engine *e = &h->engine;
    e->fences++;
    for (int i = 0; i < CONTEXTS; i++) {
        Context *context = e->contexts[i];
        if (!context || !context->used || ((context->owner ^ owner) & mask)) continue;
        if (every_address) clear_context(e, context);
        else drop_address(e, context, address);
        context_cleared(h, context);
    }
}

/* All instructions may have changed: links and jumps hold no more. */
static void forget_links(Engine *e) {
    for (int i = 0; i < CONTEXTS; i++)
        if (e->contexts[i]) e->contexts[i]->key = e->next_key++;
    if (e->context) e->key = e->context->key;
}

/* What is known of a page of RAM: that it is uniform (of access 3, which there is not), or that an
   access with a privilege is permitted everywhere in it. Physical memory protection flushes. */
INLINE u64 *permission(Engine *e, u64 physical, u64 access, u64 privilege, u64 *key) {
    *key = (physical & PAGE_MASK) | access << 4 | privilege << 1 | 1;
    return &e->permitted[(physical >> 12 ^ access << 10 ^ privilege << 7) % PERMITTED];
}

/* May translations to this page of RAM be kept? */
static int cachable(Hart *h, u64 physical) {
    u64 key, *known = permission(&h->engine, physical, 3, 0, &key);
    if (*known == key) return 1;
    if (!in_ram(h, physical & PAGE_MASK, PAGE) || !fn_page_is_uniform(h, physical)) return 0;
    *known = key;
    return 1;
}

static void keep(Hart *h, u32 table, u64 address, u64 physical) {
    u64 host = (u64)(uintptr_t)h->engine.ram + (physical - h->engine.ram_base);
    put(&h->engine, table, (u32)entry_index(address), (Translation){address & PAGE_MASK, host - address});
}

#define MEMORY_FUNCTIONS(size)                                                                    \
    OUTLINE u64 load_missed_##size(Hart *h, u64 address) {                                        \
        if (!(address & (size - 1)) && !h->watching) {                                            \
            h->engine.level = 0;                                                                  \
            u64 physical = fn_translate_data(h, address, LOAD);                                   \
            if (h->ended) return 0;                                                               \
            if (cachable(h, physical)) {                                                          \
                keep(h, READS, address, physical);                             \
                return ram_read(h->engine.ram + (physical - h->engine.ram_base), size);           \
            }                                                                                     \
        }                                                                                         \
        return fn_load__##size(h, address);                                                       \
    }                                                                                             \
    OUTLINE u64 permission_missed_##size(Hart *h, u64 physical, u64 access, u64 privilege) {      \
        if (!fn_physical_permitted__##size(h, physical, access, privilege)) return 0;             \
        u64 key, *known = permission(&h->engine, physical, access, privilege, &key);              \
        if (cachable(h, physical)) *known = key;                                                  \
        return 1;                                                                                 \
    }                                                                                             \
    INLINE u64 physical_permitted__##size(Hart *h, u64 physical, u64 access, u64 privilege) {     \
        u64 key;                                                                                  \
        const u64 *known = permission(&h->engine, physical, access, privilege, &key);             \
        if (LIKELY(*known == key && (physical & (PAGE - 1)) <= PAGE - size)) return 1;            \
        return permission_missed_##size(h, physical, access, privilege);                          \
    }                                                                                             \
    OUTLINE u64 locate_missed_##size(Hart *h, u64 address, u64 access) {                          \
        h->engine.level = 0;                                                                      \
        u64 physical = fn_locate__##size(h, address, access);                                     \
        if (!h->ended && !h->watching && cachable(h, physical) &&                                 \
            (access != STORE || !h->engine.page_state[(physical - h->engine.ram_base) / PAGE]))   \
            keep(h, access == STORE ? WRITES : READS, address, physical);                         \
        return physical;                                                                          \
    }                                                                                             \
    OUTLINE void store_missed_##size(Hart *h, u64 address, u64 value) {                           \
        if (!(address & (size - 1)) && !h->watching) {                                            \
            h->engine.level = 0;                                                                  \
            u64 physical = fn_translate_data(h, address, STORE);                                  \
            if (h->ended) return;                                                                 \
            if (cachable(h, physical)) {                                                          \
                u64 page = (physical - h->engine.ram_base) / PAGE;                                \
                if (!h->engine.page_state[page]) keep(h, WRITES, address, physical); \
                write_physical(h, physical, size, value);                                         \
                return;                                                                           \
            }                                                                                     \
        }                                                                                         \
        fn_store__##size(h, address, value);                                                      \
    }                                                                                             \
    INLINE u64 locate__##size(Hart *h, u64 address, u64 access) {                                 \
        const Context *context = h->engine.context;                                               \
        const Translation *table = access == STORE ? context->writes : context->reads;            \
        const Translation *entry = &table[entry_index(address)];                                  \
        if (LIKELY(entry->page == page_and_alignment(address, size)))                             \
            return entry->host + address - (u64)(uintptr_t)h->engine.ram + h->engine.ram_base;    \
        return locate_missed_##size(h, address, access);                                          \
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
