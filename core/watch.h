/* watch.h - what a part of a step takes, added up while somebody watches. */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

typedef struct tn_spent {
    double seconds;
    double operations; /* multiplications and additions of products */
} tn_spent;

double tn_seconds(void);

/* A part begins and ends; `spent` NULL: nobody watches, and no clock is read. */
static inline double tn_watch_begin(const tn_spent *spent)
{
    return spent ? tn_seconds() : 0;
}

static inline void tn_watch_end(tn_spent *spent, double began)
{
    if (spent) spent->seconds += tn_seconds() - began;
}

#endif
