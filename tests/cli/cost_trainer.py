#!/usr/bin/env python3
"""A trainer for tests of forecasts: it says how long its jobs took, by a law with noise, and takes no longer than it
must, or, with "sleep": FACTOR, really takes FACTOR times as long. Settings:

call, job   seconds of a call of the fastest kind, and of a job (defaults 1 and 0.5)
noise       relative, repeatable per model and call (default 0.05)
states      a file to which the paths of its states are appended
"""
import json
import math
import os
import random
import socket
import time

peer = socket.socket(fileno=int(os.environ["RUNG_FD"])).makefile("rw")
settings = {}


def send(**message):
    peer.write(json.dumps(message) + "\n")
    peer.flush()


def job(m):
    p, calls = m["parameters"], m["to"] - m["from"]
    luck = random.Random("%d %d" % (m["seed"], m["to"]))
    rate = settings.get("call", 1) * (32 / p["batch_size"]) ** 0.25 * {"small": 1, "large": 2.5}[p["net"]]
    seconds = settings.get("job", 0.5) + rate * calls
    seconds *= math.exp(settings.get("noise", 0.05) * luck.gauss(0, 1))
    if "sleep" in settings:
        time.sleep(seconds * settings["sleep"])
        seconds *= settings["sleep"]
    good = 0.95 - 0.02 * (p["net"] == "small") - 0.05 * abs(math.log10(p["rate"]) + 2)
    score = good - 0.5 / math.sqrt(m["to"]) + 0.002 * luck.gauss(0, 1)
    with open(m["state_out"], "w") as file:
        file.write("x" * 1000)
    if "states" in settings:
        with open(settings["states"], "a") as file:
            file.write(m["state_out"] + "\n")
    send(type="result", job=m["job"], score=score, fit_seconds=seconds, score_seconds=0.1 * rate)


for line in peer:
    message = json.loads(line)
    if message["type"] == "start":
        settings = message["settings"]
        send(type="ready", protocol=1, name="cost")
    elif message["type"] == "job":
        job(message)
    elif message["type"] == "stop":
        break
