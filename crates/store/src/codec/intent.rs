//! The work of an intent: what was about to be done, in enough detail to find out after a crash whether it was.

use super::plain::{path_from, path_into};
use super::{Damage, Form, Read, Reader, Writer, storable};
use parom_domain::state::{Appending, FolderId, FolderOp, Moving, Work};
use parom_domain::{Fingerprint, FolderPath, Result, Uid};

const APPEND: u8 = 0;
const MOVE: u8 = 1;
const CREATE: u8 = 2;
const RENAME: u8 = 3;
const REMOVE: u8 = 4;

pub(crate) fn write_work(work: &Work) -> Result<Vec<u8>> {
    let items = match work {
        Work::Append { items, .. } => items.len(),
        Work::Move { items, .. } => items.len(),
        Work::Folder { .. } => 0,
    };
    let mut writer = Writer::new(Form::Work, items * 32 + 64);
    match work {
        Work::Append { folder, into, validity, floor, items } => {
            writer.byte(APPEND);
            writer.number(u64::from(folder.0));
            writer.side(*into);
            writer.number(u64::from(*validity));
            writer.number(u64::from(floor.get()));
            writer.count(items.len());
            let mut last = 0;
            items.iter().for_each(|item| write_appending(&mut writer, &mut last, item));
        }
        Work::Move { side, from, to, from_validity, to_validity, floor, items } => {
            writer.byte(MOVE);
            writer.side(*side);
            writer.number(u64::from(from.0));
            writer.number(u64::from(to.0));
            writer.number(u64::from(*from_validity));
            writer.number(u64::from(*to_validity));
            writer.number(u64::from(floor.get()));
            writer.count(items.len());
            let mut last = 0;
            items.iter().for_each(|item| write_moving(&mut writer, &mut last, item));
        }
        Work::Folder { side, op } => {
            let (kind, paths) = match op {
                FolderOp::Create { path } => (CREATE, vec![path]),
                FolderOp::Rename { from, to, .. } => (RENAME, vec![from, to]),
                FolderOp::Remove { path } => (REMOVE, vec![path]),
            };
            writer.byte(kind);
            writer.side(*side);
            for path in paths {
                storable(FolderPath::new(path.segments()).as_ref() == Some(path), "an empty folder name")?;
                path_into(&mut writer, path);
            }
            if let FolderOp::Rename { folder, goal, .. } = op {
                writer.number(u64::from(folder.0));
                writer.byte(u8::from(*goal));
            }
        }
    }
    Ok(writer.finish())
}

fn write_appending(writer: &mut Writer, last: &mut u32, item: &Appending) {
    writer.uid_after(last, item.origin);
    writer.fixed(&item.fingerprint.to_bytes());
    writer.number(item.len);
    writer.fixed(&item.content.to_le_bytes());
    writer.marks(&item.marks);
}

fn write_moving(writer: &mut Writer, last: &mut u32, item: &Moving) {
    writer.uid_after(last, item.uid);
    writer.number(item.other.map_or(0, |uid| u64::from(uid.get())));
    writer.fixed(&item.short.to_le_bytes());
    writer.number(u64::from(item.size));
    writer.marks(&item.marks);
}

pub(crate) fn read_work(blob: &[u8]) -> Read<Work> {
    let mut reader = Reader::open(blob, Form::Work)?;
    let work = match reader.byte()? {
        APPEND => Work::Append {
            folder: FolderId(reader.u32()?),
            into: reader.side()?,
            validity: reader.u32()?,
            floor: reader.uid()?,
            items: read_items(&mut reader, read_appending)?,
        },
        MOVE => Work::Move {
            side: reader.side()?,
            from: FolderId(reader.u32()?),
            to: FolderId(reader.u32()?),
            from_validity: reader.u32()?,
            to_validity: reader.u32()?,
            floor: reader.uid()?,
            items: read_items(&mut reader, read_moving)?,
        },
        kind => {
            let side = reader.side()?;
            let first = path_from(&mut reader)?;
            let op = match kind {
                CREATE => FolderOp::Create { path: first },
                RENAME => FolderOp::Rename {
                    from: first,
                    to: path_from(&mut reader)?,
                    folder: FolderId(reader.u32()?),
                    goal: reader.byte()? != 0,
                },
                REMOVE => FolderOp::Remove { path: first },
                _ => return Err(Damage("unknown work")),
            };
            Work::Folder { side, op }
        }
    };
    reader.end()?;
    Ok(work)
}

fn read_items<'a, T>(reader: &mut Reader<'a>, one: fn(&mut Reader<'a>, &mut u32) -> Read<T>) -> Read<Vec<T>> {
    let count = reader.count()?;
    let mut last = 0;
    (0..count).map(|_| one(reader, &mut last)).collect()
}

fn read_appending(reader: &mut Reader<'_>, last: &mut u32) -> Read<Appending> {
    Ok(Appending {
        origin: reader.uid_after(last)?,
        fingerprint: Fingerprint::from_bytes(reader.fixed()?),
        len: reader.number()?,
        content: u64::from_le_bytes(reader.fixed()?),
        marks: reader.marks()?,
    })
}

fn read_moving(reader: &mut Reader<'_>, last: &mut u32) -> Read<Moving> {
    Ok(Moving {
        uid: reader.uid_after(last)?,
        other: Uid::new(reader.u32()?),
        short: u64::from_le_bytes(reader.fixed()?),
        size: reader.u32()?,
        marks: reader.marks()?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::plain::tests::any_path;
    use super::super::tests::{any_marks, any_side, any_uid, no_damage_passes};
    use super::*;
    use proptest::prelude::*;

    fn any_appending() -> impl Strategy<Value = Appending> {
        (any_uid(), any::<([u8; 16], u64, u64)>(), any_marks()).prop_map(
            |(origin, (fingerprint, len, content), marks)| Appending {
                origin,
                fingerprint: Fingerprint::from_bytes(fingerprint),
                len,
                content,
                marks,
            },
        )
    }

    fn any_moving() -> impl Strategy<Value = Moving> {
        (any_uid(), proptest::option::of(any_uid()), any::<(u64, u32)>(), any_marks())
            .prop_map(|(uid, other, (short, size), marks)| Moving { uid, other, short, size, marks })
    }

    fn any_work() -> impl Strategy<Value = Work> {
        let op = prop_oneof![
            any_path().prop_map(|path| FolderOp::Create { path }),
            (any_path(), any_path(), any::<u32>(), any::<bool>())
                .prop_map(|(from, to, folder, goal)| FolderOp::Rename { from, to, folder: FolderId(folder), goal }),
            any_path().prop_map(|path| FolderOp::Remove { path }),
        ];
        let appending = proptest::collection::vec(any_appending(), 0..5);
        let moving = proptest::collection::vec(any_moving(), 0..5);
        prop_oneof![
            (any::<(u32, u32)>(), any_side(), any_uid(), appending).prop_map(
                |((folder, validity), into, floor, items)| Work::Append {
                    folder: FolderId(folder),
                    into,
                    validity,
                    floor,
                    items
                }
            ),
            (any::<[u32; 4]>(), any_side(), any_uid(), moving).prop_map(
                |([from, to, from_validity, to_validity], side, floor, items)| Work::Move {
                    side,
                    from: FolderId(from),
                    to: FolderId(to),
                    from_validity,
                    to_validity,
                    floor,
                    items
                }
            ),
            (any_side(), op).prop_map(|(side, op)| Work::Folder { side, op }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn work_goes_both_ways(work in any_work()) {
            let blob = write_work(&work).unwrap();
            prop_assert_eq!(read_work(&blob), Ok(work));
            no_damage_passes(&blob, read_work);
        }
    }
}
