//! The head of the table: the guide's columns, with and without the colon, and a few of our own.

use super::fault::Fault;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Email,
    Password,
    FirstName,
    LastName,
    Groups,
    Phone,
    OnlyMyTeam,
    SendEmail,
    Enabled2fa,
    Phone2fa,
    CollectorLogin,
    CollectorUsername,
    CollectorPassword,
    PasswordUp,
    TargetLogin,
    TargetPassword,
    Wave,
    Criticality,
}

impl Column {
    pub const ALL: [Column; 18] = [
        Column::Email,
        Column::Password,
        Column::FirstName,
        Column::LastName,
        Column::Groups,
        Column::Phone,
        Column::OnlyMyTeam,
        Column::SendEmail,
        Column::Enabled2fa,
        Column::Phone2fa,
        Column::CollectorLogin,
        Column::CollectorUsername,
        Column::CollectorPassword,
        Column::PasswordUp,
        Column::TargetLogin,
        Column::TargetPassword,
        Column::Wave,
        Column::Criticality,
    ];

    /// As the guide spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Column::Email => "email",
            Column::Password => "password",
            Column::FirstName => "firstname",
            Column::LastName => "lastname",
            Column::Groups => "groups",
            Column::Phone => "phone",
            Column::OnlyMyTeam => "only_myteam",
            Column::SendEmail => "send_email",
            Column::Enabled2fa => "enabled_2fa",
            Column::Phone2fa => "phone_2fa",
            Column::CollectorLogin => "collector_login",
            Column::CollectorUsername => "collector_username",
            Column::CollectorPassword => "collector_password",
            Column::PasswordUp => "password_up",
            Column::TargetLogin => "target_login",
            Column::TargetPassword => "target_password",
            Column::Wave => "wave",
            Column::Criticality => "criticality",
        }
    }

    /// Passwords are neither shown nor repeated in messages.
    #[must_use]
    pub fn is_secret(self) -> bool {
        matches!(self, Column::Password | Column::CollectorPassword | Column::PasswordUp | Column::TargetPassword)
    }

    /// The column of this head, whatever its case, with or without the guide's colon.
    #[must_use]
    pub fn named(head: &str) -> Option<Column> {
        let name = head.trim().trim_end_matches(':').trim_end().to_lowercase();
        Column::ALL.into_iter().find(|column| column.name() == name)
    }
}

/// Which column stands where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    places: Vec<(Column, usize)>,
    /// How many cells the head has.
    pub width: usize,
}

impl Columns {
    /// # Errors
    /// Every head that is unknown or there twice, and columns that are missing. An unknown column is refused because it
    /// is most often a known one mistyped.
    pub fn of(head: &[String]) -> Result<Columns, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut columns = Columns { places: Vec::new(), width: head.len() };
        for (at, name) in head.iter().enumerate() {
            match Column::named(name) {
                Some(column) if columns.place(column).is_some() => faults.push(Fault::ColumnTwice { column }),
                Some(column) => columns.places.push((column, at)),
                // Spreadsheets save empty columns along.
                None if name.is_empty() => {}
                None => faults.push(Fault::ColumnUnknown { found: name.clone(), near: nearest(name) }),
            }
        }
        if columns.place(Column::Email).is_none() {
            faults.push(Fault::ColumnMissing { column: Column::Email });
        }
        if faults.is_empty() { Ok(columns) } else { Err(faults) }
    }

    #[must_use]
    pub fn place(&self, column: Column) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == column).map(|(_, at)| *at)
    }

    /// The cell of a row, `""` where the column or the cell is missing.
    #[must_use]
    pub fn cell<'r>(&self, row: &'r [String], column: Column) -> &'r str {
        self.place(column).and_then(|at| row.get(at)).map_or("", String::as_str)
    }
}

/// The known column nearest to a mistyped one.
fn nearest(name: &str) -> Option<Column> {
    let name = name.trim_end_matches(':').to_lowercase().replace(['-', ' '], "_");
    let likeness = |column: &Column| strsim::jaro_winkler(&name, column.name());
    let best = Column::ALL.into_iter().map(|column| (likeness(&column), column));
    best.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(likeness, _)| *likeness > 0.8).map(|(_, column)| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_guides_columns_are_known_with_and_without_the_colon() {
        let columns = Columns::of(&head(&["Email:", "PASSWORD :", "collector_login", "", "wave"])).unwrap();
        assert_eq!(columns.place(Column::Password), Some(1));
        assert_eq!(columns.place(Column::Wave), Some(4));
        let row = head(&["a@corp.example"]);
        assert_eq!((columns.cell(&row, Column::Email), columns.cell(&row, Column::Wave)), ("a@corp.example", ""));
    }

    #[test]
    fn what_is_mistyped_twice_or_missing_is_told_all_at_once() {
        let faults = Columns::of(&head(&["e-mail", "colector_login:", "phone", "phone:", "shoe size"])).unwrap_err();
        assert_eq!(
            faults,
            [
                Fault::ColumnUnknown { found: "e-mail".into(), near: Some(Column::Email) },
                Fault::ColumnUnknown { found: "colector_login:".into(), near: Some(Column::CollectorLogin) },
                Fault::ColumnTwice { column: Column::Phone },
                Fault::ColumnUnknown { found: "shoe size".into(), near: None },
                Fault::ColumnMissing { column: Column::Email },
            ]
        );
    }
}
