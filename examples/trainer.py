#!/usr/bin/env python3
"""A trainer of one's own, over the protocol. A model is a number that each call moves towards 3."""
import json
import os
import socket

rung = socket.socket(fileno=int(os.environ["RUNG_FD"])).makefile("rw")


def answer(**message):
    rung.write(json.dumps(message) + "\n")
    rung.flush()


for line in rung:
    message = json.loads(line)
    if message["type"] == "start":
        answer(type="ready", protocol=1, name="trainer.py")
    elif message["type"] == "job":
        rate = message["parameters"]["rate"] / 1000
        number = json.load(open(message["state_in"])) if message["state_in"] else 0
        for call in range(message["from"], message["to"]):
            number += rate * (3 - number)
        with open(message["state_out"], "w") as file:
            json.dump(number, file)
        answer(type="result", job=message["job"], score=-(number - 3) ** 2)
    elif message["type"] == "stop":
        break
