//! The errors that a real adapter would make of a server's refusals, with the same scope and retry.

use parom_domain::{Code, Error, FolderPath, Retry, Scope, Uid};

/// `host` is the name of the endpoint.
pub(super) fn folder_gone(host: &str, folder: &FolderPath) -> Error {
    of_folder(Code::FolderGone, Retry::Soon, host, folder)
}

pub(super) fn cannot_open(host: &str, folder: &FolderPath) -> Error {
    of_folder(Code::FolderCannotOpen, Retry::Soon, host, folder).with("answer", "NO mailbox cannot be opened")
}

pub(super) fn validity_changed(host: &str, folder: &FolderPath) -> Error {
    of_folder(Code::ValidityChanged, Retry::Soon, host, folder)
}

pub(super) fn folder_refused(host: &str, folder: &FolderPath, answer: &str) -> Error {
    of_folder(Code::FolderRefused, Retry::WhenFixed, host, folder).with("answer", answer)
}

pub(super) fn listing_incomplete(host: &str, folder: &FolderPath, listed: usize, exists: usize) -> Error {
    of_folder(Code::ListingIncomplete, Retry::Soon, host, folder).with("listed", listed).with("exists", exists)
}

pub(super) fn sent_away(host: &str) -> Error {
    let error = Error::new(Code::ServerUnavailable, Scope::Account, Retry::Soon);
    error.with("host", host).with("answer", "BYE Internal error")
}

pub(super) fn unreadable(host: &str, folder: &FolderPath, uid: Uid) -> Error {
    let error = Error::new(Code::MessageUnreadable, Scope::Item, Retry::WhenFixed);
    error.with("host", host).with("folder", folder).with("uid", uid).with("answer", "NO message cannot be read")
}

pub(super) fn refused(host: &str, folder: &FolderPath) -> Error {
    let error = Error::new(Code::MessageRefused, Scope::Item, Retry::WhenFixed);
    error.with("host", host).with("folder", folder).with("answer", "NO message refused")
}

pub(super) fn not_moved(host: &str, folder: &FolderPath) -> Error {
    of_folder(Code::ChangeRefused, Retry::WhenFixed, host, folder).with("answer", "NO [NOPERM] permission denied")
}

pub(super) fn too_large(host: &str, folder: &FolderPath, bytes: u64, limit: u64) -> Error {
    let error = Error::new(Code::MessageTooLarge, Scope::Item, Retry::WhenFixed);
    error.with("host", host).with("folder", folder).with("bytes", bytes).with("limit", limit)
}

pub(super) fn quota_full(host: &str, folder: &FolderPath) -> Error {
    let error = Error::new(Code::QuotaFull, Scope::Folder, Retry::WhenFixed);
    error.with("host", host).with("folder", folder).with("answer", "NO [OVERQUOTA] quota exceeded")
}

pub(super) fn lost(host: &str, detail: &str) -> Error {
    Error::new(Code::ConnectionLost, Scope::Account, Retry::Soon).with("host", host).with("detail", detail)
}

fn of_folder(code: Code, retry: Retry, host: &str, folder: &FolderPath) -> Error {
    Error::new(code, Scope::Folder, retry).with("host", host).with("folder", folder)
}
