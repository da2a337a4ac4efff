//! `ETag` and `If-Match` of things whose changes are counted (RFC 9110 section 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, header};

use crate::problem::{Code, Problem};

/// The version that the caller knows; none if they did not say, or any will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IfMatch(Option<Vec<i64>>);

/// The header that tells a version.
pub(crate) fn etag(version: i64) -> (HeaderName, String) {
    (header::ETAG, format!("\"{version}\""))
}

impl IfMatch {
    /// Refuses a change of something that is not as the caller knows it.
    pub(crate) fn check(&self, version: i64) -> Result<(), Problem> {
        match &self.0 {
            Some(known) if !known.contains(&version) => {
                let detail = "it changed since you read it; read it again and repeat the change";
                Err(Problem::new(Code::VersionMismatch, detail))
            }
            _ => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter().peekable();
        if values.peek().is_none() {
            return Ok(Self(None));
        }
        let mut known = Vec::new();
        let tags = values.filter_map(|value| value.to_str().ok());
        for tag in tags.flat_map(|value| value.split(',')).map(str::trim) {
            if tag == "*" {
                return Ok(Self(None));
            }
            // A weak tag never matches here, and neither does one that is not ours.
            let digits = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            known.extend(digits.and_then(|digits| digits.parse::<i64>().ok()));
        }
        Ok(Self(Some(known)))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn read(values: &[&str]) -> IfMatch {
        let mut request = Request::builder();
        for value in values {
            request = request.header("if-match", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[tokio::test]
    async fn a_change_passes_only_with_the_version_there_is() {
        for passes in [
            &[][..],
            &["*"],
            &["\"7\""],
            &["\"6\", \"7\""],
            &["\"6\"", "\"7\""],
        ] {
            assert!(read(passes).await.check(7).is_ok(), "{passes:?}");
        }
        for fails in [&["\"6\""][..], &["7"], &["W/\"7\""], &[""], &["\"seven\""]] {
            assert!(read(fails).await.check(7).is_err(), "{fails:?}");
        }
    }
}
