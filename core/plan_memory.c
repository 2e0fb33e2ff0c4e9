/* plan_memory.c - lays out what a plan needs only for a while in one block of memory: pieces
 * that are needed at the same time lie apart, others may lie on each other.
 *
 * Each piece goes into the smallest gap that holds it, the largest first (Pisarchyk, Lee,
 * "Efficient memory management for deep neural net inference", 2020, greedy by size for offsets)
 * or those first that are needed latest, whichever takes less. */
#include "core/plan_state.h"

#include <stdlib.h>

#define LINE 64 /* pieces start on cache lines */

void *tn_plan_take(tn_plan *p, int64_t count, size_t size, tn_error *e)
{
    return tn_arena_get(&p->arena, (size_t)count, size, e);
}

static tn_status make_room(tn_plan *p, tn_error *e)
{
    if (p->pieces < p->piece_room) return TN_OK;
    const int32_t room = p->piece_room ? 2 * p->piece_room : 64;
    tn_piece *piece = tn_memory_grow(&p->graph->env->memory, p->piece,
                                     (size_t)room * sizeof *piece, e);
    if (!piece) return TN_ENOMEM;
    p->piece = piece, p->piece_room = room;
    return TN_OK;
}

tn_status tn_plan_want(tn_plan *p, int64_t samples, int64_t count, size_t size,
                       tn_span span, void **where, tn_error *e)
{
    int64_t bytes;
    if (!tn_size_mul(samples, count, &bytes) ||
        !tn_size_mul(bytes, (int64_t)size, &bytes) || bytes > INT64_MAX - LINE)
        return tn_error_set(e, TN_ENOMEM, "a batch of %lld samples is too large",
                            (long long)samples);
    const tn_status status = make_room(p, e);
    if (status) return status;
    if (p->options.keeps) span = (tn_span){0, INT32_MAX};
    p->piece[p->pieces++] = (tn_piece){
        span, ((size_t)bytes + LINE - 1) & ~(size_t)(LINE - 1), 0, where};
    return TN_OK;
}

/* ---- places --------------------------------------------------------------------------- */

static bool meet(const tn_piece *a, const tn_piece *b)
{
    return a->span.first <= b->span.last && b->span.first <= a->span.last;
}

/* Where `piece` fits among those placed, which are sorted by place. */
static size_t find_place(tn_piece *const *placed, int32_t count, const tn_piece *piece)
{
    size_t end = 0, best = 0, smallest = SIZE_MAX;
    for (int32_t i = 0; i < count; i++) {
        const tn_piece *other = placed[i];
        if (!meet(piece, other)) continue;
        if (other->at > end && other->at - end >= piece->bytes &&
            other->at - end < smallest)
            best = end, smallest = other->at - end;
        if (other->at + other->bytes > end) end = other->at + other->bytes;
    }
    return smallest < SIZE_MAX ? best : end;
}

static void insert(tn_piece **placed, int32_t count, tn_piece *piece)
{
    int32_t i = count;
    for (; i > 0 && placed[i - 1]->at > piece->at; i--) placed[i] = placed[i - 1];
    placed[i] = piece;
}

/* Larger ones first; of one size, those that are needed longer, then earlier ones. */
static int by_size(const void *x, const void *y)
{
    const tn_piece *a = x, *b = y;
    if (a->bytes != b->bytes) return a->bytes < b->bytes ? 1 : -1;
    const int32_t for_a = a->span.last - a->span.first,
                  for_b = b->span.last - b->span.first;
    if (for_a != for_b) return for_a < for_b ? 1 : -1;
    return (a->span.first > b->span.first) - (a->span.first < b->span.first);
}

/* Those that are needed latest first: values of a forward pass end in the order of a stack. */
static int by_end(const void *x, const void *y)
{
    const tn_piece *a = x, *b = y;
    if (a->span.last == b->span.last) return by_size(x, y);
    return a->span.last < b->span.last ? 1 : -1;
}

/* false: the sum of all pieces is more than there can be. */
static bool add_sizes(tn_plan *p)
{
    for (int32_t i = 0; i < p->pieces; i++)
        if (__builtin_add_overflow(p->size.apart, p->piece[i].bytes, &p->size.apart))
            return false;
    return true;
}

/* Pieces in the order of their first group, and those that are needed no more in that of their
 * last: the most is needed when some piece is first needed. */
static int by_first(const void *x, const void *y)
{
    const tn_piece *const *a = x, *const *b = y;
    return ((*a)->span.first > (*b)->span.first) - ((*a)->span.first < (*b)->span.first);
}

static int by_last(const void *x, const void *y)
{
    const tn_piece *const *a = x, *const *b = y;
    return ((*a)->span.last > (*b)->span.last) - ((*a)->span.last < (*b)->span.last);
}

static size_t least_bytes(tn_plan *p, tn_piece **come, tn_piece **go)
{
    size_t now = 0, most = 0;
    for (int32_t i = 0; i < p->pieces; i++) come[i] = go[i] = &p->piece[i];
    qsort(come, (size_t)p->pieces, sizeof(tn_piece *), by_first);
    qsort(go, (size_t)p->pieces, sizeof(tn_piece *), by_last);
    for (int32_t i = 0, gone = 0; i < p->pieces; i++) {
        while (go[gone]->span.last < come[i]->span.first) now -= go[gone++]->bytes;
        now += come[i]->bytes;
        if (now > most) most = now;
    }
    return most;
}

typedef int piece_order(const void *, const void *);

static size_t place_all(tn_plan *p, tn_piece **placed, piece_order *order)
{
    size_t end = 0;
    qsort(p->piece, (size_t)p->pieces, sizeof *p->piece, order);
    for (int32_t i = 0; i < p->pieces; i++) {
        tn_piece *piece = &p->piece[i];
        piece->at = find_place(placed, i, piece);
        insert(placed, i, piece);
        if (piece->at + piece->bytes > end) end = piece->at + piece->bytes;
    }
    return end;
}

/* In the first of these orders that comes out at the least, or at less than the other. */
static void place_best(tn_plan *p, tn_piece **placed)
{
    const size_t by_sizes = place_all(p, placed, by_size);
    p->size.shared = by_sizes;
    if (by_sizes > p->size.least) p->size.shared = place_all(p, placed, by_end);
    if (by_sizes < p->size.shared) p->size.shared = place_all(p, placed, by_size);
}

/* One block for all pieces; where the arena sets every block apart to find steps out of them,
 * one for each. */
static tn_status take_pieces(tn_plan *p, tn_error *e)
{
    char *all = NULL;
    if (tn_arena_cuts() && !(all = tn_plan_take(p, 1, p->size.shared, e)))
        return TN_ENOMEM;
    for (int32_t i = 0; i < p->pieces; i++) {
        const tn_piece *piece = &p->piece[i];
        *piece->where = all ? all + piece->at : tn_plan_take(p, 1, piece->bytes, e);
        if (!*piece->where) return TN_ENOMEM;
    }
    return TN_OK;
}

tn_status tn_plan_lay_out(tn_plan *p, tn_error *e)
{
    tn_memory *m = &p->graph->env->memory;
    if (!add_sizes(p))
        return tn_error_set(e, TN_ENOMEM, "the values of a batch are too many");
    tn_piece **placed = tn_memory_array(m, 2 * (size_t)p->pieces, sizeof(tn_piece *), e);
    if (!placed) return TN_ENOMEM;
    p->size.least = least_bytes(p, placed, placed + p->pieces);
    place_best(p, placed);
    tn_memory_put(m, placed);
    const tn_status status = p->options.measures ? TN_OK : take_pieces(p, e);
    tn_memory_put(m, p->piece);
    p->piece = NULL;
    return status;
}

tn_plan_size tn_plan_memory(const tn_plan *p)
{
    return p->size;
}
