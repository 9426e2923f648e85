//! A file of a disk that is not SQLite's.

use std::io::{Error, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::{Disk, DiskError, Io};

/// An open file.
pub struct DiskFile {
    disk: Arc<Disk>,
    at: (usize, u32),
    position: usize,
}

impl DiskFile {
    pub(super) fn new(disk: Arc<Disk>, node: usize, boot: u32) -> Self {
        Self {
            disk,
            at: (node, boot),
            position: 0,
        }
    }

    /// Makes durable what was written.
    ///
    /// # Errors
    /// A dead or failing disk.
    pub fn sync(&self) -> Result<()> {
        Ok(self.disk.on(self.at, Some(Io::Sync), |_| ())?)
    }

    /// Cuts off.
    ///
    /// # Errors
    /// A dead or failing disk.
    pub fn set_len(&self, length: u64) -> Result<()> {
        let length = size(length)?;
        Ok(self
            .disk
            .on(self.at, Some(Io::Write), |node| node.cut(length))?)
    }
}

impl Read for DiskFile {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let position = self.position;
        let read = self.disk.on(self.at, Some(Io::Read), |node| {
            let end = node.now().len().saturating_sub(position).min(into.len());
            node.read(position, &mut into[..end])
        })?;
        self.position += read;
        Ok(read)
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let position = self.position;
        self.disk.on(self.at, Some(Io::Write), |node| {
            node.write(position, bytes);
        })?;
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Seek for DiskFile {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let length = self.disk.on(self.at, None, |node| node.now().len())? as u64;
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => length.checked_add_signed(by),
            SeekFrom::Current(by) => (self.position as u64).checked_add_signed(by),
        };
        let position = position.ok_or(ErrorKind::InvalidInput)?;
        self.position = size(position)?;
        Ok(position)
    }
}

impl Drop for DiskFile {
    fn drop(&mut self) {
        self.disk.close(self.at);
    }
}

impl From<DiskError> for Error {
    fn from(error: DiskError) -> Self {
        let kind = match error {
            DiskError::Dead | DiskError::Failed => ErrorKind::Other,
            DiskError::Full => ErrorKind::StorageFull,
            DiskError::ReadOnly => ErrorKind::ReadOnlyFilesystem,
            DiskError::Missing => ErrorKind::NotFound,
        };
        Error::from(kind)
    }
}

fn size(length: u64) -> Result<usize> {
    usize::try_from(length).map_err(|_| ErrorKind::InvalidInput.into())
}

impl sopu_server::ledger::Medium for DiskFile {
    fn sync(&mut self) -> Result<()> {
        DiskFile::sync(self)
    }

    fn cut(&mut self, length: u64) -> Result<()> {
        self.set_len(length)
    }
}
