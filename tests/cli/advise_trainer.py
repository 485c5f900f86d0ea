#!/usr/bin/env python3
"""A trainer for tests of advice. Its loss after i calls on m machines is

    limit + (1 - 0.6 / sqrt(m)) ** i     algorithm cocoa
    limit + 0.9 ** i                     algorithm gd

and a call takes 0.5 + 8 / m + 0.3 log(m) + 0.02 m seconds, or so it says. m is the parameter `machines`, or OMP_NUM_THREADS.
Settings:

limit    of the loss (default 0)
score    "loss" (default), or "negative" (the loss with its sign changed), "nan", "equal", "slow" (1 / i)
progress false: no call is reported by itself
dual     true: reports a lower bound of the limit, 1e-9 below it at the end
"""
import json
import math
import os
import socket

peer = socket.socket(fileno=int(os.environ["RUNG_FD"])).makefile("rw")
settings = {}


def send(**message):
    peer.write(json.dumps(message) + "\n")
    peer.flush()


def loss(algorithm, m, i):
    rate = 0.9 if algorithm == "gd" else 1 - 0.6 / math.sqrt(m)
    value = settings.get("limit", 0) + rate**i
    kind = settings.get("score", "loss")
    return {"loss": value, "negative": -value, "nan": float("nan"), "equal": 3, "slow": 1 / i}[kind]


def metrics(p, m, i):
    numbers = {"objective": loss(p.get("algorithm"), m, i)}
    if settings.get("dual"):
        numbers["dual"] = settings.get("limit", 0) - 1e-9 - 0.5**i
    return numbers


def job(message):
    p, calls = message["parameters"], message["to"] - message["from"]
    m = p.get("machines", p.get("nodes", float(os.environ["OMP_NUM_THREADS"])))
    seconds = 0.5 + 8 / m + 0.3 * math.log(m) + 0.02 * m if m >= 1 else 1
    for i in range(message["from"] + 1, message["to"] + 1):
        if settings.get("progress", True):
            send(type="progress", job=message["job"], call=i, fit_seconds=seconds, metrics=metrics(p, m, i))
    with open(message["state_out"], "w") as file:
        file.write("x")
    last = metrics(p, m, message["to"])
    send(type="result", job=message["job"], score=last["objective"], metrics=last, fit_seconds=seconds * calls)


for line in peer:
    message = json.loads(line)
    if message["type"] == "start":
        settings = message["settings"]
        send(type="ready", protocol=1, name="advice")
    elif message["type"] == "job":
        job(message)
    elif message["type"] == "stop":
        break
