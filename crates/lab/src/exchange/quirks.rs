//! Exchange's ways as switches. Each names its row in the list of quirks, see `docs/exchange-quirks.md`.
//!
//! All may be flipped while the server runs; what is said otherwise takes effect when a folder, a mailbox or a
//! connection is new.

use super::logins::LoginForm;
use super::throttle::Budget;
use crate::server::IndexLag;
use std::collections::BTreeSet;
use std::time::Duration;

/// How one is turned away who has given a name that the server knows (row 37).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// `NO LOGIN failed.`
    LoginFailed,
    /// `NO Server Unavailable. 15`
    ServerUnavailable,
    /// LOGIN is answered OK, and all that follows with `BAD User is authenticated but not connected.`
    NotConnected,
}

/// Where UIDVALIDITYs come from (row 7). For mailboxes and folders made after the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validities {
    /// Large, no two alike on the whole server.
    Distinct,
    /// Counted from 14 in each mailbox: the inbox has 14 in every one of them.
    Small,
    /// Small, and a folder that is made again under an old name has the old number too.
    Sticky,
}

/// What becomes of COPYUID (row 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyUid {
    /// As UIDPLUS says.
    Told,
    /// `[COPYUID 14  ]` where there was nothing to copy.
    EmptyForNothing,
    /// `[COPYUID 14  ]` always.
    AlwaysEmpty,
}

/// How a message's bytes are made (row 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendering {
    AsGiven,
    /// Made anew from properties; another seed makes other bytes of the same message.
    Rewritten {
        seed: u32,
    },
}

/// How a calendar item shows itself (rows 22 and 33).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarItems {
    /// As a message with a text/calendar part.
    ICalendar,
    /// As a substitute message.
    Substitute,
    /// FETCH of its body answers OK without data.
    NoData,
}

/// What a mailbox's move to another database does to it (row 25).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxMove {
    KeepsUids,
    /// Every message has a new UID, and no UIDVALIDITY tells.
    NewUids,
    /// UIDs from 1 under new UIDVALIDITYs.
    NewValidities,
}

/// `ExtendedProtectionPolicy`: whether one who signs in by NTLM must name the TLS connection that he means (row 36). The lab has no
/// TLS of its own; `end_point` is the binding of the one in front of it, `tls-server-end-point:` and the certificate's hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExtendedProtection {
    /// What is named is not looked at.
    #[default]
    None,
    /// What is named must be right.
    Allow {
        end_point: Vec<u8>,
    },
    Require {
        end_point: Vec<u8>,
    },
}

/// Whose connections and budget a delegate's session uses up (row 38, unknown in the field).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    Delegate,
    Principal,
}

/// Messages are chosen by a text in their subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Quirks {
    // The session.
    /// Row 1: there are more capabilities after sign-in than before.
    pub capability_grows: bool,
    /// Row 2: MOVE is offered and refused, as mbsync found on 2013.
    pub move_fails: bool,
    /// Row 3: the admin's own banner.
    pub banner: Option<String>,
    /// Row 6: an untagged NO at each keyword that a client sets.
    pub keyword_warnings: bool,
    /// Row 7.
    pub validities: Validities,
    /// Row 8: SEARCH takes US-ASCII only, and no keyword but `$MDNSent`.
    pub search_is_narrow: bool,
    /// Row 8: SEARCH by header misses messages (here those with an even UID).
    pub header_search_misses: bool,
    /// Row 9: until when an appended message is not in the index. CHECK ends it.
    pub index_lag: IndexLag,
    /// Row 10: sequence numbers of new mail are wrong.
    pub wild_numbers: bool,
    /// Row 11.
    pub copyuid: CopyUid,
    /// Row 11: `UID STORE n FLAGS.SILENT` is answered `BAD Command Argument Error. 11`.
    pub silent_store_fails: bool,
    /// Row 12: after so many refused commands the server says good-bye.
    pub errors_before_bye: Option<u32>,
    /// Row 12: STATUS of a folder that is not there ends the connection.
    pub missing_status_drops: bool,
    /// Row 13: LOGOUT is not answered, and the connection stays open.
    pub hangs_at_logout: bool,
    /// Row 13: COPY or MOVE of more messages does so many of them and ends the connection.
    pub bulk_copy_breaks: Option<usize>,
    /// Row 14: how long one who has signed in may be silent.
    pub idle_limit: Option<Duration>,
    /// Row 14: how long one who has not may be.
    pub sign_in_limit: Option<Duration>,
    /// Row 14.
    pub connections_per_user: Option<usize>,
    /// Row 14.
    pub connections: Option<usize>,
    /// Row 15: one must have TLS to sign in. The lab has none to offer.
    pub needs_tls: bool,

    // Identity, bytes, substitutes.
    /// Row 16: what another client edits has a new UID.
    pub new_uid_on_edit: bool,
    /// Row 17: flagged messages have one header field more.
    pub message_flag_header: bool,
    /// Row 18.
    pub size_is_estimate: bool,
    /// Row 19.
    pub rendering: Rendering,
    /// Row 20: these cannot be converted and show themselves as a substitute.
    pub substitutes: Vec<String>,
    /// Row 21: these are missing from every FETCH that asks for more than UID and FLAGS; only `BODY[]` shows a substitute.
    pub omitted_when_wide: Vec<String>,
    /// Rows 22 and 33.
    pub calendar_items: CalendarItems,
    /// Row 20: contacts, tasks, notes and the journal show themselves as substitutes.
    pub items_are_substitutes: bool,
    /// Row 23: other clients do not see a `\Flagged` that came with APPEND.
    pub appended_flag_is_shallow: bool,
    /// Row 24: an appended message bears the time of its transfer.
    pub append_date_is_now: bool,
    /// Row 25.
    pub mailbox_move: MailboxMove,

    // Writing.
    /// Row 26: a line of so many bytes or more is refused.
    pub line_bytes: Option<usize>,
    /// Row 26: a command longer than this, literals apart, is refused.
    pub command_bytes: Option<usize>,
    /// Row 26.
    pub refuses_control_bytes: bool,
    /// Row 27: a message that does not begin with a header field is refused.
    pub refuses_bad_headers: bool,
    /// Row 27: read receipts are refused.
    pub refuses_receipts: bool,
    /// Row 27.
    pub append_bytes: Option<u64>,
    /// Row 27.
    pub quota_bytes: Option<u64>,
    /// Row 28: `ImapSuppressReadReceipt`.
    pub suppress_read_receipts: bool,
    /// Row 29.
    pub budget: Option<Budget>,

    // Folders.
    /// Row 30: folders with a slash in their name, and all below, are not listed.
    pub hides_slashes: bool,
    /// Row 31: SELECT of a name that ends with a space ends the connection.
    pub trailing_space_kills: bool,
    /// Row 31: names that differ in case only are one folder.
    pub folds_case: bool,
    /// Row 31: names that nobody may give.
    pub reserved_names: Vec<String>,
    /// Row 33: calendar, contacts, tasks, journal, notes, outbox and sync issues are listed.
    pub lists_item_folders: bool,
    /// Row 33: `ShowHiddenFoldersEnabled`.
    pub lists_hidden_folders: bool,

    // Signing in.
    /// Row 35.
    pub login_forms: BTreeSet<LoginForm>,
    /// Row 36: announced, and taken where the lab was built with its feature `ntlm`.
    pub announces_ntlm: bool,
    /// Row 36.
    pub extended_protection: ExtendedProtection,
    /// Row 36: a built-in administrator may not sign in.
    pub refuses_administrators: bool,
    /// Row 37: a wrong password is noticed at the first command only.
    pub late_password_check: bool,
    /// Row 37: one who has no right to the mailbox.
    pub without_rights: Denial,
    /// Row 37: one connection too many.
    pub over_the_cap: Denial,
    /// Row 38.
    pub charged: Charged,
    /// So many wrong passwords lock an account out: Active Directory's doing, not Exchange's.
    pub locks_out_after: Option<u32>,
    /// The back-end port serves the mailboxes of its own databases only, and turns others away like this.
    pub wrong_database: Denial,
}

impl Quirks {
    /// A server without a fault, as far as Exchange's own answers allow.
    #[must_use]
    pub fn none() -> Quirks {
        Quirks {
            capability_grows: false,
            move_fails: false,
            banner: None,
            keyword_warnings: false,
            validities: Validities::Distinct,
            search_is_narrow: false,
            header_search_misses: false,
            index_lag: IndexLag::None,
            wild_numbers: false,
            copyuid: CopyUid::Told,
            silent_store_fails: false,
            errors_before_bye: None,
            missing_status_drops: false,
            hangs_at_logout: false,
            bulk_copy_breaks: None,
            idle_limit: None,
            sign_in_limit: None,
            connections_per_user: None,
            connections: None,
            needs_tls: false,
            new_uid_on_edit: false,
            message_flag_header: false,
            size_is_estimate: false,
            rendering: Rendering::AsGiven,
            substitutes: Vec::new(),
            omitted_when_wide: Vec::new(),
            calendar_items: CalendarItems::ICalendar,
            items_are_substitutes: false,
            appended_flag_is_shallow: false,
            append_date_is_now: false,
            mailbox_move: MailboxMove::KeepsUids,
            line_bytes: None,
            command_bytes: None,
            refuses_control_bytes: false,
            refuses_bad_headers: false,
            refuses_receipts: false,
            append_bytes: None,
            quota_bytes: None,
            suppress_read_receipts: true,
            budget: None,
            hides_slashes: false,
            trailing_space_kills: false,
            folds_case: false,
            reserved_names: Vec::new(),
            lists_item_folders: false,
            lists_hidden_folders: false,
            login_forms: LoginForm::ALL.into(),
            announces_ntlm: false,
            extended_protection: ExtendedProtection::None,
            refuses_administrators: false,
            late_password_check: false,
            without_rights: Denial::LoginFailed,
            over_the_cap: Denial::LoginFailed,
            charged: Charged::Delegate,
            locks_out_after: None,
            wrong_database: Denial::LoginFailed,
        }
    }
}
