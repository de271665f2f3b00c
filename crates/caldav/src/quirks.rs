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

/// The DAV header of SOGo 5.8, in small letters.
const SOGO: &str = "1, 2, access-control, calendar-access, calendar-schedule, calendar-auto-schedule, calendar-proxy, \
                    calendar-query-extended, extended-mkcol, calendarserver-principal-property-search";

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
            // A proxy may call its path otherwise.
            (signs.path.contains("/SOGo/") || dav == SOGO, Product::Sogo),
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
    /// What is stored is not what was sent, and an answer to a PUT may look as if it were: it is read back.
    pub rewrites: bool,
    /// An event made where another one was deleted may have the ETag that this one had. When it was made tells them apart.
    pub reuses_etags: bool,
    /// `If-None-Match: *` keeps nobody from writing over an event.
    pub ignores_none_match: bool,
    pub silence: Silence,
    /// What the owner answers to an invitation, and that they deleted one, is mailed to its organizer, whatever is asked. Not
    /// where an admin has switched that off.
    pub mails_answers: bool,
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks::USUAL
    }
}

/// What is known of a product, and from where. A test holds `docs/caldav-servers.md` to it.
pub struct Preset {
    pub product: Product,
    pub quirks: Quirks,
    pub sources: &'static [&'static str],
}

pub const PRESETS: &[Preset] = &[
    // A REPORT may lack attendees that GET has; what the server does not know is dropped when it writes an event anew.
    Preset {
        product: Product::VkWorkSpace,
        quirks: Quirks {
            sync_tokens: false,
            makes_calendars: false,
            finds_uids: false,
            multiget: false,
            rewrites: true,
            ..Quirks::USUAL
        },
        sources: &[
            "python-caldav, compatibility_hints.py: calendar_mail_ru (no MKCALENDAR since June 2024, no search for text, \
             recreates what it is given)",
            "python-caldav #400, #401, #461 (415 for sync-collection; reports without attendees)",
        ],
    },
    Preset { product: Product::Radicale, quirks: Quirks::USUAL, sources: &["measured here: 3.1.8"] },
    Preset { product: Product::Xandikos, quirks: Quirks::USUAL, sources: &["measured here: 0.2.8"] },
    Preset {
        product: Product::Cyrus,
        quirks: Quirks { unique_uids: true, ..Quirks::USUAL },
        sources: &[
            "measured here: 3.6.1",
            "imapd.conf(5): caldav_allowscheduling, caldav_allowattach (RFC 8607), both on by default",
        ],
    },
    // Its tokens and its CTag are times: what changes within the second of the last look is not told. A multiget tells no date
    // of creation.
    Preset {
        product: Product::Sogo,
        quirks: Quirks {
            sync_tokens: false,
            ctags: false,
            multiget: false,
            rewrites: true,
            reuses_etags: true,
            ignores_none_match: true,
            mails_answers: true,
            ..Quirks::USUAL
        },
        sources: &["measured here: 5.8.0", "bugs.sogo.nu #5163 (tokens made of times)"],
    },
    // It keeps what it understands of an event, and writes the text anew.
    Preset {
        product: Product::Stalwart,
        quirks: Quirks { rewrites: true, ..Quirks::USUAL },
        sources: &[
            "stalw.art/docs/collaboration/scheduling (RFC 6638)",
            "stalw.art/docs/ref/object/calendar-scheduling (enable: scheduling can be switched off for the server)",
        ],
    },
    // As sabre/dav; and a UID stays taken while the event lies in the trash.
    Preset {
        product: Product::Nextcloud,
        quirks: Quirks { unique_uids: true, rewrites: true, silence: Silence::Header, ..Quirks::USUAL },
        sources: &[
            "sabre-io/dav, lib/CalDAV/Schedule/Plugin.php: scheduleReply (Schedule-Reply: F silences PUT and DELETE)",
            "nextcloud/server #22197 (SCHEDULE-AGENT=NONE is not known), #61640 (a UID twice is refused)",
            "nextcloud/calendar #4091, python-caldav, compatibility_hints.py: nextcloud (the trash keeps names and UIDs)",
        ],
    },
    Preset {
        product: Product::Sabre,
        quirks: Quirks { silence: Silence::Header, ..Quirks::USUAL },
        sources: &["sabre-io/dav, lib/CalDAV/Schedule/Plugin.php: scheduleReply"],
    },
    Preset {
        product: Product::Davical,
        quirks: Quirks { sync_tokens: false, ..Quirks::USUAL },
        sources: &["python-caldav, compatibility_hints.py: davical (sync-token fragile)", "tried once here: 1.1.12"],
    },
    // It writes to people on behalf of an organizer whatever SCHEDULE-AGENT says.
    Preset {
        product: Product::Zimbra,
        quirks: Quirks { sync_tokens: false, unique_uids: true, silence: Silence::Impossible, ..Quirks::USUAL },
        sources: &[
            "outlookcaldavsynchronizer #153, #214 (invitations go out twice)",
            "python-caldav, compatibility_hints.py: zimbra (a UID in a second calendar moves the event)",
        ],
    },
];

impl Quirks {
    /// One that does what the standards say.
    pub const USUAL: Quirks = Quirks {
        product: Product::Other,
        sync_tokens: true,
        ctags: true,
        makes_calendars: true,
        finds_uids: true,
        multiget: true,
        batch_items: 50,
        unique_uids: false,
        rewrites: false,
        reuses_etags: false,
        ignores_none_match: false,
        silence: Silence::Agent,
        mails_answers: false,
    };

    #[must_use]
    pub fn of(product: Product) -> Quirks {
        PRESETS
            .iter()
            .find(|preset| preset.product == product)
            .map_or_else(|| Quirks { product, ..Quirks::USUAL }, |preset| Quirks { product, ..preset.quirks.clone() })
    }

    /// The switches, as the configuration spells them.
    pub const SWITCHES: &'static [&'static str] = &[
        "sync_tokens",
        "ctags",
        "makes_calendars",
        "finds_uids",
        "multiget",
        "unique_uids",
        "rewrites",
        "mails_answers",
    ];

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
            "reuses_etags" => self.reuses_etags = on,
            "ignores_none_match" => self.ignores_none_match = on,
            "mails_answers" => self.mails_answers = on,
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
        assert_eq!(of("nginx", SOGO, "/dav/anna/Calendar/"), Product::Sogo);
        assert_eq!(of("nginx", "1, 3, nextcloud-checksum-update, oc-resource-sharing", "/"), Product::Nextcloud);
        assert_eq!(
            of("WSGIServer", "1, 2, 3, calendar-access, addressbook, extended-mkcol", "/anna/"),
            Product::Radicale
        );
        assert_eq!(of("nginx", "1, 2, 3, calendar-access", "/dav/"), Product::Other);
        assert_eq!(Product::of(&Signs { host: "calendar.mail.ru", ..Signs::default() }), Product::VkWorkSpace);
        assert_eq!(Product::of(&Signs { sabre: true, ..Signs::default() }), Product::Sabre);
    }

    /// A product is a row of the page: what it is treated like, and where that is known from.
    #[test]
    fn the_page_tells_every_product_and_where_it_is_known_from() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/caldav-servers.md");
        let page = std::fs::read_to_string(page).unwrap();
        for preset in PRESETS {
            let name = format!("| `{}` |", preset.product.as_str());
            let row = page.lines().find(|line| line.starts_with(&name)).unwrap_or_else(|| panic!("no row {name}"));
            for source in preset.sources {
                assert!(row.contains(source), "{name} lacks {source}");
            }
            let off =
                |is_on: bool, word: &str| assert_eq!(row.contains(&format!("no {word}")), !is_on, "{name} {word}");
            off(preset.quirks.sync_tokens, "tokens");
            off(preset.quirks.ctags, "CTag");
            off(preset.quirks.makes_calendars, "MKCALENDAR");
            off(preset.quirks.multiget, "multiget");
            off(preset.quirks.finds_uids, "search");
            assert_eq!(row.contains("UIDs once"), preset.quirks.unique_uids, "{name}");
            assert_eq!(row.contains("rewrites"), preset.quirks.rewrites, "{name}");
            assert_eq!(row.contains("ETags again"), preset.quirks.reuses_etags, "{name}");
            assert_eq!(row.contains("no If-None-Match"), preset.quirks.ignores_none_match, "{name}");
            assert_eq!(row.contains("mails answers"), preset.quirks.mails_answers, "{name}");
        }
        let told = Product::ALL.iter().filter(|product| **product != Product::Other);
        assert!(told.clone().all(|product| PRESETS.iter().any(|preset| preset.product == *product)));
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
