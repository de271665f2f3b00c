//! The way out: a dialer that knows which hosts it may reach, TLS with several kinds of trust, and SASL messages.

mod binding;
mod dialer;
mod rate;
pub mod sasl;
mod secret;
mod stream;
mod tls;

pub use dialer::{AllowList, Dialer};
pub use rate::{Paced, Rate};
pub use secret::Secret;
pub use stream::Stream;
pub use tls::{MinTls, TlsClient, TlsMode, TlsPolicy, Trust};
