"""Prints a search's history and leaderboard without what may differ from run to run.

    normal.py HISTORY.csv LEADERBOARD.csv

A line per row, fields by name, so that a missing column shows. History in order of (model, partial_fit_calls).
"""

import csv
import sys

MAY_DIFFER = {
    "history": {"seq", "trainer", "partial_fit_time", "score_time", "elapsed_wall_time", "finished_at", "search"},
    "leaderboard": {"fit_seconds", "search"},
}


def rows(path, view):
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            yield row, " ".join("%s=%s" % (name, row[name]) for name in order(row, view) if name not in MAY_DIFFER[view])


def order(row, view):
    first = ["model", "partial_fit_calls"] if view == "history" else ["rank"]
    return first + [name for name in row if name not in first]


history = sorted(rows(sys.argv[1], "history"), key=lambda r: (int(r[0]["model"]), int(r[0]["partial_fit_calls"])))
for _, line in history:
    print("history", line)
for _, line in rows(sys.argv[2], "leaderboard"):
    print("leaderboard", line)
