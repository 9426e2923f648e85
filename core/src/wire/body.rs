//! Reading a body somebody sent: the same few lines on the relay and on the device, so that neither
//! can be made to spend more memory than the other.
//!
//! A decoder makes of one byte of CBOR up to a few hundred bytes of memory: an empty list of lists,
//! a field of a later version that nests a million deep. So before anything is decoded the body is
//! walked once, without allocating, and held to a number of items and a depth.

use minicbor::Decode;
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::limits;
use crate::compress::decompress;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// It is no zstd.
    #[error("not compressed as announced")]
    Compression,
    /// More comes out of it than it may hold.
    #[error("too large")]
    TooLarge,
    /// It is not what was expected.
    #[error("not readable")]
    Cbor,
}

/// A body of at most `most` bytes, decompressed if it is `compressed`, as the value it must be from
/// its first byte to its last.
///
/// # Errors
/// Why it was not read.
pub fn read<T: for<'b> Decode<'b, ()>>(
    bytes: &[u8],
    compressed: bool,
    most: usize,
) -> Result<T, BadBody> {
    if compressed {
        return parse(&decompress(bytes, most)?);
    }
    if bytes.len() > most {
        return Err(BadBody::TooLarge);
    }
    parse(bytes)
}

/// The value these bytes are, from the first to the last.
///
/// # Errors
/// [`BadBody::Cbor`] if they are another or more than [`limits::ITEMS`] allows.
pub fn parse<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, BadBody> {
    match walk(bytes, limits::ITEMS) {
        Ok(end) if end == bytes.len() => minicbor::decode(bytes).map_err(|_| BadBody::Cbor),
        Ok(_) | Err(_) => Err(BadBody::Cbor),
    }
}

/// Walks one value and returns where it ends. Lengths must be definite, as all of ours are.
fn walk(bytes: &[u8], items: usize) -> Result<usize, Error> {
    let refused = || Err(Error::message("too much in it"));
    let mut decoder = Decoder::new(bytes);
    // How many values are still to come at each depth.
    let mut left = [0u64; limits::DEPTH];
    let mut depth = 0;
    for _ in 0..items {
        let inside = match decoder.datatype()? {
            Type::Array => decoder.array()?,
            Type::Map => decoder.map()?.and_then(|pairs| pairs.checked_mul(2)),
            Type::Tag => {
                decoder.tag()?;
                Some(1)
            }
            Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef => {
                return refused();
            }
            Type::Bool
            | Type::Null
            | Type::Undefined
            | Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int
            | Type::F16
            | Type::F32
            | Type::F64
            | Type::Simple
            | Type::Bytes
            | Type::String
            | Type::Break
            | Type::Unknown(_) => {
                decoder.skip()?;
                Some(0)
            }
        };
        match inside {
            // More values than bytes cannot come.
            Some(count) if count <= (bytes.len() - decoder.position()) as u64 => {
                if count > 0 {
                    if depth == limits::DEPTH {
                        return refused();
                    }
                    left[depth] = count;
                    depth += 1;
                    continue;
                }
            }
            Some(_) | None => return refused(),
        }
        while depth > 0 {
            left[depth - 1] -= 1;
            if left[depth - 1] > 0 {
                break;
            }
            depth -= 1;
        }
        if depth == 0 {
            return Ok(decoder.position());
        }
    }
    refused()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::encode;
    use crate::wire::{Cursors, OrderDone, PROTOCOL, SyncRequest};

    fn request() -> SyncRequest {
        SyncRequest {
            protocol: PROTOCOL,
            instance: [7; 16],
            cursors: Cursors::Vector(vec![]),
            push: vec![vec![1, 2, 3].into(), vec![].into()],
            wait_ms: 0,
            now_ms: -1,
            status_seen: u64::MAX,
            max_bytes: 0,
            done: vec![OrderDone { number: 3 }],
            offers: vec![],
            about: None,
            reads: None,
        }
    }

    #[test]
    fn a_request_is_read_plain_and_compressed_and_only_whole() {
        let bytes = encode(&request());
        assert_eq!(read(&bytes, false, bytes.len()), Ok(request()));
        let packed = zstd::stream::encode_all(&bytes[..], 3).expect("packs");
        assert_eq!(read(&packed, true, bytes.len()), Ok(request()));
        for (cut, compressed) in [(&bytes, false), (&packed, true)] {
            let most = bytes.len() - 1;
            let larger: Result<SyncRequest, _> = read(cut, compressed, most);
            assert_eq!(larger, Err(BadBody::TooLarge));
        }
        for len in 0..bytes.len() {
            let cut: Result<SyncRequest, _> = parse(&bytes[..len]);
            assert_eq!(cut, Err(BadBody::Cbor));
        }
        let longer: Result<SyncRequest, _> = parse(&[&bytes[..], &[0]].concat());
        assert_eq!(longer, Err(BadBody::Cbor));
        let other: Result<SyncRequest, _> = read(&bytes, true, 1_000);
        assert_eq!(other, Err(BadBody::Compression));
    }

    #[test]
    fn a_field_of_a_later_version_is_skipped_unless_it_nests_without_end() {
        let later = |extra: &[u8]| {
            let mut bytes = encode(&request());
            assert_eq!(
                bytes[0], 0x8a,
                "an array of ten: what is left out costs nothing"
            );
            bytes[0] = 0x8d;
            bytes.extend_from_slice(&[0xf6, 0xf6]);
            bytes.extend_from_slice(extra);
            parse::<SyncRequest>(&bytes)
        };
        assert_eq!(later(&[0xa1, 0x01, 0x82, 0xf6, 0xc1, 0x00]), Ok(request()));
        let deep = |depth: usize| [vec![0x81; depth], vec![0]].concat();
        assert_eq!(later(&deep(limits::DEPTH - 1)), Ok(request()));
        assert_eq!(later(&deep(limits::DEPTH)), Err(BadBody::Cbor));
        assert_eq!(later(&deep(1_000_000)), Err(BadBody::Cbor));
        assert_eq!(later(&vec![0x9f; 1_000_000]), Err(BadBody::Cbor));
        assert_eq!(
            later(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Err(BadBody::Cbor)
        );
        assert_eq!(
            later(&[0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            Err(BadBody::Cbor)
        );
    }

    #[test]
    fn more_items_than_any_body_has_are_refused_before_any_is_made() {
        let mut bytes = vec![0x9a];
        let count = u32::try_from(limits::ITEMS).expect("small");
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.resize(bytes.len() + limits::ITEMS, 0x40);
        assert_eq!(
            parse::<Vec<minicbor::bytes::ByteVec>>(&bytes),
            Err(BadBody::Cbor)
        );
        bytes.pop();
        bytes[1..5].copy_from_slice(&(count - 1).to_be_bytes());
        assert_eq!(
            parse::<Vec<minicbor::bytes::ByteVec>>(&bytes).map(|all| all.len()),
            Ok(limits::ITEMS - 1)
        );
    }
}
