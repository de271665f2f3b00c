//! One account, one pass.
