/* Points in time as text. Formatting only: no clock is read. */
#ifndef RUNG_BASE_TIME_H
#define RUNG_BASE_TIME_H

#define RUNG_TIME_TEXT 32 /* bytes that a formatted time needs at most, NUL included */

/* seconds since 1970 as UTC text "2026-11-20T09:30:00.123Z"; "" when not finite or beyond the year 9999. */
void rung_time_format(double seconds, char text[RUNG_TIME_TEXT]);

#endif
