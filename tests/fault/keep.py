"""Starts programs and keeps everything that comes of them: keep.py SHELL COMMAND…

When SHELL (the process number of who started this) ends, or when told to end, it kills all descendants of the
programs, also those that went into a session of their own or lost their parent, and ends when none is left.
Each command is a line of shell, in which it is exec'ed; when one ends by itself, a line says so. Linux alone: it asks
for orphans with prctl.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def children():
    """Those alive or not yet reaped; orphans among my descendants become mine."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
        except OSError:
            pass  # it ended meanwhile
    return found


def reap(commands):
    """False when there is no child left, dead or alive."""
    try:
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return True
            if process in commands:
                print(f"ended with {os.waitstatus_to_exitcode(status)}: {commands[process]}", flush=True)
    except ChildProcessError:
        return False


def start(command):
    process = os.fork()
    if process == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for one in (signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE):  # a shell's background has them ignored
            signal.signal(one, signal.SIG_DFL)
        os.closerange(3, 65536)  # pipes of the test, whose ends it watches
        os.execv("/bin/sh", ["sh", "-c", f"exec {command}"])
    return process


def main():
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 or prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        sys.exit(f"keep.py: prctl: {os.strerror(ctypes.get_errno())}")
    os.setsid()  # what is typed to end a test is for the test, which ends this
    waited = ENDING | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    for one in waited:
        signal.signal(one, lambda *_: None)  # not ignored: only then does waiting see them
    if os.getppid() == int(sys.argv[1]):
        commands = {start(command): command for command in sys.argv[2:]}
        while signal.sigwait(waited) not in ENDING:
            reap(commands)
    while reap({}):
        for one in children():
            os.kill(one, signal.SIGKILL)
        signal.sigtimedwait({signal.SIGCHLD}, 0.05)


main()
