//! Waiting for a condition with a deadline: the only way anything here waits for a state.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

/// Between two looks.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks again and again until there is a value; says what was waited for when it never came.
///
/// An error from `ask` ends the wait at once: it says "this can't come any more", not "not yet".
pub async fn until<T, F, R>(what: &str, limit: Duration, mut ask: F) -> anyhow::Result<T>
where
    F: FnMut() -> R,
    R: Future<Output = anyhow::Result<Option<T>>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ask().await.with_context(|| format!("waiting for {what}"))? {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("{what} did not happen within {} s", limit.as_secs_f32());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The same for what is looked at without waiting.
pub async fn until_true(
    what: &str,
    limit: Duration,
    mut holds: impl FnMut() -> bool,
) -> anyhow::Result<()> {
    until(what, limit, || {
        let held = holds();
        async move { Ok(held.then_some(())) }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_never_comes_is_named_at_the_deadline() {
        let error = until_true("the moon", Duration::from_millis(50), || false)
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the moon did not happen within 0.05 s");
    }

    #[tokio::test]
    async fn a_wait_that_cannot_succeed_ends_at_once() {
        let lost = until("a lost thing", Duration::from_secs(60), || async {
            bail!("it is gone");
            #[expect(unreachable_code, reason = "names the type")]
            Ok(None::<()>)
        });
        let error = format!("{:#}", lost.await.unwrap_err());
        assert_eq!(error, "waiting for a lost thing: it is gone");
    }
}
