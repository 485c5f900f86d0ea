/* "Did you mean": the known word that a misspelt one is closest to. */
#ifndef RUNG_BASE_SUGGEST_H
#define RUNG_BASE_SUGGEST_H

#include <stddef.h>

/* The candidate with the least Damerau-Levenshtein distance to word, if that is at most a third of
 * the longer length (and at least 1 is allowed); the first of several; NULL when none is near. */
const char *rung_suggest(const char *word, const char *const *candidates, size_t count);

#endif
