//! Change chunks built by hand, with a right checksum over whatever they contain.

use crate::chunk::{COLUMNS, Chunk, Column, write_i64, write_u64};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::id::Hash;

/// A chunk to be filled: the author is sixteen ones, it depends on genesis, actor 1 is genesis.
pub struct ByHand {
    /// The author.
    pub actor: Vec<u8>,
    /// The other actors.
    pub others: Vec<Vec<u8>>,
    /// Dependencies.
    pub deps: Vec<Hash>,
    /// The author's count.
    pub seq: u64,
    /// The first operation's counter.
    pub start_op: u64,
    /// The author's clock.
    pub time: i64,
    /// Commit message.
    pub message: String,
    /// By [`Column`].
    pub columns: [Vec<u8>; COLUMNS],
}

impl ByHand {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        Self {
            actor: vec![1; 16],
            others: vec![],
            deps: vec![genesis(kind).hash],
            seq: 1,
            start_op: 1_000,
            time: 0,
            message: String::new(),
            columns: Default::default(),
        }
    }

    /// `count` times: put null at this key of the root.
    pub fn puts(kind: Kind, key: &str, count: u64) -> Self {
        let mut change = Self::new(kind);
        change.set(Column::KeyString, &run_of(count, |out| text(out, key)));
        change.set(Column::Insert, &flags(&[count]));
        change.set(Column::Action, &run_of(count, |out| write_u64(out, 1)));
        change.set(Column::ValueMeta, &run_of(count, |out| write_u64(out, 0)));
        change.set(Column::PredCount, &run_of(count, |out| write_u64(out, 0)));
        change
    }

    /// One operation on a genesis container's key.
    pub fn on(kind: Kind, container: &str, key: &str, action: u64) -> Self {
        let mut change = Self::puts(kind, key, 1);
        let genesis = genesis(kind);
        let (counter, _) = (1u64..)
            .zip(&genesis.by_counter)
            .find(|(_, (key, ..))| *key == container)
            .unwrap();
        change.others = vec![genesis.actor.to_vec()];
        change.set(Column::ObjActor, &run_of(1, |out| write_u64(out, 1)));
        change.set(
            Column::ObjCounter,
            &run_of(1, |out| write_u64(out, counter)),
        );
        change.set(Column::Action, &run_of(1, |out| write_u64(out, action)));
        change
    }

    /// One predecessor for the one operation.
    pub fn with_pred(mut self, actor: u64, counter: i64) -> Self {
        self.set(Column::PredCount, &run_of(1, |out| write_u64(out, 1)));
        self.set(Column::PredActor, &run_of(1, |out| write_u64(out, actor)));
        self.set(
            Column::PredCounter,
            &run_of(1, |out| write_i64(out, counter)),
        );
        self
    }

    /// Sets a column's bytes.
    pub fn set(&mut self, column: Column, bytes: &[u8]) {
        self.columns[column as usize] = bytes.to_vec();
    }

    /// The chunk, its checksum right.
    pub fn bytes(&self) -> Vec<u8> {
        let chunk = Chunk {
            deps: self.deps.clone(),
            actor: &self.actor,
            seq: self.seq,
            start_op: self.start_op,
            time: self.time,
            message: &self.message,
            others: self.others.iter().map(Vec::as_slice).collect(),
            columns: std::array::from_fn(|place| self.columns[place].as_slice()),
        };
        chunk.to_bytes().into_bytes()
    }
}

/// A column of one value, so many times.
pub fn run_of(count: u64, value: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write_i64(&mut out, if count == 1 { -1 } else { count.cast_signed() });
    value(&mut out);
    out
}

/// A column of booleans: how many false, then true, and so on.
pub fn flags(runs: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in runs {
        write_u64(&mut out, *run);
    }
    out
}

/// A string cell.
pub fn text(out: &mut Vec<u8>, text: &str) {
    write_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Any body in a chunk of this type with a right checksum.
pub fn seal_body(chunk_type: u8, body: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut head = vec![chunk_type];
    write_u64(&mut head, body.len() as u64);
    let digest = Sha256::new()
        .chain_update(&head)
        .chain_update(body)
        .finalize();
    let mut bytes = crate::chunk::MAGIC.to_vec();
    bytes.extend_from_slice(&digest[..4]);
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    bytes
}

/// A deflate stream of about so many bytes that inflates to a thousand times as many.
pub fn deflate_bomb(bytes: usize) -> Vec<u8> {
    use std::io::Write;
    let level = flate2::Compression::best();
    let mut mebibyte = flate2::write::DeflateEncoder::new(Vec::new(), level);
    mebibyte.write_all(&vec![0; 1 << 20]).unwrap();
    mebibyte.flush().unwrap();
    // It ends at a byte and refers to nothing before itself: it may stand as often as one likes.
    let piece = mebibyte.get_ref();
    let mut stream = piece.repeat(bytes / piece.len());
    // The last block, with nothing in it.
    stream.extend([3, 0]);
    stream
}

/// A zstd frame of these few bytes as they are, whose reader is to keep a window of `1 << window_log` bytes.
pub fn zstd_window(window_log: u8, bytes: &[u8]) -> Vec<u8> {
    assert!((10..=41).contains(&window_log) && bytes.len() < 1 << 17);
    let block = u32::try_from(bytes.len()).unwrap() << 3 | 1;
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3];
    frame.extend_from_slice(&block.to_le_bytes()[..3]);
    frame.extend_from_slice(bytes);
    frame
}

/// The body of a chunk.
pub fn body(chunk: &[u8]) -> Vec<u8> {
    let mut r = crate::chunk::Reader::new(&chunk[9..]);
    let len = r.length().unwrap();
    r.take(len).unwrap().to_vec()
}

/// A document file of these columns of changes and of operations, by specification; of one actor, without heads.
pub fn document_file(changes: &[(u64, &[u8])], ops: &[(u64, &[u8])]) -> Vec<u8> {
    let mut body = [&[1, 16][..], &[7; 16], &[0]].concat();
    for columns in [changes, ops] {
        write_u64(&mut body, columns.len() as u64);
        for (spec, bytes) in columns {
            write_u64(&mut body, *spec);
            write_u64(&mut body, bytes.len() as u64);
        }
    }
    for (_, bytes) in [changes, ops].concat() {
        body.extend_from_slice(bytes);
    }
    seal_body(0, &body)
}
