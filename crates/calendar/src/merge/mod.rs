//! Both sides changed an event: what it is now, property by property and occurrence by occurrence.

mod details;
mod half;
mod lists;
mod occurrences;
mod unseen;

use crate::event::{Details, Event, Head};
pub use half::whole;
pub use unseen::{ATTACHMENT_LEFT_OUT, BODY_LEFT_OUT, hides, hides_body};

use details::merge_details;
use jiff::civil::DateTime;
use occurrences::merge_occurrences;
use parom_domain::{Both, Side};

/// One property, as merging sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Subject,
    Body,
    Location,
    /// Start and end, and whether it is all day.
    Time,
    /// Rule and further dates.
    Recurrence,
    /// Whether one occurrence takes place, or is an exception.
    Occurrence,
    Busy,
    Sensitivity,
    Importance,
    Categories,
    Status,
    Organizer,
    Attendees,
    Alarms,
    Url,
    OnlineMeeting,
    Attachments,
    Counter,
    Extras,
}

impl Field {
    pub const ALL: [Field; 19] = [
        Field::Subject,
        Field::Body,
        Field::Location,
        Field::Time,
        Field::Recurrence,
        Field::Occurrence,
        Field::Busy,
        Field::Sensitivity,
        Field::Importance,
        Field::Categories,
        Field::Status,
        Field::Organizer,
        Field::Attendees,
        Field::Alarms,
        Field::Url,
        Field::OnlineMeeting,
        Field::Attachments,
        Field::Counter,
        Field::Extras,
    ];

    /// Does the organizer decide it, rather than whoever changed it last?
    #[must_use]
    pub fn is_the_organizers(self) -> bool {
        matches!(
            self,
            Field::Location
                | Field::Time
                | Field::Recurrence
                | Field::Occurrence
                | Field::Status
                | Field::Organizer
                | Field::Attendees
        )
    }
}

/// Properties that a side has no place for: what it says of them says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blind(u32);

impl Blind {
    #[must_use]
    pub fn to(fields: &[Field]) -> Blind {
        Blind(fields.iter().fold(0, |bits, field| bits | 1 << (*field as u32)))
    }

    #[must_use]
    pub fn contains(self, field: Field) -> bool {
        self.0 & (1 << (field as u32)) != 0
    }
}

/// Who wins where both sides changed the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judge<'a> {
    /// The side on which the organizer works, where that is known and one of the two.
    pub organizer: Option<Side>,
    /// The side with the later change.
    pub later: Side,
    pub blind: Both<Blind>,
    /// Addresses of the calendar's owner, whose own answer no organizer decides.
    pub owner: &'a [String],
}

/// Clocks of two servers are not told apart more finely than this.
const SKEW_SECONDS: i64 = 60;

impl Judge<'_> {
    /// Later is who says so by more than a minute; else the source (Exchange).
    #[must_use]
    pub fn of(both: Both<&Event>, organizer: Option<Side>) -> Judge<'static> {
        let at = both.map(|event| event.modified().map_or(i64::MIN, jiff::Timestamp::as_second));
        let later = if at.target > at.source.saturating_add(SKEW_SECONDS) { Side::Target } else { Side::Source };
        Judge { organizer, later, blind: Both::default(), owner: &[] }
    }

    fn winner(&self, field: Field) -> Side {
        self.organizer.filter(|_| field.is_the_organizers()).unwrap_or(self.later)
    }
}

/// A change that gave way. The whole event of its side is to be archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Loss {
    pub side: Side,
    pub field: Field,
    /// The original start of the exception, `None` in the master.
    pub occurrence: Option<DateTime>,
}

/// What both sides should have now.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    pub event: Event,
    /// Each once, in the order of the fields.
    pub lost: Vec<Loss>,
}

/// Merges what the sides have made of `base`, the event that they last agreed on. Without a base, what differs is in
/// dispute. Both have the same UID; the base's is kept.
#[must_use]
pub fn merge(base: Option<&Event>, both: Both<&Event>, judge: &Judge<'_>) -> Merged {
    let source = unseen::completed(both.source, base, both.target);
    let both = Both::new(&*source, both.target);
    let mut dispute = Dispute { judge, occurrence: None, lost: Vec::new() };
    let head = dispute.head(base, both);
    let mut event = Event { head, ..Event::single(&base.unwrap_or(both.source).uid, placeholder(both)) };
    let recurrence = dispute.value(
        Field::Recurrence,
        base.map(|base| &base.recurrence),
        both.map(|event| &event.recurrence),
        PartialEq::eq,
    );
    event.recurrence = recurrence.clone();
    dispute.keep_start_on_rule(both, &mut event);
    merge_occurrences(&mut dispute, base, both, &mut event);
    event.extras = dispute.lines(base.map(|base| &base.extras), both.map(|event| &event.extras));
    event.extra_components =
        dispute.set(base.map(|base| &base.extra_components), both.map(|event| &event.extra_components), Clone::clone);
    let mut lost = dispute.lost;
    lost.sort_unstable();
    lost.dedup();
    Merged { event, lost }
}

/// Any details: replaced at once by the merged head.
fn placeholder(both: Both<&Event>) -> Details {
    let any = both.source.all_details().chain(both.target.all_details()).next();
    any.cloned().unwrap_or_else(|| {
        let epoch = crate::When::Utc(DateTime::ZERO);
        Details::new(epoch.clone(), epoch)
    })
}

/// A merge under way.
struct Dispute<'a> {
    judge: &'a Judge<'a>,
    occurrence: Option<DateTime>,
    lost: Vec<Loss>,
}

impl Dispute<'_> {
    /// Three-way choice of one value; `same` says which differences are none.
    fn value<'v, T: ?Sized>(
        &mut self,
        field: Field,
        base: Option<&'v T>,
        both: Both<&'v T>,
        same: impl Fn(&T, &T) -> bool,
    ) -> &'v T {
        both[self.side(field, base, both, same)]
    }

    /// The side whose value is taken. What a side is blind to counts as unchanged.
    fn side<T: ?Sized>(
        &mut self,
        field: Field,
        base: Option<&T>,
        both: Both<&T>,
        same: impl Fn(&T, &T) -> bool,
    ) -> Side {
        let blind = self.judge.blind;
        match (blind.source.contains(field), blind.target.contains(field)) {
            (true, false) => return Side::Target,
            (false, true) => return Side::Source,
            _ => {}
        }
        let unchanged = |side: Side| base.is_some_and(|base| same(base, both[side]));
        // Of equal values, the target's: what iCalendar can spell is spelled there.
        if same(both.source, both.target) || unchanged(Side::Source) {
            return Side::Target;
        }
        if unchanged(Side::Target) {
            return Side::Source;
        }
        let winner = self.judge.winner(field);
        self.lose(winner.other(), field);
        winner
    }

    fn lose(&mut self, side: Side, field: Field) {
        self.lost.push(Loss { side, field, occurrence: self.occurrence });
    }

    /// A start from one side and a rule from the other may not go together: then both are of one side.
    fn keep_start_on_rule(&mut self, both: Both<&Event>, merged: &mut Event) {
        let fits = |start: &crate::When, recurrence: &Option<crate::Recurrence>| {
            let rule = recurrence.as_ref().and_then(|recurrence| recurrence.rule.as_ref());
            rule.is_none_or(|rule| rule.meets(start.local()))
        };
        let of = |event: &Event| event.master().map(|master| (master.start.clone(), event.recurrence.clone()));
        let Some((start, recurrence)) = of(merged) else { return };
        let together = Some((start.clone(), recurrence.clone()));
        if fits(&start, &recurrence) || of(both.source) == together || of(both.target) == together {
            return;
        }
        let winner = self.judge.winner(Field::Time);
        let (Some(theirs), Some(master)) = (both[winner].master(), merged.master_mut()) else { return };
        (master.start, master.end) = (theirs.start.clone(), theirs.end.clone());
        merged.recurrence.clone_from(&both[winner].recurrence);
        self.lose(winner.other(), Field::Recurrence);
    }

    /// A series is more than its instances: a side that knows the master tells it.
    fn head(&mut self, base: Option<&Event>, both: Both<&Event>) -> Head {
        match (&both.source.head, &both.target.head) {
            (Head::Master(source), Head::Master(target)) => {
                let base = base.and_then(Event::master);
                Head::Master(Box::new(merge_details(self, base, Both::new(&**source, &**target))))
            }
            (master @ Head::Master(_), Head::Instances(_)) | (Head::Instances(_), master @ Head::Master(_)) => {
                master.clone()
            }
            (Head::Instances(_), Head::Instances(frame)) => Head::Instances(frame.clone()),
        }
    }
}
