"""exchangelib, a client that others wrote, at work in the lab's simulated Exchange Web Services.

Called with the URL and the year of the version. It creates, edits, expands, syncs, deletes, attaches and subscribes, and
fails with a traceback on the first thing that is not as it should be.
"""

import base64
import datetime as dt
import sys
import threading
import time

from exchangelib import (
    BASIC, IMPERSONATION, NTLM, Account, Attendee, CalendarItem, Configuration, Credentials, EWSDate, EWSDateTime, EWSTimeZone,
    ExtendedProperty, FileAttachment, HTMLBody, Mailbox, Message, Version,
)
from exchangelib.errors import (
    ErrorCalendarOccurrenceIsDeletedFromRecurrence, ErrorImpersonateUserDenied, ErrorIrresolvableConflict,
    ErrorInvalidSyncStateData, ErrorItemNotFound, ErrorNonExistentMailbox, ErrorSubscriptionNotFound,
    ErrorCalendarViewRangeTooBig, ErrorOccurrenceCrossingBoundary, ErrorServerBusy, ErrorInvalidSchemaVersionForMailboxVersion,
    UnauthorizedError,
)
from exchangelib.folders import Calendar, Folder
from exchangelib.items import SEND_TO_NONE, AcceptItem
from exchangelib.properties import UID, ReferenceItemId, CreatedEvent, DeletedEvent, ModifiedEvent, MovedEvent
from exchangelib.protocol import FailFast
from exchangelib.recurrence import DailyPattern, Recurrence, WeeklyPattern, AbsoluteMonthlyPattern, RelativeMonthlyPattern
from exchangelib.recurrence import AbsoluteYearlyPattern, RelativeYearlyPattern
from exchangelib.fields import MONDAY, SUNDAY, LAST, WEEK_DAY, FIRST, DECEMBER
from exchangelib.services import CreateItem
from exchangelib.settings import OofSettings
from exchangelib.version import EXCHANGE_2010_SP2, EXCHANGE_2013_SP1, EXCHANGE_2016, EXCHANGE_2019

url, year = sys.argv[1], int(sys.argv[2])
build = {2010: EXCHANGE_2010_SP2, 2013: EXCHANGE_2013_SP1, 2016: EXCHANGE_2016, 2019: EXCHANGE_2019}[year]
moscow = EWSTimeZone("Europe/Moscow")
berlin = EWSTimeZone("Europe/Berlin")


def account(address, zone=moscow, user="svc@corp.example", password="svc"):
    config = Configuration(
        service_endpoint=url, credentials=Credentials(user, password), auth_type=BASIC, version=Version(build=build),
        retry_policy=FailFast(), max_connections=5,
    )
    return Account(address, config=config, autodiscover=False, access_type=IMPERSONATION, default_timezone=zone)


def raises(error, action):
    try:
        action()
    except error:
        return
    raise AssertionError(f"{error.__name__} was expected")


def quiet(item):
    return item.save(send_meeting_invitations=SEND_TO_NONE)


class Residue(ExtendedProperty):
    distinguished_property_set_id = "PublicStrings"
    property_name = "parom.Ics"
    property_type = "String"


class GlobalId(ExtendedProperty):
    distinguished_property_set_id = "Meeting"
    property_id = 3
    property_type = "Binary"


class CleanId(ExtendedProperty):
    distinguished_property_set_id = "Meeting"
    property_id = 35
    property_type = "Binary"


class RecurBlob(ExtendedProperty):
    distinguished_property_set_id = "Appointment"
    property_id = 33302
    property_type = "Binary"


CalendarItem.register("residue", Residue)
CalendarItem.register("global_id", GlobalId)
CalendarItem.register("clean_id", CleanId)
CalendarItem.register("recur_blob", RecurBlob)

alice = account("alice@corp.example")
calendar = alice.calendar


def fresh(item):
    return calendar.get(id=item.id, changekey=item.changekey)


def reread(item):
    (found,) = alice.fetch(ids=[(item.id, None)], folder=calendar)
    if isinstance(found, Exception):
        raise found
    return found


def single_event():
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    item = CalendarItem(
        account=alice, folder=calendar, subject="Совещание <&> №1", body="Первая строка\r\nвторая", location="Зал",
        start=start, end=start + dt.timedelta(hours=1), categories=["Красная", "Blue, light"], sensitivity="Private",
        importance="High", legacy_free_busy_status="OOF", reminder_is_set=True, reminder_minutes_before_start=45,
        uid="foreign-uid@caldav.example", residue="x" * 5000,
        required_attendees=[Attendee(mailbox=Mailbox(email_address="bob@corp.example", name="Bob"))],
        optional_attendees=["eve@elsewhere.example"],
    )
    quiet(item)
    read = reread(item)
    assert (read.subject, read.location, read.uid) == (item.subject, "Зал", "foreign-uid@caldav.example"), read
    assert read.start == start and read.end == start + dt.timedelta(hours=1), read.start
    assert read.categories == ["Красная", "Blue, light"] and read.sensitivity == "Private" and read.importance == "High"
    assert read.legacy_free_busy_status == "OOF" and read.reminder_minutes_before_start == 45 and read.reminder_is_set
    assert read.residue == "x" * 5000 and b"vCal-Uid" in read.clean_id and read.type == "Single"
    assert read.is_meeting and read.organizer.email_address == "alice@corp.example"
    assert [a.mailbox.email_address for a in read.required_attendees] == ["bob@corp.example"]
    assert read.required_attendees[0].mailbox.name == "Bob"
    assert [a.mailbox.email_address for a in read.optional_attendees] == ["eve@elsewhere.example"]
    assert read.body == item.body, read.body
    if year >= 2013:
        assert read.text_body == item.body, read.text_body
    assert read._start_timezone == moscow, read._start_timezone
    # An edit.
    read.subject = "Другое"
    read.location = None
    read.body = HTMLBody("<html><body><b>bold</b></body></html>")
    read.save(update_fields=["subject", "location", "body"], send_meeting_invitations=SEND_TO_NONE)
    again = reread(item)
    assert again.subject == "Другое" and again.location is None and "<b>bold</b>" in again.body, again
    assert again.changekey != item.changekey and again.start == start
    # A stale change key.
    read.changekey = item.changekey
    read.subject = "zu spät"
    raises(ErrorIrresolvableConflict,
           lambda: read.save(update_fields=["subject"], send_meeting_invitations=SEND_TO_NONE,
                             conflict_resolution="NeverOverwrite"))
    # Found by the id that both systems share.
    assert [i.id for i in calendar.filter(global_id=UID("foreign-uid@caldav.example"))] == [item.id]
    assert [i.id for i in calendar.filter(subject="Другое")] == [item.id]
    # In the table, by pages.
    assert [i.subject for i in calendar.all().only("subject")] == ["Другое"]
    again.delete(send_meeting_cancellations=SEND_TO_NONE)
    raises(ErrorItemNotFound, lambda: reread(item))


def reminders_and_all_day():
    item = CalendarItem(account=alice, folder=calendar, subject="День", is_all_day=True, reminder_is_set=True,
                        start=EWSDate(2024, 5, 1), end=EWSDate(2024, 5, 2))
    quiet(item)
    read = reread(item)
    assert read.is_all_day and read.start == EWSDate(2024, 5, 1) and read.end == EWSDate(2024, 5, 2), (read.start, read.end)
    assert read.reminder_is_set and read.reminder_minutes_before_start == 0, "0 is a reminder at the start"
    read.delete(send_meeting_cancellations=SEND_TO_NONE)
    # Seen from another zone it is the same instant.
    start = dt.datetime(2024, 7, 1, 9, 0, tzinfo=berlin)
    item = quiet(CalendarItem(account=alice, folder=calendar, subject="Berlin", start=start,
                              end=start + dt.timedelta(minutes=30)))
    read = reread(item)
    assert read.start == start and read._start_timezone == berlin, (read.start, read._start_timezone)
    read.delete(send_meeting_cancellations=SEND_TO_NONE)


def series():
    start = dt.datetime(2024, 3, 25, 9, 0, tzinfo=berlin)
    master = CalendarItem(
        account=alice, folder=calendar, subject="Планёрка", start=start, end=start + dt.timedelta(minutes=45),
        recurrence=Recurrence(pattern=DailyPattern(interval=1), start=EWSDate(2024, 3, 25), number=10),
    )
    quiet(master)
    read = reread(master)
    assert read.type == "RecurringMaster" and read.recurrence.boundary.number == 10
    assert read.first_occurrence.start == start
    # Over the change to summer time, on 31 March, it stays at nine.
    assert read.last_occurrence.start == dt.datetime(2024, 4, 3, 9, 0, tzinfo=berlin), read.last_occurrence.start
    view = calendar.view(start=start - dt.timedelta(days=1), end=start + dt.timedelta(days=20))
    view = sorted(view, key=lambda i: i.start)
    assert len(view) == 10 and {i.type for i in view} == {"Occurrence"}
    assert view[7].start == dt.datetime(2024, 4, 1, 9, 0, tzinfo=berlin)
    # One occurrence becomes an exception.
    third = master.occurrence(index=3)
    third.refresh()
    third.subject = "Особая"
    third.start = dt.datetime(2024, 3, 27, 15, 0, tzinfo=berlin)
    third.end = dt.datetime(2024, 3, 27, 16, 0, tzinfo=berlin)
    third.save(update_fields=["subject", "start", "end"], send_meeting_invitations=SEND_TO_NONE)
    # One is deleted, then a later one: indexes do not shift.
    master.occurrence(index=4).delete(send_meeting_cancellations=SEND_TO_NONE)
    master.occurrence(index=6).delete(send_meeting_cancellations=SEND_TO_NONE)
    raises(ErrorCalendarOccurrenceIsDeletedFromRecurrence, lambda: master.occurrence(index=4).refresh())
    read = reread(master)
    (modified,) = read.modified_occurrences
    assert modified.original_start == dt.datetime(2024, 3, 27, 9, 0, tzinfo=berlin)
    assert modified.start == dt.datetime(2024, 3, 27, 15, 0, tzinfo=berlin)
    deleted = [d.start for d in read.deleted_occurrences]
    assert deleted == [dt.datetime(2024, 3, 28, 9, 0, tzinfo=berlin), dt.datetime(2024, 3, 30, 9, 0, tzinfo=berlin)], deleted
    (exception,) = alice.fetch(ids=[(modified.id, None)], folder=calendar)
    assert exception.type == "Exception" and exception.subject == "Особая" and exception.uid == read.uid
    assert exception.recurrence_id == modified.original_start
    back = exception.recurring_master()
    back.refresh()
    assert back.type == "RecurringMaster" and back.subject == "Планёрка"
    view = calendar.view(start=start - dt.timedelta(days=1), end=start + dt.timedelta(days=20))
    assert sorted(i.type for i in view).count("Occurrence") == 7 and len(list(view)) == 8
    # The blob that Outlook reads tells the same: a daily pattern, 10 times, three days changed, one of them modified.
    blob = read.recur_blob
    number = lambda at, size=4: int.from_bytes(blob[at:at + size], "little")
    assert (number(0, 2), number(4, 2), number(6, 2), number(14)) == (0x3004, 0x200A, 0, 1440), blob.hex()
    assert (number(22), number(26), number(34), number(50)) == (0x2022, 10, 3, 1), blob.hex()
    changed = [(dt.datetime(1601, 1, 1) + dt.timedelta(minutes=number(38 + 4 * n))).day for n in range(3)]
    assert changed == [27, 28, 30], changed
    # An occurrence may not pass its neighbour.
    fifth = master.occurrence(index=5)
    fifth.refresh()
    fifth.start = dt.datetime(2024, 4, 2, 15, 0, tzinfo=berlin)
    fifth.end = dt.datetime(2024, 4, 2, 16, 0, tzinfo=berlin)
    raises(ErrorOccurrenceCrossingBoundary,
           lambda: fifth.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_NONE))
    raises(ErrorCalendarViewRangeTooBig,
           lambda: list(calendar.view(start=start, end=start + dt.timedelta(days=3 * 366))))
    reread(master).delete(send_meeting_cancellations=SEND_TO_NONE)


def patterns():
    start = dt.datetime(2024, 1, 1, 8, 0, tzinfo=moscow)
    for pattern, days in [
        (WeeklyPattern(interval=2, weekdays=[SUNDAY, MONDAY], first_day_of_week=MONDAY), ["01-01", "01-07", "01-15"]),
        (AbsoluteMonthlyPattern(interval=1, day_of_month=31), ["01-31", "02-29", "03-31"]),
        (RelativeMonthlyPattern(interval=1, weekday=WEEK_DAY, week_number=LAST), ["01-31", "02-29", "03-29"]),
        (AbsoluteYearlyPattern(day_of_month=25, month=DECEMBER), ["12-25", "12-25"]),
        (RelativeYearlyPattern(weekday=MONDAY, week_number=FIRST, month=DECEMBER), ["12-02", "12-01"]),
    ]:
        item = quiet(CalendarItem(account=alice, folder=calendar, subject="r", start=start,
                                  end=start + dt.timedelta(hours=1),
                                  recurrence=Recurrence(pattern=pattern, start=EWSDate(2024, 1, 1), number=len(days))))
        view = calendar.view(start=start, end=start + dt.timedelta(days=730))
        found = [i.start.astimezone(moscow).strftime("%m-%d") for i in sorted(view, key=lambda i: i.start)]
        assert found == days, (pattern, found)
        assert reread(item).recurrence.pattern == pattern, reread(item).recurrence
        reread(item).delete(send_meeting_cancellations=SEND_TO_NONE)


def attachments():
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    content = bytes(range(256)) * 100
    item = CalendarItem(account=alice, folder=calendar, subject="a", start=start, end=start + dt.timedelta(hours=1))
    item.attach(FileAttachment(name="at once.bin", content=content))
    quiet(item)
    read = reread(item)
    read.attach(FileAttachment(name="позже.txt", content=b"later", content_type="text/plain"))
    read = reread(item)
    assert read.has_attachments and [a.name for a in read.attachments] == ["at once.bin", "позже.txt"]
    assert read.attachments[0].content == content and read.attachments[1].content == b"later"
    read.detach(read.attachments[0])
    assert [a.name for a in reread(item).attachments] == ["позже.txt"]
    reread(item).delete(send_meeting_cancellations=SEND_TO_NONE)


def sync():
    folder = Calendar(parent=calendar, name="Дочерний")
    folder.save()
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    items = [CalendarItem(account=alice, folder=folder, subject=str(n), start=start, end=start + dt.timedelta(hours=1))
             for n in range(7)]
    made = alice.bulk_create(folder=folder, items=items, send_meeting_invitations=SEND_TO_NONE)
    assert len(made) == 7
    changes = list(folder.sync_items(only_fields=["subject"], max_changes_returned=3))
    assert [kind for kind, _ in changes] == ["create"] * 7, changes
    assert {item.subject for _, item in changes} == set("0123456")
    assert list(folder.sync_items(only_fields=["subject"])) == []
    first = folder.get(subject="0")
    first.subject = "null"
    first.save(update_fields=["subject"], send_meeting_invitations=SEND_TO_NONE)
    folder.get(subject="1").delete(send_meeting_cancellations=SEND_TO_NONE)
    gone = folder.get(subject="2")
    gone.move(to_folder=calendar)
    changes = list(folder.sync_items(only_fields=["subject"]))
    assert sorted(kind for kind, _ in changes) == ["delete", "delete", "update"], changes
    (moved,) = calendar.all()
    assert moved.subject == "2" and moved.id == gone.id
    moved.delete(send_meeting_cancellations=SEND_TO_NONE)
    folder.item_sync_state = "bm9uc2Vuc2U="
    raises(ErrorInvalidSyncStateData, lambda: list(folder.sync_items()))
    hierarchy = list(alice.msg_folder_root.sync_hierarchy())
    assert "Дочерний" in [f.name for _, f in hierarchy] and len(hierarchy) > 10
    assert folder in list(calendar.children)
    folder.delete()
    changes = list(alice.msg_folder_root.sync_hierarchy())
    assert [kind for kind, _ in changes] == ["delete"], changes


def pull():
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    subscription, watermark = calendar.subscribe_to_pull()
    item = quiet(CalendarItem(account=alice, folder=calendar, subject="p", start=start, end=start + dt.timedelta(hours=1)))
    kinds = []
    for notification in calendar.get_events(subscription, watermark):
        kinds += [type(event) for event in notification.events]
        watermark = notification.events[-1].watermark
    assert CreatedEvent in kinds and MovedEvent not in kinds, kinds
    reread(item).move_to_trash(send_meeting_cancellations=SEND_TO_NONE)
    kinds = [type(event) for n in calendar.get_events(subscription, watermark) for event in n.events]
    assert MovedEvent in kinds or DeletedEvent in kinds, kinds
    calendar.unsubscribe(subscription)
    raises(ErrorSubscriptionNotFound, lambda: list(calendar.get_events(subscription, watermark)))
    assert [i.subject for i in alice.trash.all() if isinstance(i, CalendarItem)] == ["p"]
    alice.trash.all().delete(send_meeting_cancellations=SEND_TO_NONE)


def streaming():
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    subscription = calendar.subscribe_to_streaming()
    seen = []

    def listen():
        for notification in account("alice@corp.example").calendar.get_streaming_events([subscription], connection_timeout=1):
            seen.extend(type(event) for event in notification.events)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    item = quiet(CalendarItem(account=alice, folder=calendar, subject="s", start=start, end=start + dt.timedelta(hours=1)))
    reread(item).delete(send_meeting_cancellations=SEND_TO_NONE)
    thread.join(timeout=60)
    assert not thread.is_alive(), "the stream ends in time"
    assert CreatedEvent in seen and DeletedEvent in seen, seen
    calendar.unsubscribe(subscription)
    raises(ErrorSubscriptionNotFound,
           lambda: list(calendar.get_streaming_events([subscription], connection_timeout=1)))


def responses():
    start = dt.datetime(2024, 3, 4, 10, 0, tzinfo=moscow)
    # What is sent is caught by the trap, and arrives.
    meeting = CalendarItem(account=alice, folder=calendar, subject="Meeting", start=start, end=start + dt.timedelta(hours=1),
                           required_attendees=["bob@corp.example"])
    meeting.save(send_meeting_invitations="SendToAllAndSaveCopy")
    bob = account("bob@corp.example", zone=berlin)
    (invitation,) = bob.calendar.all()
    assert invitation.my_response_type == "NoResponseReceived" and invitation.uid == reread(meeting).uid
    (request,) = bob.inbox.all()
    assert request.item_class == "IPM.Schedule.Meeting.Request"
    # Its own accept() cannot save only.
    reference = ReferenceItemId(id=invitation.id, changekey=invitation.changekey)
    answer = AcceptItem(account=bob, reference_item_id=reference)
    list(CreateItem(account=bob).call(
        items=[answer], folder=bob.calendar, message_disposition="SaveOnly", send_meeting_invitations=SEND_TO_NONE))
    (accepted,) = bob.calendar.all()
    assert accepted.my_response_type == "Accept"
    assert [a.response_type for a in reread(meeting).required_attendees] == ["Unknown"], "SaveOnly tells nobody"
    accepted.decline(message_disposition="SendAndSaveCopy")
    assert not list(bob.calendar.all())
    assert [a.response_type for a in reread(meeting).required_attendees] == ["Decline"]
    reread(meeting).delete(send_meeting_cancellations="SendToAllAndSaveCopy")


def people():
    raises(ErrorImpersonateUserDenied, lambda: account("denied@corp.example").root.refresh())
    raises(ErrorNonExistentMailbox, lambda: account("nobody@corp.example").root.refresh())
    found = alice.protocol.resolve_names(["bob"])
    assert [m.email_address for m in found] == ["bob@corp.example"], found
    zones = {zone.id: zone for zone in alice.protocol.get_timezones(return_full_timezone_data=True)}
    for zone, bias, daylight_bias in [
        ("Russian Standard Time", -180, 0), ("W. Europe Standard Time", -60, -60), ("UTC", 0, 0),
        ("Pacific Standard Time", 480, -60),
    ]:
        standard, daylight, period = zones[zone].get_std_and_dst(for_year=2024)
        assert (period.bias_in_minutes, daylight.bias) == (bias, daylight_bias), (zone, period, daylight)
    standard, daylight, _ = zones["W. Europe Standard Time"].get_std_and_dst(for_year=2024)
    assert (daylight.iso_month, daylight.occurrence, standard.iso_month) == (3, 5, 10), (standard, daylight)


def replies():
    assert alice.oof_settings.state == OofSettings.DISABLED
    begin, end = EWSDateTime(2099, 3, 1, 8, tzinfo=moscow), EWSDateTime(2099, 3, 2, 8, tzinfo=moscow)
    alice.oof_settings = OofSettings(
        state=OofSettings.SCHEDULED, external_audience="Known", start=begin, end=end,
        internal_reply="<p>Нет & нет</p>", external_reply="Away.",
    )
    told = alice.oof_settings
    assert (told.state, told.external_audience, told.start, told.end) == ("Scheduled", "Known", begin, end), told
    assert (told.internal_reply, told.external_reply) == ("<p>Нет & нет</p>", "Away."), told


def exports():
    start = dt.datetime(2024, 5, 6, 9, 0, tzinfo=moscow)
    series = quiet(CalendarItem(
        account=alice, folder=calendar, subject="Kept", start=start, end=start + dt.timedelta(hours=1), uid="kept@x",
        recurrence=Recurrence(pattern=DailyPattern(interval=1), start=start.date(), number=5),
    ))
    day = series.occurrence(index=2)
    day.subject = "Kept otherwise"
    day.save(update_fields=["subject"], send_meeting_invitations=SEND_TO_NONE)
    (data,) = alice.export([reread(series)])
    assert base64.b64decode(data), data
    reread(series).delete(send_meeting_cancellations=SEND_TO_NONE)
    raises(ErrorItemNotFound, lambda: reread(series))
    (uploaded,) = alice.upload([(calendar, data)])
    (back,) = alice.fetch(ids=[uploaded], folder=calendar)
    assert (back.subject, back.uid, back.start) == ("Kept", "kept@x", start), back
    assert [o.original_start for o in back.modified_occurrences] == [start + dt.timedelta(days=1)], back
    back.delete(send_meeting_cancellations=SEND_TO_NONE)


class MessageFlags(ExtendedProperty):
    property_tag = 0x0E07
    property_type = "Integer"


class ArticleNumber(ExtendedProperty):
    property_tag = 0x0E23
    property_type = "Integer"


Message.register("message_flags", MessageFlags)
Message.register("article_number", ArticleNumber)


def mail():
    """Mail in a folder that IMAP hides, which the test finds in the other server."""
    folder = Folder(parent=alice.msg_folder_root, name="Смета 2024/2025")
    folder.save()
    for subject in ["one", "two"]:
        content = f"From: bob@corp.example\r\nSubject: {subject}\r\n\r\ntext\r\n".encode()
        Message(account=alice, folder=folder, mime_content=content, message_flags=0).save()
    seen = {m.subject: m for m in folder.all().only("subject", "is_read", "is_draft", "article_number", "mime_content")}
    one, two = seen["one"], seen["two"]
    assert (one.article_number, two.article_number) == (1, 2), seen
    assert (one.is_read, one.is_draft) == (False, False) and one.mime_content.startswith(b"From: bob@"), one
    one.is_read = True
    one.save(update_fields=["is_read"])
    (again,) = [m for m in folder.all().only("subject", "is_read") if m.subject == "one"]
    assert again.is_read
    two.move(to_folder=alice.inbox)
    assert [m.subject for m in folder.all().only("subject")] == ["one"]
    (moved,) = alice.inbox.all().only("subject")
    assert moved.subject == "two"
    moved.delete()
    folder.name = "Смета 2025/2026"
    folder.save(update_fields=["name"])


def sign_in_by_ntlm():
    """The conversation of another client: without TLS, once for each connection."""
    if "ntlm" not in sys.argv[3:]:
        return
    for user, password, is_right in [("CORP\\svc", "svc", True), ("svc@corp.example", "svc", True), ("CORP\\svc", "no", False)]:
        config = Configuration(
            service_endpoint=url, credentials=Credentials(user, password), auth_type=NTLM, version=Version(build=build),
            retry_policy=FailFast(), max_connections=1,
        )
        ask = lambda: Account(
            "alice@corp.example", config=config, autodiscover=False, access_type=IMPERSONATION, default_timezone=moscow,
        ).calendar.refresh()
        ask() if is_right else raises(UnauthorizedError, ask)


steps = [single_event, reminders_and_all_day, series, patterns, attachments, sync, pull, streaming, responses, people, replies, exports,
         mail, sign_in_by_ntlm]
for step in steps:
    began = time.monotonic()
    step()
    print(f"{year} {step.__name__}: {time.monotonic() - began:.1f} s", flush=True)
