//! What a command answers, and what of it is kept for a repetition.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::edge::key::REPLAYED;
use crate::problem::Problem;
use crate::store::idempotency::Kept;

/// What a command answers the first time. It may hold a secret, so it has no `Debug` form.
pub(in crate::commands) struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Value,
    told_once: ToldOnce,
}

/// What of an answer is told once.
#[derive(Debug, Clone, Copy)]
enum ToldOnce {
    Nothing,
    /// Some fields of its body.
    Fields(&'static [&'static str]),
    /// The whole body.
    All,
}

/// An answer on its way out: the first, or the same again.
pub(crate) struct Given {
    answer: Answer,
    replayed: bool,
}

impl Answer {
    /// An answer that may be given again as it is.
    pub(in crate::commands) fn new(
        status: StatusCode,
        body: &impl Serialize,
    ) -> Result<Self, Problem> {
        Ok(Self {
            status,
            headers: Vec::new(),
            body: serde_json::to_value(body).map_err(Problem::internal)?,
            told_once: ToldOnce::Nothing,
        })
    }

    /// With a header, which a repetition has too.
    pub(in crate::commands) fn header(mut self, (name, value): (HeaderName, String)) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Fields of it hold a secret or name a person: a repetition is answered without them.
    pub(in crate::commands) fn telling_once(mut self, fields: &'static [&'static str]) -> Self {
        self.told_once = ToldOnce::Fields(fields);
        self
    }

    /// All of it is a secret: a repetition is told that it was told.
    pub(in crate::commands) fn all_told_once(mut self) -> Self {
        self.told_once = ToldOnce::All;
        self
    }

    /// What is kept of it.
    pub(super) fn kept(&self) -> Kept {
        let body = match self.told_once {
            ToldOnce::All => None,
            ToldOnce::Nothing => Some(self.body.clone()),
            ToldOnce::Fields(names) => {
                let mut body = self.body.clone();
                if let Some(fields) = body.as_object_mut() {
                    fields.retain(|name, _| !names.contains(&name.as_str()));
                }
                Some(body)
            }
        };
        let headers = self.headers.iter();
        Kept {
            status: self.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
            body,
        }
    }
}

impl Given {
    /// The first answer.
    pub(super) fn first(answer: Answer) -> Self {
        Self {
            answer,
            replayed: false,
        }
    }

    /// An answer that was kept; none if nothing of it could be.
    pub(super) fn again(kept: Kept) -> Option<Self> {
        let headers = kept.headers.into_iter();
        let headers = headers.filter_map(|(name, value)| Some((name.parse().ok()?, value)));
        let answer = Answer {
            status: StatusCode::from_u16(kept.status).ok()?,
            headers: headers.collect(),
            body: kept.body?,
            told_once: ToldOnce::Nothing,
        };
        Some(Self {
            answer,
            replayed: true,
        })
    }

    /// Its body, for a command whose answer says more than what is kept.
    pub(in crate::commands) fn body(&self) -> &Value {
        &self.answer.body
    }

    /// Marks an answer that was made of this one's body.
    pub(in crate::commands) fn mark(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        headers
    }
}

impl IntoResponse for Given {
    fn into_response(self) -> Response {
        let mut headers = self.mark();
        for (name, value) in self.answer.headers {
            // Versions and paths of ours are plain.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        (self.answer.status, headers, Json(self.answer.body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use serde_json::json;

    use super::*;

    fn answer() -> Answer {
        let body = json!({"id": "a", "token": "s3cret"});
        Answer::new(StatusCode::CREATED, &body).unwrap()
    }

    #[test]
    fn what_is_told_once_is_not_kept() {
        let plain = answer().header((header::ETAG, "\"1\"".to_owned())).kept();
        assert_eq!(plain.body, Some(json!({"id": "a", "token": "s3cret"})));
        assert_eq!(plain.headers["etag"], "\"1\"");
        let kept = answer().telling_once(&["token"]).kept();
        assert_eq!(kept.body, Some(json!({"id": "a"})));
        assert_eq!(answer().all_told_once().kept().body, None);
    }

    #[test]
    fn an_answer_is_given_again_as_it_was_and_says_so() {
        let first = answer().header((header::LOCATION, "/x".to_owned()));
        let again = Given::again(first.kept()).unwrap().into_response();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers()[header::LOCATION], "/x");
        assert_eq!(again.headers()[REPLAYED], "true");
        let first = Given::first(first).into_response();
        assert!(!first.headers().contains_key(REPLAYED));
        assert!(Given::again(answer().all_told_once().kept()).is_none());
    }
}
