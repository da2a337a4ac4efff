//! Tells other programs which addresses were bound, in one atomic step.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::error::StartError;

/// Writes a JSON object of names and addresses: a file beside it first, then a rename.
pub fn write(file: &Path, addresses: &BTreeMap<String, SocketAddr>) -> Result<(), StartError> {
    let failed = |source| StartError::AddressFile {
        file: file.to_owned(),
        source,
    };
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let mut temporary = std::fs::File::create(&beside).map_err(failed)?;
    let text = serde_json::to_vec(addresses).expect("names and addresses are plain text");
    temporary.write_all(&text).map_err(failed)?;
    temporary.sync_all().map_err(failed)?;
    std::fs::rename(&beside, file).map_err(failed)
}
