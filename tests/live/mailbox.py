"""An account on an IMAP server, through Python's imaplib alone, so that Parom's own code cannot hide its errors."""

import base64
import calendar
import hashlib
import imaplib
import re
import ssl
import urllib.parse

imaplib._MAXLINE = 256 * 1024 * 1024  # A SEARCH answer of 200,000 numbers is one line.

MONTHS = {name: at + 1 for at, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())}
DATE = re.compile(rb'INTERNALDATE "\s?(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) ([+-])(\d\d)(\d\d)"')
FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")
UID = re.compile(rb"UID (\d+)")
SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
LIST = re.compile(rb'\(([^)]*)\) (NIL|"(?:[^"\\]|\\.)*") ?(.*)$', re.S)
READ_BYTES = 16 * 1024 * 1024


class Failed(Exception):
    """The server refused something that the check needs."""


class Folder:
    """A folder as LIST shows it."""

    def __init__(self, raw, path, attributes):
        self.raw = raw
        self.path = path
        self.attributes = attributes

    @property
    def selectable(self):
        return not {"\\noselect", "\\nonexistent"} & self.attributes

    @property
    def role(self):
        roles = {"\\all", "\\archive", "\\drafts", "\\flagged", "\\junk", "\\sent", "\\trash"} & self.attributes
        return min(roles, default="")


class Message:
    """What must be equal on both sides."""

    __slots__ = ("digest", "size", "flags", "date", "uid")

    def __init__(self, digest, size, flags, date, uid):
        self.digest, self.size, self.flags, self.date, self.uid = digest, size, flags, date, uid


class Mailbox:
    """One signed-in connection. The address is imap[s]://user:password@host:port, each part percent-encoded."""

    def __init__(self, address):
        parts = urllib.parse.urlsplit(address)
        if parts.scheme == "imaps":
            context = ssl._create_unverified_context()
            self.imap = imaplib.IMAP4_SSL(parts.hostname, parts.port, ssl_context=context)
        elif parts.scheme == "imap":
            self.imap = imaplib.IMAP4(parts.hostname, parts.port)
        else:
            raise Failed(f"an address begins with imap:// or imaps://, not with {parts.scheme}")
        user = urllib.parse.unquote(parts.username or "")
        # imaplib does not quote the user's name.
        self._ok(self.imap.login(quoted(user), urllib.parse.unquote(parts.password or "")), "LOGIN")
        self.capabilities = set(self._ok(self.imap.capability(), "CAPABILITY")[-1].decode().upper().split())
        self.delimiter = self._delimiter()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.imap.logout()
        except imaplib.IMAP4.abort:
            pass  # The connection is gone already; what failed before is what must be told.

    def _ok(self, answer, what):
        kind, data = answer
        if kind != "OK":
            raise Failed(f"{what}: {kind} {data}")
        return data

    def _delimiter(self):
        for line in self._ok(self.imap.list('""', '""'), "LIST"):
            match = LIST.match(whole(line))
            if match and match[2] != b"NIL":
                return unquoted(match[2])
        return "/"

    def folders(self):
        """All folders, the inbox first, then by name."""
        found = {}
        for line in self._ok(self.imap.list('""', '"*"'), "LIST"):
            match = LIST.match(whole(line)) if line else None
            if match:
                raw = match[3].decode("latin-1") if isinstance(line, tuple) else unquoted(match[3])
                found[raw] = Folder(raw, self.path(raw), {flag.lower() for flag in match[1].decode().split()})
        return sorted(found.values(), key=lambda folder: (folder.path != ("INBOX",), folder.path))

    def subscribed(self):
        """The paths of subscribed folders."""
        lines = [line for line in self._ok(self.imap.lsub('""', '"*"'), "LSUB") if line]
        matches = [(line, LIST.match(whole(line))) for line in lines]
        raws = [match[3].decode("latin-1") if isinstance(line, tuple) else unquoted(match[3]) for line, match in matches]
        return {self.path(raw) for raw in raws}

    def path(self, raw):
        """The readable segments of a name on the wire."""
        segments = decoded(raw).split(self.delimiter)
        if segments[0].upper() == "INBOX":
            segments[0] = "INBOX"
        return tuple(segments)

    def raw(self, path):
        """The name on the wire of readable segments."""
        return encoded(self.delimiter.join(path))

    def select(self, raw, writable=False):
        self._ok(self.imap.select(quoted(raw), readonly=not writable), f"SELECT {raw}")

    def sizes(self):
        """UID and size of each message in the selected folder."""
        data = self._ok(self.imap.uid("FETCH", "1:*", "(UID RFC822.SIZE)"), "FETCH")
        lines = (whole(line) for line in data if line)
        return [(int(UID.search(line)[1]), int(SIZE.search(line)[1])) for line in lines]

    def messages(self):
        """Every message of the selected folder, read in runs so that memory stays bounded. PEEK leaves no trace."""
        run, run_bytes = [], 0
        for uid, size in self.sizes():
            if run and (run_bytes + size > READ_BYTES or len(run) >= 1000):
                yield from self._read(run)
                run, run_bytes = [], 0
            run.append(uid)
            run_bytes += size
        if run:
            yield from self._read(run)

    def _read(self, uids):
        data = self._ok(self.imap.uid("FETCH", ranges(uids), "(UID FLAGS INTERNALDATE BODY.PEEK[])"), "FETCH")
        missing = set(uids)
        for at, piece in enumerate(data):
            if not isinstance(piece, tuple):
                continue
            # Items may stand before and behind the literal.
            behind = data[at + 1] if at + 1 < len(data) and isinstance(data[at + 1], bytes) else b""
            words, body = piece[0] + b" " + behind, piece[1]
            uid = int(UID.search(words)[1])
            missing.discard(uid)
            yield Message(hashlib.sha256(body).hexdigest(), len(body), flags_of(words), date_of(words), uid)
        if missing:
            raise Failed(f"{len(missing)} messages were listed but not given: {sorted(missing)[:10]}")

    def text(self, uid):
        """All bytes of a message of the selected folder."""
        data = self._ok(self.imap.uid("FETCH", str(uid), "(BODY.PEEK[])"), "FETCH")
        return next(piece[1] for piece in data if isinstance(piece, tuple))

    def append(self, raw, letters):
        """Appends (bytes, flags, INTERNALDATE text) one after the other; many at once where the server can."""
        batched = "MULTIAPPEND" in self.capabilities and "LITERAL+" in self.capabilities
        batch, batch_bytes = [], 0
        for letter in letters:
            if batch and (not batched or batch_bytes + len(letter[0]) > 4 << 20 or len(batch) >= 200):
                self._append(raw, batch, batched)
                batch, batch_bytes = [], 0
            batch.append(letter)
            batch_bytes += len(letter[0])
        if batch:
            self._append(raw, batch, batched)

    def _append(self, raw, batch, batched):
        if not batched:
            for body, flags, date in batch:
                self._ok(self.imap.append(quoted(raw), f"({' '.join(flags)})", f'"{date}"', body), f"APPEND {raw}")
            return
        pieces = [b"load APPEND " + quoted(raw).encode("latin-1")]
        for body, flags, date in batch:
            pieces.append(f' ({" ".join(flags)}) "{date}" {{{len(body)}+}}\r\n'.encode())
            pieces.append(body)
        self.imap.send(b"".join(pieces) + b"\r\n")
        while True:
            line = self.imap.readline()
            if line.startswith(b"load "):
                if not line.startswith(b"load OK"):
                    raise Failed(f"APPEND {raw}: {line!r}")
                return
            if not line:
                raise Failed("the server closed the connection during APPEND")

    def leave(self):
        """No folder is renamed or removed under our own feet: Dovecot's sdbox closes the connection then."""
        if self.imap.state == "SELECTED":
            self._ok(self.imap.unselect(), "UNSELECT")

    def create(self, path):
        self._ok(self.imap.create(quoted(self.raw(path))), f"CREATE {path}")

    def rename(self, old, new):
        self.leave()
        self._ok(self.imap.rename(quoted(self.raw(old)), quoted(self.raw(new))), f"RENAME {old} {new}")

    def remove(self, path):
        self.leave()
        self._ok(self.imap.delete(quoted(self.raw(path))), f"DELETE {path}")

    def store(self, uid, sign, flags):
        self._ok(self.imap.uid("STORE", str(uid), f"{sign}FLAGS.SILENT", f"({' '.join(flags)})"), "STORE")

    def move(self, uid, path):
        target = quoted(self.raw(path))
        if "MOVE" in self.capabilities:
            self._ok(self.imap.uid("MOVE", str(uid), target), "MOVE")
        else:
            self._ok(self.imap.uid("COPY", str(uid), target), "COPY")
            self.expunge(uid)

    def expunge(self, uid):
        self.store(uid, "+", ["\\Deleted"])
        self._ok(self.imap.uid("EXPUNGE", str(uid)), "EXPUNGE")


imaplib.Commands.setdefault("MOVE", ("SELECTED",))


def whole(line):
    return b" ".join(line) if isinstance(line, tuple) else line


def flags_of(words):
    names = FLAGS.search(words)[1].decode("latin-1").lower().split()
    return sorted(set(names) - {"\\recent"})


def date_of(words):
    """INTERNALDATE as seconds since 1970: servers may tell the same moment in another zone."""
    match = DATE.search(words)
    if not match:
        return None
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    moment = calendar.timegm((int(year), MONTHS[month], int(day), int(hour), int(minute), int(second)))
    offset = int(zone_hours) * 3600 + int(zone_minutes) * 60
    return moment - offset if sign == b"+" else moment + offset


def ranges(numbers):
    """1:3,5 for 1, 2, 3, 5 (ascending): only what was asked for, whatever lies between."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(a) if a == b else f"{a}:{b}" for a, b in parts)


def quoted(name):
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(raw):
    text = raw.decode("latin-1").strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def encoded(name):
    """Modified UTF-7 (RFC 3501 section 5.1.3)."""
    out, held = [], ""

    def flush():
        nonlocal held
        if held:
            coded = base64.b64encode(held.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            out.append(f"&{coded}-")
            held = ""

    for char in name:
        if " " <= char <= "~":
            flush()
            out.append("&-" if char == "&" else char)
        else:
            held += char
    flush()
    return "".join(out)


def decoded(raw):
    """The inverse of `encoded`; what is not modified UTF-7 stays as it is."""

    def piece(match):
        coded = match[1].replace(",", "/")
        if not coded:
            return "&"
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")

    return re.sub(r"&([^-]*)-", piece, raw)
