//! How servers differ, as data: what a product is known for, what it says about itself, what an admin knows better.

/// Which product answers, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    VkWorkSpace,
    Radicale,
    Xandikos,
    Cyrus,
    Sogo,
    Stalwart,
    Nextcloud,
    /// Any other server on sabre/dav: Baikal, ownCloud.
    Sabre,
    Davical,
    Zimbra,
    /// One that does what the standards say, as far as we know.
    Other,
}

impl Product {
    pub const ALL: &'static [Product] = &[
        Product::VkWorkSpace,
        Product::Radicale,
        Product::Xandikos,
        Product::Cyrus,
        Product::Sogo,
        Product::Stalwart,
        Product::Nextcloud,
        Product::Sabre,
        Product::Davical,
        Product::Zimbra,
        Product::Other,
    ];

    /// As the configuration spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Product::VkWorkSpace => "vk-workspace",
            Product::Radicale => "radicale",
            Product::Xandikos => "xandikos",
            Product::Cyrus => "cyrus",
            Product::Sogo => "sogo",
            Product::Stalwart => "stalwart",
            Product::Nextcloud => "nextcloud",
            Product::Sabre => "sabre",
            Product::Davical => "davical",
            Product::Zimbra => "zimbra",
            Product::Other => "other",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Product> {
        Product::ALL.iter().copied().find(|product| product.as_str() == name)
    }

    /// What an answer gives away. Whatever follows from it must be harmless when the product is another one.
    #[must_use]
    pub fn of(signs: &Signs<'_>) -> Product {
        let (server, dav) = (signs.server.to_ascii_lowercase(), signs.dav.to_ascii_lowercase());
        let table: [(bool, Product); 10] = [
            (signs.host.ends_with("calendar.mail.ru"), Product::VkWorkSpace),
            (server.contains("cyrus"), Product::Cyrus),
            (signs.path.contains("/SOGo/"), Product::Sogo),
            (server.contains("stalwart") || signs.path.starts_with("/dav/cal/"), Product::Stalwart),
            (dav.contains("nextcloud") || dav.contains("oc-resource-sharing"), Product::Nextcloud),
            (signs.sabre || server.contains("sabre"), Product::Sabre),
            (signs.davical || signs.path.contains("/caldav.php/"), Product::Davical),
            (server.contains("zimbra"), Product::Zimbra),
            (server.contains("xandikos") || dav.contains("add-member"), Product::Xandikos),
            (dav == "1, 2, 3, calendar-access, addressbook, extended-mkcol", Product::Radicale),
        ];
        table.iter().find(|(is_it, _)| *is_it).map_or(Product::Other, |(_, product)| *product)
    }
}

/// What a server says about itself without being asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signs<'a> {
    pub host: &'a str,
    /// Of the calendar home.
    pub path: &'a str,
    /// The Server header.
    pub server: &'a str,
    /// The DAV header (RFC 4918 section 10.1).
    pub dav: &'a str,
    /// There is an X-Sabre-Version header.
    pub sabre: bool,
    /// There is an X-DAViCal-Version header.
    pub davical: bool,
}

/// How a server that schedules by itself is kept from writing to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// SCHEDULE-AGENT=CLIENT (RFC 6638 section 7.1). An event whose participants are already the server's business cannot be
    /// changed in silence: taking them away from it is a cancellation (section 3.2.1.2).
    Agent,
    /// `Schedule-Reply: F` keeps it silent whatever is written.
    Header,
    /// Nothing does.
    Impossible,
}

/// How a server wants to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    pub product: Product,
    /// What sync-collection (RFC 6578) tells may be believed.
    pub sync_tokens: bool,
    /// A CTag that stayed as it was means that nothing changed.
    pub ctags: bool,
    /// MKCALENDAR may be tried.
    pub makes_calendars: bool,
    /// calendar-query finds a UID.
    pub finds_uids: bool,
    /// calendar-multiget gives what GET gives.
    pub multiget: bool,
    /// Events asked for at once.
    pub batch_items: usize,
    /// A UID may be in one calendar of a person only.
    pub unique_uids: bool,
    /// What is stored is not what was sent: unknown properties are lost.
    pub rewrites: bool,
    pub silence: Silence,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            product: Product::Other,
            sync_tokens: true,
            ctags: true,
            makes_calendars: true,
            finds_uids: true,
            multiget: true,
            batch_items: 50,
            unique_uids: false,
            rewrites: false,
            silence: Silence::Agent,
        }
    }
}

impl Quirks {
    #[must_use]
    pub fn of(product: Product) -> Quirks {
        let usual = Quirks { product, ..Quirks::default() };
        match product {
            // As python-caldav knows calendar.mail.ru: 415 for sync-collection, no MKCALENDAR since June 2024, no search for
            // text, unknown properties are dropped; a REPORT may lack attendees that GET has.
            Product::VkWorkSpace => Quirks {
                sync_tokens: false,
                makes_calendars: false,
                finds_uids: false,
                multiget: false,
                rewrites: true,
                ..usual
            },
            // Tokens that forget deletions or come too early: python-caldav's list of compatibility hints.
            Product::Sogo => Quirks { sync_tokens: false, ..usual },
            Product::Davical => Quirks { sync_tokens: false, ..usual },
            // It writes to people on behalf of an organizer whatever SCHEDULE-AGENT says (outlookcaldavsynchronizer #153, #214).
            Product::Zimbra => Quirks { sync_tokens: false, unique_uids: true, silence: Silence::Impossible, ..usual },
            Product::Cyrus => Quirks { unique_uids: true, ..usual },
            // sabre/dav leaves scheduling out for a request with `Schedule-Reply: F`, PUT as well as DELETE, and does not know
            // SCHEDULE-AGENT=NONE (nextcloud/server #22197).
            Product::Nextcloud => Quirks { unique_uids: true, rewrites: true, silence: Silence::Header, ..usual },
            Product::Sabre => Quirks { silence: Silence::Header, ..usual },
            Product::Stalwart => Quirks { rewrites: true, ..usual },
            Product::Radicale | Product::Xandikos | Product::Other => usual,
        }
    }

    /// The switches, as the configuration spells them.
    pub const SWITCHES: &'static [&'static str] =
        &["sync_tokens", "ctags", "makes_calendars", "finds_uids", "multiget", "unique_uids", "rewrites"];

    /// Sets the switch called `name`; `false` when there is none.
    pub fn set(&mut self, name: &str, on: bool) -> bool {
        match name {
            "sync_tokens" => self.sync_tokens = on,
            "ctags" => self.ctags = on,
            "makes_calendars" => self.makes_calendars = on,
            "finds_uids" => self.finds_uids = on,
            "multiget" => self.multiget = on,
            "unique_uids" => self.unique_uids = on,
            "rewrites" => self.rewrites = on,
            _ => return false,
        }
        true
    }
}

/// What the configuration says about a server, stronger than anything detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    pub product: Option<Product>,
    /// Switches by name, see [`Quirks::SWITCHES`].
    pub switches: Vec<(String, bool)>,
    pub batch_items: Option<usize>,
}

impl Overrides {
    /// The quirks of a server that shows these signs.
    #[must_use]
    pub fn quirks(&self, signs: &Signs<'_>) -> Quirks {
        let mut quirks = Quirks::of(self.product.unwrap_or_else(|| Product::of(signs)));
        for (name, on) in &self.switches {
            quirks.set(name, *on);
        }
        if let Some(items) = self.batch_items {
            quirks.batch_items = items.max(1);
        }
        quirks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_known_by_what_they_say() {
        let of = |server: &'static str, dav: &'static str, path: &'static str| {
            Product::of(&Signs { host: "h", server, dav, path, ..Signs::default() })
        };
        assert_eq!(of("Cyrus-HTTP/3.6.1", "", "/"), Product::Cyrus);
        assert_eq!(of("Apache", "1, 2, calendar-access", "/SOGo/dav/anna/Calendar/"), Product::Sogo);
        assert_eq!(of("nginx", "1, 3, nextcloud-checksum-update, oc-resource-sharing", "/"), Product::Nextcloud);
        assert_eq!(
            of("WSGIServer", "1, 2, 3, calendar-access, addressbook, extended-mkcol", "/anna/"),
            Product::Radicale
        );
        assert_eq!(of("nginx", "1, 2, 3, calendar-access", "/dav/"), Product::Other);
        assert_eq!(Product::of(&Signs { host: "calendar.mail.ru", ..Signs::default() }), Product::VkWorkSpace);
        assert_eq!(Product::of(&Signs { sabre: true, ..Signs::default() }), Product::Sabre);
    }

    #[test]
    fn an_admin_knows_better() {
        let overrides = Overrides {
            product: Product::named("vk-workspace"),
            switches: vec![("multiget".into(), true)],
            batch_items: Some(0),
        };
        let quirks = overrides.quirks(&Signs::default());
        assert!(quirks.multiget && !quirks.sync_tokens && !quirks.makes_calendars);
        assert_eq!(quirks.batch_items, 1);
        assert!(Quirks::SWITCHES.iter().all(|name| Quirks::default().set(name, true)));
        assert!(Product::ALL.iter().all(|product| Product::named(product.as_str()) == Some(*product)));
    }
}
