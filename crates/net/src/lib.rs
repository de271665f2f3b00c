//! The way out: a dialer that knows which hosts it may reach, TLS with several kinds of trust, SASL messages, and HTTP/1.1.

mod binding;
mod dialer;
pub mod http;
mod rate;
pub mod sasl;
mod secret;
pub mod srv;
mod stream;
mod tls;
mod trouble;

pub use dialer::{AllowList, Dialer};
pub use rate::{Paced, Rate};
pub use secret::Secret;
pub use stream::Stream;
pub use tls::{MinTls, TlsClient, TlsMode, TlsPolicy, Trust};
pub use trouble::{broken, closed, printable, timed_out};
