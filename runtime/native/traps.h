/* What the host learns of traps and of modes, if it asks: see drafthart.runtime.transitions.

   Every change of mode ends a block, so looking at each turn of the loop sees them all. */
#pragma once

#include "blocks.h"

/* Behind the generated code's tables. */
static u64 virtualized(const Hart *h);

static u32 mode_and_virtual(const Hart *h) { return (u32)(virtualized(h) << 2 | h->mode); }

#define STATE_SIZE offsetof(Hart, engine)
#define RECORD_WORDS (2 + STATE_SIZE / sizeof(u64))
_Static_assert(STATE_SIZE % sizeof(u64) == 0, "records are made of words");

/* Count the steps since the last look, and keep the trap that ended them, if one did: the mode that
   it came from, whether it is an interrupt, and the hart as the handler finds it. */
OUTLINE void look_at_mode(Hart *h, int interrupt) {
    Traps *t = &h->engine.traps;
    u32 mode = mode_and_virtual(h), before = t->mode;
    int trapped = interrupt || h->trapped != t->trapped;
    t->steps_in[before] += h->steps - t->steps;
    t->switches += (mode ^ before) >> 2;
    t->mode = mode;
    t->steps = h->steps;
    t->trapped = h->trapped;
    if (!trapped || !(t->all || (before & ~mode) >> 2)) return;
    if (t->count < t->room) {
        u64 *record = t->records + t->count++ * RECORD_WORDS;
        record[0] = before;
        record[1] = (u64)interrupt;
        memcpy(record + 2, h, STATE_SIZE);
    }
    if (t->count == t->room) h->attention = 1;
}

/* Keep traps in `records`, which has room for so many: those that leave V=1, or all of them. With
   no records that ends. What was counted is forgotten. */
API void dh_record_traps(Hart *h, u64 *records, u32 room, int all) {
    h->engine.traps = (Traps){.records = records, .room = room, .all = all, .mode = mode_and_virtual(h),
                              .steps = h->steps, .trapped = h->trapped};
}

API u32 dh_record_words(void) { return RECORD_WORDS; }

/* How many traps were kept; the host has read them then. */
API u32 dh_taken_traps(Hart *h) {
    if (h->engine.traps.records) look_at_mode(h, 0);
    u32 count = h->engine.traps.count;
    h->engine.traps.count = 0;
    return count;
}

/* Steps begun in each mode, V << 2 | mode, up to now; changes of V; then walks of the last stage, those
   that a kept answer saved, and translations that were made to be kept. */
API void dh_counted(Hart *h, u64 *counts) {
    Traps *t = &h->engine.traps;
    if (t->records) look_at_mode(h, 0);
    memcpy(counts, t->steps_in, sizeof t->steps_in);
    counts[8] = t->switches;
    counts[9] = t->walks;
    counts[10] = t->walks_saved;
    counts[11] = t->filled;
}
