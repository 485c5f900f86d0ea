"""Links between network namespaces that can be cut, slow and lossy, whatever queues the kernel has.

    links.py SEED NAMESPACE NAMESPACE...

From the first namespace, device hostI (I from 1), to each other one, device net0: a TUN device at both ends, and this
program between them, which passes packets on. Says `ready` when the devices are there. Then takes orders, a line each:

    I down | I up | I shape MILLISECONDS PERCENT | I forget

`down` loses every packet, also those on their way, and neither end is told: as when a cable breaks far from both.
`shape`: a packet takes half to one and a half times so long, one way, and does not overtake others; so many are lost.
`forget`: connections made before are refused, as by a firewall that was started anew: who sends on one gets a reset.

Ends with its standard input, and with whoever started it.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
CLONE_NEWNET = 0x40000000
PACKETS = 1000  # on their way in one direction: more are lost, as in a queue that is full


def tun(namespace, name):
    with open("/run/netns/" + namespace) as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + namespace)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return fd


class Link:
    def __init__(self):
        self.up, self.delay, self.loss = True, 0.0, 0.0
        self.known = None  # connections that were made since it forgot; None: it never did


class Direction:
    def __init__(self, link, target):
        self.link, self.target, self.last, self.waiting = link, target, 0.0, 0


def obey(line):
    number, word, *more = line.split()
    link = links[int(number) - 1]
    if word == "shape":
        link.delay, link.loss = float(more[0]) / 1000, float(more[1]) / 100
    elif word == "forget":
        link.known = set()
    else:
        link.up = word == "up"


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset(addresses, ports, number):
    """The packet that ends the connection for who sent one with these."""
    there, here = addresses[4:], addresses[:4]
    header = ports[2:] + ports[:2] + struct.pack("!IIBBHHH", number, 0, 0x50, 0x04, 0, 0, 0)
    total = checksum(there + here + struct.pack("!HH", 6, len(header)) + header)
    header = header[:16] + struct.pack("!H", total) + header[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + there + here
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + header


def refusal(link, packet):
    """What its sender gets instead of having the packet passed on, or None."""
    if link.known is None or packet[0] >> 4 != 4 or packet[9] != 6:
        return None
    at = (packet[0] & 15) * 4
    addresses, ports, flags = packet[12:20], packet[at:at + 4], packet[at + 13]
    connection = frozenset(((addresses[:4], ports[:2]), (addresses[4:], ports[2:])))
    if flags & 0x02:  # SYN
        link.known.add(connection)
    if connection in link.known or flags & 0x04:  # never a reset for a reset
        return None
    return reset(addresses, ports, struct.unpack("!I", packet[at + 8:at + 12])[0])


def take(direction, packet, now):
    link = direction.link
    if not link.up or chance.random() < link.loss or direction.waiting >= PACKETS:
        return
    direction.last = max(direction.last, now + link.delay * chance.uniform(0.5, 1.5))
    direction.waiting += 1
    heapq.heappush(waiting, (direction.last, next(count), direction, packet))


def put(target, packet):
    try:
        os.write(target, packet)
    except OSError:  # the device is down
        pass


def pass_on(now):
    while waiting and waiting[0][0] <= now:
        _, _, direction, packet = heapq.heappop(waiting)
        direction.waiting -= 1
        if direction.link.up:
            put(direction.target, packet)


def read_all(source):
    for _ in range(64):
        try:
            yield os.read(source, 65536)
        except OSError:  # nothing more, or the device is down
            return


def orders():
    global rest
    data = os.read(0, 65536)
    if not data:
        sys.exit()
    *lines, rest = (rest + data).split(b"\n")
    for line in lines:
        obey(line.decode())


libc = ctypes.CDLL(None, use_errno=True)
chance = random.Random(int(sys.argv[1]))
first, others = sys.argv[2], sys.argv[3:]
parent = os.getppid()
links, directions, waiting, rest = [], {}, [], b""
count = iter(range(1 << 62))
for number, other in enumerate(others, 1):
    near, far, link = tun(first, "host%d" % number), tun(other, "net0"), Link()
    links.append(link)
    directions[near], directions[far] = Direction(link, far), Direction(link, near)
print("ready", flush=True)
poll = select.epoll()
for fd in (0, *directions):
    poll.register(fd, select.EPOLLIN)
while os.getppid() == parent:
    wait = 1.0 if not waiting else min(1.0, max(0.0, waiting[0][0] - time.monotonic()))
    for fd, _ in poll.poll(wait):
        if fd == 0:
            orders()
            continue
        for packet in read_all(fd):
            answer = refusal(directions[fd].link, packet) if directions[fd].link.up else None
            if answer:
                put(fd, answer)
            else:
                take(directions[fd], packet, time.monotonic())
    pass_on(time.monotonic())
