"""Makes a trainer slow, and writes down which jobs it gets.

    slow.py SECONDS FILE COMMAND...    waits so long before each job; lines of FILE as trainer.py's:
                                       JOB pid slot job model from to | DONE pid job model to
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time

seconds, path = float(sys.argv[1]), sys.argv[2]
rung = socket.socket(fileno=int(os.environ["RUNG_FD"]))
near, far = socket.socketpair()
trainer = subprocess.Popen(sys.argv[3:], env=dict(os.environ, RUNG_FD=str(far.fileno())), pass_fds=[far.fileno()])
far.close()
jobs = {}


def log(*words):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(fd, (" ".join(map(str, words)) + "\n").encode())
    os.close(fd)


def answers():
    for line in near.makefile("rb"):
        message = json.loads(line)
        if message["type"] == "result" and message["job"] in jobs:
            log("DONE", os.getpid(), message["job"], *jobs[message["job"]])
        try:
            rung.sendall(line)
        except OSError:
            os._exit(1)


threading.Thread(target=answers, daemon=True).start()
for line in rung.makefile("rb"):
    message = json.loads(line)
    if message["type"] == "job":
        jobs[message["job"]] = message["model"], message["to"]
        log("JOB", os.getpid(), os.environ["RUNG_SLOT"], message["job"], message["model"], message["from"], message["to"])
        time.sleep(seconds)
    near.sendall(line)
near.shutdown(socket.SHUT_WR)
trainer.wait()
