//! A Radicale of its own for each test: temporary folder, free port, loopback. It is read and written by raw requests.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PASSWORD: &str = "sesame";

pub struct Radicale {
    pub port: u16,
    child: Child,
    data: PathBuf,
    rights: PathBuf,
}

impl Radicale {
    /// `None`, with a loud word, where it is not installed; under `CI=true` that is a failure.
    pub fn start(folder: &Path, users: &[&str]) -> Option<Radicale> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join("radicale").exists()) {
            eprintln!("SKIPPED: radicale is not installed, so nothing was tested against it");
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "radicale is missing");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (passwords, data) = (folder.join("users"), folder.join("data"));
        fs::create_dir_all(&data).unwrap();
        let lines: String = users.iter().map(|user| format!("{user}:{PASSWORD}\n")).collect();
        fs::write(&passwords, lines).unwrap();
        let (config, rights) = (folder.join("config"), folder.join("rights"));
        fs::write(&rights, rights_of("RW", "[^/]+")).unwrap();
        let text = format!(
            "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {}\n\
             htpasswd_encryption = plain\ndelay = 0\n[rights]\ntype = from_file\nfile = {}\n[storage]\nfilesystem_folder = {}\n",
            passwords.display(),
            rights.display(),
            data.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut command = Command::new("radicale");
        command.arg("--config").arg(&config).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "radicale did not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Radicale { port, child, data, rights })
    }

    fn request(&self, user: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        request(self.port, user, method, path, headers, body)
    }

    /// What is directly below a collection.
    fn below(&self, user: &str, path: &str) -> Vec<String> {
        let (status, body) = self.request(user, "PROPFIND", path, "Depth: 1\r\n", "");
        if status == 404 {
            return Vec::new();
        }
        assert_eq!(status, 207, "{body}");
        let members = body.split("<response>").skip(1).filter_map(|member| member.split_once("<href>"));
        let hrefs = members.filter_map(|(_, rest)| rest.split("</href>").next());
        let mut hrefs: Vec<String> = hrefs.map(str::to_owned).filter(|href| href != path).collect();
        hrefs.sort();
        hrefs.dedup();
        hrefs
    }

    pub fn calendars(&self, user: &str) -> Vec<String> {
        self.below(user, &format!("/{user}/")).into_iter().filter(|href| href.ends_with('/')).collect()
    }

    /// The text of every event, by where it is, with long lines unfolded.
    pub fn events(&self, user: &str) -> BTreeMap<String, String> {
        let resources = self.calendars(user).into_iter().flat_map(|calendar| self.below(user, &calendar));
        let text = |href: &String| {
            let (status, body) = self.request(user, "GET", href, "", "");
            // Whoever deletes does not wait for a reader.
            assert!(matches!(status, 200 | 404), "{status}: {href}");
            (status == 200).then(|| body.replace("\r\n ", "").replace("\r\n", "\n"))
        };
        resources.filter_map(|href| text(&href).map(|text| (href, text))).collect()
    }

    /// How many events there are, as the disk has them: quicker than asking for them.
    pub fn count(&self) -> usize {
        fn below(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries
                .map(|entry| entry.path())
                .map(|path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    match path.is_dir() {
                        // What Radicale keeps for itself.
                        true if name.starts_with(".Radicale") => 0,
                        true => below(&path),
                        false => usize::from(name.ends_with(".ics") && !name.starts_with('.')),
                    }
                })
                .sum()
        }
        below(&self.data)
    }

    /// Where the event with this title is, and its text.
    pub fn event(&self, user: &str, title: &str) -> (String, String) {
        let line = format!("\nSUMMARY:{title}\n");
        let found: Vec<_> = self.events(user).into_iter().filter(|(_, text)| text.contains(&line)).collect();
        assert_eq!(found.len(), 1, "{title}: {found:#?}");
        found.into_iter().next().unwrap()
    }

    /// Makes a calendar, as its owner does.
    pub fn make(&self, user: &str, name: &str) {
        let place = format!("/{user}/{:x}/", name.len() * 7919);
        let body = format!(
            "<?xml version=\"1.0\"?><C:mkcalendar xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><set><prop>\
             <displayname>{name}</displayname></prop></set></C:mkcalendar>"
        );
        let (status, answer) =
            self.request(user, "MKCALENDAR", &place, "Content-Type: text/xml; charset=utf-8\r\n", &body);
        assert_eq!(status, 201, "{answer}");
    }

    /// From now on nobody makes a calendar.
    pub fn make_no_more(&self, user: &str) {
        let calendars = self.calendars(user);
        let names: Vec<&str> =
            calendars.iter().map(|href| href.trim_matches('/').rsplit('/').next().unwrap()).collect();
        fs::write(&self.rights, rights_of("R", &format!("({})", names.join("|")))).unwrap();
    }

    /// Makes an event in somebody's first calendar.
    pub fn add(&self, user: &str, uid: &str, text: &str) {
        let calendar = self.calendars(user).remove(0);
        self.put(user, &format!("{calendar}{uid}.ics"), text);
    }

    /// The event of this UID, wherever it is.
    pub fn of_uid(&self, user: &str, uid: &str) -> (String, String) {
        let line = format!("\nUID:{uid}\n");
        let mut found: Vec<_> = self.events(user).into_iter().filter(|(_, text)| text.contains(&line)).collect();
        assert_eq!(found.len(), 1, "{uid}: {found:#?}");
        found.remove(0)
    }

    /// Changes the event with this title.
    pub fn edit(&self, user: &str, title: &str, change: impl FnOnce(&str) -> String) {
        let (href, text) = self.event(user, title);
        let changed = change(&text);
        assert_ne!(changed, text, "nothing was changed");
        self.put(user, &href, &changed);
    }

    /// Makes or changes an event, as another client does.
    pub fn put(&self, user: &str, href: &str, text: &str) {
        put_at(self.port, user, href, text);
    }

    pub fn delete(&self, user: &str, href: &str) {
        let (status, body) = self.request(user, "DELETE", href, "", "");
        assert!(status == 200 || status == 204, "{status} {body}");
    }
}

/// Everybody their own home, and these calendars in it. It is read anew for each request.
fn rights_of(home: &str, calendars: &str) -> String {
    format!(
        "[root]\nuser: .+\ncollection:\npermissions: R\n[home]\nuser: .+\ncollection: {{user}}\npermissions: {home}\n\
         [calendars]\nuser: .+\ncollection: {{user}}/{calendars}\npermissions: rw\n"
    )
}

impl Drop for Radicale {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes or changes an event on the server at this port.
pub fn put_at(port: u16, user: &str, href: &str, text: &str) {
    let kind = "Content-Type: text/calendar; charset=utf-8\r\n";
    let (status, body) = request(port, user, "PUT", href, kind, &text.replace('\n', "\r\n"));
    assert!(status == 201 || status == 204, "{status} {body}");
}

/// The status and the body of the answer.
fn request(port: u16, user: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let answer = parom_lab::phone::request(port, (user, PASSWORD), (method, path), headers, body).unwrap();
    (answer.status, answer.body)
}
