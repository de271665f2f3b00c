"""DavMail, a client of Exchange Web Services that others wrote, asked for a calendar by python3-caldav, which others wrote too.

    davmail.py compare URL USER PASSWORD FOLDER   what DavMail shows, held to the iCalendar files of FOLDER
    davmail.py create|edit|delete|invite|series|exceptions URL USER PASSWORD
    davmail.py busy URL USER PASSWORD WHOM        when somebody is busy on 2 March 2026

`compare` prints one object as JSON: how many events are on both sides, and every property in which they differ, with both values.
Zones, recurrence and its exceptions are the business of python3-icalendar and python3-recurring-ical-events.
"""

import datetime as dt
import json
import pathlib
import sys

import caldav
import icalendar
import recurring_ical_events

FROM, TO = dt.datetime(2026, 1, 1), dt.datetime(2026, 7, 1)


def moment(value):
    """A day as a day, an instant in UTC, and a time without a zone as what it is."""
    if not isinstance(value, dt.datetime):
        return value.isoformat()
    if value.tzinfo is None:
        return value.isoformat() + " floating"
    return value.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def values(component, name):
    """A property that may be there several times."""
    found = component.get(name, [])
    return found if isinstance(found, list) else [found]


def address(person):
    return person.lower().removeprefix("mailto:")


def alarms(event):
    triggers = [alarm.get("TRIGGER") for alarm in event.subcomponents if alarm.name == "VALARM"]
    return sorted(int(trigger.dt.total_seconds()) // 60 for trigger in triggers)


def people(event):
    return sorted(
        [address(one), one.params.get("ROLE", "REQ-PARTICIPANT"), one.params.get("PARTSTAT", "NEEDS-ACTION")]
        for one in values(event, "ATTENDEE")
    )


def said(event):
    """What one VEVENT says, whether it is a series or an exception."""
    organizer = event.get("ORGANIZER")
    return {
        "start": moment(event.decoded("DTSTART")),
        "end": moment(event.decoded("DTEND")),
        "summary": str(event.get("SUMMARY", "")),
        "location": str(event.get("LOCATION", "")),
        "description": str(event.get("DESCRIPTION", "")).strip(),
        "class": str(event.get("CLASS", "PUBLIC")),
        "transparency": str(event.get("TRANSP", "OPAQUE")),
        "status": str(event.get("STATUS", "CONFIRMED")),
        "alarms": alarms(event),
        "attendees": people(event),
        "organizer": address(organizer) if organizer else None,
        "categories": sorted(str(name) for list in values(event, "CATEGORIES") for name in list.cats),
    }


def form(event, name):
    """How a date is written: as a day, in UTC, or in a zone."""
    kinds = set()
    for one in values(event, name):
        value = one.dts[0].dt if hasattr(one, "dts") else one.dt
        if not isinstance(value, dt.datetime):
            kinds.add("day")
        else:
            zone = one.params.get("TZID") or getattr(value.tzinfo, "zone", None)
            kinds.add("utc" if zone in (None, "UTC") and value.tzinfo else str(zone))
    return sorted(kinds)


def normal(text):
    calendar = icalendar.Calendar.from_ical(text)
    events = [component for component in calendar.subcomponents if component.name == "VEVENT"]
    (master,) = [event for event in events if "RECURRENCE-ID" not in event]
    told = said(master)
    rule = master.get("RRULE")
    if rule:
        parts = {name: list(map(str, value)) for name, value in rule.items()}
        # What RFC 5545 takes for granted may be said or not.
        usual = {("INTERVAL", "1"), ("WKST", "MO")}
        told["rule"] = {name: value for name, value in sorted(parts.items()) if (name, *value) not in usual}
        told["excluded"] = sorted(moment(one.dt) for dates in values(master, "EXDATE") for one in dates.dts)
        told["form of EXDATE"] = form(master, "EXDATE")
    told["access"] = str(calendar.get("X-CALENDARSERVER-ACCESS", "PUBLIC"))
    told["form of DTSTART"] = form(master, "DTSTART")
    exceptions = {moment(event.decoded("RECURRENCE-ID")): event for event in events if "RECURRENCE-ID" in event}
    for original, event in exceptions.items():
        if str(event["UID"]) != str(master["UID"]):
            told["uid of an exception"] = str(event["UID"])
        for name, value in said(event).items():
            told[f"exception {original}: {name}"] = value
        told[f"exception {original}: form of RECURRENCE-ID"] = form(event, "RECURRENCE-ID")
    told["occurrences"] = sorted(
        [moment(one.decoded("DTSTART")), moment(one.decoded("DTEND")), str(one.get("SUMMARY", ""))]
        for one in recurring_ical_events.of(calendar).between(FROM, TO)
    )
    return str(master["UID"]), told


def compare(calendar, folder):
    ours = dict(normal(file.read_text("utf-8")) for file in sorted(pathlib.Path(folder).glob("*.ics")))
    theirs = dict(normal(event.data) for event in calendar.events())
    differences = []
    for uid in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(uid, {}), theirs.get(uid, {})
        for name in sorted(set(mine) | set(other)):
            if mine.get(name) != other.get(name):
                event = mine.get("summary", other.get("summary"))
                differences.append(
                    {"event": event, "what": name, "parom": mine.get(name), "davmail": other.get(name)}
                )
    print(json.dumps({"both": len(set(ours) & set(theirs)), "differences": differences}, ensure_ascii=False))


ZONE = """BEGIN:VTIMEZONE
TZID:Europe/Moscow
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
TZNAME:MSK
END:STANDARD
END:VTIMEZONE
"""


def event(uid, lines):
    body = f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT\n"
    return wrapped(body)


def wrapped(body):
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example.org//test//EN\n{ZONE}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def put(client, calendar, uid, text):
    answer = client.put(f"{calendar.url}{uid}.ics", text, {"Content-Type": "text/calendar; charset=utf-8"})
    assert answer.status in (200, 201, 204), answer.status


SINGLE = """DTSTART;TZID=Europe/Moscow:20260420T100000
DTEND;TZID=Europe/Moscow:20260420T113000
SUMMARY:{summary}
LOCATION:Кабинет\\, 7
DESCRIPTION:Две\\nстроки
CLASS:PRIVATE
TRANSP:OPAQUE
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:x
TRIGGER:-PT10M
END:VALARM"""


def main(action, url, user, password, *rest):
    client = caldav.DAVClient(url=url, username=user, password=password)
    calendar = caldav.Calendar(client=client, url=url)
    if action == "compare":
        compare(calendar, *rest)
    elif action == "create":
        put(client, calendar, "single-1", event("single-1", SINGLE.format(summary="Через DavMail")))
    elif action == "edit":
        put(client, calendar, "single-1", event("single-1", SINGLE.format(summary="Позже").replace("T10", "T09")))
    elif action == "delete":
        client.delete(f"{calendar.url}single-1.ics")
    elif action == "invite":
        put(client, calendar, "meeting-1", event(
            "meeting-1",
            "DTSTART;TZID=Europe/Moscow:20260421T100000\nDTEND;TZID=Europe/Moscow:20260421T110000\nSUMMARY:Planning\n"
            f"ORGANIZER:mailto:{user}\nATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:boris@corp.example\n"
            "ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mailto:vera@elsewhere.example",
        ))
    elif action in ("series", "exceptions"):
        master = (
            "BEGIN:VEVENT\nUID:series-1\nDTSTAMP:20260101T000000Z\nDTSTART;TZID=Europe/Moscow:20260406T090000\n"
            "DTEND;TZID=Europe/Moscow:20260406T093000\nSUMMARY:Weekly\nRRULE:FREQ=WEEKLY;COUNT=6;BYDAY=MO\n{more}END:VEVENT\n"
        )
        moved = (
            "BEGIN:VEVENT\nUID:series-1\nDTSTAMP:20260101T000000Z\nRECURRENCE-ID;TZID=Europe/Moscow:20260413T090000\n"
            "DTSTART;TZID=Europe/Moscow:20260413T120000\nDTEND;TZID=Europe/Moscow:20260413T123000\nSUMMARY:Moved\nEND:VEVENT\n"
        )
        more = "EXDATE;TZID=Europe/Moscow:20260420T090000\n"
        if action == "exceptions":
            more += "EXDATE;TZID=Europe/Moscow:20260427T090000\n"
        put(client, calendar, "series-1", wrapped(master.format(more=more) + moved))
    elif action == "busy":
        (whom,) = rest
        question = (
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example.org//test//EN\nMETHOD:REQUEST\nBEGIN:VFREEBUSY\nUID:busy-1\n"
            f"DTSTAMP:20260101T000000Z\nDTSTART:20260302T000000Z\nDTEND:20260303T000000Z\nORGANIZER:mailto:{user}\n"
            f"ATTENDEE:mailto:{whom}\nEND:VFREEBUSY\nEND:VCALENDAR\n"
        )
        outbox = url.removesuffix("calendar/") + "outbox/"
        print(client.post(outbox, question.replace("\n", "\r\n"), {"Content-Type": "text/calendar"}).raw)
    else:
        raise SystemExit(f"no such action: {action}")


main(*sys.argv[1:])
