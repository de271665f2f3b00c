//! From the bytes of a file to cells: encoding, delimiter, quotes.

use super::columns::Column;
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};

/// No cell of this table needs more, and no file may fill the memory.
const CELL_MAX: usize = 4096;
/// 50,000 rows of the guide's columns take some 10 MB.
pub const FILE_MAX: usize = 256 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// Excel's "Unicode text".
    Utf16,
    /// What a Russian Excel saves as CSV.
    Windows1251,
}

impl Encoding {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16 => "UTF-16",
            Encoding::Windows1251 => "windows-1251",
        }
    }
}

/// A file as cells. `rows` hold the number of the line on which each begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub encoding: Encoding,
    pub delimiter: char,
    pub head: Vec<String>,
    pub rows: Vec<(u64, Vec<String>)>,
}

/// Why no table can be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    Empty,
    TooBig,
    /// Neither text in an encoding that is known here, nor a table: a workbook of a spreadsheet program, for instance.
    NotText,
    /// A quote that never ends, or a cell beyond all measure, on this line.
    Broken {
        line: u64,
    },
}

/// Delimiters, in the order in which they are tried.
const DELIMITERS: [char; 3] = [';', ',', '\t'];

/// Reads a table. Empty lines are left out.
///
/// # Errors
/// [`FileFault`].
pub fn read_table(bytes: &[u8]) -> Result<Table, FileFault> {
    if bytes.len() > FILE_MAX {
        return Err(FileFault::TooBig);
    }
    let (text, encoding) = decode(bytes)?;
    let delimiter = delimiter(&text);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    let mut record = csv::StringRecord::new();
    let mut lines = Lines { bytes: text.as_bytes(), at: 0, line: 1 };
    while reader.read_record(&mut record).map_err(|_| FileFault::Broken { line: lines.line })? {
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        if record.iter().any(|cell| cell.len() > CELL_MAX) {
            return Err(FileFault::Broken { line });
        }
        if record.iter().any(|cell| !cell.trim().is_empty()) {
            records.push((line, record.iter().map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()));
        }
    }
    let mut records = records.into_iter();
    let (_, head) = records.next().ok_or(FileFault::Empty)?;
    Ok(Table { encoding, delimiter, head, rows: records.collect() })
}

/// Lines as people count them. The reader counts a CR LF with the line that follows.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of what begins at this byte, or after the line breaks there.
    fn of(&mut self, byte: u64) -> u64 {
        let start = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(byte) = self.bytes.get(self.at)
            && (self.at < start || matches!(byte, b'\r' | b'\n'))
        {
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn decode(bytes: &[u8]) -> Result<(String, Encoding), FileFault> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let wide = if bytes.starts_with(&[0xFF, 0xFE]) { UTF_16LE } else { UTF_16BE };
        let (text, _, damaged) = wide.decode(bytes);
        return if damaged { Err(FileFault::NotText) } else { Ok((text.into_owned(), Encoding::Utf16)) };
    }
    // A NUL is in no text, but near the start of every workbook.
    if bytes.contains(&0) {
        return Err(FileFault::NotText);
    }
    let (text, _, damaged) = UTF_8.decode(bytes);
    if !damaged {
        return Ok((text.into_owned(), Encoding::Utf8));
    }
    let (text, damaged) = WINDOWS_1251.decode_without_bom_handling(bytes);
    if damaged { Err(FileFault::NotText) } else { Ok((text.into_owned(), Encoding::Windows1251)) }
}

/// The delimiter that makes the most known columns out of the first line.
fn delimiter(text: &str) -> char {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let known = |delimiter: &char| {
        let cells = head.split(*delimiter).map(|cell| cell.trim().trim_matches('"'));
        (cells.clone().filter(|cell| Column::named(cell).is_some()).count(), cells.count())
    };
    // Of equals the first: `max_by_key` keeps the last one.
    DELIMITERS.into_iter().rev().max_by_key(known).unwrap_or(',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_in_which_spreadsheets_save_it_is_read() {
        let text = "email:;firstname:;collector_login\r\nbelova@corp.example;Александра;a.belova\r\n\r\n";
        let (cyrillic, _, _) = WINDOWS_1251.encode(text);
        let wide: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain(text.replace(';', "\t").encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let with_bom = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
        let commas = text.replace(';', ",");
        for (bytes, encoding, delimiter) in [
            (text.as_bytes(), Encoding::Utf8, ';'),
            (&with_bom, Encoding::Utf8, ';'),
            (commas.as_bytes(), Encoding::Utf8, ','),
            (&cyrillic, Encoding::Windows1251, ';'),
            (&wide, Encoding::Utf16, '\t'),
        ] {
            let table = read_table(bytes).unwrap();
            assert_eq!((table.encoding, table.delimiter), (encoding, delimiter));
            assert_eq!(table.head, ["email:", "firstname:", "collector_login"]);
            assert_eq!(
                table.rows,
                [(2, ["belova@corp.example", "Александра", "a.belova"].map(str::to_owned).to_vec())]
            );
        }
    }

    #[test]
    fn quotes_hold_delimiters_and_lines() {
        let table = read_table(b"email,groups\na@x.example,\"one, \"\"two\"\"\"\n").unwrap();
        assert_eq!(table.rows[0].1[1], "one, \"two\"");
    }

    #[test]
    fn what_is_no_table_is_said_so() {
        assert_eq!(read_table(b""), Err(FileFault::Empty));
        assert_eq!(read_table(b" \r\n\r\n"), Err(FileFault::Empty));
        assert_eq!(read_table(b"PK\x03\x04\0\0workbook"), Err(FileFault::NotText));
        assert_eq!(read_table(&[0xFF, 0xFE, 0x00, 0xD8]), Err(FileFault::NotText));
        let endless = format!("email\n\"{}", "a".repeat(CELL_MAX + 1));
        assert_eq!(read_table(endless.as_bytes()), Err(FileFault::Broken { line: 2 }));
    }
}
