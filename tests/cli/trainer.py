#!/usr/bin/env python3
"""A trainer for tests. Its score depends on parameter and calls alone. Settings:

jobs     file: a line per job, "MODEL FROM TO"
hold     file: no job is answered while it exists
fail     list of models whose jobs fail; with "retry": true they may be tried again
until    file: `fail` only counts while it exists
after    number: `fail` only counts in jobs that begin at that call or later
die      list of models at whose jobs the trainer ends by itself, with a last word on standard error
nan      true: every score is NaN
"""
import json
import os
import socket
import sys
import time

peer = socket.socket(fileno=int(os.environ["RUNG_FD"])).makefile("rw")
settings = {}


def send(**message):
    peer.write(json.dumps(message) + "\n")
    peer.flush()


def job(m):
    model = m["model"]
    if "jobs" in settings:
        with open(settings["jobs"], "a") as file:
            file.write("%d %d %d\n" % (model, m["from"], m["to"]))
    while "hold" in settings and os.path.exists(settings["hold"]):
        time.sleep(0.005)
    if model in settings.get("die", []):
        print("last words of model %d" % model, file=sys.stderr, flush=True)
        os._exit(3)
    fails = "until" not in settings or os.path.exists(settings["until"])
    fails = fails and m["from"] >= settings.get("after", 0)
    if fails and model in settings.get("fail", []):
        send(type="failure", job=m["job"], reason="told to fail", retry=settings.get("retry", False))
        return
    a = m["parameters"]["a"]
    for call in range(m["from"] + 1, m["to"] + 1):
        send(type="progress", job=m["job"], call=call, fit_seconds=0.001, metrics={"loss": a / call})
    with open(m["state_out"], "w") as file:
        file.write("model %d at %d\n" % (model, m["to"]))
    print("trained model %d to %d" % (model, m["to"]), flush=True)
    score = float("nan") if settings.get("nan") else 1 - (a - 0.3) ** 2 - 1 / (1 + m["to"])
    send(type="result", job=m["job"], score=score, metrics={"loss": a}, fit_seconds=0.001, examples=10)


for line in peer:
    message = json.loads(line)
    if message["type"] == "start":
        settings = message["settings"]
        send(type="ready", protocol=1, name="tests", evaluate=True)
    elif message["type"] == "job":
        job(message)
    elif message["type"] == "evaluate":
        send(type="result", job=message["job"], metrics={"test_score": 0.625})
    elif message["type"] == "stop":
        break
