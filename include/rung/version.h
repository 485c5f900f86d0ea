/*
 * Numbers by which programs, trainers and databases tell whether they fit together.
 */
#ifndef RUNG_VERSION_H
#define RUNG_VERSION_H

#define RUNG_VERSION          "0.1.0"
#define RUNG_PROTOCOL_VERSION 1 /* of the lines between scheduler and trainer */
#define RUNG_SCHEMA_VERSION   1 /* of the database */

#endif
