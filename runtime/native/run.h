/* The loop of the engine, and its interface to C and to Python. */
#pragma once

#define API __attribute__((visibility("default"), used))

#include "traps.h"

enum { STOP_LIMIT, STOP_SLEEPING, STOP_ATTENTION, STOP_BREAKPOINT };

/* Half an instruction: fetches are not listed as reads. */
static u32 read_parcel(Hart *h, u64 physical) {
    if (LIKELY(in_ram(h, physical, 2))) return (u32)ram_read(h->engine.ram + (physical - h->engine.ram_base), 2);
    return (u32)device_read(h, physical, 2);
}

static void step_observed(Hart *h);

/* Run one instruction, or take the exception that it raises. */
static void step_unobserved(Hart *h) {
    Op op[2] = {{0}};
    u64 pc = h->pc;
    begin_fetch(h, pc);
    u64 physical = fetch_address(h, pc);
    if (h->ended) goto exception;
    u32 word = read_parcel(h, physical);
    if ((word & 3) == 3) {
        physical = (pc + 2) & (PAGE - 1) ? physical + 2 : fetch_address(h, pc + 2);
        if (h->ended) goto exception;
        word |= read_parcel(h, physical) << 16;
    }
    u32 expanded = (word & 3) == 3 ? word : expand((u16)word);
    h->instruction = word;
    h->next_pc = pc + ((word & 3) == 3 ? 4 : 2);
    int number = decode(expanded, op);
    if (number < 0) {
        fn_raise_illegal_instruction(h);
        goto exception;
    }
    op->pc = pc;
    op->word = word;
    CALLS[number](h, op);
    if (h->ended) goto exception;
    h->steps++;
    h->pc = h->next_pc;
    return;
exception:
    take_exception(h);
}

static void step(Hart *h) {
    if (UNLIKELY(h->engine.commit)) step_observed(h);
    else step_unobserved(h);
}

/* Virtual addresses before which dh_run returns. No block runs across one. */
API void dh_set_breakpoints(Hart *h, const u64 *addresses, u32 count) {
    h->engine.breakpoints = count < MOST_BREAKPOINTS ? count : MOST_BREAKPOINTS;
    memcpy(h->engine.breakpoint, addresses, h->engine.breakpoints * sizeof *addresses);
    forget_blocks(h);
}

/* Run until `limit` steps were begun, the hart sleeps, or the host must look. */
API int dh_run(Hart *h, u64 limit) {
    Engine *e = &h->engine;
    for (;;) {
        h->changed = 0;
        if (UNLIKELY(e->traps.records)) look_at_mode(h, 0);
        if (h->attention) break;
        if (h->steps >= limit) return STOP_LIMIT;
        if (h->sleeping) {
            if (!fn_wake(h)) return STOP_SLEEPING;
            h->sleeping = 0;
        }
        u64 cause = fn_pending_interrupt(h);
        if (cause != NO_INTERRUPT) {
            h->next_pc = h->pc;
            fn_take_interrupt(h, cause);
            h->pc = h->next_pc;
            if (UNLIKELY(e->traps.records)) look_at_mode(h, 1);
            continue;
        }
        if (UNLIKELY(e->breakpoints) && at_breakpoint(h, h->pc)) return STOP_BREAKPOINT;
        select_context(h);
        u64 timer = fn_next_timer(h);
        if (timer != e->timer) {
            e->timer = timer;
            break;
        }
        if (limit - h->steps <= LONGEST || h->watching) {
            do step(h);
            while (!h->events && h->steps < limit && !e->breakpoints);
            continue;
        }
        e->deadline = limit - LONGEST;
        const Op *op = find_block(h, h->pc);
        if (op)
            op->run(op, h, (i64)(e->deadline - h->steps), e->context->reads, e->context->writes);
        else if (!h->changed)
            step(h);
    }
    h->attention = 0;
    return STOP_ATTENTION;
}

API void dh_flush_translations(Hart *h) { flush_translations(h); }

API u64 dh_expanded(Hart *h) { return expand_instruction(h); }

/* Copy entry `at` of a log (0: reads, 1: writes, 2: CSRs) of the present instruction; 0 behind its end. */
API u32 dh_log(Hart *h, u32 which, u32 at, u64 *access) {
    Engine *e = &h->engine;
    const Access *log = which == 0 ? e->read_log : which == 1 ? e->write_log : e->csr_log;
    u32 count = which == 0 ? e->read_count : which == 1 ? e->write_count : e->csr_count;
    if (at >= count) return 0;
    access[0] = log[at].address;
    access[1] = log[at].size;
    access[2] = log[at].value;
    return 1;
}

API void dh_clear_logs(Hart *h) { h->engine.read_count = h->engine.write_count = h->engine.csr_count = 0; }

/* Run one instruction, with no look at interrupts. */
API void dh_step(Hart *h) {
    select_context(h);
    step(h);
    h->changed = 0;
    if (UNLIKELY(h->engine.traps.records)) look_at_mode(h, 0);
}

API void dh_flush(Hart *h) {
    flush_translations(h);
    forget_blocks(h);
    h->changed = 0;
}

/* Give all state of the revision its reset value; memory stays. */
API void dh_reset(Hart *h) {
    reset_state(h);
    h->events &= 0xff000000u;
    h->sleeping = 0;
    h->engine.timer = 0;
    h->engine.traps.mode = mode_and_virtual(h);
    dh_flush(h);
}

API void dh_watch_page(Hart *h, u64 address, int watched) {
    u64 page = (address - h->engine.ram_base) / PAGE;
    if (page >= h->engine.ram_size / PAGE) return;
    if (watched) h->engine.page_state[page] |= PAGE_WATCHED;
    else h->engine.page_state[page] &= (u8)~PAGE_WATCHED;
    dh_flush(h);
}

/* The host wrote to RAM, as a device's DMA does: instructions that were there are decoded anew. */
API void dh_host_wrote(Hart *h, u64 address, u64 size) {
    u64 offset = address - h->engine.ram_base;
    if (!size || offset >= h->engine.ram_size || size > h->engine.ram_size - offset) return;
    u8 attention = h->attention;
    for (u64 done = 0, part; done < size; done += part) {
        part = size - done < PAGE ? size - done : PAGE;
        code_written(h, offset + done, (u32)part);
    }
    h->attention = attention;
}

API void *dh_peer(Hart *h) { return &h->engine.peer; }

/* Let a hart that is new share its RAM with the one whose `dh_peer` this is: they run in turns, and
   each sees what the others store, instructions included. */
API void dh_join(Hart *h, void *peer) {
    Peer *mine = &h->engine.peer, *other = peer;
    free(mine->page_state);
    h->engine.page_state = mine->page_state = other->page_state;
    mine->next = other->next;
    other->next = mine;
    dh_flush(h);
}

API int dh_add_window(Hart *h, u64 base, u64 end) {
    if (h->engine.windows == MOST_WINDOWS) return 0;
    h->engine.window[h->engine.windows++] = (Window){base, end};
    return 1;
}

API void dh_set_clock(Hart *h, u64 offset, u64 steps_per_tick) {
    h->engine.time_offset = offset;
    h->engine.steps_per_tick = steps_per_tick;
}

API void dh_destroy(Hart *h) {
    if (!h) return;
    for (int i = 0; i < CONTEXTS; i++) free(h->engine.contexts[i]);
    free(h->engine.ops);
    free(h->engine.blocks);
    free(h->engine.code);
    Peer *mine = &h->engine.peer, *before = mine;
    while (before->next != mine) before = before->next;
    if (before == mine) free(mine->page_state);
    before->next = mine->next;
    free(h);
}

/* A hart with its RAM, `size` bytes at `ram` that appear at physical address `base`. NULL if the
   host has no memory for it. */
API Hart *dh_create(u8 *ram, u64 base, u64 size, DeviceRead *device_read, DeviceWrite *device_write, void *host) {
    Hart *h = calloc(1, sizeof(Hart));
    if (!h) return NULL;
    Engine *e = &h->engine;
    e->ram = ram;
    e->ram_base = base;
    e->ram_size = size;
    e->device_read = device_read;
    e->device_write = device_write;
    e->host = host;
    e->steps_per_tick = 10;
    e->next_key = 1;
    e->ops = malloc(OPS * sizeof(Op));
    e->blocks = malloc(BLOCKS * sizeof(Block));
    e->code = calloc(size / PAGE, sizeof(CodePage));
    e->page_state = calloc(size / PAGE, 1);
    e->peer = (Peer){&e->peer, h, e->page_state, hide_stores, drop_code};
    if (!e->ops || !e->blocks || !e->code || !e->page_state) {
        dh_destroy(h);
        return NULL;
    }
    dh_reset(h);
    return h;
}

API const char *dh_revision(void) { return REVISION; }
API const char *dh_content(void) { return CONTENT; }
