//! Templates of logins: text with `{source_login}`, `{target_login}`, `{service_login}`, `{address}`, `{local}` and
//! `{domain}`.

use std::fmt;

/// `{{` and `}}` stand for the braces themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    SourceLogin,
    TargetLogin,
    ServiceLogin,
    Address,
    Local,
    Domain,
}

/// The names of the variables, in the order in which people are told about them.
pub const VARIABLES: [&str; 6] = ["source_login", "target_login", "service_login", "address", "local", "domain"];

/// What the variables stand for.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    pub address: &'a str,
    pub source_login: &'a str,
    pub target_login: &'a str,
    /// The service account that signs in.
    pub service_login: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    UnknownVariable(String),
    /// A brace without its partner.
    LoneBrace,
}

impl Template {
    pub fn parse(text: &str) -> Result<Template, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else {
                let inside = from.strip_prefix('{').ok_or(TemplateError::LoneBrace)?;
                let (name, after) = inside.split_once('}').ok_or(TemplateError::LoneBrace)?;
                let variable = variable(name).ok_or_else(|| TemplateError::UnknownVariable(name.to_owned()))?;
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Variable(variable));
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template { text: text.to_owned(), pieces })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Does the result differ from account to account?
    #[must_use]
    pub fn varies(&self) -> bool {
        let same = [Variable::Domain, Variable::ServiceLogin];
        self.pieces.iter().any(|piece| matches!(piece, Piece::Variable(variable) if !same.contains(variable)))
    }

    /// Has it a place for a service account?
    #[must_use]
    pub fn takes_service_login(&self) -> bool {
        self.pieces.contains(&Piece::Variable(Variable::ServiceLogin))
    }

    #[must_use]
    pub fn fill(&self, words: &Words<'_>) -> String {
        let (local, domain) = words.address.rsplit_once('@').unwrap_or((words.address, ""));
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable(Variable::SourceLogin) => words.source_login.to_owned(),
            Piece::Variable(Variable::TargetLogin) => words.target_login.to_owned(),
            Piece::Variable(Variable::ServiceLogin) => words.service_login.to_owned(),
            Piece::Variable(Variable::Address) => words.address.to_owned(),
            Piece::Variable(Variable::Local) => local.to_owned(),
            Piece::Variable(Variable::Domain) => domain.to_owned(),
        };
        self.pieces.iter().map(piece).collect()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

fn variable(name: &str) -> Option<Variable> {
    match name {
        "source_login" => Some(Variable::SourceLogin),
        "target_login" => Some(Variable::TargetLogin),
        "service_login" => Some(Variable::ServiceLogin),
        "address" => Some(Variable::Address),
        "local" => Some(Variable::Local),
        "domain" => Some(Variable::Domain),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words {
        address: "anna@corp.example",
        source_login: "anna.i",
        target_login: "aivanova",
        service_login: "CORP/svc",
    };

    #[test]
    fn every_form_of_login_can_be_written() {
        for (template, login) in [
            ("{source_login}", "anna.i"),
            ("CORP/svc/{source_login}", "CORP/svc/anna.i"),
            ("{target_login}*svc", "aivanova*svc"),
            ("svc@{domain}/{address}", "svc@corp.example/anna@corp.example"),
            ("{service_login}/{source_login}", "CORP/svc/anna.i"),
            ("{local}{{x}}", "anna{x}"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(template).unwrap().fill(&WORDS), login, "{template}");
        }
        assert!(VARIABLES.iter().all(|name| variable(name).is_some()));
    }

    #[test]
    fn mistakes_are_told_apart() {
        assert_eq!(Template::parse("{login}"), Err(TemplateError::UnknownVariable("login".to_owned())));
        for text in ["{local", "local}", "{", "a } b"] {
            assert_eq!(Template::parse(text), Err(TemplateError::LoneBrace), "{text}");
        }
    }

    #[test]
    fn a_login_that_is_the_same_for_all_is_recognised() {
        assert!(Template::parse("{source_login}*svc").unwrap().varies());
        assert!(!Template::parse("svc@{domain}").unwrap().varies());
        assert!(!Template::parse("{service_login}").unwrap().varies());
        assert!(Template::parse("{service_login}/{local}").unwrap().takes_service_login());
    }
}
