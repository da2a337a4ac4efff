//! `?limit=`, `?cursor=` and the filters of a list that is read page by page.
//!
//! A list names the [`Place`] at which a page may begin and the [`Filter`] that it takes besides; the
//! handler gets a [`Page`] of them, reads [`Page::rows_to_read`] rows from that place on, and lets
//! [`Page::cut`] make the page and the next cursor of them.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use utoipa::IntoParams;

use super::parameters::{self, Wrong};
use crate::problem::Problem;
use schema::DeviceId;

/// Rows of one page when the caller does not say.
const LIMIT_DEFAULT: u16 = 50;

/// Most rows of one page.
const LIMIT_MAX: u16 = 200;

/// A place in a list's order, between two rows: what a cursor holds. Callers must not look into one.
pub(crate) trait Place: Sized {
    /// Its bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads its bytes, which come from a caller.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// What a list can be asked for besides a page.
pub(crate) trait Filter: Default {
    /// Takes one parameter.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong>;
}

/// A list that is not filtered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NoFilter;

/// Which page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<P, F = NoFilter> {
    /// At most so many rows.
    limit: u16,
    /// Only rows after this place; from the beginning without.
    pub(crate) after: Option<P>,
    /// Which rows.
    pub(crate) filter: F,
}

/// The parameters of a page, for the `OpenAPI` document.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Page` reads")]
pub(crate) struct PageParameters {
    /// Most entries of the page; 50 if not given
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `nextCursor` of the page before
    cursor: Option<String>,
}

impl<P: Place, F> Page<P, F> {
    /// So many rows are to be read: one more than are shown tells whether there is another page.
    pub(crate) fn rows_to_read(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The rows to show, and the cursor of the next page if there is one.
    pub(crate) fn cut<R>(
        &self,
        mut rows: Vec<R>,
        place: impl FnOnce(&R) -> P,
    ) -> (Vec<R>, Option<String>) {
        let limit = usize::from(self.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| URL_SAFE_NO_PAD.encode(place(row).to_bytes()));
        (rows, next_cursor)
    }
}

impl<P: Place, F: Filter, S: Send + Sync> FromRequestParts<S> for Page<P, F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut page = Self::first();
        parameters::read(parts, |name, value| page.take(name, value))?;
        Ok(page)
    }
}

impl<P: Place, F: Filter> Page<P, F> {
    fn first() -> Self {
        Self {
            limit: LIMIT_DEFAULT,
            after: None,
            filter: F::default(),
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Wrong> {
        match name {
            "limit" => {
                let limit = value.parse().ok();
                let limit = limit.filter(|limit| (1..=LIMIT_MAX).contains(limit));
                let expected = format_args!("must be a number from 1 to {LIMIT_MAX}");
                self.limit = limit.ok_or_else(|| Wrong::value(expected))?;
            }
            "cursor" => {
                let bytes = URL_SAFE_NO_PAD.decode(value).ok();
                let place = bytes.and_then(|bytes| P::from_bytes(&bytes));
                let expected = "must be a `nextCursor` of this list";
                self.after = Some(place.ok_or_else(|| Wrong::value(expected))?);
            }
            _ => self.filter.take(name, value)?,
        }
        Ok(())
    }

    /// The page that the text of a query asks for.
    #[cfg(test)]
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        let mut page = Self::first();
        parameters::parse(query, |name, value| page.take(name, value))?;
        Ok(page)
    }

    /// The query that continues after a place.
    #[cfg(test)]
    pub(crate) fn continued(place: &P) -> String {
        format!("cursor={}", URL_SAFE_NO_PAD.encode(place.to_bytes()))
    }
}

impl Filter for NoFilter {
    fn take(&mut self, _: &str, _: &str) -> Result<(), Wrong> {
        Err(Wrong::Unknown)
    }
}

impl Place for DeviceId {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(bytes).ok()?).ok()
    }
}

/// The number of a row, which are positive.
impl Place for i64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().into()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let number = Self::from_be_bytes(bytes.try_into().ok()?);
        (number > 0).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Devices = Page<DeviceId>;
    type Numbers = Page<i64>;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let place = DeviceId::parse("dev-1").unwrap();
        let query = format!("{}&limit=200", Devices::continued(&place));
        let page = Devices::parse(&query).unwrap();
        assert_eq!((page.limit, page.after), (200, Some(place)));
        let page = Numbers::parse(&Numbers::continued(&4711)).unwrap();
        assert_eq!((page.limit, page.after), (LIMIT_DEFAULT, Some(4711)));
    }

    #[test]
    fn wrong_and_unknown_parameters_are_refused() {
        for bad in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1&limit=1",
            "cursor=",
            "cursor=%%",
            "cursor=Lw",
            "offset=1",
        ] {
            assert!(Devices::parse(bad).is_err(), "{bad}");
        }
        // Seven bytes, and a number that is not positive.
        for bad in ["cursor=AAAAAAAAAA", "cursor=AAAAAAAAAAA", "cursor=Lw"] {
            assert!(Numbers::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Devices::parse("").unwrap(), Devices::first());
    }

    #[test]
    fn only_a_page_with_a_row_too_many_has_a_next_one() {
        let page = Numbers::parse("limit=2").unwrap();
        assert_eq!(page.rows_to_read(), 3);
        let number = |row: &i64| *row;
        assert_eq!(page.cut(vec![], number), (vec![], None));
        assert_eq!(page.cut(vec![9, 8], number), (vec![9, 8], None));
        let (rows, cursor) = page.cut(vec![9, 8, 7], number);
        assert_eq!(rows, [9, 8]);
        let next = Numbers::parse(&format!("cursor={}", cursor.unwrap())).unwrap();
        assert_eq!(next.after, Some(8));
    }
}
