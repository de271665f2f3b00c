"""python3-caldav, a client that others wrote, at work in the lab's CalDAV server.

Called with the URL, the login and the password. It makes a calendar, creates, finds, changes, syncs and removes, and fails
with a traceback on the first thing that is not as it should be.
"""

import datetime as dt
import sys

import caldav
from caldav.lib import error

url, user, password = sys.argv[1:]
client = caldav.DAVClient(url, username=user, password=password)
principal = client.principal()


def text(uid, summary, lines=""):
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260302T100000Z\r\nDTEND:20260302T110000Z\r\n"
        f"SUMMARY:{summary}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def refused(what):
    try:
        what()
    except error.DAVError:
        return
    raise AssertionError("that should have been refused")


assert [calendar.name for calendar in principal.calendars()] == ["Calendar"]
assert principal.calendar_user_address_set() == [f"mailto:{user}@corp.example"]

work = principal.make_calendar(name="Рабочий", cal_id="work")
assert {calendar.name for calendar in principal.calendars()} == {"Calendar", "Рабочий"}
refused(lambda: principal.make_calendar(name="again", cal_id="work"))
work.set_properties([caldav.elements.dav.DisplayName("Рабочий календарь")])
assert work.get_display_name() == "Рабочий календарь"

work.save_event(text("one", "Планёрка; и не только"))
work.save_event(text("a/b c", "Отчёт"))
series = work.save_event(text("series", "Ежедневно", "RRULE:FREQ=DAILY;COUNT=5\r\n"))
assert len(work.events()) == 3
one = work.event_by_uid("one")
assert one.icalendar_component["SUMMARY"] == "Планёрка; и не только"
assert work.event_by_uid("a/b c").icalendar_component["SUMMARY"] == "Отчёт"
refused(lambda: work.event_by_uid("none"))

# The same UID is not stored twice under two names.
refused(lambda: client.put(f"{work.url}other.ics", text("one", "x"), {"Content-Type": "text/calendar"}))

held = work.objects(load_objects=True)
assert len(list(held)) == 3
one.icalendar_component["SUMMARY"] = "Планёрка перенесена"
one.save()
work.event_by_uid("a/b c").delete()
work.save_event(text("new", "Новое"))
updated, deleted = held.sync()
assert {event.icalendar_component["UID"] for event in updated} == {"one", "new"}, updated
assert len(deleted) == 1
assert held.sync() == ([], [])

march = dict(start=dt.datetime(2026, 3, 1), end=dt.datetime(2026, 3, 31))
found = work.search(event=True, **march)
assert {event.icalendar_component["UID"] for event in found} == {"one", "series", "new"}
assert work.search(event=True, start=dt.datetime(2025, 1, 1), end=dt.datetime(2025, 2, 1)) == []
expanded = work.search(event=True, expand=True, **march)
assert sum(event.icalendar_component["UID"] == "series" for event in expanded) == 5

todo = work.save_todo(text("task", "Купить молока").replace("VEVENT", "VTO" "DO").replace("DTEND", "DUE"))
assert len(work.todos()) == 1 and len(work.events()) == 3
todo.delete()
series.delete()
refused(series.load)
work.delete()
assert [calendar.name for calendar in principal.calendars()] == ["Calendar"]
refused(lambda: caldav.DAVClient(url, username=user, password="wrong").principal())
print("python3-caldav was served")
