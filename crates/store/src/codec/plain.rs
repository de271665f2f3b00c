//! Small values that have no columns of their own: cursors, folder paths, arguments of sentences.

use super::{Damage, Form, Read, Reader, Writer, storable};
use parom_domain::endpoint::Cursor;
use parom_domain::{FolderPath, Result};

pub(crate) fn write_cursor(cursor: &Cursor) -> Vec<u8> {
    let mut writer = Writer::new(Form::Cursor, 20);
    writer.number(u64::from(cursor.validity));
    writer.number(u64::from(cursor.uidnext));
    writer.number(cursor.modseq);
    writer.number(u64::from(cursor.exists));
    writer.finish()
}

pub(crate) fn read_cursor(blob: &[u8]) -> Read<Cursor> {
    let mut reader = Reader::open(blob, Form::Cursor)?;
    let cursor =
        Cursor { validity: reader.u32()?, uidnext: reader.u32()?, modseq: reader.number()?, exists: reader.u32()? };
    reader.end()?;
    Ok(cursor)
}

pub(crate) fn write_path(path: &FolderPath) -> Result<Vec<u8>> {
    storable(FolderPath::new(path.segments()).as_ref() == Some(path), "an empty folder name")?;
    let mut writer = Writer::new(Form::Path, 64);
    path_into(&mut writer, path);
    Ok(writer.finish())
}

pub(crate) fn read_path(blob: &[u8]) -> Read<FolderPath> {
    let mut reader = Reader::open(blob, Form::Path)?;
    let path = path_from(&mut reader)?;
    reader.end()?;
    Ok(path)
}

pub(super) fn path_into(writer: &mut Writer, path: &FolderPath) {
    writer.count(path.depth());
    path.segments().iter().for_each(|segment| writer.text(segment));
}

pub(super) fn path_from(reader: &mut Reader<'_>) -> Read<FolderPath> {
    let depth = reader.count()?;
    let segments = (0..depth).map(|_| reader.text()).collect::<Read<Vec<_>>>()?;
    FolderPath::new(segments).ok_or(Damage("not a folder path"))
}

pub(crate) fn write_args(args: &[(String, String)]) -> Vec<u8> {
    let mut writer = Writer::new(Form::Args, 64);
    writer.count(args.len());
    for (name, value) in args {
        writer.text(name);
        writer.text(value);
    }
    writer.finish()
}

pub(crate) fn read_args(blob: &[u8]) -> Read<Vec<(String, String)>> {
    let mut reader = Reader::open(blob, Form::Args)?;
    let count = reader.count()?;
    let args = (0..count).map(|_| Ok((reader.text()?.to_owned(), reader.text()?.to_owned()))).collect::<Read<_>>()?;
    reader.end()?;
    Ok(args)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::no_damage_passes;
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn any_path() -> impl Strategy<Value = FolderPath> {
        proptest::collection::vec("\\PC{1,6}|INBOX", 1..5).prop_map(|segments| FolderPath::new(segments).unwrap())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn small_values_go_both_ways(
            (validity, uidnext, modseq, exists) in any::<(u32, u32, u64, u32)>(),
            path in any_path(),
            args in proptest::collection::vec(("[a-z]{0,5}", "\\PC{0,9}"), 0..4),
        ) {
            let cursor = Cursor { validity, uidnext, modseq, exists };
            prop_assert_eq!(read_cursor(&write_cursor(&cursor)), Ok(cursor));
            no_damage_passes(&write_cursor(&cursor), read_cursor);
            prop_assert_eq!(read_path(&write_path(&path).unwrap()), Ok(path.clone()));
            no_damage_passes(&write_path(&path).unwrap(), read_path);
            prop_assert_eq!(read_args(&write_args(&args)), Ok(args.clone()));
            no_damage_passes(&write_args(&args), read_args);
        }
    }

    #[test]
    fn a_nameless_folder_is_not_written() {
        write_path(&FolderPath::inbox().child("")).unwrap_err();
    }
}
