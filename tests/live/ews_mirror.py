"""exchangelib at work in a mailbox that Parom keeps in step: random edits, none of which mails anybody.

Called with the URL, the address of the mailbox, a seed and how many edits to make. It fails with a traceback on the first thing
that is refused, but for edits that come too late: what it wanted to change was changed meanwhile.
"""

import datetime as dt
import random
import sys
import time

from exchangelib import BASIC, IMPERSONATION, Account, CalendarItem, Configuration, Credentials, EWSDate, EWSTimeZone, Version
from exchangelib.errors import (
    ErrorCalendarOccurrenceIsDeletedFromRecurrence, ErrorIrresolvableConflict, ErrorItemNotFound,
)
from exchangelib.items import SEND_TO_NONE
from exchangelib.protocol import FailFast
from exchangelib.recurrence import DailyPattern, Recurrence
from exchangelib.version import EXCHANGE_2016

url, address, seed, edits = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
chance = random.Random(seed)
moscow = EWSTimeZone("Europe/Moscow")
config = Configuration(
    service_endpoint=url, credentials=Credentials("svc@corp.example", "svc"), auth_type=BASIC,
    version=Version(build=EXCHANGE_2016), retry_policy=FailFast(), max_connections=2,
)
account = Account(address, config=config, autodiscover=False, access_type=IMPERSONATION, default_timezone=moscow)
calendar = account.calendar


def start():
    return dt.datetime(2026, 3, chance.randint(1, 28), chance.randint(8, 18), 0, tzinfo=moscow)


def add(title):
    begins = start()
    item = CalendarItem(
        account=account, folder=calendar, subject=title, start=begins, end=begins + dt.timedelta(hours=1), location="Зал",
        reminder_is_set=True, reminder_minutes_before_start=10,
    )
    if chance.random() < 0.3:
        day = EWSDate(begins.year, begins.month, begins.day)
        item.recurrence = Recurrence(pattern=DailyPattern(interval=1), start=day, number=chance.randint(3, 6))
    item.save(send_meeting_invitations=SEND_TO_NONE)


def change(item):
    """Each kind of edit says which properties it sets, as exchangelib sends only those."""
    kind = chance.choice(["subject", "location", "start", "body", "delete", "occurrence", "drop"])
    if kind == "delete":
        item.delete(send_meeting_cancellations=SEND_TO_NONE)
    elif item.recurrence and kind in ("occurrence", "drop", "start"):
        occurrence = item.occurrence(index=chance.randint(1, 3))
        if kind == "drop":
            occurrence.delete(send_meeting_cancellations=SEND_TO_NONE)
        else:
            occurrence.refresh()
            occurrence.location = f"room {chance.randint(1, 99)}"
            occurrence.save(update_fields=["location"], send_meeting_invitations=SEND_TO_NONE)
    elif kind == "start":
        item.start = start()
        item.end = item.start + dt.timedelta(minutes=30)
        item.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_NONE)
    else:
        field = kind if kind in ("subject", "location", "body") else "location"
        setattr(item, field, f"{field} {chance.randint(1, 10**9)}")
        item.save(update_fields=[field], send_meeting_invitations=SEND_TO_NONE)


late = 0
for number in range(edits):
    items = list(calendar.all().only("subject", "start", "end", "location", "recurrence", "changekey"))
    if len(items) < 6 or chance.random() < 0.3:
        add(f"event {seed}-{number}")
    else:
        try:
            change(chance.choice(items))
        except (ErrorItemNotFound, ErrorIrresolvableConflict, ErrorCalendarOccurrenceIsDeletedFromRecurrence):
            late += 1
    time.sleep(0.02)
print(f"{edits} edits, {late} too late")
