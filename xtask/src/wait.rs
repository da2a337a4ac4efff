//! Waiting for a condition with a deadline: the only way anything here waits.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Asks again and again until there is a value; says what was waited for when it never came.
///
/// An error from `ask` ends the wait at once: it says "this can't come any more", not "not yet".
pub(crate) async fn until<T, F, R>(what: &str, limit: Duration, mut ask: F) -> anyhow::Result<T>
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_condition_that_comes_ends_the_wait_with_its_value() {
        let mut asked = 0;
        let value = until("three", Duration::from_secs(1), || {
            asked += 1;
            let asked = asked;
            async move { Ok((asked == 3).then_some(asked)) }
        });
        assert_eq!(value.await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_condition_that_never_comes_is_named_at_the_deadline() {
        let never = until("the moon", Duration::from_millis(60), || async {
            Ok(None::<()>)
        });
        let error = never.await.unwrap_err().to_string();
        assert_eq!(error, "the moon did not happen within 0.06 s");
    }
}
