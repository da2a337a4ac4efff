//! Commands that count once, however often a caller repeats them with one `Idempotency-Key`.
//!
//! The key's claim, the work and the answer that is kept are one transaction: an answer is kept if and
//! only if the work is committed, and a refusal uses no key up. What an answer tells only once is never
//! kept.

use super::run::{Command, Failure, to_its_end};
use crate::api::Api;
use crate::edge::key::{key_in_work, key_reused};
use crate::problem::{Code, Problem};
use crate::store::Tx;
use crate::store::idempotency::{Claim, Kept, Seen};

pub(super) use self::answer::Answer;
pub(crate) use self::answer::Given;

mod answer;

/// A command whose repetition is answered as the first was.
pub(super) trait Keyed: Sync {
    /// The transaction's name.
    const NAME: &'static str;

    /// Does it in a transaction, which the caller commits.
    fn work(&self, api: &Api, tx: &Tx<'_>) -> impl Future<Output = Result<Answer, Failure>> + Send;

    /// Refuses a repetition whose answer would tell more than the first did.
    fn permit_again(&self, _: &Tx<'_>) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }
}

/// Carries a command out, or gives the answer that the same request with its key had before.
pub(super) async fn once_by_key<C: Keyed>(
    api: &Api,
    claim: Option<Claim>,
    command: &C,
) -> Result<Given, Problem> {
    to_its_end(api, &Run { claim, command }).await
}

struct Run<'a, C> {
    claim: Option<Claim>,
    command: &'a C,
}

impl<C: Keyed> Command for Run<'_, C> {
    type Done = Given;

    async fn once(&self, api: &Api) -> Result<Given, Failure> {
        let mut connection = api.store.connect().await?;
        let tx = connection.begin(C::NAME).await?;
        match self.within(api, &tx).await {
            Ok(given) => {
                tx.commit().await?;
                Ok(given)
            }
            Err(failure) => {
                // Waited for: who comes again with the key at once must not find it claimed still.
                tx.rollback().await?;
                Err(failure)
            }
        }
    }
}

impl<C: Keyed> Run<'_, C> {
    async fn within(&self, api: &Api, tx: &Tx<'_>) -> Result<Given, Failure> {
        let Some(claim) = &self.claim else {
            return Ok(Given::first(self.command.work(api, tx).await?));
        };
        match tx.claim(claim).await? {
            Seen::New => {}
            Seen::Answered(kept) => {
                self.command.permit_again(tx).await?;
                return Ok(replayed(kept)?);
            }
            Seen::Other => return Err(key_reused().into()),
            Seen::InWork => return Err(key_in_work().into()),
        }
        let answer = self.command.work(api, tx).await?;
        tx.keep_answer(claim, &answer.kept()).await?;
        Ok(Given::first(answer))
    }
}

fn replayed(kept: Kept) -> Result<Given, Problem> {
    Given::again(kept).ok_or_else(|| {
        let detail = "an earlier request with this Idempotency-Key was answered, and what it was told \
                      is a secret that is told once; take a new key to have another made";
        Problem::new(Code::SecretTold, detail)
    })
}
