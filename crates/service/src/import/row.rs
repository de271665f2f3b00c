//! From cells to people: every rule of the guide, and every mistake of a row at once.

use super::columns::{Column, Columns};
use super::fault::{Fault, Remark};
use super::table::Table;
use parom_domain::Both;
use std::collections::HashMap;
use zeroize::Zeroizing;

/// As the guide says of `password`.
const PASSWORD_MIN: usize = 8;

/// A `true`, `false` or empty cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

impl Flag {
    #[must_use]
    pub fn is_on(self) -> bool {
        self.0 == Some(true)
    }
}

/// One accepted row. What was empty in the table is `None`: it changes nothing of what is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub line: u64,
    pub address: String,
    /// The configured domain that the address belongs to.
    pub domain: String,
    /// As given; see [`Person::logins`] for what counts without.
    pub source_login: Option<String>,
    pub target_login: Option<String>,
    /// The service account that is pinned for this person on the source. `None`: the domain's own.
    pub service_login: Option<String>,
    pub source_password: Option<Zeroizing<String>>,
    pub target_password: Option<Zeroizing<String>>,
    pub wave: Option<String>,
    /// From 1, the most critical, on.
    pub criticality: Option<u32>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub groups: Vec<String>,
    pub phone: Option<String>,
    pub only_myteam: Flag,
    pub send_email: Flag,
    pub enabled_2fa: Flag,
    pub phone_2fa: Option<String>,
    /// For a mailbox that does not exist yet.
    pub new_password: Option<Zeroizing<String>>,
    /// For one that does.
    pub changed_password: Option<Zeroizing<String>>,
    pub remarks: Vec<Remark>,
}

impl Person {
    /// The logins of a new account. Where a password is given and no login the guide prints `<email>@<domain>`, by which it
    /// means the address.
    #[must_use]
    pub fn logins(&self) -> Both<String> {
        let local = self.address.rsplit_once('@').map_or(self.address.as_str(), |(local, _)| local);
        let source = match &self.source_password {
            Some(_) if self.service_login.is_none() => self.address.as_str(),
            _ => local,
        };
        Both::new(
            self.source_login.clone().unwrap_or_else(|| source.to_owned()),
            self.target_login.clone().unwrap_or_else(|| local.to_owned()),
        )
    }
}

/// A configured domain, which people may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// The part of an address after the @, in small letters.
    pub name: String,
    /// The login template of its source has a place for a service account.
    pub takes_service_login: bool,
}

/// A row that was read: a person, or all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRow {
    pub line: u64,
    pub outcome: Result<Box<Person>, Vec<Fault>>,
}

/// Reads all rows.
#[must_use]
pub fn read_rows(table: &Table, columns: &Columns, domains: &[Domain]) -> Vec<ReadRow> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut rows = Vec::with_capacity(table.rows.len());
    for (line, cells) in &table.rows {
        let mut row = Row { columns, cells, faults: Vec::new() };
        let person = row.person(*line, domains);
        let mut faults = row.faults;
        if !person.address.is_empty() {
            match seen.get(&person.address.to_lowercase()) {
                Some(first) => faults.push(Fault::Twice { found: person.address.clone(), line: *first }),
                None => drop(seen.insert(person.address.to_lowercase(), *line)),
            }
        }
        let outcome = if faults.is_empty() { Ok(Box::new(person)) } else { Err(faults) };
        rows.push(ReadRow { line: *line, outcome });
    }
    rows
}

struct Row<'a> {
    columns: &'a Columns,
    cells: &'a [String],
    faults: Vec<Fault>,
}

impl Row<'_> {
    fn person(&mut self, line: u64, domains: &[Domain]) -> Person {
        let extra = self.cells.iter().skip(self.columns.width).any(|cell| !cell.is_empty());
        if extra {
            self.faults.push(Fault::TooManyCells { cells: self.cells.len(), columns: self.columns.width });
        }
        for column in Column::ALL {
            if self.columns.cell(self.cells, column).chars().any(char::is_control) {
                self.faults.push(Fault::Control { column });
            }
        }
        let (address, domain) = self.address(domains);
        let only_myteam = self.flag(Column::OnlyMyTeam);
        let service_login = self.service_login(&domain, domains);
        let mut person = Person {
            line,
            source_login: self.text(Column::CollectorLogin),
            target_login: self.text(Column::TargetLogin),
            source_password: self.secret(Column::CollectorPassword),
            target_password: self.secret(Column::TargetPassword),
            wave: self.text(Column::Wave),
            criticality: self.number(Column::Criticality),
            first_name: self.text(Column::FirstName),
            last_name: self.text(Column::LastName),
            groups: self.groups(),
            phone: self.phone(Column::Phone),
            send_email: self.zero_or_one(Column::SendEmail),
            enabled_2fa: self.flag(Column::Enabled2fa),
            phone_2fa: self.phone(Column::Phone2fa),
            new_password: self.password(Column::Password),
            changed_password: self.password(Column::PasswordUp),
            remarks: Vec::new(),
            address,
            domain,
            service_login,
            only_myteam,
        };
        for (said, remark) in [
            (person.enabled_2fa.is_on(), Remark::SessionsEnd),
            (person.only_myteam.is_on(), Remark::NoCollector),
            (person.new_password.is_some(), Remark::PasswordForNewOnly),
            (person.changed_password.is_some(), Remark::PasswordChanges),
        ] {
            person.remarks.extend(said.then_some(remark));
        }
        person
    }

    fn address(&mut self, domains: &[Domain]) -> (String, String) {
        let Some(text) = self.text(Column::Email) else {
            self.faults.push(Fault::Missing { column: Column::Email });
            return Default::default();
        };
        let parts = text.rsplit_once('@').filter(|(local, domain)| is_local(local) && is_domain(domain));
        let Some((_, domain)) = parts else {
            self.faults.push(Fault::NotAnAddress { found: text });
            return Default::default();
        };
        let domain = domain.to_lowercase();
        if domains.iter().any(|known| known.name == domain) {
            return (text, domain);
        }
        let known = domains.iter().map(|domain| domain.name.clone()).collect();
        self.faults.push(Fault::DomainUnknown { found: text.clone(), known });
        (text, String::new())
    }

    fn service_login(&mut self, domain: &str, domains: &[Domain]) -> Option<String> {
        // One that is the mailbox itself signs in for itself.
        let mailbox = self.text(Column::CollectorLogin);
        let username = self.text(Column::CollectorUsername).filter(|username| Some(username) != mailbox.as_ref())?;
        if domains.iter().any(|known| known.name == domain && !known.takes_service_login) {
            self.faults.push(Fault::NoServiceTemplate { username });
            return None;
        }
        if self.text(Column::CollectorPassword).is_none() {
            self.faults.push(Fault::NoServicePassword { username });
            return None;
        }
        Some(username)
    }

    fn text(&self, column: Column) -> Option<String> {
        Some(self.columns.cell(self.cells, column)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn secret(&self, column: Column) -> Option<Zeroizing<String>> {
        self.text(column).map(Zeroizing::new)
    }

    fn password(&mut self, column: Column) -> Option<Zeroizing<String>> {
        let password = self.secret(column)?;
        if password.chars().count() < PASSWORD_MIN {
            self.faults.push(Fault::PasswordShort { column });
        }
        Some(password)
    }

    fn flag(&mut self, column: Column) -> Flag {
        let Some(found) = self.text(column) else { return Flag(None) };
        // Spreadsheets write them in their own language and in capitals.
        match found.to_lowercase().as_str() {
            "true" | "истина" | "1" => Flag(Some(true)),
            "false" | "ложь" | "0" => Flag(Some(false)),
            _ => {
                self.faults.push(Fault::NotTrueOrFalse { column, found });
                Flag(None)
            }
        }
    }

    fn zero_or_one(&mut self, column: Column) -> Flag {
        let Some(found) = self.text(column) else { return Flag(None) };
        match found.as_str() {
            "1" => Flag(Some(true)),
            "0" => Flag(Some(false)),
            _ => {
                self.faults.push(Fault::NotZeroOrOne { column, found });
                Flag(None)
            }
        }
    }

    fn number(&mut self, column: Column) -> Option<u32> {
        let found = self.text(column)?;
        let number = found.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.faults.push(Fault::NotANumber { column, found });
        }
        number
    }

    fn phone(&mut self, column: Column) -> Option<String> {
        let found = self.text(column)?;
        let plain: String = found.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}')).collect();
        let digits = plain.strip_prefix('+').unwrap_or(&plain);
        if (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(plain);
        }
        self.faults.push(Fault::NotAPhone { column, found });
        None
    }

    /// Groups stand one after the other; one whose name has spaces stands in quotes. An apostrophe within a word is a
    /// letter of its name.
    fn groups(&mut self) -> Vec<String> {
        let text = self.text(Column::Groups).unwrap_or_default();
        let mut groups = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (group, after) = match rest.strip_prefix('"') {
                Some(quoted) => match quoted.split_once('"') {
                    Some(split) => split,
                    None => {
                        self.faults.push(Fault::Quote { column: Column::Groups });
                        return Vec::new();
                    }
                },
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            groups.extend((!group.trim().is_empty()).then(|| group.trim().to_owned()));
            rest = after.trim_start();
        }
        groups
    }
}

/// The local part as RFC 5321 section 4.1.2 has it without quotes, letters beyond ASCII allowed (RFC 6531).
fn is_local(local: &str) -> bool {
    let is_atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !local.is_empty() && local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    domain.len() <= 255 && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::read_table;

    fn rows(text: &str) -> Vec<ReadRow> {
        let table = read_table(text.as_bytes()).unwrap();
        let columns = Columns::of(&table.head).unwrap();
        read_rows(&table, &columns, &[Domain { name: "corp.example".into(), takes_service_login: true }])
    }

    fn person(text: &str) -> Person {
        let mut rows = rows(text);
        *rows.remove(0).outcome.unwrap()
    }

    fn faults(text: &str) -> Vec<Fault> {
        rows(text).remove(0).outcome.unwrap_err()
    }

    #[test]
    fn the_guides_example_is_a_person() {
        let person = person(
            "email:;password:;firstname:;lastname:;groups:;phone:;only_myteam:;send_email:;enabled_2fa:;phone_2fa:;\
             collector_login;collector_username;collector_password\n\
             belova@corp.example;+Pc0SyXhL1yi;Александра;Белова;\"\"\"Kate's Birthday\"\" sales\";+7 (999) 999-99-99;;1;true;\
             +79999999999;a_belova@corp.example;svc_vkmail_collector@corp.example;password123\n",
        );
        assert_eq!(person.logins(), Both::new("a_belova@corp.example".into(), "belova".into()));
        assert_eq!(person.service_login.as_deref(), Some("svc_vkmail_collector@corp.example"));
        assert_eq!(person.groups, ["Kate's Birthday", "sales"]);
        assert_eq!(person.phone.as_deref(), Some("+79999999999"));
        assert_eq!((person.send_email, person.only_myteam), (Flag(Some(true)), Flag(None)));
        assert_eq!(person.remarks, [Remark::SessionsEnd, Remark::PasswordForNewOnly]);
    }

    #[test]
    fn empty_logins_are_what_the_guide_makes_of_them() {
        let plain = person("email\nanna@corp.example\n");
        assert_eq!((plain.logins(), plain.service_login), (Both::new("anna".into(), "anna".into()), None));
        let own = person("email,collector_password\nanna@corp.example,secret\n");
        assert_eq!(own.logins().source, "anna@corp.example");
        let own = person("email,collector_login,collector_username,collector_password\na@corp.example,a.b,a.b,pw\n");
        assert_eq!((own.logins().source.as_str(), own.service_login), ("a.b", None));
    }

    #[test]
    fn every_mistake_of_a_row_is_told_with_its_column() {
        let found = faults(
            "email,password,only_myteam,send_email,phone,criticality,collector_username,groups\n\
             not an address,short,maybe,yes,call me,first,svc,\"\"\"open\"\n",
        );
        assert_eq!(
            found.iter().map(Fault::column).collect::<Vec<_>>(),
            [
                Some(Column::Email),
                Some(Column::OnlyMyTeam),
                Some(Column::CollectorPassword),
                Some(Column::Criticality),
                Some(Column::Groups),
                Some(Column::Phone),
                Some(Column::SendEmail),
                Some(Column::Password),
            ]
        );
        assert!(matches!(&faults("email\nx@other.example\n")[..], [Fault::DomainUnknown { .. }]));
        assert!(matches!(
            &faults("email\n\"a@corp.example\nb\"\n")[..],
            [Fault::Control { .. }, Fault::NotAnAddress { .. }]
        ));
        assert!(matches!(
            &faults("email,wave\na@corp.example,1,x\n")[..],
            [Fault::TooManyCells { cells: 3, columns: 2 }]
        ));
        for hostile in
            ["=cmd|' /C calc'!A0", "@corp.example", "a@@corp.example", "a b@corp.example", "a..b@corp.example", "a@-"]
        {
            assert!(matches!(&faults(&format!("email\n{hostile}\n"))[..], [Fault::NotAnAddress { .. }]), "{hostile}");
        }
    }

    #[test]
    fn an_address_counts_once_whatever_its_case() {
        let rows = rows("email\nAnna@corp.example\n\nanna@corp.example\n");
        assert!(rows[0].outcome.is_ok());
        assert_eq!(rows[1].line, 4);
        assert_eq!(
            rows[1].outcome.as_ref().unwrap_err()[0],
            Fault::Twice { found: "anna@corp.example".into(), line: 2 }
        );
    }
}
