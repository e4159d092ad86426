/* The primitives of the operation language; see docs/format.md for what each promises.
   Included behind `struct hart` and the prototypes of the generated functions. */
#pragma once

#include "hart.h"

/* Behind the spec's functions, which may call them, in translation.h. */
#define CACHED_FUNCTIONS(size)                                                                    \
    INLINE u64 load__##size(Hart *h, u64 address);                                                \
    INLINE void store__##size(Hart *h, u64 address, u64 value);                                   \
    INLINE u64 locate__##size(Hart *h, u64 address, u64 access);                                  \
    INLINE u64 physical_permitted__##size(Hart *h, u64 physical, u64 access, u64 privilege);
CACHED_FUNCTIONS(1)
CACHED_FUNCTIONS(2)
CACHED_FUNCTIONS(4)
CACHED_FUNCTIONS(8)
#undef CACHED_FUNCTIONS

INLINE u64 hash(u64 value) { return (value * 0x9e3779b97f4a7c15ull) >> 32; }

/* The kept answer to a question about a page, or NULL. */
INLINE const Answer *kept_answer(Hart *h, u64 key) {
    Engine *e = &h->engine;
    const Answer *answer = &e->answers[hash(key) % ANSWERS];
    int known = e->context && answer->key == key && answer->context == e->context->number &&
                answer->fences == e->fences && !h->watching;
    e->traps.walks_saved += (u64)known;
    e->traps.walks += (u64)!known;
    return known ? answer : NULL;
}

INLINE void keep_answer(Hart *h, u64 key, u64 found) {
    Engine *e = &h->engine;
    if (e->context) e->answers[hash(key) % ANSWERS] = (Answer){key, e->context->number, e->fences, found & PAGE_MASK};
}

static void flush_translations(Hart *h);
static void fence_translations(Hart *h, u64 owner, u64 mask, u64 address, u64 every_address);

/* The highest level of a superpage that the translation under way went through. */
INLINE void note_leaf(Hart *h, u64 level) {
    if (level > h->engine.level) h->engine.level = (u32)level;
}

OUTLINE void code_written(Hart *h, u64 offset, u32 size);

INLINE void end_instruction(Hart *h) { h->ended = 1; }

INLINE u64 ram_read(const u8 *at, u32 size) {
    switch (size) {
    case 1: return *at;
    case 2: { u16 value; memcpy(&value, at, 2); return value; }
    case 4: { u32 value; memcpy(&value, at, 4); return value; }
    default: { u64 value; memcpy(&value, at, 8); return value; }
    }
}

INLINE void ram_write(u8 *at, u32 size, u64 value) {
    switch (size) {
    case 1: { u8 part = (u8)value; memcpy(at, &part, 1); break; }
    case 2: { u16 part = (u16)value; memcpy(at, &part, 2); break; }
    case 4: { u32 part = (u32)value; memcpy(at, &part, 4); break; }
    default: memcpy(at, &value, 8);
    }
}

INLINE int in_ram(const Hart *h, u64 address, u32 size) {
    return address - h->engine.ram_base <= h->engine.ram_size - size;
}

OUTLINE void log_access(Access *log, u32 *count, u64 address, u64 size, u64 value) {
    if (*count < MOST_ACCESSES) log[(*count)++] = (Access){address, value, size};
}

/* An explicit access is about to be made, while someone watches. */
OUTLINE void note_access(Hart *h, u64 physical, u64 access, u64 address) {
    if (access != FETCH) log_access(h->engine.noted, &h->engine.noted_count, address, 0, physical);
}

OUTLINE u64 device_read(Hart *h, u64 address, u32 size) {
    u64 value = h->engine.device_read(h->engine.host, address, size);
    h->changed = 1;
    return size == 8 ? value : value & ones_64(8 * size);
}

OUTLINE void device_write(Hart *h, u64 address, u32 size, u64 value) {
    h->engine.device_write(h->engine.host, address, size, value);
    h->attention = 1;
}

INLINE u64 read_physical(Hart *h, u64 address, u32 size) {
    if (UNLIKELY(h->watching)) log_access(h->engine.read_log, &h->engine.read_count, address, size, 0);
    if (LIKELY(in_ram(h, address, size))) return ram_read(h->engine.ram + (address - h->engine.ram_base), size);
    return device_read(h, address, size);
}

INLINE void write_physical(Hart *h, u64 address, u32 size, u64 value) {
    if (UNLIKELY(h->watching)) log_access(h->engine.write_log, &h->engine.write_count, address, size, value);
    if (UNLIKELY(!in_ram(h, address, size))) {
        device_write(h, address, size, value);
        return;
    }
    u64 offset = address - h->engine.ram_base;
    ram_write(h->engine.ram + offset, size, value);
    if (UNLIKELY(h->engine.page_state[offset / PAGE] | h->engine.page_state[(offset + size - 1) / PAGE]))
        code_written(h, offset, size);
}

OUTLINE u64 device_exists(const Hart *h, u64 address, u64 size) {
    for (u32 i = 0; i < h->engine.windows; i++) {
        const Window *window = &h->engine.window[i];
        if (address >= window->base && address < window->end && size <= window->end - address) return 1;
    }
    return 0;
}

INLINE u64 physical_exists(const Hart *h, u64 address, u64 size) {
    return LIKELY(in_ram(h, address, (u32)size)) || device_exists(h, address, size);
}

/* The counter is wide and runs on with the steps of the hart. */
INLINE u64 time(const Hart *h) {
    return h->engine.time_offset + (h->steps + h->elsewhere) / h->engine.steps_per_tick;
}
INLINE u64 retired(const Hart *h) { return h->steps - h->trapped; }

/* Decoded instructions follow memory by themselves: stores to them drop them. */
INLINE void flush_instructions(Hart *h) { (void)h; }

INLINE void wait_for_interrupt(Hart *h) {
    h->sleeping = 1;
    h->changed = 1;
}
