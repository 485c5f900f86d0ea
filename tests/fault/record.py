"""A link that records what the one who connects says: passes one TCP connection on, byte for byte, and ends with it.

    record.py LISTEN-PORT TARGET-PORT FILE
"""

import select
import socket
import sys

door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
near, _ = door.accept()
far = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
with open(sys.argv[3], "wb", buffering=0) as said:
    while True:
        for one in select.select([near, far], [], [])[0]:
            try:
                data = one.recv(65536)
            except OSError:
                data = b""
            if not data:
                sys.exit()
            if one is near:
                said.write(data)
            (far if one is near else near).sendall(data)
