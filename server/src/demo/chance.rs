//! Seeded choices: which text, which order, which number. Never secrets: keys, tokens and ids come
//! from the operating system.

use sha2::{Digest, Sha256};

/// A stream of choices that is the same for the same seed and label.
#[derive(Clone, Debug)]
pub struct Chance {
    seed: u64,
    label: String,
    drawn: u64,
}

impl Chance {
    /// The stream of this label. Different labels are independent, so that work done in another
    /// order, or skipped because an earlier run did it, changes nothing else.
    pub fn new(seed: u64, label: &str) -> Self {
        Self {
            seed,
            label: label.to_owned(),
            drawn: 0,
        }
    }

    /// A number below `n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let mut sha = Sha256::new();
        sha.update(self.seed.to_be_bytes());
        sha.update(self.drawn.to_be_bytes());
        sha.update(self.label.as_bytes());
        let hash: [u8; 32] = sha.finalize().into();
        self.drawn += 1;
        let (head, _) = hash.split_at(8);
        let number = head
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        // The bias of the remainder does not matter for choosing texts.
        usize::try_from(number % u64::try_from(n.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// A number from `from` to `to`, both included.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        let span = usize::try_from(to.saturating_sub(from).saturating_add(1)).unwrap_or(1);
        from + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// One of these.
    ///
    /// # Panics
    /// If there are none: the texts are part of the program.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_label_choose_the_same() {
        let draw = |seed, label| {
            let mut chance = Chance::new(seed, label);
            (0..20).map(|_| chance.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn a_shuffle_keeps_everything() {
        let mut items: Vec<usize> = (0..50).collect();
        Chance::new(7, "order").shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
