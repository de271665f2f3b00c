//! The two systems, and values that exist once for each.

use std::fmt;
use std::ops::{Index, IndexMut};

/// One of the two systems an account lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The old system (Exchange).
    Source,
    /// The new system.
    Target,
}

impl Side {
    pub const ALL: [Side; 2] = [Side::Source, Side::Target];

    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Source => Side::Target,
            Side::Target => Side::Source,
        }
    }

    /// The word for logs, tables and configuration keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Target => "target",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A value for each side. Code that treats both alike indexes it by [`Side`] and is written once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Both<T> {
    pub source: T,
    pub target: T,
}

impl<T> Both<T> {
    pub fn new(source: T, target: T) -> Self {
        Both { source, target }
    }

    /// Builds both values from one recipe.
    pub fn from_fn(mut make: impl FnMut(Side) -> T) -> Self {
        Both { source: make(Side::Source), target: make(Side::Target) }
    }

    pub fn as_ref(&self) -> Both<&T> {
        Both { source: &self.source, target: &self.target }
    }

    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> Both<U> {
        Both { source: change(self.source), target: change(self.target) }
    }

    /// The same pair with the sides exchanged; used by the symmetry properties.
    #[must_use]
    pub fn swapped(self) -> Both<T> {
        Both { source: self.target, target: self.source }
    }

    pub fn iter(&self) -> impl Iterator<Item = (Side, &T)> {
        [(Side::Source, &self.source), (Side::Target, &self.target)].into_iter()
    }
}

impl<T> Index<Side> for Both<T> {
    type Output = T;
    fn index(&self, side: Side) -> &T {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }
}

impl<T> IndexMut<Side> for Both<T> {
    fn index_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Source => &mut self.source,
            Side::Target => &mut self.target,
        }
    }
}
