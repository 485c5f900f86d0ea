"""A link that breaks: passes TCP connections on, and at random moments cuts all of them for a while.

    proxy.py LISTEN-PORT TARGET-PORT SEED [ON-MOST OFF-MOST]     seconds; (default 0.8 and 1)

Bytes that were on their way are lost. Ends with its standard input.
"""

import random
import select
import socket
import sys
import time

listen, target, seed = map(int, sys.argv[1:4])
on_most, off_most = map(float, sys.argv[4:6] or ("0.8", "1.0"))
chance = random.Random(seed)
door = socket.create_server(("127.0.0.1", listen))
pairs = {}


def cut():
    for one in list(pairs):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        one.close()
    pairs.clear()


def drop(one):
    for end in (one, pairs.pop(one)):
        pairs.pop(end, None)
        end.close()


def accept():
    near, _ = door.accept()
    try:
        far = socket.create_connection(("127.0.0.1", target), 1)
    except OSError:
        near.close()
        return
    pairs[near], pairs[far] = far, near


def pass_on(until):
    while time.monotonic() < until:
        ready = select.select([door, sys.stdin, *pairs], [], [], max(0, until - time.monotonic()))[0]
        if sys.stdin in ready and not sys.stdin.read(1):
            sys.exit()
        for one in ready:
            if one is door:
                accept()
            elif one in pairs:
                try:
                    data = one.recv(65536)
                    if data:
                        pairs[one].sendall(data)
                    else:
                        drop(one)
                except OSError:
                    if one in pairs:
                        drop(one)


while True:
    pass_on(time.monotonic() + chance.uniform(0.05, on_most))
    cut()
    door.close()
    time.sleep(chance.uniform(0.05, off_most))
    door = socket.create_server(("127.0.0.1", listen))
