//! GetUserAvailability: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>.

use super::{Operation, Outcome};
use crate::classify::About;
use crate::envelope::Refusal;
use crate::item::{busy, time};
use crate::version::Version;
use crate::xml::{Element, Out};
use jiff::Timestamp;
use parom_calendar::event::Busy;

/// When people are busy between two moments, at most 42 days apart: what others in the company see of them.
#[derive(Clone, Debug)]
pub struct GetUserAvailability {
    /// Addresses, at most 100.
    pub people: Vec<String>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// The length of a figure in [`Availability::merged`], 5 to 1440.
    pub piece_minutes: u32,
}

/// What one person is seen to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// A figure for each piece: 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere or unknown.
    pub merged: String,
    pub events: Vec<BusyTime>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyTime {
    pub start: Timestamp,
    pub end: Timestamp,
    pub busy: Busy,
    /// `None` where the asker may not know it.
    pub subject: Option<String>,
}

impl Operation for GetUserAvailability {
    const NAME: &'static str = "GetUserAvailabilityRequest";
    const ABOUT: About = About::Account;
    /// In the order of the people.
    type Answer = Vec<Outcome<Availability>>;

    fn write(&self, out: &mut Out, _: Version) {
        // Times without an offset stand in the zone that the request describes: Greenwich without summer.
        let never = |out: &mut Out| {
            out.leaf("t:Bias", "0");
            out.leaf("t:Time", "00:00:00");
            out.leaf("t:DayOrder", "0");
            out.leaf("t:Month", "0");
            out.leaf("t:DayOfWeek", "Sunday");
        };
        out.within("m:GetUserAvailabilityRequest", &[], |out| {
            out.within("t:TimeZone", &[], |out| {
                out.leaf("t:Bias", "0");
                out.within("t:StandardTime", &[], never);
                out.within("t:DaylightTime", &[], never);
            });
            out.within("m:MailboxDataArray", &[], |out| {
                for address in &self.people {
                    out.within("t:MailboxData", &[], |out| {
                        out.within("t:Email", &[], |out| out.leaf("t:Address", address));
                        out.leaf("t:AttendeeType", "Required");
                        out.leaf("t:ExcludeConflicts", "false");
                    });
                }
            });
            out.within("t:FreeBusyViewOptions", &[], |out| {
                out.within("t:TimeWindow", &[], |out| {
                    out.leaf("t:StartTime", &local(self.from));
                    out.leaf("t:EndTime", &local(self.to));
                });
                out.leaf("t:MergedFreeBusyIntervalInMinutes", &self.piece_minutes.to_string());
                out.leaf("t:RequestedView", "DetailedMerged");
            });
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        let answers = response.child("FreeBusyResponseArray")?.all("FreeBusyResponse");
        Some(answers.map(one).collect())
    }
}

fn local(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn one(answer: &Element) -> Outcome<Availability> {
    let message = answer.child("ResponseMessage");
    let text = |name: &str| message.and_then(|message| message.text_of(name)).unwrap_or_default().trim().to_owned();
    if message.and_then(|message| message.attribute("ResponseClass")) == Some("Error") {
        return Err(Refusal { code: text("ResponseCode"), text: text("MessageText"), backoff_ms: None });
    }
    let Some(view) = answer.child("FreeBusyView") else { return Ok(Availability::default()) };
    let events = view.child("CalendarEventArray").into_iter().flat_map(|list| list.all("CalendarEvent"));
    let events = events.filter_map(|event| {
        Some(BusyTime {
            start: time(event.text_of("StartTime")?)?,
            end: time(event.text_of("EndTime")?)?,
            busy: busy(event.text_of("BusyType")?),
            subject: event
                .child("CalendarEventDetails")
                .and_then(|details| details.text_of("Subject"))
                .map(str::to_owned),
        })
    });
    Ok(Availability {
        merged: view.text_of("MergedFreeBusy").unwrap_or_default().trim().to_owned(),
        events: events.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Body, answer};

    #[test]
    fn people_are_told_one_by_one() {
        let text = "<s:Envelope xmlns:s='s' xmlns:t='t' xmlns:m='m'><s:Body><m:GetUserAvailabilityResponse>\
            <m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass='Success'><m:ResponseCode>NoError\
            </m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>DetailedMerged</t:FreeBusyViewType>\
            <t:MergedFreeBusy>0230</t:MergedFreeBusy><t:CalendarEventArray><t:CalendarEvent><t:StartTime>2026-03-02T10:00:00\
            </t:StartTime><t:EndTime>2026-03-02T11:00:00</t:EndTime><t:BusyType>OOF</t:BusyType></t:CalendarEvent>\
            </t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse><m:FreeBusyResponse><m:ResponseMessage \
            ResponseClass='Error'><m:MessageText>who?</m:MessageText><m:ResponseCode>ErrorMailRecipientNotFound\
            </m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse></m:FreeBusyResponseArray>\
            </m:GetUserAvailabilityResponse></s:Body></s:Envelope>";
        let Body::Response(element) = answer(text.as_bytes()).unwrap().body else { panic!("a fault") };
        let moment: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let ask = GetUserAvailability { people: Vec::new(), from: moment, to: moment, piece_minutes: 30 };
        let told = ask.read(&element).unwrap();
        let first = told[0].as_ref().unwrap();
        assert_eq!(first.merged, "0230");
        let event = BusyTime {
            start: "2026-03-02T10:00:00Z".parse().unwrap(),
            end: "2026-03-02T11:00:00Z".parse().unwrap(),
            busy: Busy::OutOfOffice,
            subject: None,
        };
        assert_eq!(first.events, [event]);
        assert_eq!(told[1].as_ref().unwrap_err().code, "ErrorMailRecipientNotFound");
    }
}
