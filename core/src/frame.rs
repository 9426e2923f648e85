//! How a blob rests on disk: version, length, hash, payload.
//!
//! Automerge verifies neither a change's checksum nor everything a damaged save could contain, so
//! nothing read back from storage reaches it unless the frame shows it is what was written.

use sha2::{Digest, Sha256};

const VERSION: u8 = 1;
const DIGEST: usize = 16;
/// Bytes before the payload.
pub const HEAD: usize = 1 + 4 + DIGEST;

/// The payload with its frame: 21 bytes more.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&Sha256::digest(payload)[..DIGEST]);
    bytes.extend_from_slice(payload);
    bytes
}

/// The payload, if the frame is whole and is of a version this code knows.
pub fn unframe(bytes: &[u8]) -> Option<&[u8]> {
    let (head, payload) = bytes.split_at_checked(HEAD)?;
    let length = u32::try_from(payload.len()).ok()?.to_be_bytes();
    let whole = head[0] == VERSION
        && head[1..5] == length
        && head[5..] == Sha256::digest(payload)[..DIGEST];
    whole.then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_opens_to_what_went_in() {
        for payload in [&b""[..], b"x", &[7; 100_000]] {
            assert_eq!(unframe(&frame(payload)), Some(payload));
        }
    }

    #[test]
    fn any_flipped_byte_or_cut_is_noticed() {
        let framed = frame(b"250mg");
        for i in 0..framed.len() {
            let mut bad = framed.clone();
            bad[i] ^= 1;
            assert_eq!(unframe(&bad), None, "byte {i}");
            assert_eq!(unframe(&framed[..i]), None, "cut at {i}");
        }
        let mut longer = framed;
        longer.push(0);
        assert_eq!(unframe(&longer), None);
    }
}
