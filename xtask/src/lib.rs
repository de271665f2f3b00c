//! Project chores as a library, so that the live tests and the benchmark share the servers of `live`.

pub mod bench;
pub mod ci;
pub mod live;
pub mod long;
pub mod paths;
pub mod tidy;

/// A chore ends with a sentence for the developer; nobody decides anything from the kind of failure.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Failure>;

/// A failure from a sentence.
pub fn failure(sentence: impl Into<String>) -> Failure {
    Failure::from(sentence.into())
}
