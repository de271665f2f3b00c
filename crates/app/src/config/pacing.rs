//! How much a server is asked for, by day and by night.

use super::toml_text::Section;
use crate::message::Message;
use std::num::NonZeroU64;

/// How much all accounts together may ask a server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    pub day: Allowance,
    pub night: Option<(Night, Allowance)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    pub connections: u32,
    /// Connections that one service account signs in to.
    pub per_login: u32,
    /// Connections to the mailboxes of one database.
    pub per_database: u32,
    pub bytes_per_s: Option<NonZeroU64>,
}

/// From one minute of the day to another, over midnight where the first is the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    from: u32,
    to: u32,
}

impl Pacing {
    /// What counts at this minute of the day.
    #[must_use]
    pub fn at(&self, minute: u32) -> Allowance {
        match &self.night {
            Some((night, allowance)) if night.holds(minute) => *allowance,
            _ => self.day,
        }
    }

    /// What counts now, by the local time of this machine.
    #[must_use]
    pub fn now(&self) -> Allowance {
        use chrono::Timelike;
        self.at(chrono::Local::now().num_seconds_from_midnight() / 60)
    }

    /// A limit of bytes at any time of the day.
    #[must_use]
    pub fn limits_bytes(&self) -> bool {
        let night = self.night.iter().filter_map(|(_, allowance)| allowance.bytes_per_s);
        self.day.bytes_per_s.into_iter().chain(night).next().is_some()
    }
}

impl Night {
    /// `22:00-06:00`.
    fn parse(text: &str) -> Option<Night> {
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        let (from, to) = text.split_once('-')?;
        Some(Night { from: minute(from)?, to: minute(to)? }).filter(|night| night.from != night.to)
    }

    fn holds(self, minute: u32) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// Reads what a side says of it.
pub fn pacing(section: &Section<'_, '_>) -> Pacing {
    let or = |name: &'static str, otherwise: u32| if section.gives(name) { section.whole_u32(name) } else { otherwise };
    let bytes = |name| NonZeroU64::new(section.whole(name).saturating_mul(1024));
    let connections = section.whole_u32("max_connections");
    let of = |connections, bytes_per_s| Allowance {
        connections,
        per_login: or("max_connections_per_service_login", connections),
        per_database: or("max_connections_per_database", connections),
        bytes_per_s,
    };
    let day = of(connections, bytes("bandwidth_kib_s"));
    let night = section.text("night");
    let night = match Night::parse(&night.value) {
        _ if section.gives("night") && night.value.is_empty() => None,
        _ if night.value.is_empty() => {
            for name in
                ["night_max_connections", "night_bandwidth_kib_s"].into_iter().filter(|name| section.gives(name))
            {
                section.wrong(name, night.span.clone(), Message::new("config-night-missing"));
            }
            None
        }
        Some(hours) => {
            let at_night =
                if section.gives("night_bandwidth_kib_s") { bytes("night_bandwidth_kib_s") } else { day.bytes_per_s };
            Some((hours, of(or("night_max_connections", connections), at_night)))
        }
        None => {
            section.wrong("night", night.span, Message::new("config-night").with("found", night.value));
            None
        }
    };
    Pacing { day, night }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn night(text: &str) -> Night {
        Night::parse(text).unwrap()
    }

    #[test]
    fn a_night_may_go_over_midnight() {
        let (late, early) = (night("22:00-06:30"), night("1:05-4:00"));
        let at = |hour: u32, minute: u32| hour * 60 + minute;
        let holds = |night: Night, times: &[u32]| times.iter().map(|time| night.holds(*time)).collect::<Vec<_>>();
        let times = [at(21, 59), at(22, 0), at(0, 0), at(6, 29), at(6, 30), at(12, 0)];
        assert_eq!(holds(late, &times), [false, true, true, true, false, false]);
        assert_eq!(holds(early, &[at(1, 4), at(1, 5), at(3, 59), at(4, 0)]), [false, true, true, false]);
        for wrong in ["", "22:00", "22-06", "24:00-06:00", "22:60-06:00", "06:00-06:00", "ночь"] {
            assert_eq!(Night::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_time_of_the_day_has_its_allowance() {
        let allowance = |connections| Allowance { connections, per_login: 4, per_database: 4, bytes_per_s: None };
        let pacing = Pacing { day: allowance(8), night: Some((night("22:00-06:00"), allowance(32))) };
        assert_eq!([12 * 60, 23 * 60].map(|minute| pacing.at(minute).connections), [8, 32]);
    }
}
