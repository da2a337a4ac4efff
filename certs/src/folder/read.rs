//! Reading files without trusting their size.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Reads a whole file of at most `limit_bytes`.
pub fn read_limited(path: &Path, limit_bytes: usize) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, limit_bytes)
}

/// Reads a source to its end, which must come within `limit_bytes`.
pub fn read_all(source: impl Read, limit_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    source.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > limit_bytes {
        let sentence = format!("it is larger than {limit_bytes} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, sentence));
    }
    Ok(bytes)
}
