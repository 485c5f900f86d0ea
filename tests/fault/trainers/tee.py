"""Starts a trainer and writes down what it and rung say to each other.

    tee.py FILE COMMAND…        lines of FILE: "→ " or "← " and the message
"""

import os
import socket
import subprocess
import sys
import threading

rung = socket.socket(fileno=int(os.environ["RUNG_FD"]))
near, far = socket.socketpair()
trainer = subprocess.Popen(sys.argv[2:], env=dict(os.environ, RUNG_FD=str(far.fileno())), pass_fds=[far.fileno()])
far.close()
file = open(sys.argv[1], "a", encoding="utf-8")
lock = threading.Lock()


def copy(source, target, arrow):
    for line in source.makefile("rb"):
        with lock:
            file.write(arrow + " " + line.decode())
            file.flush()
        target.sendall(line)
    target.shutdown(socket.SHUT_WR)


there = threading.Thread(target=copy, args=(rung, near, "→"))
there.start()
copy(near, rung, "←")
there.join()
trainer.wait()
