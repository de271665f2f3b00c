//! What a folder with new UIDs lost, by what it looks like.

use super::{Form, Read, Reader, Writer};

pub(crate) fn write_strays(looks: &[(u64, u32)]) -> Vec<u8> {
    let mut writer = Writer::new(Form::Strays, looks.len() * 12 + 4);
    writer.count(looks.len());
    for (short, size) in looks {
        writer.fixed(&short.to_le_bytes());
        writer.number(u64::from(*size));
    }
    writer.finish()
}

pub(crate) fn read_strays(blob: &[u8]) -> Read<Vec<(u64, u32)>> {
    let mut reader = Reader::open(blob, Form::Strays)?;
    let count = reader.count()?;
    let looks =
        (0..count).map(|_| Ok((u64::from_le_bytes(reader.fixed()?), reader.u32()?))).collect::<Read<Vec<_>>>()?;
    reader.end()?;
    Ok(looks)
}

#[cfg(test)]
mod tests {
    use super::super::tests::no_damage_passes;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strays_go_both_ways(looks in proptest::collection::vec(any::<(u64, u32)>(), 0..6)) {
            let blob = write_strays(&looks);
            prop_assert_eq!(read_strays(&blob), Ok(looks));
            no_damage_passes(&blob, read_strays);
        }
    }
}
