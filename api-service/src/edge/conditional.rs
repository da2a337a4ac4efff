//! A public document that changes now and then: its caching headers, and 304 for who has it already
//! (RFC 9110 section 13, RFC 9111).

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

/// The one date form that RFC 9110 section 5.6.7 lets anybody write.
const HTTP_DATE: &[BorrowedFormatItem<'static>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// A document with what caches must know of it.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// Names these bytes among all; letters and digits.
    pub(crate) tag: String,
    /// Later with each version.
    pub(crate) modified: OffsetDateTime,
    /// Until then nobody need ask again.
    pub(crate) fresh_until: OffsetDateTime,
}

impl Document {
    /// The answer to a request with these headers.
    pub(crate) fn answer(self, request: &HeaderMap, now: OffsetDateTime) -> Response {
        let tag = format!("\"{}\"", self.tag);
        let fresh = (self.fresh_until - now).whole_seconds().max(0);
        let modified = self.modified.to_offset(time::UtcOffset::UTC);
        let headers = [
            (header::ETAG, tag.clone()),
            (
                header::LAST_MODIFIED,
                modified.format(HTTP_DATE).unwrap_or_default(),
            ),
            (header::CACHE_CONTROL, format!("public, max-age={fresh}")),
        ];
        if is_known(request, &tag, modified) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, self.content_type)];
        (headers, content_type, self.body).into_response()
    }
}

/// Whether the caller has this version. With `If-None-Match`, the date does not count.
fn is_known(request: &HeaderMap, tag: &str, modified: OffsetDateTime) -> bool {
    let mut tags = request.get_all(header::IF_NONE_MATCH).iter().peekable();
    if tags.peek().is_some() {
        let mut tags = tags
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        return tags.any(|each| {
            let each = each.trim();
            each == "*" || each.strip_prefix("W/").unwrap_or(each) == tag
        });
    }
    let since = request
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| PrimitiveDateTime::parse(text, HTTP_DATE).ok());
    since.is_some_and(|since| modified <= since.assume_utc())
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    const MADE: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);

    fn ask(headers: &[(&'static str, &str)], now: OffsetDateTime) -> Response {
        let document = Document {
            content_type: "application/pkix-crl",
            body: Bytes::from_static(b"list"),
            tag: "00ff".to_owned(),
            modified: MADE,
            fresh_until: MADE + Duration::HOUR,
        };
        let mut request = HeaderMap::new();
        for (name, value) in headers {
            request.append(*name, value.parse().unwrap());
        }
        document.answer(&request, now)
    }

    #[test]
    fn an_answer_tells_caches_what_it_is_and_how_long_it_holds() {
        let answer = ask(&[], MADE + Duration::minutes(10));
        assert_eq!(answer.status(), 200);
        for (name, value) in [
            ("etag", "\"00ff\""),
            ("last-modified", "Sun, 22 Nov 2026 10:00:00 GMT"),
            ("cache-control", "public, max-age=3000"),
            ("content-type", "application/pkix-crl"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        let late = ask(&[], MADE + Duration::DAY);
        assert_eq!(late.headers()["cache-control"], "public, max-age=0");
    }

    #[test]
    fn who_has_it_gets_304() {
        for known in [
            [("if-none-match", "\"00ff\"")].as_slice(),
            &[("if-none-match", "\"aa\", W/\"00ff\"")],
            &[("if-none-match", "\"aa\""), ("if-none-match", "\"00ff\"")],
            &[("if-none-match", "*")],
            &[("if-modified-since", "Sun, 22 Nov 2026 10:00:00 GMT")],
        ] {
            let answer = ask(known, MADE);
            assert_eq!(answer.status(), 304, "{known:?}");
            assert_eq!(answer.headers()["etag"], "\"00ff\"");
        }
    }

    #[test]
    fn who_has_another_or_says_nonsense_gets_it_whole() {
        for other in [
            [("if-none-match", "\"aa\"")].as_slice(),
            &[("if-none-match", "00ff")],
            // The tag decides although the date would fit.
            &[
                ("if-none-match", "\"aa\""),
                ("if-modified-since", "Sun, 22 Nov 2026 10:00:00 GMT"),
            ],
            &[("if-modified-since", "Sun, 22 Nov 2026 09:59:59 GMT")],
            &[("if-modified-since", "yesterday")],
        ] {
            assert_eq!(ask(other, MADE).status(), 200, "{other:?}");
        }
    }
}
