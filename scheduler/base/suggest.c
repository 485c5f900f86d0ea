/*
 * Damerau-Levenshtein distance in its restricted form (optimal string alignment): insertions,
 * deletions, replacements and swaps of neighbours, no part edited twice.
 */
#include "base/suggest.h"

#include <string.h>

#define LONGEST 255 /* longer words are no misspelt names */

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, size_t m, const char *b, size_t n)
{
    int rows[3][LONGEST + 1]; /* the row before the last one, the last one, this one, in turn */
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= m; i++) {
        int *now = rows[i % 3];
        const int *last = rows[(i - 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= n; j++) {
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[m % 3][n];
}

const char *rung_suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    int best_distance = 0;
    size_t length = strlen(word);
    for (size_t i = 0; i < count && length <= LONGEST; i++) {
        size_t other = strlen(candidates[i]), longer = length > other ? length : other;
        if (other > LONGEST)
            continue;
        int limit = longer >= 6 ? (int)(longer / 3) : 1;
        int d = distance(word, length, candidates[i], other);
        /* d = longer: not one letter of it is in place */
        if (d <= limit && (size_t)d < longer && (!best || d < best_distance)) {
            best = candidates[i];
            best_distance = d;
        }
    }
    return best;
}
