//! Where a request came from, for the audit: carried along by the task that answers it.

use std::net::IpAddr;

tokio::task_local! {
    static TRAIL: Trail;
}

/// Longer names of programs are cut, in bytes.
const USER_AGENT_BYTES_MAX: usize = 256;

/// Where a request came from.
#[derive(Debug, Clone)]
pub(crate) struct Trail {
    /// The request's id, 8 to 64 plain characters.
    pub(crate) request_id: String,
    /// The caller's address, if it is known.
    pub(crate) address: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Trail {
    /// The trail of one request.
    pub(crate) fn new(request_id: &str, address: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.filter(|text| !text.is_empty());
        Self {
            request_id: request_id.to_owned(),
            address,
            user_agent: user_agent.map(|text| cut(text).to_owned()),
        }
    }

    /// What of it points to a person: kept apart from the audit's entries, so that it can be erased.
    pub(crate) fn personal(&self) -> Vec<(&'static str, String)> {
        let address = self.address.map(|address| ("address", address.to_string()));
        let user_agent = self.user_agent.clone().map(|text| ("userAgent", text));
        address.into_iter().chain(user_agent).collect()
    }

    /// Runs the answering of a request with its trail.
    pub(crate) async fn scope<F: Future>(self, answering: F) -> F::Output {
        TRAIL.scope(self, answering).await
    }

    /// The trail of the request that this task answers; none in a worker.
    pub(crate) fn current() -> Option<Self> {
        TRAIL.try_with(Self::clone).ok()
    }
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(USER_AGENT_BYTES_MAX);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_trail_is_seen_by_its_own_task_alone() {
        assert!(Trail::current().is_none());
        let trail = Trail::new("request-1", None, Some("probe/1"));
        let seen = trail.scope(async { Trail::current() }).await.unwrap();
        assert_eq!(seen.request_id, "request-1");
        assert_eq!(seen.personal(), [("userAgent", "probe/1".to_owned())]);
        assert!(Trail::current().is_none());
    }

    #[test]
    fn the_name_of_a_program_is_cut_between_characters() {
        let long = "é".repeat(200);
        let trail = Trail::new("request-1", None, Some(&long));
        assert_eq!(trail.personal()[0].1, "é".repeat(128));
    }
}
