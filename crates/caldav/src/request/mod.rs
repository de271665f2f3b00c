//! One file for each request.

mod delete;
mod get;
mod mkcalendar;
mod options;
mod propfind;
mod put;
mod report_multiget;
mod report_query;
mod report_sync;

pub use delete::{Deleted, delete};
pub use get::{Got, content, get, get_created};
pub use mkcalendar::{Made, mkcalendar};
pub use options::{Features, options};
pub use propfind::{Depth, Properties, propfind};
pub use put::{Condition, Put, put};
pub use report_multiget::multiget;
pub use report_query::query_uid;
pub use report_sync::sync;
