"""Others than workers at a scheduler's door.

    strangers.py PORT say TEXT      says it (with the escapes of Python), and waits until the scheduler has ended the connection
    strangers.py PORT replay FILE   likewise, with the bytes of the file
    strangers.py PORT silent COUNT  opens so many connections, prints "there", and holds them until its standard input ends
"""

import socket
import sys

port, how, what = int(sys.argv[1]), sys.argv[2], sys.argv[3]


def until_it_ends(one):
    one.settimeout(30)
    try:
        while one.recv(4096):
            pass
    except ConnectionError:
        pass


if how == "silent":
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(int(what))]
    print("there", flush=True)
    sys.stdin.read()
else:
    one = socket.create_connection(("127.0.0.1", port))
    try:
        one.sendall(open(what, "rb").read() if how == "replay" else what.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    except ConnectionError:
        pass
    until_it_ends(one)
