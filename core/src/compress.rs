//! zstd with a ceiling: what comes out is bounded before anything is allocated for it.

use std::io::Read;

/// Level 3: what the design's byte figures were measured at.
const LEVEL: i32 = 3;

/// Compressed, or `None` if that would not be smaller.
pub fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::stream::encode_all(bytes, LEVEL).ok()?;
    (packed.len() < bytes.len()).then_some(packed)
}

/// Decompressed; `None` if it is not zstd or more than `cap` bytes come out.
pub fn decompress(bytes: &[u8], cap: usize) -> Option<Vec<u8>> {
    let mut decoder = zstd::stream::Decoder::new(bytes).ok()?;
    // A frame may ask for a window as large as it likes; ours never need more than 8 MiB.
    decoder.window_log_max(23).ok()?;
    let mut out = Vec::new();
    decoder.take(cap as u64 + 1).read_to_end(&mut out).ok()?;
    (out.len() <= cap).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_stops_at_the_ceiling() {
        let bomb = compress(&vec![0u8; 50_000_000]).expect("shrinks");
        assert!(bomb.len() < 10_000);
        assert_eq!(decompress(&bomb, 1_000_000), None);
        assert_eq!(
            decompress(&bomb, 50_000_000).map(|b| b.len()),
            Some(50_000_000)
        );
        assert_eq!(decompress(b"no zstd at all", 100), None);
    }
}
