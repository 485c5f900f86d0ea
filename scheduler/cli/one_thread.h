/*
 * One thread for rung: the processors are the trainers'.
 *
 * OpenBLAS starts a thread for each processor before main, and these spin for their first tenth of a second,
 * which a search would begin with. What it reads then is the environment, so that the program has to be
 * started again with another one.
 */
#ifndef RUNG_CLI_ONE_THREAD_H
#define RUNG_CLI_ONE_THREAD_H

/* To be called first in main. Comes back with the user's environment; where the program could not be started
 * again, with idle threads of OpenBLAS. */
void rung_one_thread(char **argv);

#endif
