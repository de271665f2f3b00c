"""Lists all events of a CalDAV account as python3-caldav and icalendar see them: URL, login and password as arguments."""

import sys

import caldav
from icalendar import Calendar


def listed(prop):
    if prop is None:
        return []
    return prop if isinstance(prop, list) else [prop]


url, user, password = sys.argv[1:]
client = caldav.DAVClient(url, username=user, password=password)
for calendar in client.principal().calendars():
    for event in calendar.events():
        for part in Calendar.from_ical(event.data).walk("VEVENT"):
            people = listed(part.get("ORGANIZER")) + listed(part.get("ATTENDEE"))
            silent = [person for person in people if person.params.get("SCHEDULE-AGENT") == "CLIENT"]
            fields = [calendar.name, part["UID"], part.get("SUMMARY", ""), len(people), len(silent)]
            print("\t".join(str(field) for field in fields))
