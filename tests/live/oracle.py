"""Compares mailboxes message by message, and fills and edits them, with nothing of Parom's.

    oracle.py snapshot ADDRESS --out FILE          what is there, as JSON
    oracle.py compare A B [--fold] [--exclude F]   A and B: addresses or snapshots; exit 1 and a list if they differ
    oracle.py expect BASE JOURNAL... ACTUAL        BASE with the journals of `edit` applied must be ACTUAL
    oracle.py stats ADDRESS                        folders, messages, bytes
    oracle.py load ADDRESS SCENARIO                fills a mailbox: special, names, ordinary, many-folders
    oracle.py edit ADDRESS --seed N --count K      random edits, written down in a journal
    oracle.py churn ADDRESS --seed N               1 % new messages and 5 % changed flags in every folder
    oracle.py do ADDRESS OPERATION ARGUMENTS...    one edit: append, flag, unflag, move, delete, create, rename, remove

An address is imap://user:password@host:port, or imaps:// without a look at the certificate. A folder on the command
line is its readable path with levels joined by `/`. Two mailboxes are equal when each folder holds the same multiset
of (bytes, flags and keywords, INTERNALDATE as a moment). `--fold` takes a character that one of the servers cannot
have in a name, its look-alike and `_` for the same.
"""

import argparse
import collections
import json
import random
import sys

import samples
from mailbox import UID, Failed, Mailbox, flags_of, ranges

# What a server may refuse in a name, and beside it the look-alike that is expected instead.
LOOKALIKES = dict(zip('/.\\^~*%:!";<>`{|}', "∕․＼＾～＊％：！＂；＜＞｀｛｜｝", strict=True))
FOLDED = {ord(char): "_" for pair in LOOKALIKES.items() for char in pair}


def snapshot(address):
    """{path: [[digest, size, flags, date, uid]]}, with the paths of folders that hold nothing, too."""
    with Mailbox(address) as mailbox:
        folders = {}
        for folder in mailbox.folders():
            if not folder.selectable:
                continue
            mailbox.select(folder.raw)
            rows = [[m.digest, m.size, m.flags, m.date, m.uid] for m in mailbox.messages()]
            folders[json.dumps(folder.path, ensure_ascii=False)] = {"role": folder.role, "messages": rows}
        return {"folders": folders}


def side(text):
    """A snapshot from an address or a file."""
    if text.startswith(("imap://", "imaps://")):
        return snapshot(text)
    with open(text, encoding="utf-8") as file:
        return json.load(file)


def contents(taken, fold=False, excluded=(), ignored_flags=()):
    """{path: Counter of what must be equal}."""
    counted = {}
    for key, folder in taken["folders"].items():
        path = tuple(json.loads(key))
        if any(path[: len(name)] == name for name in excluded) or folder["role"].lstrip("\\") in ignored_roles(excluded):
            continue
        if fold:
            path = tuple(segment.translate(FOLDED) for segment in path)
        rows = collections.Counter()
        for digest, size, flags, date, _ in folder["messages"]:
            rows[(digest, size, " ".join(flag for flag in flags if flag not in ignored_flags), date)] += 1
        counted[path] = counted.get(path, collections.Counter()) + rows
    return counted


def ignored_roles(excluded):
    return {name[0].lower() for name in excluded if len(name) == 1}


def differences(a, b):
    """Sentences about what is not equal, most telling first; none if all is."""
    found = []
    for path in sorted(a.keys() | b.keys()):
        name = "/".join(path)
        if path not in a or path not in b:
            where, there = ("second", b) if path not in a else ("first", a)
            found.append(f"folder {name!r} is only in the {where}, with {sum(there[path].values())} messages")
            continue
        only_a, only_b = a[path] - b[path], b[path] - a[path]
        for row in sorted(only_a, key=str)[:20]:
            partner = next((other for other in only_b if other[0] == row[0]), None)
            if partner:
                found.append(f"{name!r}: {told(row)} has flags/date {row[2:]} in the first, {partner[2:]} in the second")
            else:
                found.append(f"{name!r}: {told(row)} is {only_a[row]} times more in the first")
        digests_a = {row[0] for row in only_a}
        for row in sorted(only_b, key=str)[:20]:
            if row[0] not in digests_a:
                found.append(f"{name!r}: {told(row)} is {only_b[row]} times more in the second")
        if len(only_a) > 20 or len(only_b) > 20:
            found.append(f"{name!r}: {len(only_a)} and {len(only_b)} kinds of messages differ in all")
    return found


def told(row):
    return f"message {row[0][:12]} of {row[1]} bytes"


def report(found, messages):
    for line in found[:200]:
        print(line)
    if found:
        print(f"DIFFERENT: {len(found)} differences")
        return 1
    print(f"EQUAL: {messages} messages")
    return 0


def compare(options):
    excluded = [tuple(name.split("/")) for name in options.exclude]
    ignored = [flag.lower() for flag in options.ignore_flag]
    a, b = (contents(side(text), options.fold, excluded, ignored) for text in (options.a, options.b))
    return report(differences(a, b), sum(sum(rows.values()) for rows in a.values()))


def expect(options):
    """Applies journals to a snapshot. They must come from edits that do not touch the same messages."""
    wanted = contents(side(options.base), options.fold)
    for name in options.journals:
        with open(name, encoding="utf-8") as journal:
            for line in journal:
                apply(wanted, json.loads(line), options.fold)
    actual = contents(side(options.actual), options.fold)
    return report(differences(wanted, actual), sum(sum(rows.values()) for rows in wanted.values()))


def apply(wanted, step, fold):
    def spelled(path):
        return tuple(segment.translate(FOLDED) if fold else segment for segment in path)

    folder = spelled(step["folder"])
    to = spelled(step.get("to") or step["folder"])
    before, after = (tuple(step[key]) if step.get(key) else None for key in ("before", "after"))
    if step["op"] == "create":
        wanted.setdefault(folder, collections.Counter())
    elif step["op"] == "remove":
        for path in [path for path in wanted if path[: len(folder)] == folder]:
            del wanted[path]
    elif step["op"] == "rename":
        for path in [path for path in wanted if path[: len(folder)] == folder]:
            wanted[to + path[len(folder):]] = wanted.pop(path)
    else:
        if before:
            wanted[folder] -= collections.Counter([before])
        if after:
            wanted[to][after] += 1


def stats(options):
    with Mailbox(options.address) as mailbox:
        total, total_bytes = 0, 0
        for folder in mailbox.folders():
            if folder.selectable:
                mailbox.select(folder.raw)
                sizes = [size for _, size in mailbox.sizes()]
                total, total_bytes = total + len(sizes), total_bytes + sum(sizes)
                print(f"{len(sizes):8} {sum(sizes):12} {'/'.join(folder.path)}")
        print(f"{total:8} {total_bytes:12} in all")
    return 0


def load(options):
    with Mailbox(options.address) as mailbox:
        if options.scenario == "special":
            folder = ("special",)
            make(mailbox, folder)
            letters = (row for row in samples.special(options.big_bytes) if row[0] not in options.without)
            mailbox.append(mailbox.raw(folder), ((body, flags, date) for _, body, flags, date in letters))
        elif options.scenario == "names":
            for number, path in enumerate(samples.folder_names(options.avoid)):
                make(mailbox, path)
                mailbox.append(mailbox.raw(path), samples.letters(f"{options.seed}n{number}", 3))
        elif options.scenario == "ordinary":
            folder = tuple(options.folder.split("/"))
            make(mailbox, folder)
            mailbox.append(mailbox.raw(folder), samples.letters(options.seed, options.count, options.body_bytes))
        elif options.scenario == "many-folders":
            for number in range(options.count):
                path = (f"group {number // 50}", f"folder {number:04}")
                make(mailbox, path)
                mailbox.append(mailbox.raw(path), samples.letters(f"{options.seed}f{number}", 1, 200))
    return 0


def make(mailbox, path):
    known = {folder.path for folder in mailbox.folders()} if not hasattr(mailbox, "known") else mailbox.known
    mailbox.known = known
    for depth in range(1, len(path) + 1):
        if path[:depth] not in known:
            mailbox.create(path[:depth])
            known.add(path[:depth])


class Editor:
    """Random edits of one mailbox, and the journal of what they came to."""

    OPERATIONS = ["append"] * 5 + ["flag"] * 5 + ["move"] * 2 + ["delete"] * 2 + ["create"]

    def __init__(self, mailbox, options, journal):
        self.mailbox, self.options, self.journal = mailbox, options, journal
        self.randomness = random.Random(options.seed)
        self.operations = options.ops.split(",") if options.ops else self.OPERATIONS
        self.paths = [folder.path for folder in mailbox.folders() if folder.selectable]
        self.touched = set()
        self.number = 0

    def run(self):
        for _ in range(self.options.count):
            self.number += 1
            operation = self.randomness.choice(self.operations)
            getattr(self, operation)()

    def write(self, **step):
        self.journal.write(json.dumps(step, ensure_ascii=False) + "\n")

    def pick(self):
        """A message that this run has not touched, of this run's share: so two editors never meet at one message."""
        for path in self.randomness.sample(self.paths, len(self.paths)):
            self.mailbox.select(self.mailbox.raw(path), writable=True)
            rows = [m for m in self.mailbox.messages() if self.mine(m) and (m.digest not in self.touched)]
            if rows:
                message = self.randomness.choice(rows)
                self.touched.add(message.digest)
                return path, message
        return None, None

    def mine(self, message):
        share, shares = (int(part) for part in self.options.share.split("/"))
        return int(message.digest[:8], 16) % shares == share - 1

    def append(self):
        path = self.randomness.choice(self.paths)
        token = f"e{self.options.seed}-{self.number}"
        body = samples.ordinary(self.randomness, token)
        flags, date = self.randomness.choice(samples.FLAG_SETS), samples.date_text(self.randomness)
        self.mailbox.append(self.mailbox.raw(path), [(body, flags, date)])
        self.mailbox.select(self.mailbox.raw(path))
        landed = max(self.mailbox.messages(), key=lambda message: message.uid)
        self.touched.add(landed.digest)
        self.write(op="append", folder=path, after=row(landed))

    def flag(self):
        path, message = self.pick()
        if path:
            before = row(message)
            flag = self.randomness.choice(["\\Seen", "\\Flagged", "\\Answered", "$Label2", "NonJunk"])
            sign = "-" if flag.lower() in message.flags else "+"
            self.mailbox.store(message.uid, sign, [flag])
            message.flags = sorted(set(message.flags) ^ {flag.lower()})
            self.write(op="flag", folder=path, before=before, after=row(message))

    def move(self):
        path, message = self.pick()
        others = [other for other in self.paths if other != path]
        if path and others:
            to = self.randomness.choice(others)
            self.mailbox.move(message.uid, to)
            self.write(op="move", folder=path, to=to, before=row(message), after=row(message))

    def delete(self):
        path, message = self.pick()
        if path:
            self.mailbox.expunge(message.uid)
            self.write(op="delete", folder=path, before=row(message))

    def create(self):
        path = (f"made {self.options.seed} {self.number}",)
        self.mailbox.create(path)
        self.paths.append(path)
        self.write(op="create", folder=path)

    def rename(self):
        own = [path for path in self.paths if path != ("INBOX",)]
        if own:
            old = self.randomness.choice(own)
            new = old[:-1] + (f"{old[-1]} renamed {self.number}",)
            self.mailbox.rename(old, new)
            self.paths = [new + path[len(old):] if path[: len(old)] == old else path for path in self.paths]
            self.write(op="rename", folder=old, to=new)


def row(message):
    return [message.digest, message.size, " ".join(message.flags), message.date]


def edit(options):
    with Mailbox(options.address) as mailbox, open(options.journal, "a", encoding="utf-8") as journal:
        Editor(mailbox, options, journal).run()
    return 0


def churn(options):
    """In every folder: 1 % new messages, and the flag \\Flagged turned over on 5 % of the old ones."""
    randomness = random.Random(options.seed)
    with Mailbox(options.address) as mailbox:
        for number, folder in enumerate(mailbox.folders()):
            if not folder.selectable:
                continue
            mailbox.select(folder.raw, writable=True)
            data = mailbox._ok(mailbox.imap.uid("FETCH", "1:*", "(UID FLAGS)"), "FETCH")
            lines = [line for line in data if line]
            rows = [(int(UID.search(line)[1]), "\\flagged" in flags_of(line)) for line in lines]
            chosen = randomness.sample(rows, max(1, len(rows) // 20)) if rows else []
            for sign, flagged in (("+", False), ("-", True)):
                uids = sorted(uid for uid, has in chosen if has is flagged)
                if uids:
                    mailbox.store(ranges(uids), sign, ["\\Flagged"])
            new = samples.letters(f"churn{options.seed}-{number}", max(1, len(rows) // 100), 12_000)
            mailbox.append(folder.raw, new)
    return 0


# What one edit appends has this INTERNALDATE.
DO_DATE = "05-Mar-2024 10:00:00 +0300"


def do(options):
    """One edit. Messages are named by a piece of their Subject, as SEARCH finds it."""
    with Mailbox(options.address) as mailbox:
        words = options.words
        path = tuple(words[0].split("/"))
        if options.operation in ("create", "remove", "rename"):
            rest = [tuple(word.split("/")) for word in words[1:]]
            getattr(mailbox, options.operation)(path, *rest)
            return 0
        if options.operation == "append":
            token = words[1]
            body = samples.ordinary(random.Random(token), token)
            mailbox.append(mailbox.raw(path), [(body, words[2:], DO_DATE)])
            return 0
        mailbox.select(mailbox.raw(path), writable=True)
        found = mailbox._ok(mailbox.imap.uid("SEARCH", "SUBJECT", f'"{words[1]}"'), "SEARCH")[0].split()
        if len(found) != 1 and not options.all:
            raise Failed(f"{len(found)} messages in {words[0]} have {words[1]!r} in their subject")
        for uid in (int(uid) for uid in found):
            if options.operation == "flag":
                mailbox.store(uid, "+", words[2:])
            elif options.operation == "unflag":
                mailbox.store(uid, "-", words[2:])
            elif options.operation == "move":
                mailbox.move(uid, tuple(words[2].split("/")))
            elif options.operation == "delete":
                mailbox.expunge(uid)
            elif options.operation == "alter":
                # The same headers, and another text.
                mailbox.append(mailbox.raw(path), [(mailbox.text(uid) + b"P.S.\r\n", words[2:], DO_DATE)])
                mailbox.select(mailbox.raw(path), writable=True)
                mailbox.expunge(uid)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, run, *positional):
        made = commands.add_parser(name)
        made.set_defaults(run=run)
        for argument in positional:
            made.add_argument(argument, nargs="*" if argument == "journals" else None)
        return made

    command("snapshot", save, "address").add_argument("--out", required=True)
    made = command("compare", compare, "a", "b")
    made.add_argument("--fold", action="store_true")
    made.add_argument("--exclude", action="append", default=[])
    made.add_argument("--ignore-flag", action="append", default=[])
    command("expect", expect, "base", "journals", "actual").add_argument("--fold", action="store_true")
    command("stats", stats, "address")
    made = command("load", load, "address")
    made.add_argument("scenario", choices=["special", "names", "ordinary", "many-folders"])
    made.add_argument("--seed", default="1")
    made.add_argument("--count", type=int, default=100)
    made.add_argument("--folder", default="INBOX")
    made.add_argument("--body-bytes", type=int)
    made.add_argument("--big-bytes", type=int, default=20 << 20)
    made.add_argument("--without", action="append", default=[])
    made.add_argument("--avoid", default="")
    made = command("edit", edit, "address")
    made.add_argument("--seed", required=True)
    made.add_argument("--count", type=int, default=20)
    made.add_argument("--ops", default="")
    made.add_argument("--share", default="1/1")
    made.add_argument("--journal", default="/dev/null")
    command("churn", churn, "address").add_argument("--seed", required=True)
    made = command("do", do, "address")
    made.add_argument("operation", choices="append alter flag unflag move delete create rename remove".split())
    made.add_argument("words", nargs="+")
    made.add_argument("--all", action="store_true")
    options = parser.parse_args()
    try:
        return options.run(options)
    except Failed as failed:
        print(f"FAILED: {failed}", file=sys.stderr)
        return 2


def save(options):
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(snapshot(options.address), file, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
