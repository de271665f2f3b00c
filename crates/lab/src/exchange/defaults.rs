//! Which of Exchange's ways each version has, as it comes out of the box.
//!
//! A quirk that was reported for one version only is on for that one; one that a vendor's page gives for all versions, or
//! that reports do not tie to a version, is on for all. Quirks that need a chosen message, a lost service or an admin's
//! own settings are off everywhere and wait for a test to turn them on.

use super::logins::LoginForm;
use super::quirks::{CalendarItems, Charged, CopyUid, Denial, MailboxMove, Quirks, Rendering, Validities};
use super::throttle::Budget;
use super::version::Version;
use crate::server::IndexLag;
use std::collections::BTreeSet;
use std::time::Duration;

impl Quirks {
    /// The ways of this version. Read receipts are not suppressed, as in a fresh installation: see
    /// `suppress_read_receipts`.
    #[must_use]
    pub fn of(version: Version) -> Quirks {
        let is = |versions: &[Version]| versions.contains(&version);
        let modern = version >= Version::E2013;
        Quirks {
            capability_grows: modern,
            move_fails: is(&[Version::E2013]),
            keyword_warnings: true,
            validities: Validities::Small,
            search_is_narrow: true,
            // isync 9c86ec3 names 2010.
            header_search_misses: is(&[Version::E2010]),
            index_lag: IndexLag::For(Duration::from_millis(200)),
            // The wiki of Dovecot names 2010 SP1.
            wild_numbers: is(&[Version::E2010]),
            copyuid: CopyUid::EmptyForNothing,
            silent_store_fails: is(&[Version::E2010]),
            errors_before_bye: Some(10),
            missing_status_drops: is(&[Version::E2010]),
            hangs_at_logout: false,
            bulk_copy_breaks: None,
            idle_limit: Some(Duration::from_secs(30 * 60)),
            sign_in_limit: Some(Duration::from_secs(60)),
            connections_per_user: Some(16),
            connections: Some(2000),
            new_uid_on_edit: true,
            message_flag_header: is(&[Version::E2010]),
            size_is_estimate: true,
            rendering: Rendering::Rewritten { seed: 1 },
            calendar_items: CalendarItems::ICalendar,
            items_are_substitutes: true,
            appended_flag_is_shallow: true,
            // Corrected by 2010 SP2 RU5.
            append_date_is_now: false,
            // No statement was found for 2010 and later: the worst is assumed.
            mailbox_move: MailboxMove::NewUids,
            line_bytes: Some(10_240),
            command_bytes: Some(10_240),
            refuses_control_bytes: true,
            refuses_bad_headers: true,
            refuses_receipts: true,
            append_bytes: Some(10 << 20),
            suppress_read_receipts: false,
            budget: Some(Budget::usual()),
            hides_slashes: true,
            // Reported for 2007; nobody has said that it went away.
            trailing_space_kills: true,
            folds_case: true,
            reserved_names: if modern { vec!["Files".to_owned()] } else { Vec::new() },
            lists_item_folders: true,
            login_forms: login_forms(version),
            announces_ntlm: true,
            refuses_administrators: true,
            without_rights: Denial::NotConnected,
            over_the_cap: Denial::NotConnected,
            charged: Charged::Delegate,
            wrong_database: Denial::ServerUnavailable,
            ..Quirks::none()
        }
    }
}

impl Quirks {
    /// Every way at its worst, all at once: no real version is like that. Only those that need a chosen message, shut the
    /// door to everybody, or have no bounds are left as a version has them.
    #[must_use]
    pub fn worst() -> Quirks {
        Quirks {
            move_fails: true,
            validities: Validities::Sticky,
            header_search_misses: true,
            wild_numbers: true,
            copyuid: CopyUid::AlwaysEmpty,
            silent_store_fails: true,
            missing_status_drops: true,
            hangs_at_logout: true,
            bulk_copy_breaks: Some(64),
            message_flag_header: true,
            calendar_items: CalendarItems::Substitute,
            append_date_is_now: true,
            lists_hidden_folders: true,
            ..Quirks::of(Version::E2013)
        }
    }
}

/// Row 35: own names and the documented delegate forms in every version; backslashes since 2013; an authzid on 2010 and
/// 2016, not on 2019.
fn login_forms(version: Version) -> BTreeSet<LoginForm> {
    let mut forms = BTreeSet::from([LoginForm::Own, LoginForm::OwnDomain, LoginForm::OwnUpn]);
    forms.extend([LoginForm::DomainSlash, LoginForm::UpnSlash]);
    if version >= Version::E2013 {
        forms.extend([LoginForm::DomainBackslash, LoginForm::UpnBackslash]);
    }
    if matches!(version, Version::E2010 | Version::E2016) {
        forms.insert(LoginForm::Authzid);
    }
    forms
}
