//! Reads a password from a file, never from an argument that `ps` would show.

use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::Failure;

/// Longest password, in bytes.
const PASSWORD_MAX_BYTES: u64 = 1024;

/// The file's text without the line break at its end.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let refuse = |why: String| {
        Failure::config(anyhow::anyhow!(
            "the password file {} {why}",
            path.display()
        ))
    };
    let file =
        std::fs::File::open(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut text = Zeroizing::new(String::new());
    file.take(PASSWORD_MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| refuse(format!("cannot be read as UTF-8 text: {error}")))?;
    if text.len() as u64 > PASSWORD_MAX_BYTES {
        return Err(refuse(format!("is longer than {PASSWORD_MAX_BYTES} bytes")));
    }
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    if text.is_empty() {
        return Err(refuse(
            "is empty; put the password on its first line".to_owned(),
        ));
    }
    if text.contains(['\r', '\n', '\0']) {
        return Err(refuse("holds more than one line".to_owned()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::read;

    fn file(content: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), content).expect("it can be written");
        file
    }

    #[test]
    fn the_line_break_at_the_end_is_no_part_of_the_password() {
        for content in ["pass word", "pass word\n", "pass word\r\n"] {
            assert_eq!(
                read(file(content.as_bytes()).path()).unwrap().as_str(),
                "pass word"
            );
        }
    }

    #[test]
    fn what_is_no_password_is_refused_without_being_shown() {
        let long = "x".repeat(1025);
        for content in ["", "\n", "secret\nsecond", long.as_str()] {
            let refusal = read(file(content.as_bytes()).path()).unwrap_err();
            assert_eq!(refusal.code(), 78);
            assert!(
                !refusal.sentence().contains("secret"),
                "{}",
                refusal.sentence()
            );
        }
        assert_eq!(read(file(b"\xff\xfe").path()).unwrap_err().code(), 78);
        assert_eq!(read("/no/such/file".as_ref()).unwrap_err().code(), 78);
    }
}
