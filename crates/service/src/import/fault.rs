//! What can be wrong with a table, as data; `app` has the sentences.

use super::columns::Column;

/// Why the head or a row is not accepted. A row may have several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    ColumnUnknown {
        found: String,
        near: Option<Column>,
    },
    ColumnTwice {
        column: Column,
    },
    ColumnMissing {
        column: Column,
    },
    /// The row has more cells than the head: most often a delimiter inside of a cell.
    TooManyCells {
        cells: usize,
        columns: usize,
    },
    /// A required cell is empty.
    Missing {
        column: Column,
    },
    NotAnAddress {
        found: String,
    },
    /// The address is in none of the configured domains.
    DomainUnknown {
        found: String,
        known: Vec<String>,
    },
    /// The same address stands on an earlier line.
    Twice {
        found: String,
        line: u64,
    },
    PasswordShort {
        column: Column,
    },
    NotTrueOrFalse {
        column: Column,
        found: String,
    },
    NotZeroOrOne {
        column: Column,
        found: String,
    },
    NotAPhone {
        column: Column,
        found: String,
    },
    NotANumber {
        column: Column,
        found: String,
    },
    /// A line break, a NUL or another control character.
    Control {
        column: Column,
    },
    /// A quote in `groups` that does not end.
    Quote {
        column: Column,
    },
    /// A service account is named, and neither the row nor the state has its password.
    NoServicePassword {
        username: String,
    },
    /// The row pins a service account, and the domain's login template has no place for it.
    NoServiceTemplate {
        username: String,
    },
    /// The logins say whose mail an account carries, so a table does not change them in passing.
    OtherLogins {
        source: String,
        target: String,
    },
}

impl Fault {
    /// The column that the fault lies in, if it lies in one.
    #[must_use]
    pub fn column(&self) -> Option<Column> {
        match self {
            Fault::ColumnTwice { column }
            | Fault::ColumnMissing { column }
            | Fault::Missing { column }
            | Fault::PasswordShort { column }
            | Fault::NotTrueOrFalse { column, .. }
            | Fault::NotZeroOrOne { column, .. }
            | Fault::NotAPhone { column, .. }
            | Fault::NotANumber { column, .. }
            | Fault::Control { column }
            | Fault::Quote { column } => Some(*column),
            Fault::NotAnAddress { .. } | Fault::DomainUnknown { .. } | Fault::Twice { .. } => Some(Column::Email),
            Fault::NoServicePassword { .. } => Some(Column::CollectorPassword),
            Fault::NoServiceTemplate { .. } => Some(Column::CollectorUsername),
            Fault::OtherLogins { .. } => Some(Column::CollectorLogin),
            Fault::ColumnUnknown { .. } | Fault::TooManyCells { .. } => None,
        }
    }
}

/// What an accepted row should make its reader think about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// `enabled_2fa`: all sessions of the person end.
    SessionsEnd,
    /// `only_myteam`: no mail is collected.
    NoCollector,
    /// `password`: ignored where the person has a mailbox already; `password_up` changes it.
    PasswordForNewOnly,
    /// `password_up` changes the password of the person's mailbox.
    PasswordChanges,
}
