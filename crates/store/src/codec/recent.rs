//! What was appended at one moment, so that a twin that a slow server commits late is recognised.

use super::{Form, Read, Reader, Writer};
use parom_domain::state::{FolderId, Recent};
use parom_domain::{Fingerprint, Uid};

/// The moment itself is a column, for pruning.
pub(crate) fn write_recent(batch: &[Recent]) -> Vec<u8> {
    let mut writer = Writer::new(Form::Recent, batch.len() * 34 + 4);
    writer.count(batch.len());
    for recent in batch {
        writer.number(u64::from(recent.folder.0));
        writer.side(recent.into);
        writer.fixed(&recent.fingerprint.to_bytes());
        writer.number(recent.len);
        writer.fixed(&recent.content.to_le_bytes());
        writer.number(recent.uid.map_or(0, |uid| u64::from(uid.get())));
    }
    writer.finish()
}

pub(crate) fn read_recent(blob: &[u8], at_ms: u64) -> Read<Vec<Recent>> {
    let mut reader = Reader::open(blob, Form::Recent)?;
    let count = reader.count()?;
    let batch = (0..count)
        .map(|_| {
            Ok(Recent {
                folder: FolderId(reader.u32()?),
                into: reader.side()?,
                fingerprint: Fingerprint::from_bytes(reader.fixed()?),
                len: reader.number()?,
                content: u64::from_le_bytes(reader.fixed()?),
                uid: Uid::new(reader.u32()?),
                at_ms,
            })
        })
        .collect::<Read<Vec<_>>>()?;
    reader.end()?;
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{any_side, any_uid, no_damage_passes};
    use super::*;
    use proptest::prelude::*;

    fn any_recent() -> impl Strategy<Value = Recent> {
        (any::<(u32, [u8; 16], u64, u64)>(), any_side(), proptest::option::of(any_uid())).prop_map(
            |((folder, fingerprint, len, content), into, uid)| Recent {
                folder: FolderId(folder),
                into,
                fingerprint: Fingerprint::from_bytes(fingerprint),
                len,
                content,
                uid,
                at_ms: 7,
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn recent_batches_go_both_ways(batch in proptest::collection::vec(any_recent(), 0..6)) {
            let blob = write_recent(&batch);
            prop_assert_eq!(read_recent(&blob, 7), Ok(batch));
            no_damage_passes(&blob, |blob| read_recent(blob, 7));
        }
    }
}
