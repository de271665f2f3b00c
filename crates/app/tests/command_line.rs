//! The built binary as a person meets it: exit codes and sentences, in both languages.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A folder of its own for each test, and `parom` called in it.
struct Desk {
    folder: TempDir,
}

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk after `parom init`.
    fn set_up() -> Desk {
        let desk = Desk::new();
        assert_eq!(desk.parom("en", &["init"]).code, 0);
        desk
    }

    fn parom(&self, lang: &str, args: &[&str]) -> Said {
        self.parom_with_input(lang, args, "")
    }

    fn parom_with_input(&self, lang: &str, args: &[&str], input: &str) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_parom"))
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("PAROM_CONFIG")
            .env_remove("PAROM_MASTER_KEY")
            .env("PAROM_LANG", lang)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads no input may have gone before it is written.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn change_config(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("parom.toml")).unwrap();
        assert!(text.contains(from), "{from} is not in the configuration");
        fs::write(self.path("parom.toml"), text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn a_missing_configuration_is_told_in_both_languages_with_the_command() {
    let desk = Desk::new();
    let en = desk.parom("en", &["status"]);
    assert_eq!(en.code, 2);
    assert!(en.err.contains("There is no configuration ./parom.toml"), "{}", en.err);
    assert!(en.err.contains("Command: parom init\n"), "{}", en.err);
    let named = desk.parom("en", &["--config", "other.toml", "status"]);
    assert!(named.err.contains("Command: parom --config other.toml init\n"), "{}", named.err);
    let ru = desk.parom("ru", &["status"]);
    assert_eq!(ru.code, 2);
    assert!(ru.err.contains("Файла конфигурации ./parom.toml нет"), "{}", ru.err);
    assert!(ru.err.contains("Что делать:"), "{}", ru.err);
}

#[test]
fn init_writes_a_configuration_that_every_command_reads() {
    use std::os::unix::fs::PermissionsExt;
    for lang in ["en", "ru"] {
        let desk = Desk::new();
        let said = desk.parom(lang, &["init", "--domain", "firma.example", "--source-host", "old.firma.example"]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        let key = fs::metadata(desk.path("parom.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
        let added = desk.parom(lang, &["account", "add", "anna@firma.example"]);
        assert_eq!((added.code, added.err.as_str()), (0, ""));
        let status = desk.parom(lang, &["status"]);
        assert_eq!(status.code, 0);
        assert!(status.out.contains("anna@firma.example"), "{}", status.out);
    }
}

#[test]
fn init_never_overwrites() {
    let desk = Desk::set_up();
    let (config, key) = (desk.path("parom.toml"), desk.path("parom.key"));
    let before = (fs::read(&config).unwrap(), fs::read(&key).unwrap());
    let said = desk.parom("ru", &["init"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Файл ./parom.toml уже есть"), "{}", said.err);
    // With another configuration beside it, the key stays too.
    assert_eq!(desk.parom("ru", &["--config", "other.toml", "init"]).code, 0);
    assert_eq!((fs::read(&config).unwrap(), fs::read(&key).unwrap()), before);
}

#[test]
fn init_refuses_a_host_that_is_none_before_it_writes() {
    let desk = Desk::new();
    let said = desk.parom("en", &["init", "--source-host", "imap://old"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("\"imap://old\" in [domain.source.imap] is neither a host name nor an address"),
        "{}",
        said.err
    );
    assert!(!desk.path("parom.toml").exists());
}

#[test]
fn every_mistake_in_the_configuration_is_told_with_its_line() {
    let desk = Desk::set_up();
    desk.change_config("\nmax_connections =", "\nmax_conections =");
    desk.change_config("\nmode = \"two-way\"", "\nmode = \"both-ways\"");
    let en = desk.parom("en", &["status"]);
    assert_eq!(en.code, 2);
    assert!(en.err.contains("Did you mean \"max_connections\"?"), "{}", en.err);
    assert!(en.err.contains("must be \"two-way\" or \"to-target\", not \"both-ways\""), "{}", en.err);
    let ru = desk.parom("ru", &["status"]);
    assert!(ru.err.contains("Может быть, вы имели в виду «max_connections»?"), "{}", ru.err);
    let text = fs::read_to_string(desk.path("parom.toml")).unwrap();
    let line = text.lines().position(|line| line.starts_with("max_conections")).unwrap() + 1;
    assert!(ru.err.contains(&format!("./parom.toml, строка {line}: ключа «max_conections» нет")), "{}", ru.err);
}

#[test]
fn mistakes_on_the_command_line_are_told_in_the_language_that_was_asked_for() {
    let desk = Desk::new();
    for (args, en, ru) in [
        (&["stats"][..], "Did you mean \"status\"?", "Может быть, вы имели в виду «status»?"),
        (&["sync", "--al"], "Did you mean --all?", "Может быть, вы имели в виду --all?"),
        (&["sync"], "Something is missing: --account <ADDRESS> | --all", "Не указано: --account <АДРЕС> | --all"),
        (&["sync", "--all", "--all"], "--all is given twice", "Параметр --all указан дважды"),
        (&["sync", "--all", "--account", "a"], "cannot be used together", "нельзя указывать вместе"),
        (&["sync", "--account"], "--account <ADDRESS> needs a value", "Для --account <АДРЕС> нужно значение"),
        (&[], "The command is missing", "Не указана команда"),
    ] {
        for (lang, words) in [("en", en), ("ru", ru)] {
            let said = desk.parom(lang, args);
            assert_eq!(said.code, 2, "{args:?}");
            assert!(said.err.contains(words), "{args:?}: {}", said.err);
            assert_eq!(said.out, "");
        }
    }
    // The command line outweighs the environment, wherever it says so.
    assert!(desk.parom("en", &["stats", "--lang", "ru"]).err.contains("Команды «stats» нет"));
}

#[test]
fn help_is_written_in_both_languages_and_names_the_exit_codes() {
    let desk = Desk::new();
    let ru = desk.parom("ru", &["--help"]);
    assert_eq!(ru.code, 0);
    assert!(ru.out.contains("Использование: parom [ПАРАМЕТРЫ] <КОМАНДА>"), "{}", ru.out);
    assert!(ru.out.contains("130  остановлено по Ctrl-C"), "{}", ru.out);
    for english in ["Usage", "OPTIONS", "Commands", "Print help", "possible values"] {
        assert!(!ru.out.contains(english), "{english} in {}", ru.out);
    }
    let en = desk.parom("en", &["account", "add", "--help"]);
    assert!(en.out.contains("--source-password-file <FILE>"), "{}", en.out);
    assert!(desk.parom("ru", &["--version"]).out.starts_with("parom "));
}

#[test]
fn accounts_are_added_listed_switched_and_forgotten() {
    let desk = Desk::set_up();
    fs::write(desk.path("old"), "hunter2\n").unwrap();
    fs::write(desk.path("new"), "hunter3\n").unwrap();
    let lacking = desk.parom("en", &["account", "add", "a@corp.example", "--source-password-file", "old"]);
    assert!(lacking.out.contains("has no password for the target yet"), "{}", lacking.out);
    let added = desk.parom("en", &["account", "add", "A@corp.example", "--target-password-file", "new"]);
    assert!(added.out.contains("The passwords of a@corp.example are set"), "{}", added.out);
    let again = desk.parom("en", &["account", "add", "a@corp.example"]);
    assert!(again.out.contains("is there already"), "{}", again.out);
    let other = desk.parom("en", &["account", "add", "a@corp.example", "--target-login", "b"]);
    assert_eq!(other.code, 2);
    assert!(other.err.contains("other logins: a on the source, a on the target"), "{}", other.err);

    assert_eq!(desk.parom("en", &["account", "off", "a@corp.example"]).out, "a@corp.example: off\n");
    let listed = desk.parom("en", &["account", "list", "--json"]);
    let account: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(account["enabled"], false);
    assert_eq!(account["source_login"], "a");

    // One unknown address, and nothing is done with the others.
    let said = desk.parom("ru", &["account", "remove", "a@corp.example", "zz@corp.example"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Пользователя zz@corp.example нет"), "{}", said.err);
    assert!(desk.parom("en", &["account", "list"]).out.contains("a@corp.example"));
    assert_eq!(desk.parom("en", &["account", "remove", "a@corp.example"]).code, 0);
    assert!(desk.parom("en", &["account", "list"]).out.contains("There are no accounts yet"));
}

#[test]
fn an_address_outside_of_the_configured_domains_is_refused() {
    let desk = Desk::set_up();
    let said = desk.parom("ru", &["account", "add", "a@other.example"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("Домена адреса a@other.example нет"), "{}", said.err);
    assert!(said.err.contains("\"corp.example\""), "{}", said.err);
    assert_eq!(desk.parom("ru", &["account", "add", "corp.example"]).code, 2);
}

#[test]
fn secrets_are_sealed_and_never_shown() {
    let desk = Desk::set_up();
    let set = desk.parom_with_input("en", &["secret", "set", "service"], "hunter2-very-long-and-unique\n");
    assert_eq!(set.code, 0, "{}", set.err);
    fs::write(desk.path("file"), "other").unwrap();
    assert_eq!(desk.parom("en", &["secret", "set", "second", "--file", "file"]).code, 0);
    assert_eq!(desk.parom("en", &["secret", "list"]).out, "second\nservice\n");
    for entry in fs::read_dir(desk.folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let found = bytes.windows(28).any(|window| window == b"hunter2-very-long-and-unique");
        assert!(!found, "the password lies open on the disk");
    }
    assert_eq!(desk.parom_with_input("en", &["secret", "set", "empty"], "\n").code, 2);
    assert_eq!(desk.parom("en", &["secret", "remove", "service"]).code, 0);
    let gone = desk.parom("ru", &["secret", "remove", "service"]);
    assert_eq!(gone.code, 2);
    assert!(gone.err.contains("Секрета «service» нет"), "{}", gone.err);
}

#[test]
fn a_wrong_or_open_master_key_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::set_up();
    let key = desk.path("parom.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let said = desk.parom("en", &["account", "add", "a@corp.example"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("its mode is 644, and it must be 600"), "{}", said.err);
    assert!(said.err.contains("chmod 600 ") && said.err.contains("parom.key\n"), "{}", said.err);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o444)).unwrap();
    let said = desk.parom("ru", &["account", "add", "a@corp.example"]);
    assert!(said.err.contains("права 444, а должны быть 600") && !said.err.contains("mode"), "{}", said.err);
    // A state that does not exist yet gets a new key; beside an old state a missing key is an error.
    fs::remove_file(&key).unwrap();
    assert_eq!(desk.parom("ru", &["account", "add", "a@corp.example"]).code, 0);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&key).unwrap();
    assert_eq!(desk.parom("ru", &["account", "add", "b@corp.example"]).code, 2);
    assert!(!key.exists());
}

#[test]
fn a_state_that_cannot_be_used_has_its_own_exit_code() {
    let desk = Desk::set_up();
    let none = desk.parom("ru", &["status"]);
    assert_eq!(none.code, 5);
    assert!(none.err.contains("ещё нет"), "{}", none.err);
    fs::write(desk.path("parom.db"), "this is not a database, however long it may be made ".repeat(100)).unwrap();
    let damaged = desk.parom("en", &["account", "add", "a@corp.example"]);
    assert_eq!(damaged.code, 5);
    assert!(damaged.err.contains("is damaged"), "{}", damaged.err);
    // The command that is proposed makes room for a new one.
    let command = damaged.err.lines().find_map(|line| line.trim().strip_prefix("Command: ")).unwrap();
    let done = Command::new("sh").args(["-c", command]).current_dir(desk.folder.path()).status().unwrap();
    assert!(done.success(), "{command}");
    assert_eq!(desk.parom("en", &["account", "add", "a@corp.example"]).code, 0);
}

#[test]
fn commands_that_are_proposed_name_the_configuration_that_was_given() {
    let desk = Desk::set_up();
    fs::create_dir(desk.path("o'ther")).unwrap();
    fs::rename(desk.path("parom.toml"), desk.path("o'ther/c.toml")).unwrap();
    fs::copy(desk.path("o'ther/c.toml"), desk.path("plain.toml")).unwrap();
    let add = |config| desk.parom("en", &["--config", config, "account", "add", "a@corp.example"]).out;
    assert!(add("plain.toml").contains("Command: parom --config plain.toml "), "plain");
    assert!(add("o'ther/c.toml").contains(r"Command: parom --config 'o'\''ther/c.toml' "), "quoted");
    fs::rename(desk.path("plain.toml"), desk.path("parom.toml")).unwrap();
    assert_eq!(desk.parom("en", &["account", "remove", "a@corp.example"]).code, 0);
    for args in [&["account", "add", "a@corp.example"][..], &["--config", "parom.toml", "account", "list"]] {
        let said = desk.parom("en", args);
        assert!(said.code == 0 && !said.out.contains("--config"), "{}", said.out);
    }
}

#[test]
fn that_all_accounts_are_off_is_said_with_how_to_switch_them_on() {
    let desk = Desk::set_up();
    assert_eq!(desk.parom("en", &["account", "add", "a@corp.example"]).code, 0);
    assert_eq!(desk.parom("en", &["account", "off", "a@corp.example"]).code, 0);
    for command in [&["sync", "--all"][..], &["verify"]] {
        let said = desk.parom("en", command);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("All accounts are switched off."), "{}", said.out);
        assert!(said.out.contains("parom account on a@corp.example"), "{}", said.out);
    }
    let watch = desk.parom("ru", &["sync", "--all", "--watch"]);
    assert_eq!(watch.code, 2);
    assert!(watch.err.contains("Все пользователи отключены."), "{}", watch.err);
}

#[test]
fn nothing_parked_and_nothing_held_is_said_plainly() {
    let desk = Desk::set_up();
    assert_eq!(desk.parom("en", &["account", "add", "a@corp.example"]).code, 0);
    assert_eq!(desk.parom("en", &["parked"]).out, "Nothing is parked.\n");
    assert_eq!(desk.parom("ru", &["brakes"]).out, "Предохранители ничего не удерживают.\n");
    assert_eq!(desk.parom("en", &["parked", "--json"]).out, "");
    assert!(desk.parom("en", &["brakes", "release", "a@corp.example"]).out.contains("nothing is held"));
}
