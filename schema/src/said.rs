//! What a database error says, in one line.

use std::error::Error;

/// The error and its causes, joined. The driver's own text is only "db error"; what the server said
/// is in its cause.
///
/// The errors of this crate put this into their own sentence and report no `source`, so that a
/// program that prints causes too doesn't say everything twice.
pub fn said(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
