/* predict.h - the pool of inference plans of a model. */
#ifndef CORE_PREDICT_H
#define CORE_PREDICT_H

#include "core/model.h"

/* Samples of one inference plan: as many as keep its memory small, at most 256. */
int64_t tn_predict_chunk(const tn_graph *);
void tn_predict_free(tn_model *);

#endif
