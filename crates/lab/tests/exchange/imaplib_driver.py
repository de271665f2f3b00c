"""Lets a test drive Python's own IMAP client, one call to a line.

In comes a Python tuple: the name of a method and its arguments, or `connect` and a port, or `hang_up`. Out goes one word
about how it ended, and in hexadecimal all that came over the wire meanwhile.

OK, NO: so said imaplib.    ERROR: it raised an error.    GONE: the connection is over.    TIMEOUT: nothing came.
"""

import ast
import imaplib
import importlib.util
import sys

# Debian's packages, also for another Python that comes first in the PATH.
sys.path.append("/usr/lib/python3/dist-packages")


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


def ntlm(imap, domain, user, nt_hash, end_point):
    """Signs in by NTLM, as the package ntlm-auth speaks it. The password comes as its hash, for which OpenSSL 3 has no MD4."""
    from ntlm_auth.gss_channel_bindings import GssChannelBindingsStruct
    from ntlm_auth.ntlm import NtlmContext

    binding = GssChannelBindingsStruct() if end_point else None
    if binding:
        binding[binding.APPLICATION_DATA] = end_point
    context = NtlmContext(user, "0" * 32 + ":" + nt_hash, domain, cbt_data=binding)
    return imap.authenticate("NTLM", lambda challenge: context.step(challenge or None))[0]


def call(imap, name, *args):
    if name == "has":
        return "OK" if importlib.util.find_spec(args[0]) else "NO"
    if name == "ntlm":
        return ntlm(imap, *args)
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
