//! What is known about a server beyond what it says: which extensions to use, how much at once, which oddities to expect.
//!
//! All of it is data that is decided when a connection opens, so that one client serves every product.

use crate::capability::Capabilities;

/// When an extension is used, if the server offers it and the configuration leaves the choice to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Always,
    /// Only where the configuration says `on`.
    WhenAsked,
}

/// An extension, when it is used, and why: a line of `docs/extensions.md`, where the measurements are.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// As the configuration spells it.
    pub name: &'static str,
    pub capability: &'static str,
    pub used: Use,
    pub why: &'static str,
}

macro_rules! extensions {
    ($($(#[$doc:meta])* $field:ident = $name:literal, $used:ident, $why:literal;)*) => {
        /// Switches for the protocol's extensions. One value says what a server offers, another what may be used.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Extensions { $($(#[$doc])* pub $field: bool,)* }

        impl Extensions {
            /// The names of all switches, as the configuration spells them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($field),)*];

            /// When each is used.
            pub const DECISIONS: &'static [Decision] = &[$(Decision {
                name: stringify!($field),
                capability: $name,
                used: Use::$used,
                why: $why,
            },)*];

            /// Those that are used without being asked for.
            #[must_use]
            pub const fn decided() -> Extensions {
                Extensions { $($field: matches!(Use::$used, Use::Always),)* }
            }

            #[must_use]
            pub const fn none() -> Extensions {
                Extensions { $($field: false,)* }
            }

            /// What a server with these capabilities offers.
            #[must_use]
            pub fn offered(caps: &Capabilities) -> Extensions {
                Extensions { $($field: caps.has($name),)* }
            }

            /// What is in both.
            #[must_use]
            pub fn and(self, other: Extensions) -> Extensions {
                Extensions { $($field: self.$field && other.$field,)* }
            }

            /// The names of those that are on.
            #[must_use]
            pub fn names_on(&self) -> Vec<&'static str> {
                let all = [$((stringify!($field), self.$field),)*];
                all.into_iter().filter_map(|(name, on)| on.then_some(name)).collect()
            }

            /// Sets the switch called `name`; `false` when there is none.
            pub fn set(&mut self, name: &str, on: bool) -> bool {
                match name {
                    $(stringify!($field) => self.$field = on,)*
                    _ => return false,
                }
                true
            }
        }
    };
}

extensions! {
    /// RFC 4978.
    compress = "COMPRESS=DEFLATE", WhenAsked,
        "Pays on a slow line only: a first copy takes 0.5 (text) to 0.75 (attachments) of the time up to 100 \
         Mbit/s, 1.5 times the time at 400 Mbit/s and 3.7 times near, at three to five times the CPU, and every \
         connection waits a round trip longer. A slow line cannot be told from a slow server while mail flows, and \
         packing makes the slow server slower; so it is for whoever knows the line to say `on`.";
    /// RFC 7888.
    literal_plus = "LITERAL+", Always,
        "Without it every message waits for a go-ahead: far, a first copy takes nine times the time. Correctness \
         does not hang on it.";
    literal_minus = "LITERAL-", Always,
        "Used where LITERAL+ is not offered, and as good as that for messages up to 4 KB; longer ones wait.";
    /// RFC 3502.
    multiappend = "MULTIAPPEND", Always,
        "One answer and one sync of the server's disk for a batch instead of for each message: 0.4 of the time \
         near, 0.6 far. Atomicity is believed nowhere: after a refusal or a crash it is looked up what has landed.";
    /// RFC 5161.
    enable = "ENABLE", Always,
        "Costs no round trip, and QRESYNC may not be used without it.";
    /// RFC 7162.
    condstore = "CONDSTORE", Always,
        "Tells in the listing that nothing has changed, and of a folder only what has; without it the marks of all \
         messages are read in every pass, which takes twice the time.";
    qresync = "QRESYNC", Always,
        "Little faster than CONDSTORE, but evidence: it tells what was deleted instead of leaving it to be \
         concluded from a list of what is left.";
    /// RFC 4315.
    uidplus = "UIDPLUS", Always,
        "Correctness first: APPENDUID tells which message is ours, where otherwise headers have to be compared \
         (far, few changes take three times as long then); UID EXPUNGE removes ours alone, where otherwise a folder \
         in which another program has marked messages is left as it is.";
    /// RFC 6851.
    move_messages = "MOVE", Always,
        "A move is one step for the server, and nobody sees the message twice or can stop it halfway. Off for \
         Exchange, by its greeting.";
    /// RFC 4731.
    esearch = "ESEARCH", Always,
        "Used without QRESYNC only: the list of all messages comes as ranges.";
    /// RFC 5258.
    list_extended = "LIST-EXTENDED", Always,
        "Subscriptions come along with the folders instead of in a list of their own.";
    /// RFC 5819.
    list_status = "LIST-STATUS", Always,
        "The state of all folders comes in the listing, so that only those with news are opened; without it each is \
         opened in every pass, which takes nearly twice the time.";
    /// RFC 6154.
    special_use = "SPECIAL-USE", Always,
        "Correctness: the server says which folder is the trash, whatever its name. Comes along with the listing.";
    create_special_use = "CREATE-SPECIAL-USE", Always,
        "Correctness: a trash or sent folder that we make is one for the mail programs too. Costs nothing.";
    /// RFC 2342.
    namespace = "NAMESPACE", Always,
        "Correctness: shared folders of others are not taken for the account's own. Goes along with the listing.";
    /// RFC 8474.
    object_id = "OBJECTID", Always,
        "Correctness: the strongest evidence that a folder was renamed and not replaced (decision 004). Comes along \
         with the listing; on Cyrus, whose listing tells garbage, it is asked for where names alone do not say \
         which folder it is.";
    /// RFC 6855.
    utf8_accept = "UTF8=ACCEPT", WhenAsked,
        "Modified UTF-7 names every folder too, and nothing is saved. A server that insists (UTF8=ONLY) is obeyed. \
         No server at hand offers it, so that it is not measured.";
    /// RFC 2177.
    idle = "IDLE", Always,
        "News ring at once; without it the server is asked every 60 s. For `--watch` only, so that no row has it.";
    /// RFC 2971.
    id = "ID", Always,
        "Goes along with the next command and costs no time. Tells the server's admin who comes so often.";
    /// RFC 3691.
    unselect = "UNSELECT", Always,
        "Correctness: some servers neither rename nor remove a folder that is open. Goes along with the next \
         command.";
    /// RFC 4959.
    sasl_ir = "SASL-IR", Always,
        "Saves a round trip of every sign-in: 0.85 of the time of a pass without news, far.";
}

/// Which product answers, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    Exchange,
    Cyrus,
    /// One that does what the standards say, as far as we know.
    Other,
}

/// How a server wants to be treated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    pub product: Product,
    /// Extensions that may be used if offered.
    pub extensions: Extensions,
    /// Commands may follow SELECT before its answer is there (those that only read).
    pub pipelines_select: bool,
    /// So many commands may be under way.
    pub depth: usize,
    /// A FETCH of bodies names at most so many messages.
    pub fetch_items: u32,
    /// A MULTIAPPEND holds at most so many messages and bytes.
    pub batch_items: usize,
    pub batch_bytes: u64,
    /// Sizes and bytes are what was stored.
    pub keeps_bytes: bool,
    /// Folder names that differ by case only are different folders.
    pub case_sensitive: bool,
    /// Characters that no folder name may hold, besides the delimiter; a space: not at its end.
    pub forbidden_in_names: Vec<char>,
    /// Permanent ids of folders (RFC 8474) are right where a folder is opened, and not in a listing.
    pub ids_only_when_opened: bool,
    /// Another text may come in place of a message that the server cannot convert.
    pub substitutes: bool,
    /// Receipts go out to people when unread mail is marked as read or deleted, unless an admin has stopped that.
    pub sends_receipts: bool,
    /// A `\Flagged` that comes with APPEND is seen by IMAP clients only; one that is set afterwards is seen by all.
    pub shallow_flags: bool,
    /// How long the server may still commit what it had received when its client died.
    pub recovery_grace_ms: u64,
    /// How long a listing may lack a message that is there.
    pub index_lag_ms: u64,
}

/// What Cyrus refuses in a name, its delimiter and control characters aside (`GOODCHARS` in its sources, reversed).
const CYRUS_FORBIDS: &str = "!\"%;<>\\^`{|}\u{7F}";

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            product: Product::Other,
            extensions: Extensions::decided(),
            pipelines_select: true,
            depth: 128,
            fetch_items: 1000,
            batch_items: 64,
            batch_bytes: 4 << 20,
            keeps_bytes: false,
            case_sensitive: true,
            forbidden_in_names: vec!['\0', '\r', '\n'],
            ids_only_when_opened: false,
            substitutes: false,
            sends_receipts: false,
            shallow_flags: false,
            recovery_grace_ms: 2_000,
            index_lag_ms: 0,
        }
    }
}

impl Quirks {
    /// What the greeting gives away about the product. A greeting can be changed by an admin, so whatever follows from
    /// it must be harmless when the product is another one.
    #[must_use]
    pub fn of_greeting(greeting: &str) -> Quirks {
        let text = greeting.to_ascii_lowercase();
        if text.contains("microsoft exchange") {
            return Quirks::of_exchange();
        }
        if text.contains("cyrus imap") {
            let quirks = Quirks::default();
            return Quirks {
                product: Product::Cyrus,
                // LIST of Cyrus 3.6.1 tells as MAILBOXID whatever lies in its memory: other bytes each time, and sometimes
                // the same for several folders.
                ids_only_when_opened: true,
                forbidden_in_names: CYRUS_FORBIDS.chars().chain('\0'..' ').collect(),
                keeps_bytes: true,
                ..quirks
            };
        }
        // Others may end a last line that did not end (Courier 5.0), or store LF alone (pymap 0.36): then the size that a message
        // has there is another one, and would make it another message.
        Quirks { keeps_bytes: text.contains("dovecot") || text.contains("parom lab"), ..Quirks::default() }
    }

    /// What the capabilities give away where the greeting does not: an Exchange under its admin's own banner. `IMAP4` is
    /// the name of the protocol before 1996; who still says it and has none of what other servers have is no other product
    /// that we know of (CommuniGate Pro says it too, and has QUOTA and ACL).
    #[must_use]
    pub fn of_capabilities(caps: &Capabilities) -> Option<Quirks> {
        let has = |name: &&str| caps.has(name);
        let old = ["IMAP4", "IMAP4rev1", "CHILDREN", "IDLE", "NAMESPACE", "LITERAL+"].iter().all(has);
        let more = ["QUOTA", "ACL", "ENABLE", "ESEARCH", "CONDSTORE", "MULTIAPPEND", "SORT"].iter().any(has);
        (old && !more).then(Quirks::of_exchange)
    }

    /// Exchange 2010-2019 hang up after ten refused commands, lag behind their own index, and render each message anew.
    fn of_exchange() -> Quirks {
        let quirks = Quirks::default();
        Quirks {
            product: Product::Exchange,
            extensions: Extensions { move_messages: false, ..quirks.extensions },
            pipelines_select: false,
            depth: 4,
            fetch_items: 100,
            case_sensitive: false,
            // The session ends where somebody opens a folder whose name ends with a space.
            forbidden_in_names: quirks.forbidden_in_names.iter().copied().chain([' ']).collect(),
            substitutes: true,
            sends_receipts: true,
            shallow_flags: true,
            recovery_grace_ms: 30_000,
            index_lag_ms: 30_000,
            ..quirks
        }
    }
}

/// What the configuration says about a server, stronger than anything detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Switches by name, see [`Extensions::NAMES`].
    pub extensions: Vec<(String, bool)>,
    /// Numbers by name, see [`Quirks::NUMBERS`].
    pub numbers: Vec<(String, u64)>,
    /// The server's admin has stopped its receipts.
    pub receipts_are_stopped: bool,
    /// Whether a message has the bytes there that it came with, where somebody knows.
    pub keeps_bytes: Option<bool>,
}

impl Overrides {
    /// Applies them; what is not mentioned stays.
    pub fn apply(&self, quirks: &mut Quirks) {
        for (name, on) in &self.extensions {
            quirks.extensions.set(name, *on);
        }
        for (name, number) in &self.numbers {
            quirks.set_number(name, *number);
        }
        quirks.sends_receipts &= !self.receipts_are_stopped;
        quirks.keeps_bytes = self.keeps_bytes.unwrap_or(quirks.keeps_bytes);
    }
}

impl Product {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Product::Exchange => "Microsoft Exchange",
            Product::Cyrus => "Cyrus IMAP",
            Product::Other => "-",
        }
    }
}

/// A quirk's value, as `parom status --server` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuirkValue {
    Flag(bool),
    Number(u64),
}

impl Quirks {
    /// All quirks but extensions and names, as the configuration spells them where it can set them.
    #[must_use]
    pub fn values(&self) -> Vec<(&'static str, QuirkValue)> {
        use QuirkValue::{Flag, Number};
        vec![
            ("depth", Number(self.depth as u64)),
            ("fetch_items", Number(u64::from(self.fetch_items))),
            ("batch_items", Number(self.batch_items as u64)),
            ("batch_kb", Number(self.batch_bytes / 1024)),
            ("recovery_grace_s", Number(self.recovery_grace_ms / 1000)),
            ("index_lag_s", Number(self.index_lag_ms / 1000)),
            ("pipelines_select", Flag(self.pipelines_select)),
            ("keeps_bytes", Flag(self.keeps_bytes)),
            ("case_sensitive", Flag(self.case_sensitive)),
            ("ids_only_when_opened", Flag(self.ids_only_when_opened)),
            ("substitutes", Flag(self.substitutes)),
            ("sends_receipts", Flag(self.sends_receipts)),
            ("shallow_flags", Flag(self.shallow_flags)),
        ]
    }

    /// The quirks that are numbers, as the configuration spells them: units last.
    pub const NUMBERS: &'static [&'static str] =
        &["depth", "fetch_items", "batch_items", "batch_kb", "recovery_grace_s", "index_lag_s"];

    /// Sets the quirk called `name`; `false` when there is none.
    pub fn set_number(&mut self, name: &str, number: u64) -> bool {
        let few = usize::try_from(number).unwrap_or(usize::MAX);
        match name {
            "depth" => self.depth = few.max(1),
            "fetch_items" => self.fetch_items = u32::try_from(number).unwrap_or(u32::MAX).max(1),
            "batch_items" => self.batch_items = few.max(1),
            "batch_kb" => self.batch_bytes = number.saturating_mul(1024).max(1),
            "recovery_grace_s" => self.recovery_grace_ms = number.saturating_mul(1000),
            "index_lag_s" => self.index_lag_ms = number.saturating_mul(1000),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Tokens;

    #[test]
    fn an_extension_is_used_when_offered_and_allowed() {
        let offered =
            Extensions::offered(&Capabilities::parse(Tokens::new(b"IMAP4rev1 COMPRESS=DEFLATE MOVE QRESYNC")));
        let mut quirks = Quirks::of_greeting("Dovecot ready.");
        Overrides {
            extensions: vec![("compress".into(), true), ("move_messages".into(), false)],
            numbers: vec![("index_lag_s".into(), 3), ("batch_items".into(), 0)],
            receipts_are_stopped: false,
            keeps_bytes: Some(false),
        }
        .apply(&mut quirks);
        assert_eq!((quirks.index_lag_ms, quirks.batch_items, quirks.keeps_bytes), (3000, 1, false));
        assert!(Quirks::NUMBERS.iter().all(|name| quirks.clone().set_number(name, 1)));
        assert!(Quirks::NUMBERS.iter().all(|name| quirks.values().iter().any(|(known, _)| known == name)));
        let used = offered.and(quirks.extensions);
        assert!(used.compress && used.qresync && !used.condstore && !used.move_messages);
        assert!(Extensions::NAMES.contains(&"list_status"));
    }

    #[test]
    fn exchange_is_treated_gently() {
        let quirks = Quirks::of_greeting("The Microsoft Exchange IMAP4 service is ready. [RQBYAEMASAA=]");
        assert!(!quirks.keeps_bytes && !quirks.case_sensitive && quirks.depth < Quirks::default().depth);
    }

    #[test]
    fn exchange_is_recognised_under_another_banner() {
        let of = |words: &[u8]| Quirks::of_capabilities(&Capabilities::parse(Tokens::new(words)));
        for exchange in [
            &b"IMAP4 IMAP4rev1 AUTH=NTLM AUTH=GSSAPI AUTH=PLAIN UIDPLUS CHILDREN IDLE NAMESPACE LITERAL+"[..],
            b"IMAP4 IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CHILDREN IDLE NAMESPACE LITERAL+",
        ] {
            assert_eq!(of(exchange).map(|quirks| quirks.product), Some(Product::Exchange));
        }
        for other in [
            &b"IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ NAMESPACE UIDPLUS CHILDREN"[..],
            b"IMAP4 IMAP4REV1 ACL NAMESPACE UIDPLUS IDLE LITERAL+ QUOTA ID MULTIAPPEND LISTEXT CHILDREN",
        ] {
            assert_eq!(of(other), None);
        }
    }

    #[test]
    fn cyrus_is_asked_for_ids_folder_by_folder_and_gets_names_that_it_takes() {
        let quirks = Quirks::of_greeting("mail.example.org Cyrus IMAP 3.6.1-Debian-3.6.1-4+deb12u5 server ready");
        assert!(quirks.ids_only_when_opened && quirks.extensions.object_id && quirks.extensions.qresync);
        assert!(!Quirks::of_greeting("Dovecot ready.").ids_only_when_opened);
        for forbidden in "\0\t\r\n!\"%;<>\\^`{|}\u{7F}".chars() {
            assert!(quirks.forbidden_in_names.contains(&forbidden), "{forbidden:?}");
        }
        for taken in " #$&'()*+,-.=?@[]_~aé".chars() {
            assert!(!quirks.forbidden_in_names.contains(&taken), "{taken:?}");
        }
    }
}
