//! What an import would do, before it does it.

use super::columns::Column;
use super::fault::Fault;
use super::row::{Person, ReadRow};
use parom_domain::Side;
use parom_store::{Account, NewAccount, PersonRecord, PersonWrite, Store};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// What becomes of one accepted row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    Create,
    /// These columns say something new.
    Update(Vec<Column>),
    Unchanged,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub person: Person,
    pub deed: Deed,
    /// Mail is, or will be, collected for this person.
    pub collects: bool,
    write: PersonWrite,
}

impl Planned {
    /// What the store is to be told; `None` where it knows it all.
    #[must_use]
    pub fn write(&self) -> Option<PersonWrite> {
        (self.deed != Deed::Unchanged).then(|| self.write.clone())
    }

    /// What is kept of the person, once this is done.
    #[must_use]
    pub fn record(&self) -> &PersonRecord {
        &self.write.person
    }
}

/// All rows, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub planned: Vec<Planned>,
    /// Rows that are not accepted, by line.
    pub faults: Vec<(u64, Vec<Fault>)>,
}

/// What is known of everybody.
#[derive(Default)]
struct Known {
    accounts: HashMap<String, Account>,
    people: HashMap<String, PersonRecord>,
    passwords: HashMap<(i64, Side), Zeroizing<String>>,
}

/// Compares the rows with what the store knows; without a store nobody is known. Nothing is written.
///
/// # Errors
/// Those of reading the state.
pub async fn preview(store: Option<&Store>, rows: Vec<ReadRow>) -> parom_domain::Result<Preview> {
    let known = match store {
        Some(store) => Known {
            accounts: store.accounts().await?.into_iter().map(|it| (it.address.to_lowercase(), it)).collect(),
            people: store.people().await?.into_iter().map(|it| (it.address.to_lowercase(), it)).collect(),
            passwords: store.passwords().await?,
        },
        None => Known::default(),
    };
    let mut preview = Preview::default();
    for ReadRow { line, outcome } in rows {
        match outcome.and_then(|person| known.plan(*person).map_err(|fault| vec![fault])) {
            Ok(planned) => preview.planned.push(planned),
            Err(faults) => preview.faults.push((line, faults)),
        }
    }
    Ok(preview)
}

impl Known {
    fn plan(&self, person: Person) -> Result<Planned, Fault> {
        let key = person.address.to_lowercase();
        let account = self.accounts.get(&key);
        let mut changed = Vec::new();
        if let Some(account) = account {
            let other = |given: &Option<String>, known: &str| given.as_deref().is_some_and(|given| given != known);
            if other(&person.source_login, &account.source_login) || other(&person.target_login, &account.target_login)
            {
                let (source, target) = (account.source_login.clone(), account.target_login.clone());
                return Err(Fault::OtherLogins { source, target });
            }
            if person.service_login.is_some() && person.service_login != account.service_login {
                changed.push(Column::CollectorUsername);
            }
            for (side, password, column) in [
                (Side::Source, &person.source_password, Column::CollectorPassword),
                (Side::Target, &person.target_password, Column::TargetPassword),
            ] {
                if password.is_some() && password.as_ref() != self.passwords.get(&(account.id.0, side)) {
                    changed.push(column);
                }
            }
        }
        let old = self.people.get(&key);
        let record = record(&person, old, &mut changed);
        changed.sort_unstable();
        let is_new = account.is_none() && (old.is_none() || !record.only_myteam);
        let deed = match (is_new, changed.is_empty()) {
            (true, _) => Deed::Create,
            (false, true) => Deed::Unchanged,
            (false, false) => Deed::Update(changed),
        };
        let collects = account.is_some() || !record.only_myteam;
        let logins = person.logins();
        let new = NewAccount {
            address: person.address.clone(),
            source_login: logins.source,
            target_login: logins.target,
            domain: person.domain.clone(),
        };
        let write = PersonWrite {
            person: record,
            account: collects.then_some(new),
            service_login: person.service_login.clone(),
            passwords: parom_domain::Both::new(person.source_password.clone(), person.target_password.clone()),
        };
        Ok(Planned { person, deed, collects, write })
    }
}

/// What is kept of a person: what the row says, and what was known where it says nothing.
fn record(person: &Person, old: Option<&PersonRecord>, changed: &mut Vec<Column>) -> PersonRecord {
    let mut record = old.cloned().unwrap_or_else(|| PersonRecord {
        address: person.address.clone(),
        domain: person.domain.clone(),
        ..PersonRecord::default()
    });
    let mut put = |column: Column, known: &mut Option<String>, given: &Option<String>| {
        if given.is_some() && given != known {
            known.clone_from(given);
            changed.push(column);
        }
    };
    put(Column::Wave, &mut record.wave, &person.wave);
    put(Column::FirstName, &mut record.first_name, &person.first_name);
    put(Column::LastName, &mut record.last_name, &person.last_name);
    put(Column::Phone, &mut record.phone, &person.phone);
    put(Column::Phone2fa, &mut record.phone_2fa, &person.phone_2fa);
    let mut put = |column: Column, known: &mut bool, given: Option<bool>| {
        if let Some(given) = given.filter(|given| given != known) {
            *known = given;
            changed.push(column);
        }
    };
    put(Column::OnlyMyTeam, &mut record.only_myteam, person.only_myteam.0);
    put(Column::SendEmail, &mut record.send_email, person.send_email.0);
    put(Column::Enabled2fa, &mut record.enabled_2fa, person.enabled_2fa.0);
    if person.criticality.is_some() && person.criticality != record.criticality {
        record.criticality = person.criticality;
        changed.push(Column::Criticality);
    }
    if !person.groups.is_empty() && person.groups != record.groups {
        record.groups.clone_from(&person.groups);
        changed.push(Column::Groups);
    }
    record
}
