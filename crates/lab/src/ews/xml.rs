//! The XML of EWS: elements of the SOAP envelope and of Microsoft's two namespaces.

use crate::xml::Space;

pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

pub type Element = crate::xml::Element<Ns>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ns {
    Soap,
    Types,
    Messages,
    Errors,
    None,
    Other,
}

impl Space for Ns {
    const PREFIXES: &'static [(&'static str, &'static str)] =
        &[("s", SOAP), ("t", TYPES), ("m", MESSAGES), ("e", ERRORS)];

    fn of(uri: Option<&str>) -> Ns {
        let Some(uri) = uri else { return Ns::None };
        [(SOAP, Ns::Soap), (TYPES, Ns::Types), (MESSAGES, Ns::Messages), (ERRORS, Ns::Errors)]
            .into_iter()
            .find_map(|(known, ns)| (known == uri).then_some(ns))
            .unwrap_or(Ns::Other)
    }

    fn prefix(&self) -> &'static str {
        match self {
            Ns::Soap => "s:",
            Ns::Types => "t:",
            Ns::Messages => "m:",
            Ns::Errors => "e:",
            Ns::None | Ns::Other => "",
        }
    }
}

/// An element of the types' namespace.
pub fn t(name: &str) -> Element {
    Element::new(Ns::Types, name)
}

/// An element of the messages' namespace.
pub fn m(name: &str) -> Element {
    Element::new(Ns::Messages, name)
}

/// A text element of the types' namespace.
pub fn tt(name: &str, text: impl ToString) -> Element {
    t(name).says(text)
}

/// A text element of the messages' namespace.
pub fn mt(name: &str, text: impl ToString) -> Element {
    m(name).says(text)
}

impl Element {
    pub fn set(mut self, name: &str, value: impl ToString) -> Element {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The child of this name, else an empty element: for optional containers.
    pub fn list(&self, name: &str) -> &[Element] {
        self.child(name).map_or(&[], |child| &child.children)
    }

    /// The text of a child.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tree = t("Item").set("Id", "a<\"&b").with(tt("Subject", " <Заказ> & \r\n№ 1 ")).with(m("Empty"));
        assert_eq!(Element::parse(&tree.document()), Ok(tree));
    }
}
