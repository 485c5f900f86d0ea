"""A trainer for tests: quick, pure, and wrong on demand.

    trainer.py [FAULT] [key=value ...]

Without a fault it does what the protocol asks. Its numbers depend on a job's parameters, its model's seed and the calls
before, so that a job that runs twice, in another order or from a wrong state shows in the scores. A fault strikes each
job unless one of these keys says when:

    times=N     the first N times only, counted over all processes of the search (needs log=)
    models=2,5  for these models only
    slot=K      in the trainer of this slot only
    from=K      for jobs that start at this call only
    each=1      the first time of each job, which is a model and the call it starts at

Other keys:
    log=FILE    a line per start, job and answer is appended: START pid slot | JOB pid slot job model from to state_in
                | DONE pid job model to | EVALUATE pid
    sleep=S     seconds that a call takes
    state=BYTES size of a state (else it grows with the calls)
    memory=0    never continue from memory: always read state_in
    nan=1       some models' scores are not finite
    nan_from=C  no score is finite from this call on
    metrics=BYTES  pads the metrics of each result
    evaluate=1  say that evaluate is understood
    metric=NAME put the objective into metrics under this name and leave score out
    dump=FILE   write what it was started with and the messages it gets to FILE
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import zlib

FAULT = sys.argv[1] if len(sys.argv) > 1 and "=" not in sys.argv[1] else ""
KEYS = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
SLOT = os.environ.get("RUNG_SLOT", "-")
LOG = KEYS.get("log")


def log(*words):
    if LOG:
        fd = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        os.write(fd, (" ".join(str(word) for word in words) + "\n").encode())
        os.close(fd)


def first(mark):
    """True for the first who asks for this mark, whichever process it is."""
    try:
        os.close(os.open("%s.%s.%s" % (LOG, FAULT, mark), os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def struck(job=None):
    if not FAULT or KEYS.get("slot", SLOT) != SLOT:
        return False
    if job is not None:
        if "models" in KEYS and str(job["model"]) not in KEYS["models"].split(","):
            return False
        if "from" in KEYS and job["from"] != int(KEYS["from"]):
            return False
        if "each" in KEYS:
            return first("%d.%d" % (job["model"], job["from"]))
    return "times" not in KEYS or any(first(i) for i in range(int(KEYS["times"])))


def unit(text):
    return zlib.crc32(text.encode()) / 4294967296.0


class Model:
    def __init__(self, job):
        self.calls = 0
        self.chain = zlib.crc32(json.dumps([job["seed"], job["parameters"]], sort_keys=True).encode())
        self.quality = unit("quality" + json.dumps(job["parameters"], sort_keys=True))

    def train(self):
        self.calls += 1
        self.chain = zlib.crc32(b"call %d" % self.calls, self.chain)

    def score(self):
        return self.quality * (1 - 1 / (1 + self.calls) ** 0.5) + 0.02 * self.chain / 4294967296.0

    def save(self, path):
        padding = int(KEYS.get("state", 40 * self.calls))
        with open(path, "w") as file:
            file.write("%d %d %r\n" % (self.calls, self.chain, self.quality) + "x" * padding)

    def load(self, path):
        with open(path) as file:
            calls, chain, quality = file.readline().split()
        self.calls, self.chain, self.quality = int(calls), int(chain), float(quality)


class Trainer:
    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.lines = self.socket.makefile("rb")
        self.models = {}

    def say(self, **message):
        self.raw(json.dumps(message) + "\n")

    def raw(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def answer(self, job, model):
        """The right answer, as a dictionary."""
        value = model.score()
        if KEYS.get("nan") and job["model"] % 5 == 3:
            value = float("nan") if job["model"] % 2 else None
        if job["to"] >= int(KEYS.get("nan_from", 1 << 53)):
            value = None
        message = {"type": "result", "job": job["job"], "score": value, "fit_seconds": 0.001 * (job["to"] - job["from"]),
                   "score_seconds": 0.0005, "examples": 10 * (job["to"] - job["from"]),
                   "metrics": {"loss": None if value is None else 1 - value, "chain": model.chain}}
        if "metrics" in KEYS:
            message["metrics"]["padding"] = "x" * int(KEYS["metrics"])
        if "metric" in KEYS:
            message["metrics"][KEYS["metric"]] = message.pop("score")
        return message

    def run(self, job):
        model = self.models.get(job["model"]) if KEYS.get("memory") != "0" else None
        if model is None or model.calls != job["from"]:
            model = Model(job)
            if job["state_in"] is not None:
                model.load(job["state_in"])
        if model.calls != job["from"]:
            self.say(type="failure", job=job["job"], retry=False,
                     reason="its state is at call %d, the job starts at %d" % (model.calls, job["from"]))
            return
        while model.calls < job["to"]:
            if "sleep" in KEYS:
                time.sleep(float(KEYS["sleep"]))
            model.train()
            self.say(type="progress", job=job["job"], call=model.calls, fit_seconds=0.001,
                     metrics={"loss": 1 - model.score()})
        self.models[job["model"]] = model
        if struck(job) and fault_at_answer(self, job, model):
            return
        if job["state_out"] is not None:
            model.save(job["state_out"])
        self.say(**self.answer(job, model))
        log("DONE", os.getpid(), job["job"], job["model"], job["to"])
        if FAULT == "one_shot":
            os._exit(0)

    def evaluate(self, job):
        model = Model({"seed": 0, "parameters": job["parameters"]})
        model.load(job["state_in"])
        log("EVALUATE", os.getpid())
        if FAULT == "evaluate_hangs":
            hang()
        if FAULT == "evaluate_fails":
            self.say(type="failure", job=job["job"], reason="no test rows", retry=False)
            return
        self.say(type="result", job=job["job"], metrics={"test_score": model.score() / 2})


def flood(trainer):
    block = b"x" * (1 << 20)
    for _ in range(10):
        trainer.raw(block)
    hang()


def hang():
    while True:
        time.sleep(1000)


def wrong_answer(change):
    def act(trainer, job, model):
        message = trainer.answer(job, model)
        if job["state_out"] is not None:
            model.save(job["state_out"])
        change(message)
        trainer.say(**message)
        return True
    return act


def raw_answer(text):
    def act(trainer, job, model):
        trainer.raw(text)
        return True
    return act


def failure(**fields):
    def act(trainer, job, model):
        trainer.say(type="failure", job=job["job"], **fields)
        return True
    return act


def without_state(trainer, job, model):
    trainer.say(**trainer.answer(job, model))
    return True


def twice(trainer, job, model):
    model.save(job["state_out"])
    line = json.dumps(trainer.answer(job, model)) + "\n"
    trainer.raw(line + line)
    return True


def exit_with_lines(trainer, job, model):
    for i in range(1, 41):
        print("last words", i)
    sys.stdout.flush()
    os._exit(7)


def kill_self(trainer, job, model):
    os.kill(os.getpid(), signal.SIGKILL)


def kill_self_with_child(trainer, job, model):
    subprocess.Popen(["sleep", "100"], pass_fds=[trainer.socket.fileno()])
    os.kill(os.getpid(), signal.SIGKILL)


def big_log(trainer, job, model):
    block = ("a line of a log that is too long, %0100d\n" % 0) * 2048
    for _ in range(60):
        sys.stdout.write(block)
    print("the last line of the log")
    sys.stdout.flush()
    return False


def progress(*calls):
    def act(trainer, job, model):
        for call in calls:
            trainer.say(type="progress", job=job["job"], call=job["from"] + call)
        return True
    return act


AT_ANSWER = {
    "garbage": raw_answer("this is no JSON\n"),
    "not_an_object": raw_answer("[1, 2, 3]\n"),
    "not_utf8": raw_answer(b'{"type":"failure","reason":"\xff\xfe"}\n'),
    "two_keys": raw_answer('{"type":"result","type":"result"}\n'),
    "unknown_type": raw_answer('{"type":"hello"}\n'),
    "no_type": raw_answer('{"job":1}\n'),
    "foreign": wrong_answer(lambda m: m.update(job=m["job"] + 100000)),
    "no_job": wrong_answer(lambda m: m.pop("job")),
    "no_score": wrong_answer(lambda m: m.pop("score")),
    "wrong_score": wrong_answer(lambda m: m.update(score="high")),
    "wrong_metrics": wrong_answer(lambda m: m.update(metrics=[1])),
    "wrong_seconds": wrong_answer(lambda m: m.update(fit_seconds="fast")),
    "wrong_examples": wrong_answer(lambda m: m.update(examples=-1)),
    "pause": lambda trainer, job, model: time.sleep(0.4),  # then it answers
    "flood": lambda trainer, job, model: flood(trainer),
    "silent": lambda trainer, job, model: hang(),
    "second_ready": raw_answer('{"type":"ready","protocol":1}\n'),
    "progress_falls": progress(1, 1),
    "progress_beyond": progress(100000),
    "no_state": without_state,
    "twice": twice,
    "exit": exit_with_lines,
    "killed": kill_self,
    "killed_with_child": kill_self_with_child,
    "fail": failure(reason="the moon is full"),
    "fail_retry": failure(reason="the moon is full", retry=True),
    "fail_final": failure(reason="cannot work", retry=False),
    "fail_mute": failure(),
    "fail_full": failure(reason="state.npz: [Errno 28] No space left on device", retry=False),
    "big_log": big_log,
}


def fault_at_answer(trainer, job, model):
    """True when the fault has answered, or spoilt, the job."""
    act = AT_ANSWER.get(FAULT)
    return act(trainer, job, model) if act else False


def print_noise():
    for i in range(200):
        print('{"type":"result","job":%d,"score":99}' % i)
        print("warning: something", i, file=sys.stderr)
    sys.stdout.flush()


def begin(trainer, start):
    """The answer to start; faults that come before any job."""
    ready = {"type": "ready", "protocol": 1, "name": "test trainer", "evaluate": "evaluate" in KEYS}
    if FAULT == "stateless":
        ready["state"] = "none"
    if FAULT == "platforms":
        ready["platform"] = "kernel " + SLOT
    if FAULT == "print":
        print_noise()
    if FAULT in ("never_ready", "protocol_2", "no_protocol", "garbage_first", "answer_first", "ready_and_garbage") and struck():
        if FAULT == "never_ready":
            hang()
        if FAULT == "protocol_2":
            ready["protocol"] = 2
        if FAULT == "no_protocol":
            del ready["protocol"]
        if FAULT == "garbage_first":
            trainer.raw("hello, I am a trainer\n")
        if FAULT == "answer_first":
            trainer.say(type="result", job=1, score=1)
        if FAULT == "ready_and_garbage":
            trainer.raw(json.dumps(ready) + "\nand now for something else\n")
            hang()
    trainer.say(**ready)


def signal_state():
    """SigBlk, SigIgn and SigCgt of this process before Python changed them, where the kernel tells: Python ignores SIGPIPE
    and SIGXFSZ and catches SIGINT by itself."""
    with open("/proc/self/status") as status:
        return dict(line.split() for line in status if line.startswith(("SigBlk", "SigIgn")))


def dump(what):
    if "dump" in KEYS:
        with open(KEYS["dump"], "a") as file:
            file.write(json.dumps(what) + "\n")


def dump_process():
    if "dump" in KEYS:
        dump({"environment": dict(os.environ), "folder": os.getcwd(), "session": os.getsid(0) == os.getpid(),
              "input": sys.stdin.read(), "signals": signal_state(), "files": resource.getrlimit(resource.RLIMIT_NOFILE),
              "policy": os.sched_getscheduler(0) == os.SCHED_BATCH})


def main():
    log("START", os.getpid(), SLOT)
    if FAULT == "exit_at_once" and struck():
        print("cannot find my data", file=sys.stderr)
        sys.exit(3)
    if FAULT == "deaf":  # neither `stop` nor SIGTERM makes it leave
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    trainer = Trainer(int(os.environ["RUNG_FD"]))
    for line in trainer.lines:
        message = json.loads(line)
        if message["type"] == "start":
            dump_process()
        dump(message)
        kind = message["type"]
        if kind == "start":
            begin(trainer, message)
        elif kind == "job":
            log("JOB", os.getpid(), SLOT, message["job"], message["model"], message["from"], message["to"],
                message["state_in"])
            if FAULT == "print":
                print_noise()
            trainer.run(message)
        elif kind == "evaluate":
            trainer.evaluate(message)
        elif kind == "forget":
            trainer.models.pop(message["model"], None)
            log("FORGET", os.getpid(), message["model"])
        elif kind == "stop":
            log("STOP", os.getpid(), SLOT)
            break
    if FAULT == "deaf":
        hang()


main()
