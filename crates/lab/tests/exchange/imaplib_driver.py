"""Lets a test drive Python's own IMAP client, one call to a line.

In comes a Python tuple: the name of a method and its arguments, or `connect` and a port, or `hang_up`. Out goes one word
about how it ended, and in hexadecimal all that came over the wire meanwhile.

OK, NO: so said imaplib.    ERROR: it raised an error.    GONE: the connection is over.    TIMEOUT: nothing came.
"""

import ast
import imaplib
import sys


class Recorded(imaplib.IMAP4):
    heard = b""

    def read(self, size):
        data = super().read(size)
        self.heard += data
        return data

    def readline(self):
        line = super().readline()
        self.heard += line
        return line


def wait(imap):
    """Listens until the server ends the connection."""
    while imap.readline():
        pass
    raise imap.abort("the end")


def idle(imap):
    """Begins an IDLE, which imaplib itself does not know in every version of Python."""
    imap.send(imap._new_tag() + b" IDLE\r\n")
    return "OK" if imap.readline().startswith(b"+") else "NO"


def call(imap, name, *args):
    if name == "idle":
        return idle(imap)
    if name == "wait":
        return wait(imap)
    if name == "patience":
        return imap.sock.settimeout(args[0])
    if name == "authenticate":
        return imap.authenticate(args[0], lambda _: args[1])[0]
    answer = getattr(imap, name)(*args)
    return answer[0] if isinstance(answer, tuple) else "OK"


def attempt(action):
    try:
        return action() or "OK"
    except imaplib.IMAP4.abort:
        return "GONE"
    except TimeoutError:
        return "TIMEOUT"
    except OSError:
        return "GONE"
    except imaplib.IMAP4.error:
        return "ERROR"


def main():
    imap = None
    for line in sys.stdin:
        name, *args = ast.literal_eval(line)
        if name == "connect":
            imap = Recorded.__new__(Recorded)
            word = attempt(lambda: imap.__init__("127.0.0.1", args[0], timeout=20))
        elif name == "hang_up":
            word = attempt(imap.shutdown)
        else:
            imap.heard = b""
            word = attempt(lambda: call(imap, name, *args))
        print(word, imap.heard.hex(), flush=True)


main()
