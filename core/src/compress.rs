//! zstd with a ceiling: what comes out is bounded before anything is allocated for it.

use std::io::{self, Read};

use crate::wire::body::BadBody;

/// Level 3: what the design's byte figures were measured at.
const LEVEL: i32 = 3;

/// Compressed, or `None` if that would not be smaller.
pub fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::stream::encode_all(bytes, LEVEL).ok()?;
    (packed.len() < bytes.len()).then_some(packed)
}

/// Decompressed.
///
/// # Errors
/// [`BadBody::Compression`] if it is not zstd, [`BadBody::TooLarge`] if more than `cap` bytes come
/// out.
pub fn decompress(bytes: &[u8], cap: usize) -> Result<Vec<u8>, BadBody> {
    let failed = |error: io::Error| {
        // All that zstd says of a window larger than allowed.
        if error.to_string().contains("too much memory") {
            BadBody::TooLarge
        } else {
            BadBody::Compression
        }
    };
    let mut decoder = zstd::stream::Decoder::new(bytes).map_err(failed)?;
    // A frame may ask for a window as large as it likes, and gets the memory at once. Ours ask for
    // 2 MiB at most; nobody needs more than what may come out.
    let window = cap.next_power_of_two().ilog2().clamp(10, 23);
    decoder.window_log_max(window).map_err(failed)?;
    read_within(decoder, cap)
        .map_err(failed)?
        .ok_or(BadBody::TooLarge)
}

/// All there is to read, or `None` if that is more than so many bytes. By small parts: reading to the end would make
/// room for twice the most before it knew that more came.
pub(crate) fn read_within(mut from: impl Read, most: usize) -> io::Result<Option<Vec<u8>>> {
    let (mut out, mut part) = (Vec::new(), [0; 16 * 1_024]);
    loop {
        match from.read(&mut part) {
            Ok(0) => return Ok(Some(out)),
            Ok(more) if more > most - out.len() => return Ok(None),
            Ok(more) => out.extend_from_slice(&part[..more]),
            // As the standard library's own reading to the end does.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::by_hand::zstd_window;

    #[test]
    fn a_bomb_stops_at_the_ceiling() {
        let bomb = compress(&vec![0u8; 50_000_000]).expect("shrinks");
        assert!(bomb.len() < 10_000);
        assert_eq!(decompress(&bomb, 4_000_000), Err(BadBody::TooLarge));
        // Its window alone is larger than what may come out.
        assert_eq!(decompress(&bomb, 1_000_000), Err(BadBody::TooLarge));
        assert_eq!(
            decompress(&bomb, 50_000_000).map(|b| b.len()),
            Ok(50_000_000)
        );
        assert_eq!(
            decompress(b"no zstd at all", 100),
            Err(BadBody::Compression)
        );
    }

    /// A signal came in between: nothing of what is read is lost.
    #[test]
    fn a_read_that_was_interrupted_is_made_again() {
        struct Interrupted(bool);
        impl Read for Interrupted {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                self.0 = !self.0;
                match self.0 {
                    true => Err(io::ErrorKind::Interrupted.into()),
                    false => Ok(0),
                }
            }
        }
        let read = read_within(b"few".chain(Interrupted(false)), 3);
        assert_eq!(read.ok(), Some(Some(b"few".to_vec())));
    }

    /// What comes out is small, so only its window can be why it is refused. zstd would give it up to
    /// 128 MiB (a log of 27) by itself.
    #[test]
    fn a_few_bytes_get_no_larger_window_than_what_may_come_out() {
        for (cap, most) in [(500, 10), (16 * 1_024, 14), (1 << 20, 20), (32 << 20, 23)] {
            let asks = |window_log| decompress(&zstd_window(window_log, b"few"), cap);
            for window_log in 10..=most {
                assert_eq!(asks(window_log), Ok(b"few".to_vec()), "{window_log}");
            }
            for window_log in most + 1..=41 {
                assert_eq!(asks(window_log), Err(BadBody::TooLarge), "{window_log}");
            }
        }
        // A frame in one segment has its size for a window, here said in eight bytes.
        let claims = [
            0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
        ];
        assert_eq!(decompress(&claims, 32 << 20), Err(BadBody::TooLarge));
    }
}
