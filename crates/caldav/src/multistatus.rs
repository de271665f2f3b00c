//! Answers about many resources at once (RFC 4918 section 13), and the preconditions in a refusal.

use crate::xml::{self, Broken, Element, Ns};

/// What a 207 says.
#[derive(Debug, Default)]
pub struct Multistatus {
    pub members: Vec<Member>,
    /// RFC 6578 section 6.4.
    pub sync_token: Option<String>,
}

/// What it says about one resource.
#[derive(Debug, Default)]
pub struct Member {
    /// As the server wrote it.
    pub href: String,
    /// Of the resource as a whole, where it has one.
    pub status: Option<u16>,
    /// The properties that it has.
    pub found: Vec<Element>,
    /// The status of those that it did not give.
    pub withheld: Vec<u16>,
    pub conditions: Vec<String>,
}

impl Member {
    pub fn property(&self, ns: Ns, name: &str) -> Option<&Element> {
        self.found.iter().find(|property| property.is(ns, name))
    }

    /// The text of a property; `None` where it is missing or empty.
    pub fn text(&self, ns: Ns, name: &str) -> Option<&str> {
        self.property(ns, name).map(Element::trimmed).filter(|text| !text.is_empty())
    }

    /// A property that only did not come this time: nothing may be concluded from its absence.
    pub fn is_troubled(&self) -> bool {
        self.status.into_iter().chain(self.withheld.iter().copied()).any(|status| (500..507).contains(&status))
    }
}

impl Multistatus {
    pub fn parse(bytes: &[u8]) -> Result<Multistatus, Broken> {
        let mut all = Multistatus::default();
        let root = xml::read(bytes, |element| {
            if element.is(Ns::Dav, "response") {
                members(element, &mut all.members)?;
            } else if element.is(Ns::Dav, "sync-token") {
                all.sync_token = Some(element.trimmed().to_owned()).filter(|token| !token.is_empty());
            }
            Ok(())
        })?;
        if root == (Ns::Dav, "multistatus".to_owned()) { Ok(all) } else { Err(Broken("no multistatus")) }
    }
}

/// What a response says, which may be events in full and is not copied.
fn members(response: Element, out: &mut Vec<Member>) -> Result<(), Broken> {
    let whole = response.child(Ns::Dav, "status").map(status).transpose()?;
    let conditions = response.child(Ns::Dav, "error").map(names).unwrap_or_default();
    let mut member = Member { status: whole, conditions, ..Member::default() };
    let mut hrefs = response.all(Ns::Dav, "href");
    member.href = hrefs.next().ok_or(Broken("a response without href"))?.trimmed().to_owned();
    // One status for several resources (RFC 4918 section 14.24).
    let others = hrefs.map(|href| Member { href: href.trimmed().to_owned(), status: whole, ..Member::default() });
    let others: Vec<Member> = others.collect();
    for propstat in response.children.into_iter().filter(|child| child.is(Ns::Dav, "propstat")) {
        let status = propstat.child(Ns::Dav, "status").map_or(Ok(200), status)?;
        if (200..300).contains(&status) {
            let prop = propstat.children.into_iter().find(|child| child.is(Ns::Dav, "prop"));
            member.found.extend(prop.into_iter().flat_map(|prop| prop.children));
        } else {
            member.withheld.push(status);
        }
    }
    out.push(member);
    out.extend(others);
    Ok(())
}

/// `HTTP/1.1 200 OK`
fn status(element: &Element) -> Result<u16, Broken> {
    let number = element.trimmed().split_whitespace().nth(1).and_then(|number| number.parse().ok());
    number.ok_or(Broken("a status that is none"))
}

fn names(error: &Element) -> Vec<String> {
    error.children.iter().map(|child| child.name.clone()).collect()
}

/// The names of the preconditions that a refusal tells (RFC 4918 section 16); empty for other bodies.
pub fn conditions(body: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    let root = xml::read(body, |element| {
        all.push(element.name);
        Ok(())
    });
    if root.is_ok_and(|root| root == (Ns::Dav, "error".to_owned())) { all } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_tell_what_they_have_and_what_not() {
        let text = r#"<d:multistatus xmlns:d="DAV:">
            <d:response><d:href>/c/1.ics</d:href>
              <d:propstat><d:prop><d:getetag>"1"</d:getetag></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
              <d:propstat><d:prop><d:getcontenttype/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>
            <d:response><d:href>/c/2.ics</d:href><d:href>/c/3.ics</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response>
            <d:response><d:href>/c/</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status>
              <d:error><d:number-of-matches-within-limits/></d:error></d:response>
            <d:sync-token> t1 </d:sync-token></d:multistatus>"#;
        let all = Multistatus::parse(text.as_bytes()).unwrap();
        assert_eq!(all.sync_token.as_deref(), Some("t1"));
        assert_eq!(all.members[0].text(Ns::Dav, "getetag"), Some("\"1\""));
        assert_eq!(all.members[0].withheld, [404]);
        let statuses: Vec<(&str, Option<u16>)> = all.members.iter().map(|it| (it.href.as_str(), it.status)).collect();
        assert_eq!(
            statuses,
            [("/c/1.ics", None), ("/c/2.ics", Some(404)), ("/c/3.ics", Some(404)), ("/c/", Some(507))]
        );
        assert_eq!(all.members[3].conditions, ["number-of-matches-within-limits"]);
        assert!(all.members.iter().all(|member| !member.is_troubled()));
    }

    #[test]
    fn other_documents_are_refused() {
        for text in [
            "<html/>",
            "<multistatus/>",
            "<d:multistatus xmlns:d='DAV:'><d:response/></d:multistatus>",
            "<d:multistatus xmlns:d='DAV:'><d:response><d:href>x</d:href><d:status>fine</d:status></d:response></d:multistatus>",
            "<d:multistatus xmlns:d='DAV:'><d:response>",
        ] {
            assert!(Multistatus::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn preconditions_are_told_by_name() {
        let body = b"<?xml version='1.0'?><error xmlns='DAV:'><C:no-uid-conflict xmlns:C='urn:ietf:params:xml:ns:caldav'><href>/x</href></C:no-uid-conflict></error>";
        assert_eq!(conditions(body), ["no-uid-conflict"]);
        assert!(conditions(b"<html><body/></html>").is_empty());
        assert!(conditions(b"Conflict").is_empty());
    }
}
