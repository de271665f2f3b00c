"""Mail and folder names that break mail tools, and ordinary mail in any number, all from a seed."""

import random

DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
WORDS = (
    "ferry harbour invoice meeting report project schedule answer question contract delivery station budget "
    "паром причал счёт встреча отчёт проект расписание ответ вопрос договор поставка станция смета"
).split()
PEOPLE = ["Anna Petrova <anna@corp.example>", "Boris Ivanov <boris@corp.example>", "John Smith <john@corp.example>"]
FLAG_SETS = [[], ["\\Seen"], ["\\Seen", "\\Answered"], ["\\Flagged"], ["\\Seen", "$Forwarded"], ["\\Draft"],
             ["\\Seen", "NonJunk", "$Label1"], ["Project-X"]]


def date_text(randomness):
    """An INTERNALDATE between 1999 and 2025, in one of several zones."""
    day, month = randomness.randint(1, 28), randomness.choice(MONTHS)
    year, zone = randomness.randint(1999, 2025), randomness.choice(["+0000", "+0300", "-0530", "+1245"])
    hour, minute, second = (randomness.randint(0, top) for top in (23, 59, 59))
    return f"{day:02}-{month}-{year} {hour:02}:{minute:02}:{second:02} {zone}"


def ordinary(randomness, token, body_bytes=None):
    """A message with a body of about `body_bytes` (log-normal around 3 KB if not told). The token makes it unique."""
    if body_bytes is None:
        body_bytes = min(int(randomness.lognormvariate(8, 1)), 200_000)
    subject = " ".join(randomness.choices(WORDS[:12], k=4))
    head = (
        f"Received: from mx.corp.example by mail.corp.example with ESMTP id {token}\r\n"
        f"Message-ID: <{token}@corp.example>\r\nFrom: {randomness.choice(PEOPLE)}\r\nTo: {randomness.choice(PEOPLE)}\r\n"
        f"Date: Tue, 05 Mar 2024 10:{randomness.randint(0, 59):02}:00 +0300\r\nSubject: {subject} {token}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    line = (" ".join(randomness.choices(WORDS, k=9)) + "\r\n").encode()
    repeats = max(1, body_bytes // len(line))
    return head.encode() + f"token {token}\r\n".encode() + line * repeats


def letters(seed, count, body_bytes=None):
    """`count` ordinary letters: (bytes, flags, INTERNALDATE)."""
    randomness = random.Random(seed)
    for number in range(count):
        body = ordinary(randomness, f"t{seed}-{number}", body_bytes)
        yield body, randomness.choice(FLAG_SETS), date_text(randomness)


def special(big_bytes=20 << 20):
    """The special messages: (name, bytes, flags, INTERNALDATE). Each name may occur more than once (true duplicates)."""
    plain = b"From: a@corp.example\r\nDate: Tue, 05 Mar 2024 10:00:00 +0300\r\n"
    date = "05-Mar-2024 10:00:00 +0300"
    twin = plain + b"Message-ID: <twin@corp.example>\r\nSubject: true duplicate\r\n\r\nthe same\r\n"
    same = plain + b"Message-ID: <same@corp.example>\r\nSubject: equal id\r\n\r\n"
    koi = "Тема письма".encode("koi8-r")
    long_id = b"Message-ID: <" + b"x" * 600 + b"@corp.example>\r\n"
    yield "no-message-id", plain + b"Subject: no id\r\n\r\nbody\r\n", ["\\Seen"], date
    yield "headers-only", plain + b"Message-ID: <heads@corp.example>\r\nSubject: heads\r\n\r\n", [], date
    yield "no-blank-line", plain + b"Message-ID: <noblank@corp.example>\r\nSubject: no blank line\r\n", [], date
    yield "no-header", b"\r\nno header at all\r\n", [], date
    yield "no-last-newline", plain + b"Message-ID: <nonl@corp.example>\r\n\r\nno newline at the end", [], date
    for body in (b"one\r\n", b"two\r\n", b"three and longer\r\n"):
        yield "equal-message-id", same + body, ["\\Seen"], date
    for _ in range(3):
        yield "true-duplicate", twin, ["\\Seen", "$Label1"], date
    yield "eight-bit-header", plain + b"Message-ID: <koi@corp.example>\r\nSubject: " + koi + b"\r\n\r\n" + koi, [], date
    utf8 = "Subject: Письмо в UTF-8\r\n\r\nЗдравствуйте!\r\n".encode()
    yield "utf8-header", plain + b"Message-ID: <utf8@corp.example>\r\n" + utf8, [], date
    every_byte = bytes(byte for byte in range(1, 256) if byte not in (10, 13))
    yield "every-byte", plain + b"Message-ID: <bytes@corp.example>\r\n\r\n" + every_byte + b"\r\n", [], date
    long_line = b"y" * 100_000 + b"\r\n"
    yield "long-line", plain + b"Message-ID: <long@corp.example>\r\nSubject: long\r\n\r\n" + long_line, [], date
    long_header = b"X-Long: " + b"z" * 9_000 + b"\r\n"
    yield "long-header", plain + long_header + b"Message-ID: <longhead@corp.example>\r\n\r\nbody\r\n", [], date
    yield "long-message-id", plain + long_id + b"Subject: long id\r\n\r\nbody\r\n", [], date
    folded = b"Message-ID:\r\n <folded@corp.example>\r\nSubject: folded\r\n\tover lines\r\n\r\nbody\r\n"
    yield "folded-header", plain + folded, [], date
    dots = b".\r\n..\r\nFrom here\r\n)\r\nA1 OK done\r\n* BYE\r\n"
    yield "looks-like-protocol", plain + b"Message-ID: <dots@corp.example>\r\n\r\n" + dots, [], date
    all_flags = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Forwarded", "$MDNSent", "NonJunk", "Project-X"]
    yield "all-flags", plain + b"Message-ID: <flags@corp.example>\r\n\r\nflags\r\n", all_flags, date
    for year, zone in (("1971", "+0000"), ("1999", "-1200"), ("2021", "+1400"), ("2011", "+0400"), ("2014", "+0300")):
        head = plain + f"Message-ID: <date-{year}@corp.example>\r\n\r\n".encode()
        yield "dates", head + year.encode() + b"\r\n", ["\\Seen"], f"26-Oct-{year} 01:30:00 {zone}"
    big = random.Random(7).randbytes(1 << 15).hex().encode()
    big = b"".join(big[at:at + 76] + b"\r\n" for at in range(0, len(big), 76))
    body = (big * (big_bytes // len(big) + 1))[:big_bytes]
    yield "big", plain + b"Message-ID: <big@corp.example>\r\nSubject: big\r\n\r\n" + body + b"\r\n", ["\\Seen"], date


def folder_names(avoid=""):
    """Paths that break mail tools, without those that hold one of the characters of `avoid`."""
    names = [
        ("Входящие счета",), ("Проекты", "Паром", "Черновики договоров"), ('quo"ted',), ("back\\slash",), ("a&b",), ("&",),
        ("100%",), ("star*s",), ("a  b",), ("tilde~",), ("(paren)",), ("{3}",), ("[x]",), ("日本語",), ("😀 smile",),
        ("it's",), ("#hash",), ("NIL",), ("INBOX2",), ("Inbox copy",), ("&-",), ("été",), ("a,b;c",), ("x" * 100,),
        tuple(f"level {depth}" for depth in range(1, 11)),
    ]
    return [path for path in names if not any(char in segment for segment in path for char in avoid)]
