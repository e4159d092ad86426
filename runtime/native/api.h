/* What drafthart.h promises beyond run.h: state by name, and what each instruction did.
   Included by the generated code behind its tables. */
#pragma once

#include "run.h"

API u32 dh_abi(void) { return DH_ABI; }
API const char *dh_status(void) { return STATUS; }
API u32 dh_xlen(void) { return XLEN; }

API int dh_load(Hart *h, u64 address, const void *bytes, u64 size) {
    Engine *e = &h->engine;
    u64 offset = address - e->ram_base;
    if (offset > e->ram_size || size > e->ram_size - offset) return 0;
    memcpy(e->ram + offset, bytes, size);
    dh_flush(h);
    return 1;
}

API void dh_interrupt(Hart *h) { h->attention = 1; }

API u64 dh_steps(const Hart *h) { return h->steps; }
API u64 dh_retired(const Hart *h) { return retired(h); }

API void dh_set_line(Hart *h, u32 number, int level) {
    if (number > 63) return;
    u64 bit = (u64)1 << number;
    h->interrupt_lines = level ? h->interrupt_lines | bit : h->interrupt_lines & ~bit;
    h->changed = 1;
}

API u64 dh_x(const Hart *h, u32 number) { return number && number < 32 ? h->x[number] : 0; }

API void dh_set_x(Hart *h, u32 number, u64 value) {
    if (number && number < 32) h->x[number] = XLEN == 32 ? (u32)value : value;
}

API u64 dh_f(const Hart *h, u32 number) { return number < 32 ? float_register(h, number) : 0; }

API void dh_set_f(Hart *h, u32 number, u64 value) {
    if (number < 32) set_float_register(h, number, value);
}

API u64 dh_pc(const Hart *h) { return h->pc; }
API void dh_set_pc(Hart *h, u64 value) { h->pc = (XLEN == 32 ? (u32)value : value) & ~(u64)1; }
API u32 dh_mode(const Hart *h) { return (u32)h->mode; }
API u32 dh_virtual(const Hart *h) { return (u32)virtualized(h); }

API void dh_set_mode(Hart *h, u32 mode, u32 v) {
    h->mode = mode & 3;
    set_virtualized(h, v != 0 && mode != 3);
    dh_flush(h);
}

API int dh_read_csr(Hart *h, u32 number, u64 *value) {
    if (!csr_exists(h, number)) return 0;
    *value = csr_read(h, number);
    h->ended = 0;
    return 1;
}

API int dh_write_csr(Hart *h, u32 number, u64 value) {
    if (!csr_exists(h, number)) return 0;
    csr_write(h, number, XLEN == 32 ? (u32)value : value);
    h->ended = 0;
    return 1;
}

API const char *dh_csr_name(u32 number) {
    for (size_t i = 0; i < sizeof CSR_NAMES / sizeof *CSR_NAMES; i++)
        if (CSR_NAMES[i].number == number) return CSR_NAMES[i].name;
    return NULL;
}

API int dh_csr_number(const char *name) {
    for (size_t i = 0; i < sizeof CSR_NAMES / sizeof *CSR_NAMES; i++)
        if (strcmp(CSR_NAMES[i].name, name) == 0) return (int)CSR_NAMES[i].number;
    return -1;
}

API void dh_on_commit(Hart *h, dh_commit_callback *callback, void *host) {
    h->engine.commit = callback;
    h->engine.commit_host = host;
    h->watching = callback != NULL;
    /* Kept translations would be used without a word. */
    dh_flush(h);
}

/* The accesses of a log, with the virtual addresses that were noted on their way. */
static u32 accesses(const Engine *e, const Access *log, u32 count, dh_access_t *found) {
    for (u32 i = 0; i < count; i++) {
        dh_access_t it = {log[i].address, log[i].address, log[i].value, (u32)log[i].size, 1};
        for (u32 k = 0; k < e->noted_count && it.walk; k++)
            if (e->noted[k].value == it.physical) {
                it.address = e->noted[k].address;
                it.walk = 0;
            }
        found[i] = it;
    }
    return count;
}

static void step_observed(Hart *h) {
    Engine *e = &h->engine;
    dh_commit_callback *callback = e->commit;
    u64 before[STORED + 1], after[STORED + 1], trapped = h->trapped;
    dh_commit it = {.pc = h->pc, .mode = (u32)h->mode, .virtualized = (u32)virtualized(h)};
    stored_csrs(h, before);
    dh_clear_logs(h);
    e->noted_count = 0;
    h->instruction = 0;
    step_unobserved(h);
    it.instruction = h->instruction;
    it.trapped = h->trapped != trapped;
    if (it.trapped) {
        it.cause = h->trap_cause;
        it.value = h->trap_value;
    }
    dh_csr_write_t csrs[MOST_ACCESSES];
    dh_access_t reads[MOST_ACCESSES], writes[MOST_ACCESSES];
    u64 expanded = expand_instruction(h);
    Op op[2] = {{0}};
    int number = it.trapped || !h->instruction ? -1 : decode((u32)expanded, op);
    if (number >= 0 && BANKS[number]) {
        u32 rd = expanded >> 7 & 31;
        if (BANKS[number] == 'f' || rd) {
            it.bank = BANKS[number];
            it.number = rd;
            it.written = it.bank == 'f' ? float_register(h, rd) : h->x[rd];
        }
    }
    for (u32 i = 0; i < e->csr_count; i++)
        csrs[it.csr_count++] = (dh_csr_write_t){(u32)e->csr_log[i].address, e->csr_log[i].value};
    if (!e->csr_count) {
        stored_csrs(h, after);
        for (u32 i = 0; i < STORED && it.csr_count < MOST_ACCESSES; i++)
            if (before[i] != after[i])
                csrs[it.csr_count++] = (dh_csr_write_t){STORED_NUMBERS[i], after[i]};
    }
    it.csrs = csrs;
    it.reads = reads;
    it.read_count = accesses(e, e->read_log, e->read_count, reads);
    it.writes = writes;
    it.write_count = accesses(e, e->write_log, e->write_count, writes);
    callback(e->commit_host, &it);
}
