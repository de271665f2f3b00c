//! The example of the issue is read as it stands; mistakes are named with file, line, key and remedy.

use super::keys::{KEYS, Kind};
use super::*;
use crate::i18n::{Lang, Texts};
use crate::init::{Answers, text};

const SMALL: &str = r#"
state = "sqlite:parom.db"
[[domain]]
name = "corp.example"
mode = "two-way"                       # or "to-target"
exclude_folders = ["drafts", "contacts", "Старое"]   # roles or names
[domain.source.imap]
host = "127.0.0.1"
port = 11143
tls = "none"                           # "implicit" | "starttls" | "none"
trust = "system"                       # or a CA file, "pin:<sha256>", "insecure"
login = "{source_login}"
authzid = ""
password = "secret:name"
max_connections = 16
[domain.target.imap]
host = "Mail.New.Example"
login = "{target_login}*svc"
extensions = { compress = "off" }
"#;

fn read(text: &str) -> Result<Config, Vec<Message>> {
    read::read(text, Path::new("conf/parom.toml"))
}

/// All that is said about a text, in English.
fn complaints(text: &str) -> Vec<String> {
    let texts = Texts::new(Lang::En);
    read(text).err().unwrap_or_default().iter().map(|message| texts.explain(message)).collect()
}

#[test]
fn the_documented_configuration_is_read_and_filled_up() {
    let config = read(SMALL).unwrap();
    assert_eq!(config.state, Path::new("conf/parom.db"));
    assert_eq!(config.master_key, Path::new("conf/parom.key"));
    assert_eq!(config.allow_hosts, ["127.0.0.1", "mail.new.example"]);
    assert_eq!(config.limits.brake_deletions, 50);
    assert_eq!(config.limits.body_budget_bytes, 32 << 20);
    let domain = config.domain_of("Anna@CORP.example").unwrap();
    assert_eq!(domain.mode, Mode::TwoWay);
    assert_eq!(domain.deletions, Deletions::Trash);
    assert_eq!(domain.policy(&config.limits), Policy::default());
    assert_eq!(
        domain.exclude_folders,
        [Excluded::Role(Role::Drafts), Excluded::Role(Role::Contacts), Excluded::Name("Старое".to_owned())]
    );
    let source = &domain.sides.source;
    assert_eq!((source.port, source.tls), (11143, TlsMode::None));
    assert_eq!(source.password, PasswordFrom::Secret("name".to_owned()));
    assert_eq!(source.authzid, None);
    let target = &domain.sides.target;
    assert_eq!((target.port, target.tls, &target.trust), (993, TlsMode::Implicit, &Trust::System));
    assert_eq!(target.password, PasswordFrom::Account);
    assert_eq!(target.extensions, BTreeMap::from([("compress".to_owned(), Switch::Off)]));
    assert_eq!(config.domain_of("anna@other.example"), None);
}

#[test]
fn the_port_follows_the_encryption() {
    let text = SMALL.replace("port = 11143\n", "").replace("tls = \"none\"", "tls = \"starttls\"");
    assert_eq!(read(&text).unwrap().domains[0].sides.source.port, 143);
}

/// One change of the good text, and what must be said about it: the line, and words of the complaint.
#[test]
fn every_mistake_is_named_with_its_line_and_remedy() {
    for (good, bad, line, words) in [
        ("host = \"127.0.0.1\"", "hots = \"127.0.0.1\"", 8, "\"hots\" does not exist in [domain.source.imap]"),
        ("host = \"127.0.0.1\"", "hots = \"127.0.0.1\"", 8, "Did you mean \"host\"?"),
        ("host = \"127.0.0.1\"\n", "", 7, "the key \"host\" is missing in [domain.source.imap]"),
        ("state =", "zzz =", 2, "The keys there are \"state\""),
        ("name = \"corp.example\"", "nam = \"corp.example\"", 4, "Did you mean \"name\"?"),
        (
            "port = 11143",
            "port = \"11143\"",
            9,
            "\"port\" in [domain.source.imap] must be a whole number, not a text in quotes",
        ),
        ("port = 11143", "port = 70000", 9, "between 1 and 65535; 70000 does not"),
        ("port = 11143", "port = -1", 9, "between 1 and 65535; -1 does not"),
        ("port = 11143", "port = 99999999999999999999999999999999999999999", 9, "between 1 and 65535"),
        ("tls = \"none\"", "tls = \"ssl\"", 10, "must be \"implicit\", \"starttls\" or \"none\", not \"ssl\""),
        ("tls = \"none\"", "tls = false", 10, "must be a text in quotes, not true or false"),
        ("mode = \"two-way\"", "mode = \"both\"", 5, "must be \"two-way\" or \"to-target\", not \"both\""),
        ("login = \"{source_login}\"", "login = \"{source_logn}\"", 12, "Did you mean \"source_login\"?"),
        ("login = \"{source_login}\"", "login = \"{user}\"", 12, "The variables are \"source_login\""),
        ("login = \"{source_login}\"", "login = \"{source_login\"", 12, "a brace without its partner"),
        ("login = \"{source_login}\"", "login = \"\"", 12, "is empty"),
        ("login = \"{source_login}\"", "login = \"svc\"", 12, "all accounts would open the same mailbox"),
        ("password = \"secret:name\"", "password = \"hunter2\"", 14, "Passwords do not belong in this file"),
        ("password = \"secret:name\"", "password = \"secret:a b\"", 14, "cannot be the name of a secret"),
        ("trust = \"system\"", "trust = \"pin:12\"", 11, "is not a SHA-256"),
        ("trust = \"system\"", "trust = \"no-such-ca.pem\"", 11, "conf/no-such-ca.pem, which does not exist"),
        ("sqlite:parom.db", "postgres://x", 2, "SQLite only"),
        ("sqlite:parom.db", "parom.db", 2, "must be \"sqlite:\" and a file"),
        ("[[domain]]", "[domain]", 3, "Write [[domain]]"),
        ("host = \"127.0.0.1\"", "host = \"imap://x\"", 8, "neither a host name nor an address"),
        ("compress = \"off\"", "compres = \"off\"", 19, "Did you mean \"compress\"?"),
        ("compress = \"off\"", "compress = \"no\"", 19, "must be \"auto\", \"on\" or \"off\", not \"no\""),
        ("[\"drafts\", ", "[3, ", 6, "must be a text in quotes, not a whole number"),
        ("mode = \"two-way\"", "mode = two-way", 5, "this is not TOML"),
    ] {
        let text = SMALL.replacen(good, bad, 1);
        assert_ne!(text, SMALL, "{good}");
        let complaints = complaints(&text);
        let found = complaints.iter().find(|complaint| complaint.contains(words));
        let found = found.unwrap_or_else(|| panic!("{bad}: {complaints:#?}"));
        assert!(found.starts_with(&format!("conf/parom.toml, line {line}: ")), "{bad}: {found}");
        assert!(!complaints.iter().any(|complaint| complaint.contains("hunter2")), "a password is never repeated");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_in_order() {
    let text = SMALL.replace("port = 11143", "prot = 1").replace("mode = \"two-way\"", "mode = 3");
    let lines: Vec<String> = complaints(&text).iter().map(|text| text[..24].to_owned()).collect();
    assert_eq!(lines, ["conf/parom.toml, line 5:", "conf/parom.toml, line 9:"]);
}

#[test]
fn a_file_without_a_domain_and_a_domain_twice_are_told() {
    assert!(complaints("").concat().contains("there is no [[domain]]"));
    let twice = format!("{SMALL}{}", &SMALL["\nstate = \"sqlite:parom.db\"".len()..]);
    assert!(complaints(&twice).concat().contains("the domain corp.example is there twice"));
}

/// What is said when the source is opened by NTLM with this login.
fn complaints_about_ntlm(login: &str, authzid: &str) -> String {
    let text = SMALL.replace("authzid = \"\"", &format!("authzid = '{authzid}'\nsasl = \"ntlm\""));
    complaints(&text.replace("login = \"{source_login}\"", &format!("login = '{login}'"))).concat()
}

#[cfg(feature = "ntlm")]
#[test]
fn ntlm_is_for_logins_that_open_their_own_mailbox() {
    for login in ["{source_login}", "CORP\\{source_login}", "CORP/{source_login}", "{address}", "{local}@corp.example"]
    {
        assert_eq!(complaints_about_ntlm(login, ""), "", "{login}");
    }
    for (login, authzid) in [
        ("CORP/svc/{source_login}", ""),
        ("svc@corp.example\\{source_login}", ""),
        ("{service_login}/{source_login}", ""),
        ("{service_login}", "{source_login}"),
        ("{source_login}", "{source_login}"),
    ] {
        let said = complaints_about_ntlm(login, authzid);
        assert!(said.contains("cannot open the mailboxes of others") && said.contains("\"sasl\""), "{login}: {said}");
    }
}

#[cfg(not(feature = "ntlm"))]
#[test]
fn ntlm_that_was_left_out_is_told_with_the_way_to_get_it() {
    let said = complaints_about_ntlm("{source_login}", "");
    assert!(said.contains("built without NTLM") && said.contains("--features ntlm"), "{said}");
}

#[test]
fn a_pin_may_be_written_as_openssl_prints_it() {
    let hex = "AB:".repeat(31) + "ab";
    let config = read(&SMALL.replace("\"system\"", &format!("\"pin:{hex}\""))).unwrap();
    assert_eq!(config.domains[0].sides.source.trust, Trust::Pin([0xAB; 32]));
}

#[test]
fn the_written_file_is_right_and_says_what_counts_without_it() {
    for lang in Lang::ALL {
        let written = text(&Answers::default(), &Texts::new(lang));
        let mut config = read(&written).unwrap();
        assert_eq!((&config.domains[0].calendars.ews, &config.domains[0].calendars.caldav), (&None, &None));
        // What is commented out is what counts anyway: with the comments taken away nothing changes but the tables that may
        // be left out.
        let keys: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
        let uncommented: String = written
            .lines()
            .map(|line| {
                match line.strip_prefix("# ").and_then(|line| line.split_once(" = ").map(|(key, _)| (key, line))) {
                    Some((key, line)) if keys.contains(&key) => format!("{line}\n"),
                    _ => format!(
                        "{}\n",
                        line.strip_prefix("# ").filter(|line| line.starts_with("[domain.")).unwrap_or(line)
                    ),
                }
            })
            .collect();
        assert_ne!(uncommented, written);
        let all = read(&uncommented).unwrap();
        assert!(all.domains[0].calendars.ews.is_some() && all.domains[0].calendars.caldav.is_some());
        assert_eq!(all.allow_hosts, ["mail.new.example", "mail.old.example"], "the example of the key");
        assert!(all.domains[0].sieve.is_some());
        config.domains[0].calendars = all.domains[0].calendars.clone();
        config.domains[0].sieve = all.domains[0].sieve.clone();
        config.allow_hosts = all.allow_hosts.clone();
        assert_eq!(all, config);
        assert!(KEYS.iter().all(|key| written.contains(&format!("{} = ", key.name))));
    }
}

#[test]
fn answers_go_into_the_written_file_as_they_are() {
    let answers = Answers {
        domain: Some("firma.example".to_owned()),
        source_host: Some("old.firma.example".to_owned()),
        target_host: None,
    };
    let config = read(&text(&answers, &Texts::new(Lang::Ru))).unwrap();
    assert_eq!(config.domains[0].name, "firma.example");
    assert_eq!(config.domains[0].sides.source.host, "old.firma.example");
    assert_eq!(config.domains[0].sides.target.host, "mail.new.example");
}

#[test]
fn the_table_of_keys_is_consistent() {
    for key in KEYS {
        let text = format!("{} = {}", key.name, key.preset.literal());
        toml::de::DeTable::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        if let Kind::Whole { max, .. } = key.kind {
            assert!(max <= u64::from(u32::MAX), "{}: the reader keeps it in 32 bits", key.name);
        }
    }
}

#[test]
fn several_service_accounts_and_the_night_are_read() {
    let more = "service_logins = [\"svc1\", \"svc2@corp.example\"]\nnight = \"22:00-06:00\"\nnight_max_connections = 40\n\
                max_connections_per_service_login = 8\nbandwidth_kib_s = 100\nnight_bandwidth_kib_s = 0";
    let text = SMALL
        .replace("login = \"{source_login}\"", &format!("login = \"CORP/{{service_login}}/{{source_login}}\"\n{more}"))
        .replace("secret:name", "secret:{service_login}");
    let config = read(&text).unwrap();
    let source = &config.domains[0].sides.source;
    assert_eq!(source.services().collect::<Vec<_>>(), ["svc1", "svc2@corp.example"]);
    assert_eq!(source.password, PasswordFrom::ServiceLogin);
    let [day, night] = [12, 23].map(|hour| source.pacing.at(hour * 60));
    assert_eq!((day.connections, day.per_login, day.per_database), (16, 8, 16));
    assert_eq!((night.connections, night.per_login, night.per_database), (40, 8, 40));
    assert_eq!((day.bytes_per_s.map(u64::from), night.bytes_per_s), (Some(102_400), None));

    let wrong = [
        (text.replace("secret:{service_login}", "secret:one"), "need a password each"),
        (text.replace("CORP/{service_login}/", ""), "is not used"),
        (text.replace("\"svc1\"", "\"svc 1\""), "cannot be the name of a service account"),
        (text.replace("22:00-06:00", "late"), "no time of the day"),
        (text.replace("svc2@corp.example", "SVC1"), "is twice"),
        (text.replace("service_logins =", "service_login = \"a\"\nservice_logins ="), "both \"service_login\""),
    ];
    for (text, says) in wrong {
        let complaints = complaints(&text);
        assert!(complaints.len() == 1 && complaints[0].contains(says), "{says}: {complaints:?}");
    }
}

/// The good text with calendars.
fn with_calendars() -> String {
    let calendars = r#"[domain.calendars]
mode = "subscribe"
write_back = "white"
write_back_list = ["Anna@Corp.example"]
[domain.source.ews]
url = "https://Ews.old.example/EWS/Exchange.asmx"
login = "{service_login}"
service_login = "svc@corp.example"
password = "secret:{service_login}"
tls_policy = "legacy"
[domain.target.caldav]
url = "https://cal.new.example:8443/dav/"
login = "{target_login}"
product = "vk-workspace"
home = "/calendars/{target_login}/"
"#;
    format!("{SMALL}{calendars}")
}

#[test]
fn calendars_are_read_and_their_hosts_allowed() {
    let config = read(&with_calendars()).unwrap();
    assert_eq!(config.allow_hosts, ["127.0.0.1", "cal.new.example", "ews.old.example", "mail.new.example"]);
    let calendars = &config.domains[0].calendars;
    assert_eq!(calendars.mode, CalendarMode::Subscribe);
    assert!(calendars.write_back.allows("anna@corp.example") && !calendars.write_back.allows("boris@corp.example"));
    let ews = calendars.ews.as_ref().unwrap();
    assert_eq!((ews.url.origin.port, ews.url.path.as_str()), (443, "/EWS/Exchange.asmx"));
    assert_eq!(ews.access.password, PasswordFrom::ServiceLogin);
    let words = Words { address: "anna@corp.example", source_login: "anna", target_login: "a", service_login: "svc" };
    assert_eq!(ews.act_for.as_ref().unwrap().fill(&words), "anna@corp.example");
    let caldav = calendars.caldav.as_ref().unwrap();
    assert_eq!((caldav.url.origin.port, caldav.product), (8443, Some(parom_caldav::Product::VkWorkSpace)));
    assert_eq!(caldav.home.as_ref().unwrap().fill(&words), "/calendars/a/");
    let off = with_calendars().replace("product =", "notifications = \"off\"\nproduct =");
    let notifies = |text: &str| read(text).unwrap().domains[0].calendars.caldav.as_ref().unwrap().notifications;
    assert!(notifies(&with_calendars()) && !notifies(&off));
    assert_eq!(read(SMALL).unwrap().domains[0].calendars.mode, CalendarMode::Off);
    let places = |url: &str| {
        let text = with_calendars().replace("https://Ews.old.example/EWS/Exchange.asmx", url);
        let config = read(&text).unwrap();
        let ews = config.domains[0].calendars.ews.clone().unwrap();
        let places: Vec<String> = ews.discovers.iter().map(ToString::to_string).collect();
        assert!(ews.discovers.iter().all(|place| config.allow_hosts.contains(&place.origin.host.to_string())));
        places
    };
    let domain = &config.domains[0].name;
    assert_eq!(places("autodiscover"), [format!("https://autodiscover.{domain}/"), format!("https://{domain}/")]);
    assert_eq!(places("autodiscover:https://mail.old.example"), ["https://mail.old.example/"]);
    assert_eq!(places("https://ews.old.example/EWS/Exchange.asmx"), Vec::<String>::new());
    let own = with_calendars().replace(
        "\"{service_login}\"\nservice_login = \"svc@corp.example\"\npassword = \"secret:{service_login}\"",
        "\"{source_login}\"",
    );
    assert_eq!(read(&own).unwrap().domains[0].calendars.ews.as_ref().unwrap().act_for, None);
}

/// It is read twice, and its example is one of its side.
#[test]
fn a_login_that_is_missing_is_told_once_and_with_an_example_that_fits() {
    let text = with_calendars();
    let (source, target) = text.split_once("[domain.target.imap]").unwrap();
    let bad = format!("{source}[domain.target.imap]{}", target.replacen("login = \"{target_login}*svc\"\n", "", 1));
    let said = complaints(&bad);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("login = \"{target_login}\""), "{said:?}");
}

#[test]
fn mistakes_about_calendars_are_named() {
    for (good, bad, says) in [
        ("write_back_list =", "write_backlist =", "Did you mean \"write_back_list\"?"),
        ("[domain.source.ews]", "[domain.source.ewss]", "Did you mean \"ews\"?"),
        ("[domain.target.caldav]", "[domain.target.ews]", "\"ews\" does not exist in [domain.target]"),
        ("mode = \"subscribe\"", "mode = \"subscribed\"", "must be \"off\", \"sync\" or \"subscribe\""),
        (
            "https://Ews.old.example/EWS/Exchange.asmx",
            "mail.old.example",
            "\"mail.old.example\" in [domain.source.ews] is not a URL",
        ),
        (
            "https://Ews.old.example/EWS/Exchange.asmx",
            "autodiscover:mail.old.example",
            "\"autodiscover:mail.old.example\" in [domain.source.ews] is not a URL",
        ),
        (
            "https://Ews.old.example/EWS/Exchange.asmx",
            "http://ews.old.example/EWS/Exchange.asmx",
            "\"http://ews.old.example/EWS/Exchange.asmx\" in [domain.source.ews] is not protected by TLS",
        ),
        ("https://cal.new.example:8443/dav/", "http://cal.new.example/dav/", "add tls = \"none\""),
        ("tls_policy = \"legacy\"", "auth = \"kerberos\"", "must be \"auto\", \"basic\", \"ntlm\" or \"oauth2\""),
        ("Anna@Corp.example", "Anna", "\"Anna\" in \"write_back_list\""),
        ("write_back = \"white\"", "write_back = \"all\"", "never counts"),
        ("tls_policy = \"legacy\"", "act_for = \"anna@corp.example\"", "open the same mailbox"),
        ("service_login = \"svc@corp.example\"\n", "", "does not say what it stands for"),
        ("login = \"{target_login}\"\nproduct", "login = \"svc\"\nservice_login = \"x\"\nproduct", "is not used"),
        ("product = \"vk-workspace\"", "product = \"vk\"", "\"vk-workspace\""),
        ("home = \"/calendars/{target_login}/\"", "home = \"/calendars/{user}/\"", "unknown variable \"user\""),
        ("login = \"{service_login}\"\nservice_login = \"svc@corp.example\"", "login = \"\"", "is empty"),
    ] {
        let text = with_calendars().replacen(good, bad, 1);
        assert_ne!(text, with_calendars(), "{good}");
        let complaints = complaints(&text).concat();
        assert!(complaints.contains(says), "{bad}: {complaints}");
    }
    // What is meant, and what nobody else hears, is taken.
    let meant = with_calendars().replace("https://cal", "http://cal").replace("product =", "tls = \"none\"\nproduct =");
    assert!(!read(&meant).unwrap().domains[0].calendars.caldav.as_ref().unwrap().url.origin.tls);
    let near = with_calendars().replace("https://Ews.old.example", "http://[::1]:8080");
    assert_eq!(read(&near).unwrap().domains[0].calendars.ews.as_ref().unwrap().auth, EwsAuth::Auto);
    let bare = with_calendars().split("[domain.source.ews]").next().unwrap().to_owned();
    assert!(complaints(&bare).concat().contains("only be carried where both servers are known"));
}

#[test]
fn every_product_of_calendar_servers_can_be_named() {
    let names: Vec<&str> = parom_caldav::Product::ALL.iter().map(|product| product.as_str()).collect();
    assert_eq!(keys::PRODUCTS.strip_prefix(&["auto"]).unwrap(), names);
}

/// The good text with automatic replies.
fn with_sieve() -> String {
    let sieve = r#"[domain.target.sieve]
host = "Sieve.new.example"
login = "{service_login}"
service_login = "svc"
authzid = "{target_login}"
password = "secret:{service_login}"
internal_domains = ["Old.example"]
known_senders = "everybody"
"#;
    format!("{SMALL}{sieve}")
}

#[test]
fn automatic_replies_are_read() {
    let config = read(&with_sieve()).unwrap();
    let sieve = config.domains[0].sieve.as_ref().unwrap();
    assert_eq!((sieve.host.as_str(), sieve.port, sieve.tls), ("Sieve.new.example", 4190, TlsMode::StartTls));
    let words = Words { address: "a@b", source_login: "s", target_login: "t", service_login: "svc" };
    assert_eq!(sieve.access.login.fill(&words), "svc");
    assert_eq!(sieve.authzid.as_ref().map(|authzid| authzid.fill(&words)).as_deref(), Some("t"));
    assert_eq!((&sieve.internal_domains[..], sieve.answers_strangers), (&["old.example".to_owned()][..], true));
    assert!(config.allow_hosts.contains(&"sieve.new.example".to_owned()), "{:?}", config.allow_hosts);
    assert_eq!(read(SMALL).unwrap().domains[0].sieve, None);
}

#[test]
fn mistakes_about_automatic_replies_are_named() {
    for (good, bad, says) in [
        ("[domain.target.sieve]", "[domain.target.sive]", "Did you mean \"sieve\"?"),
        ("host = \"Sieve.new.example\"", "host = \"a b\"", "neither a host name nor an address"),
        ("authzid = \"{target_login}\"", "authzid = \"all\"", "all accounts would open the same mailbox"),
        ("\"Old.example\"", "\"a@b\"", "is not the name of a mail domain"),
        ("\"everybody\"", "\"all\"", "must be \"nobody\" or \"everybody\""),
        ("known_senders", "known_sender", "Did you mean \"known_senders\"?"),
    ] {
        let text = with_sieve().replacen(good, bad, 1);
        assert_ne!(text, with_sieve(), "{good}");
        let complaints = complaints(&text).concat();
        assert!(complaints.contains(says), "{bad}: {complaints}");
    }
}
