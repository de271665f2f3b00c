//! A small HTTP/1.1 client for adapters: one server, one identity, few connections that are kept.

mod client;
mod connection;
mod identity;
mod lanes;
mod message;
mod sign_in;
mod url;

pub use client::{Chunks, Client, Patience, Target};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use identity::Identity;
pub use lanes::Lanes;
pub use message::{Head, Request, Response};
pub use url::{Origin, Url, escape};
