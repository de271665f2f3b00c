//! Import of people from a table: the guide's CSV, as spreadsheets save it.
//!
//! Four steps, each plain data: the bytes become a [`Table`] (`table.rs`), the table's head becomes columns and its rows
//! become [`Person`]s or [`Fault`]s (`columns.rs`, `row.rs`), people are compared with the accounts that are known
//! ([`preview`]), and what is accepted is handed to the store in portions. Nothing is written before the preview was seen,
//! and the file itself is never kept.

mod columns;
mod fault;
mod plan;
mod provision;
mod row;
mod table;

pub use columns::{Column, Columns};
pub use fault::{Fault, Remark};
pub use plan::{Deed, Planned, Preview, preview};
pub use provision::{Nobody, Provisioner, VkCsv};
pub use row::{Domain, Flag, Person, ReadRow, read_rows};
pub use table::{Encoding, FileFault, Table, read_table};
