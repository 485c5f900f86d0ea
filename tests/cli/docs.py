"""What docs.sh asks of the documents.

    docs.py blocks LANGUAGE FILE          the blocks of that language, each into a file block-N; prints their names
    docs.py messages FILE SAID            the messages among FILE's json blocks have the keys of those in SAID
    docs.py events FILE EVENTS            the types and keys of an events file are those of FILE's table
    docs.py tests FILE ROOT               the tests that FILE's tables name exist
"""

import json
import os
import re
import sys


def blocks(path, language):
    with open(path, encoding="utf-8") as file:
        return re.findall(r"^```%s\n(.*?)^```$" % language, file.read(), re.M | re.S)


def write_blocks(language, path):
    for number, text in enumerate(blocks(path, language)):
        name = "block-%d" % number
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        print(name)


def messages(path, said):
    """Every message of rung in a document has exactly the keys of a real one of its type, optional ones aside."""
    real = {}
    with open(said, encoding="utf-8") as file:
        for line in file:
            message = json.loads(line.split(" ", 1)[1])
            real.setdefault(message["type"], set()).update(message)
    optional = {"start": {"examples_per_call"}}
    shown = set()
    for block in blocks(path, "json"):
        if not block.startswith('{"type"'):
            continue
        for line in block.splitlines():
            message = json.loads(line)
            kind = message["type"]
            shown.add(kind)
            if kind in ("start", "job", "evaluate", "forget", "stop"):
                keys = set(message) - optional.get(kind, set())
                if keys != real.get(kind):
                    sys.exit("%s has %s, rung sends %s" % (kind, sorted(keys), sorted(real.get(kind, set()))))
    wanted = {"start", "job", "evaluate", "forget", "stop", "ready", "progress", "result", "failure"}
    if shown != wanted:
        sys.exit("no example of " + ", ".join(sorted(wanted - shown)))


def events(path, recorded):
    """Each event of a file has the keys that the table says, and a good part of the table's types came."""
    table = {}
    with open(path, encoding="utf-8") as file:
        section = file.read().split("## The events file", 1)[1]
    for kind, fields in re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.M):
        fields = re.sub(r"\([^)]*\)", "", fields)
        if kind not in ("seq", "at", "type"):
            table[kind] = set(re.findall(r"`(\w+)`", fields)) | {"seq", "at", "type"}
    came = set()
    with open(recorded, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            came.add(event["type"])
            if set(event) != table.get(event["type"]):
                sys.exit("%s: the table has %s" % (line.strip(), sorted(table.get(event["type"], set()))))
    if came != set(table):
        sys.exit("these types did not come: " + ", ".join(sorted(set(table) - came)))


def tests(path, root):
    """A test is a function of a C file, the name of a check in a shell script, a transcript or a script."""
    text = []
    for folder in ("unit", "sim", "trace", "fault", "cli"):
        for where, _, names in os.walk(os.path.join(root, "tests", folder)):
            for name in names:
                if name.endswith((".c", ".sh")):
                    with open(os.path.join(where, name), encoding="utf-8") as file:
                        text.append(file.read())
    words = set(re.findall(r"[A-Za-z_]\w+", "\n".join(text)))
    named = 0
    missing = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|") or len(cells) < 3 or cells[2] in ("test", "---"):
                continue
            found = re.findall(r"`([^`]+)`", cells[-1])
            if not found:
                missing.append("a row without a test: " + cells[0])
            for name in found:
                named += 1
                if not (name in words or os.path.exists(os.path.join(root, "tests/trace", name))
                        and name.endswith(".trace") or name.startswith("tests/") and os.path.exists(os.path.join(root, name))):
                    missing.append(name)
    if missing or named < 80:
        sys.exit("\n".join(missing) or "only %d tests are named" % named)


{"blocks": write_blocks, "messages": messages, "events": events, "tests": tests}[sys.argv[1]](*sys.argv[2:])
