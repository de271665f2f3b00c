//! The lab's CalDAV server on a runtime of its own: the tests' own runtimes wait for its answers.

use super::PASSWORD;
use parom_lab::caldav::{CalDav, Config, Person};
use std::thread;
use tokio::runtime::{Builder, Runtime};

pub struct Lab {
    pub dav: CalDav,
    runtime: Option<Runtime>,
}

impl Lab {
    pub fn start(people: &[&str]) -> Lab {
        let config = people.iter().fold(Config::plain(), |config, login| config.with(Person::new(login, PASSWORD)));
        apart(|| {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let dav = runtime.block_on(CalDav::start(config)).unwrap();
            Lab { dav, runtime: Some(runtime) }
        })
    }

    pub fn restart(&self) {
        let runtime = self.runtime.as_ref().unwrap();
        apart(|| runtime.block_on(self.dav.restart()).unwrap());
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

/// Within a test's runtime no other one may be waited for.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap())
}
