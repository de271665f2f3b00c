//! A small reproducible source of randomness (SplitMix64). It is not for secrets.

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// An independent source for one part of the whole.
    #[must_use]
    pub fn fork(&self, part: u64) -> Random {
        let mut child = Random(self.0 ^ part.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        child.number();
        child
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `limit`, which must not be 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit.max(1)
    }

    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    /// One of the list; the default of an empty one.
    pub fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        let at = self.index(list.len());
        list.get(at).copied().unwrap_or_default()
    }

    /// True once in so many times.
    pub fn one_in(&mut self, chances: usize) -> bool {
        self.index(chances) == 0
    }

    /// One of the list, if there is any.
    pub fn choose<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { list.get(self.index(list.len())).cloned() }
    }

    /// Log-normal with this median and a sigma of 1: the mean is 1.65 times the median.
    pub fn size(&mut self, median: usize) -> usize {
        // Twelve uniform numbers add up to something very near a normal distribution with variance 1.
        let uniform = |random: &mut Random| (random.number() >> 11) as f64 / (1u64 << 53) as f64;
        let normal: f64 = (0..12).map(|_| uniform(self)).sum::<f64>() - 6.0;
        (median as f64 * normal.exp()) as usize
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}
