/* Blocks of decoded instructions: found by address, made when first reached, dropped when written. */
#pragma once

#include "handlers.h"

static u32 bucket(u64 pc, u64 physical) { return (u32)(hash(pc ^ physical << 7) % BUCKETS); }

/* Has a peer decoded instructions of this page? */
static int peers_have_code(const Engine *e, u64 page) {
    for (const Peer *it = e->peer.next; it != &e->peer; it = it->next)
        if (it->drop_code(it->hart, page, 0)) return 1;
    return 0;
}

static void forget_blocks(Hart *h) {
    Engine *e = &h->engine;
    memset(e->buckets, 0, sizeof e->buckets);
    memset(e->code, 0, e->ram_size / PAGE * sizeof *e->code);
    for (u64 page = 0; page < e->ram_size / PAGE; page++)
        if (e->page_state[page] & PAGE_CODE && !peers_have_code(e, page)) e->page_state[page] &= (u8)~PAGE_CODE;
    e->generation++;
    e->ops_used = e->blocks_used = 0;
    memset(e->jumps, 0, sizeof e->jumps);
    forget_links(e);
}

/* Drop the blocks of a page if any lies in these lines of it. Are there blocks of it left? */
static int drop_code(void *hart, u64 page, u64 lines) {
    Hart *h = hart;
    Engine *e = &h->engine;
    CodePage *code = &e->code[page];
    if (!(code->lines & lines)) return code->lines != 0;
    for (Block *block = code->blocks; block; block = block->next_here) {
        Block **at = &e->buckets[bucket(block->pc, block->physical)];
        while (*at && *at != block) at = &(*at)->next;
        if (*at) *at = block->next;
    }
    *code = (CodePage){0};
    forget_links(e);
    h->changed = 1;
    return 0;
}

/* Bytes of RAM in a page that is more than plain memory were written. */
OUTLINE void code_written(Hart *h, u64 offset, u32 size) {
    Engine *e = &h->engine;
    u64 last = offset + size - 1;
    for (u64 page = offset / PAGE; page <= last / PAGE; page++) {
        if (e->page_state[page] & PAGE_WATCHED) h->attention = 1;
        if (!(e->page_state[page] & PAGE_CODE)) continue;
        u64 from = page == offset / PAGE ? offset % PAGE / 64 : 0;
        u64 to = page == last / PAGE ? last % PAGE / 64 : 63;
        u64 lines = (~0ull << from) & (~0ull >> (63 - to));
        int left = drop_code(h, page, lines);
        for (const Peer *it = e->peer.next; it != &e->peer; it = it->next) left |= it->drop_code(it->hart, page, lines);
        if (!left) e->page_state[page] &= (u8)~PAGE_CODE;
    }
}

/* Have the next store to this page take the long way. */
static void hide_stores(void *hart, u64 page) {
    Engine *e = &((Hart *)hart)->engine;
    u64 first = (u64)(uintptr_t)e->ram + page * PAGE;
    for (int i = 0; i < CONTEXTS; i++) {
        Context *context = e->contexts[i];
        if (!context || !context->used) continue;
        for (int j = 0; j < ENTRIES; j++) {
            Translation *entry = &context->writes[j];
            if (entry->page != NO_PAGE && entry->host + entry->page == first) entry->page = NO_PAGE;
        }
    }
}

/* Instructions of this page are about to be decoded: stores to it must not pass unseen. */
static void mark_code(Engine *e, u64 page) {
    if (e->page_state[page] & PAGE_CODE) return;
    e->page_state[page] |= PAGE_CODE;
    const Peer *it = &e->peer;
    do it->hide_stores(it->hart, page);
    while ((it = it->next) != &e->peer);
}

static int at_breakpoint(const Hart *h, u64 pc) {
    for (u32 i = 0; i < h->engine.breakpoints; i++)
        if (h->engine.breakpoint[i] == pc) return 1;
    return 0;
}

/* Give the instructions of a block the handlers of the sequences that they make up. */
static void join(Op **ops, const u16 *numbers, u32 count) {
    for (u32 at = 0, used; at < count; at += used) ops[at]->run = fuse(ops + at, numbers + at, count - at, &used);
}

/* Decode from an address to the first instruction that has to end a block. */
static Block *make_block(Hart *h, u64 pc, u64 physical) {
    Engine *e = &h->engine;
    if (e->ops_used + 3 * LONGEST > OPS || e->blocks_used == BLOCKS) forget_blocks(h);
    u64 offset = physical - e->ram_base, end = (offset & PAGE_MASK) + PAGE, page = offset / PAGE;
    u64 lines = 0;
    Op *first = &e->ops[e->ops_used], *op = first, *ops[LONGEST];
    u16 numbers[LONGEST];
    u32 count = 0;
    while (offset + 2 <= end && count < LONGEST) {
        u32 word = (u32)ram_read(e->ram + offset, 2);
        u32 length = (word & 3) == 3 ? 4 : 2;
        if (offset + length > end || (e->breakpoints && at_breakpoint(h, pc))) break;
        if (length == 4) word = (u32)ram_read(e->ram + offset, 4);
        int number = decode(length == 4 ? word : expand((u16)word), op);
        if (number < 0) break;
        op->pc = pc;
        op->word = word;
        lines |= 1ull << (offset % PAGE / 64) | 1ull << ((offset + length - 1) % PAGE / 64);
        /* A jump forward within the page does not end the block: it goes on at the target. Backward, it
           would copy the loop as often as there is room. */
        u64 target;
        int other = jump_through(number, op, &target);
        int goes_on = other >= 0 && target > pc && (target & PAGE_MASK) == (pc & PAGE_MASK) && !(target & 1);
        if (goes_on) number = other;
        op->run = HANDLERS[number];
        ops[count] = op;
        numbers[count++] = (u16)number;
        op->steps = (u8)count;
        offset = goes_on ? (offset & PAGE_MASK) + target % PAGE : offset + length;
        pc = goes_on ? target : pc + length;
        op++;
        u8 shape = SHAPES[number];
        if (shape == STRAIGHT) continue;
        *op++ = (Op){0};
        if (shape == ALWAYS) goto done;
    }
    if (!count) return NULL;
    *op++ = (Op){.run = op_end, .pc = pc, .steps = (u8)count};
    *op++ = (Op){0};
done:
    join(ops, numbers, count);
    mark_code(e, page);
    CodePage *code = &e->code[page];
    code->lines |= lines;
    e->ops_used += (u32)(op - first);
    Block *block = &e->blocks[e->blocks_used++];
    Block **at = &e->buckets[bucket(first->pc, physical)];
    *block = (Block){first->pc, physical, first, *at, code->blocks};
    *at = code->blocks = block;
    return block;
}

/* The physical address of an instruction parcel; `ended` if it may not be fetched. */
static u64 fetch_address(Hart *h, u64 pc) {
    Context *context = h->engine.context;
    const Translation *entry = &context->fetches[(pc >> 12) % FETCH_ENTRIES];
    if (LIKELY(entry->page == (pc & PAGE_MASK))) return entry->host + (pc & (PAGE - 1));
    h->engine.level = 0;
    u64 physical = fn_translate_fetch(h, pc);
    if (!h->ended && cachable(h, physical)) {
        Translation found = {pc & PAGE_MASK, physical & PAGE_MASK};
        put(&h->engine, FETCHES, (u32)((pc >> 12) % FETCH_ENTRIES), found);
    }
    return physical;
}

static void take_exception(Hart *h) {
    h->ended = 0;
    h->steps++;
    h->trapped++;
    fn_take_exception(h);
    h->pc = h->next_pc;
    h->changed = 1;
}

static void begin_fetch(Hart *h, u64 pc) {
    h->pc = h->next_pc = pc;
    h->instruction = 0;
}

/* The block at an address; NULL where there is none to run, the exception taken if there is one. */
static const Op *find_block(Hart *h, u64 pc) {
    Engine *e = &h->engine;
    Jump *jump = jump_entry(h, pc);
    if (LIKELY(jump->pc == pc && jump->key == e->key && jump->op)) return jump->op;
    begin_fetch(h, pc);
    u64 physical = fetch_address(h, pc);
    if (h->ended) {
        take_exception(h);
        return NULL;
    }
    if (e->context->fetches[(pc >> 12) % FETCH_ENTRIES].page != (pc & PAGE_MASK)) return NULL;
    Block *block = e->buckets[bucket(pc, physical)];
    while (block && (block->pc != pc || block->physical != physical)) block = block->next;
    if (!block) block = make_block(h, pc, physical);
    if (!block) return NULL;
    *jump = (Jump){pc, e->key, block->first};
    return block->first;
}
