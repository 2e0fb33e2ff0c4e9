/* feed_ahead.c - a thread that makes batches before they are asked for.
 *
 * Batches are counted; number k lies in slot k % slots. Under the lock, always
 *     taken <= made <= taken - held + slots
 * so the one in use is never overwritten. A batch changes hands with one locking by each side.
 * The thread follows the course; whoever asks for another place sends it there, and what it had
 * made is dropped. An error is handed over in place of its batch and ends what is made ahead. */
#include <signal.h>

#include "core/feed_state.h"

/* A smaller batch is made in less time than it takes to wake a thread; from the larger size on
 * two slots do. Of sizes alone, so that a run does the same every time. */
#define WORTH_A_THREAD (64 << 10)
#define LARGE (1 << 20)

struct tn_ahead {
    tn_feed *feed;
    tn_course course;
    int32_t slots;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    int64_t made, taken;
    bool held;          /* number taken - 1 is in use */
    tn_feed_place next; /* of number `made` */
    int64_t epoch;      /* of training; goes on when validation ends */
    int64_t turns;      /* how often the course was left */
    bool thread_waits, caller_waits, stop;
};

static tn_feed_slot *slot_of(const tn_ahead *a, int64_t number)
{
    return &a->feed->slot[number % a->slots];
}

static bool same(const tn_feed_place *a, const tn_feed_place *b)
{
    return a->split == b->split && a->epoch == b->epoch && a->batch == b->batch;
}

/* ---- the course ---------------------------------------------------------------------- */

/* At the end of an update's batches goes back to their first as long as passes are left. */
static bool goes_back(const tn_course *c, tn_feed_place *p, int64_t batches)
{
    const int64_t part = p->batch % c->accumulate;
    if (p->split != TN_TRAIN || (part + 1 < c->accumulate && p->batch + 1 < batches))
        return false;
    p->pass++;
    if (p->pass < c->passes) p->batch -= part;
    if (p->pass < c->passes) return true;
    p->pass = 0;
    return false;
}

static void go_on(tn_ahead *a)
{
    const tn_feed *f = a->feed;
    tn_feed_place *p = &a->next;
    const int64_t batches = tn_feed_batches(f, p->split);
    if (goes_back(&a->course, p, batches) || ++p->batch < batches) return;
    if (p->split == TN_TRAIN && a->course.epochs && f->info.count[TN_VALIDATION]) {
        *p = (tn_feed_place){.split = TN_VALIDATION};
        return;
    }
    a->epoch++;
    *p = (tn_feed_place){.split = TN_TRAIN, .epoch = a->epoch};
    if (a->epoch >= a->course.epochs) p->batch = TN_FEED_END;
}

/* ---- the thread ---------------------------------------------------------------------- */

static bool has_room(const tn_ahead *a)
{
    return a->next.batch != TN_FEED_END && a->made - a->taken + a->held < a->slots;
}

/* At most half of the slots behind the one in use are ready: once awake, the thread makes several,
 * as being woken takes it and whoever works on its core longer than a small batch. */
static bool runs_short(const tn_ahead *a)
{
    return 2 * (a->made - a->taken) < a->slots - 1;
}

static void make_next(tn_ahead *a)
{
    tn_feed_slot *slot = slot_of(a, a->made);
    const int64_t turns = a->turns;
    slot->place = a->next;
    pthread_mutex_unlock(&a->lock);
    slot->status = tn_feed_make(a->feed, slot, true, &slot->error);
    pthread_mutex_lock(&a->lock);
    if (turns != a->turns) return;
    a->made++;
    go_on(a);
    if (slot->status) a->next.batch = TN_FEED_END;
    if (a->caller_waits) pthread_cond_signal(&a->ready);
}

static void *work(void *data)
{
    tn_ahead *a = data;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        a->thread_waits = !has_room(a);
        if (a->thread_waits)
            pthread_cond_wait(&a->room, &a->lock);
        else
            make_next(a);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

/* ---- the caller ---------------------------------------------------------------------- */

static void wait_for_one(tn_ahead *a)
{
    if (a->made == a->taken) pthread_cond_signal(&a->room);
    a->caller_waits = true;
    while (a->made == a->taken) pthread_cond_wait(&a->ready, &a->lock);
    a->caller_waits = false;
}

const tn_feed_slot *tn_ahead_take(tn_feed *f, const tn_feed_place *place)
{
    tn_ahead *a = f->ahead;
    const tn_feed_slot *slot = slot_of(a, a->taken + a->slots - 1);
    if (a->held && !slot->status && same(&slot->place, place)) return slot;
    pthread_mutex_lock(&a->lock);
    a->held = false;
    if (!same(a->taken < a->made ? &slot_of(a, a->taken)->place : &a->next, place)) {
        a->made = a->taken;
        a->next = *place;
        a->turns++;
        if (place->split == TN_TRAIN) a->epoch = place->epoch;
    }
    wait_for_one(a);
    slot = slot_of(a, a->taken++);
    a->held = true;
    const bool wake = a->thread_waits && has_room(a) && runs_short(a);
    pthread_mutex_unlock(&a->lock);
    if (wake) pthread_cond_signal(&a->room);
    return slot;
}

/* ---- start and stop ------------------------------------------------------------------ */

/* Signals are for the program's own threads. */
static bool start_thread(tn_ahead *a)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failed = pthread_create(&a->thread, NULL, work, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}

static void drop(tn_ahead *a)
{
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->room);
    pthread_cond_destroy(&a->ready);
    a->feed->ahead = NULL;
    tn_memory_put(&a->feed->env->memory, a);
}

static tn_status make_room(tn_feed *f, int32_t slots, tn_error *e)
{
    const int64_t n = f->info.count[TN_TRAIN];
    for (int32_t i = 1; i < slots; i++) {
        if (f->slot[i].block[0]) continue;
        const tn_status status = tn_feed_slot_new(f, &f->slot[i], e);
        if (status) return status;
    }
    if (!f->order[1].order)
        f->order[1].order = tn_memory_array(&f->env->memory, (size_t)n, sizeof(int64_t),
                                            e);
    return f->order[1].order ? TN_OK : TN_ENOMEM;
}

/* Where the system has no thread to give, batches are made when they are asked for. */
tn_status tn_feed_start(tn_feed *f, const tn_course *course, int32_t split, int64_t epoch,
                        int64_t batch, tn_error *e)
{
    tn_feed_stop(f);
    if (f->info.same_thread || f->bytes < WORTH_A_THREAD) return TN_OK;
    const int32_t slots = f->bytes < LARGE ? TN_FEED_SLOTS : 2;
    const tn_status status = make_room(f, slots, e);
    if (status) return status;
    tn_ahead *a = tn_memory_get(&f->env->memory, sizeof *a, e);
    if (!a) return TN_ENOMEM;
    *a = (tn_ahead){.feed = f, .course = *course, .slots = slots, .epoch = epoch};
    a->next = (tn_feed_place){.split = split, .batch = batch};
    if (split == TN_TRAIN) a->next.epoch = epoch;
    if (a->course.accumulate == 1) a->course.passes = 1; /* the batch is held anyway */
    f->last_epoch = course->epochs;
    f->ahead = a;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->room, NULL);
    pthread_cond_init(&a->ready, NULL);
    if (!start_thread(a)) drop(a);
    return TN_OK;
}

void tn_feed_stop(tn_feed *f)
{
    tn_ahead *a = f->ahead;
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_mutex_unlock(&a->lock);
    pthread_cond_signal(&a->room);
    pthread_join(a->thread, NULL);
    drop(a);
}
