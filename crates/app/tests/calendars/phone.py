"""A client that shares nothing with ours: python3-caldav changes events, dateutil expands rules.

    phone.py set URL LOGIN PASSWORD UID NAME VALUE     gives the series or event this property
    phone.py expand START RULE COUNT                   the first days of a rule, one a line
"""

import sys
from datetime import datetime

import caldav
from dateutil.rrule import rrulestr


def put(url, login, password, uid, name, value):
    principal = caldav.DAVClient(url, username=login, password=password).principal()
    for calendar in principal.calendars():
        for event in calendar.events():
            calendar_object = event.icalendar_instance
            for part in calendar_object.walk("VEVENT"):
                if part["UID"] == uid and "RECURRENCE-ID" not in part:
                    part.pop(name, None)
                    part.add(name, value)
                    event.icalendar_instance = calendar_object
                    event.save()
                    return
    sys.exit("no event " + uid)


def expand(start, rule, count):
    days = rrulestr("RRULE:" + rule, dtstart=datetime.strptime(start, "%Y%m%dT%H%M%S"))
    for _, day in zip(range(int(count)), days):
        print(day.strftime("%Y-%m-%d"))


{"set": put, "expand": expand}[sys.argv[1]](*sys.argv[2:])
