//! Reading an HTTP answer to a bound.

/// The largest answer taken, in bytes. A chain and a QR code come to about 20 KiB.
const MAX_BYTES: usize = 256 * 1_024;

/// The whole body, or a sentence saying why not.
pub(super) async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(super::api::chain)? {
        if bytes.len() + chunk.len() > MAX_BYTES {
            return Err(format!("the answer is larger than {MAX_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
