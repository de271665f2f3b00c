//! `parom import` as a person meets it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { folder: tempfile::tempdir().unwrap() };
        let done = desk.parom("en", &["init", "--domain", "corp.example"]);
        assert!(done.status.success());
        let file = desk.path("parom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let login = text.find("\nlogin = ").unwrap();
        let end = text[login + 1..].find('\n').unwrap() + login + 1;
        let text = format!("{}\nlogin = \"{{service_login}}/{{source_login}}\"{}", &text[..login], &text[end..]);
        std::fs::write(file, text).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn parom(&self, lang: &str, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parom"));
        command.args(args).current_dir(self.folder.path()).env_remove("PAROM_CONFIG").env_remove("PAROM_MASTER_KEY");
        command.env("PAROM_LANG", lang).output().unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn accounts(&self) -> String {
        text(&self.parom("en", &["account", "list", "--json"]).stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The guide's table in windows-1251, as a Russian Excel saves it.
fn guide() -> Vec<u8> {
    let rows = "email:;password:;firstname:;lastname:;groups:;phone:;only_myteam:;send_email:;enabled_2fa:;phone_2fa:;\
                collector_login;collector_username;collector_password\r\n\
                belova@corp.example;+Pc0SyXhL1yi;Александра;Белова;Kate's;+79999999999;;1;;+79999999999;\
                a_belova@corp.example;svc_vkmail_collector@corp.example;password123\r\n";
    rows.chars()
        .map(|letter| match letter {
            'А'..='я' => u8::try_from(u32::from(letter) - u32::from('А') + 0xC0).unwrap(),
            letter => u8::try_from(u32::from(letter)).unwrap(),
        })
        .collect()
}

#[test]
fn the_guides_table_works_as_russian_excel_saves_it() {
    let desk = Desk::new();
    desk.write("users.csv", &guide());
    let dry = desk.parom("ru", &["import", "users.csv", "--dry-run"]);
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    assert!(text(&dry.stdout).contains("windows-1251") && text(&dry.stdout).contains("belova@corp.example"));
    assert!(!desk.path("parom.db").exists(), "a dry run writes nothing");

    let done = desk.parom("ru", &["import", "users.csv", "--vk-csv", "vk.csv"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(!text(&done.stdout).contains("password123") && !text(&done.stdout).contains("+Pc0SyXhL1yi"));
    assert!(desk.accounts().contains("a_belova@corp.example"));
    assert!(std::fs::read_to_string(desk.path("vk.csv")).unwrap().contains("Александра,Белова,Kate's"));
    let again = desk.parom("ru", &["import", "users.csv"]);
    assert!(text(&again.stdout).contains("без изменений: 1"), "{}", text(&again.stdout));
}

#[test]
fn bad_rows_are_told_with_row_and_column_and_change_nothing() {
    let desk = Desk::new();
    let table = "email,phone,firstname\n\
                 good@corp.example,,\n\
                 =1+1@corp.example,,\n\
                 \"=cmd|' /C calc'!A0\",,\n\
                 other@corp.example,call me,\n";
    desk.write("users.csv", table.as_bytes());
    let refused = desk.parom("en", &["import", "users.csv", "--report", "report.csv"]);
    assert_eq!(refused.status.code(), Some(2));
    let out = text(&refused.stdout);
    assert!(out.contains("Line 4, column email:") && out.contains("Line 5, column phone:"), "{out}");
    assert!(text(&refused.stderr).contains("--without-bad-rows"));
    assert!(!desk.accounts().contains("good@"), "nothing is imported");
    let mut report = csv::Reader::from_path(desk.path("report.csv")).unwrap();
    let cells: Vec<String> =
        report.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
    // Its local part is valid, and a formula.
    assert!(cells.contains(&"'=1+1@corp.example".to_owned()), "{cells:?}");
    assert!(!cells.iter().any(|cell| cell.starts_with(['=', '+', '-', '@'])), "{cells:?}");

    let done = desk.parom("en", &["import", "users.csv", "--without-bad-rows", "--json"]);
    assert!(done.status.success());
    assert_eq!(text(&done.stdout).lines().filter(|line| line.contains("\"refused\"")).count(), 2);
    assert!(desk.accounts().contains("good@corp.example") && !desk.accounts().contains("other@"));
}

#[test]
fn a_mistyped_column_is_refused_with_what_was_meant() {
    let desk = Desk::new();
    desk.write("users.csv", b"e-mail;colector_login\nx@corp.example;x\n");
    let refused = desk.parom("en", &["import", "users.csv"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("\"email\"") && said.contains("\"collector_login\""), "{said}");
    for (name, bytes) in [("empty.csv", &b""[..]), ("book.xlsx", b"PK\x03\x04\0\0"), ("gone.csv", b"")] {
        if name != "gone.csv" {
            desk.write(name, bytes);
        }
        let refused = desk.parom("en", &["import", name]);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(text(&refused.stderr).contains(name), "{name}");
    }
}
