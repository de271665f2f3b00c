"""Drives the lab's IMAP server with Python's own client. Arguments: port. Ends with 0 if everything is as it should be."""

import imaplib
import sys
import time


def ok(answer):
    typ, data = answer
    assert typ == "OK", answer
    return data


def main(port):
    imap = imaplib.IMAP4("127.0.0.1", port)
    assert "UIDPLUS" in imap.capabilities, imap.capabilities
    ok(imap.login("alice", "alice"))
    ok(imap.create('"R&-D"'))
    names = [line.decode() for line in ok(imap.list())]
    assert any('"R&-D"' in name for name in names), names

    bodies = [b"Subject: %d\r\n\r\nbody %d\r\n" % (n, n) for n in range(50)]
    bodies += [b"", b"\r\n", b"no header at all", b"A: b\r\n\r\n" + bytes(range(256)) * 5000]
    date = imaplib.Time2Internaldate(time.gmtime(1_000_000_000))
    for body in bodies:
        ok(imap.append('"R&-D"', r"(\Seen $Forwarded)", date, body or b"\n"))
    assert ok(imap.select('"R&-D"')) == [str(len(bodies)).encode()]

    uids = ok(imap.uid("SEARCH", None, "ALL"))[0].split()
    assert len(uids) == len(bodies)
    for uid, body in zip(uids, bodies):
        data = ok(imap.uid("FETCH", uid, "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
        head, literal = data[0]
        # imaplib itself turns lone line ends into CRLF on the way in.
        expected = imaplib.MapCRLF.sub(imaplib.CRLF, body or b"\n")
        assert literal == expected, (uid, literal[:80])
        assert b"$Forwarded" in head and b"\\Seen" in head, head
        assert time.mktime(imaplib.Internaldate2tuple(head)) == 1_000_000_000, head

    ok(imap.store("1:2", "+FLAGS", r"(\Deleted)"))
    assert len(ok(imap.expunge())) == 2
    ok(imap.copy("1:3", "INBOX"))
    ok(imap.rename('"R&-D"', "plain"))
    ok(imap.status("INBOX", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"))
    ok(imap.close())
    assert ok(imap.select("INBOX")) == [b"3"]
    assert imap.select("nowhere")[0] == "NO"
    ok(imap.delete("plain"))
    ok(imap.noop())
    imap.logout()


main(int(sys.argv[1]))
