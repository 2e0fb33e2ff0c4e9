/* foreign.h - functions of shared libraries that are no plugins. They are code of any kind, so only
 * who makes the environment can allow a library: never a config or a model. */
#ifndef CORE_FOREIGN_H
#define CORE_FOREIGN_H

#include "core/env.h"

extern const tn_foreign_service tn_the_foreign_service;

#endif
