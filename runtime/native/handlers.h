/* How the handlers of decoded instructions go from one to the next: each ends in a call of the next
   one, which the compiler makes a jump. */
#pragma once

#include "translation.h"

#define ARGUMENTS const Op *op, Hart *h, i64 left, const Translation *reads, const Translation *writes
#define PASS(op) op, h, left, reads, writes
#define CONTINUE_AT(target) do { const Op *_op = (target); TAIL return _op->run(PASS(_op)); } while (0)
#define NEXT CONTINUE_AT(op + 1)
#define NEXT_BEHIND_LINK CONTINUE_AT(op + 2)
#define NEXT_PC (op->pc + OP_LENGTH(op))

/* Before an operation that may look at the hart as a whole. */
INLINE void enter(const Op *op, Hart *h, i64 left) {
    h->steps = h->engine.deadline - (u64)left + op->steps - 1;
    h->pc = op->pc;
    h->next_pc = NEXT_PC;
    h->instruction = op->word;
}

/* Leave the block behind an operation: it ended, or it changed something. */
OUTLINE void leave(const Op *op, Hart *h, i64 left) {
    h->steps = h->engine.deadline - (u64)left + op->steps;
    if (h->ended) {
        h->ended = 0;
        h->trapped++;
        fn_take_exception(h);
    }
    h->pc = h->next_pc;
}

static const Op *find_block(Hart *h, u64 pc);

/* Go on at an address with no link to it yet; `link` takes one. */
OUTLINE void follow(const Op *op, Hart *h, i64 left, u64 target, Link *link) {
    (void)op;
    h->pc = target;
    h->steps = h->engine.deadline - (u64)left;
    if (left <= 0 || h->events) return;
    u64 generation = h->engine.generation;
    const Op *to = find_block(h, target);
    if (!to) return;
    /* Had all blocks been dropped for lack of space, the link would lie in the new ones. */
    if (link && generation == h->engine.generation) *link = (Link){to, h->engine.key, target, 0};
    const Translation *reads = h->engine.context->reads, *writes = h->engine.context->writes;
    return to->run(PASS(to));
}

/* A jump whose target never changes, with its link behind it. */
#define JUMP_LINKED(target)                                                                       \
    do {                                                                                          \
        Link *_link = (Link *)(uintptr_t)(op + 1);                                                \
        left -= op->steps;                                                                 \
        if (LIKELY(_link->key == h->engine.key && left > 0)) CONTINUE_AT(_link->op);              \
        return follow(op, h, left, (target), _link);                                              \
    } while (0)

INLINE Jump *jump_entry(Hart *h, u64 pc) { return &h->engine.jumps[(pc >> 1) % JUMPS]; }

/* A jump to a computed address. */
#define JUMP_TO(target)                                                                           \
    do {                                                                                          \
        u64 _target = (target);                                                                   \
        Jump *_jump = jump_entry(h, _target);                                                     \
        left -= op->steps;                                                                 \
        if (LIKELY(_jump->pc == _target && _jump->key == h->engine.key && left > 0)) CONTINUE_AT(_jump->op); \
        return follow(op, h, left, _target, NULL);                                                \
    } while (0)

/* The end of a block that goes on with the next address. */
static void op_end(ARGUMENTS) {
    Link *link = (Link *)(uintptr_t)(op + 1);
    left -= op->steps;
    if (LIKELY(link->key == h->engine.key && left > 0)) CONTINUE_AT(link->op);
    return follow(op, h, left, op->pc, link);
}

/* Run an operation as the spec has it, and go on if nothing came up. */
#define CALL(function)                                                                            \
    do {                                                                                          \
        enter(op, h, left);                                                                       \
        function(h, op);                                                                          \
        if (UNLIKELY(h->events)) return leave(op, h, left);                                       \
        NEXT;                                                                                     \
    } while (0)

/* The same for an operation that sets next_pc in ways of its own. */
#define CALL_AND_LEAVE(function)                                                                  \
    do {                                                                                          \
        enter(op, h, left);                                                                       \
        function(h, op);                                                                          \
        return leave(op, h, left);                                                                \
    } while (0)
