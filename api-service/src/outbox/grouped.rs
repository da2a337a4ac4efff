//! Many askers, one statement: what is asked while an answer is under way goes together into the next.
//!
//! An idle group adds no wait. A busy one grows its groups instead of its number of connections, so
//! two thousand entries need no more of them than two.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

/// Questions that may wait in line. Who comes later waits to get into it; nothing is dropped.
const LINE_MAX: usize = 1024;

/// The front of a group: cheap to clone. Its tasks end with the last clone.
#[derive(Debug)]
pub(crate) struct Grouped<Q, A, E> {
    line: mpsc::Sender<Asked<Q, A, E>>,
}

type Asked<Q, A, E> = (Q, oneshot::Sender<Result<A, Failed<E>>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed<E> {
    /// The statement or call of the whole group failed.
    #[error(transparent)]
    Act(Arc<E>),
    /// The group gave fewer answers than questions, or its task is gone.
    #[error("the question was not answered")]
    Lost,
}

impl<Q, A, E> Clone for Grouped<Q, A, E> {
    fn clone(&self) -> Self {
        Self {
            line: self.line.clone(),
        }
    }
}

impl<Q, A, E> Grouped<Q, A, E>
where
    Q: Send + 'static,
    A: Send + 'static,
    E: Send + Sync + 'static,
{
    /// Starts a group of at most `size_max` questions an act, with at most `lanes` acts at a time.
    /// `act` answers all of its questions, in their order.
    pub(crate) fn start<F, Fut>(lanes: usize, size_max: usize, act: F) -> Self
    where
        F: Fn(Vec<Q>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<A>, E>> + Send + 'static,
    {
        let (line, asked) = mpsc::channel(LINE_MAX);
        let asked = Arc::new(Mutex::new(asked));
        let act = Arc::new(act);
        for _ in 0..lanes {
            tokio::spawn(lane(Arc::clone(&asked), size_max, Arc::clone(&act)));
        }
        Self { line }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, question: Q) -> Result<A, Failed<E>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.line.send((question, answer)).await;
        sent.map_err(|_| Failed::Lost)?;
        answered.await.map_err(|_| Failed::Lost)?
    }
}

async fn lane<Q, A, E, F, Fut>(
    asked: Arc<Mutex<mpsc::Receiver<Asked<Q, A, E>>>>,
    size_max: usize,
    act: Arc<F>,
) where
    F: Fn(Vec<Q>) -> Fut,
    Fut: Future<Output = Result<Vec<A>, E>>,
{
    loop {
        let mut group = Vec::new();
        if asked.lock().await.recv_many(&mut group, size_max).await == 0 {
            return;
        }
        let (questions, askers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match act(questions).await {
            Ok(answers) => {
                for (asker, answer) in askers.into_iter().zip(answers) {
                    let _ = asker.send(Ok(answer));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for asker in askers {
                    let _ = asker.send(Err(Failed::Act(Arc::clone(&error))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_is_asked_during_an_act_goes_together_into_the_next() {
        let sizes: Arc<StdMutex<Vec<usize>>> = Arc::default();
        let gate = Arc::new(Semaphore::new(0));
        let (seen, held) = (Arc::clone(&sizes), Arc::clone(&gate));
        let group = Grouped::start(1, 10, move |numbers: Vec<u32>| {
            seen.lock().unwrap().push(numbers.len());
            let gate = Arc::clone(&held);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, std::io::Error>(numbers.iter().map(|n| n * 2).collect())
            }
        });
        let first = tokio::spawn({
            let group = group.clone();
            async move { group.ask(1).await.unwrap() }
        });
        while sizes.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let rest: Vec<_> = (2..=12)
            .map(|n| {
                let group = group.clone();
                tokio::spawn(async move { group.ask(n).await.unwrap() })
            })
            .collect();
        while group.line.capacity() > LINE_MAX - 11 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(3);
        assert_eq!(first.await.unwrap(), 2);
        let doubled: Vec<u32> = futures::future::join_all(rest)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(doubled, (2..=12).map(|n| n * 2).collect::<Vec<_>>());
        assert_eq!(*sizes.lock().unwrap(), [1, 10, 1]);
    }

    #[tokio::test]
    async fn a_failure_is_everybodys_and_the_next_act_is_a_new_one() {
        let first = StdMutex::new(true);
        let group = Grouped::start(1, 10, move |numbers: Vec<u32>| {
            let fails = std::mem::replace(&mut *first.lock().unwrap(), false);
            async move {
                if fails {
                    Err(std::io::Error::other("away"))
                } else {
                    Ok(numbers)
                }
            }
        });
        assert!(
            matches!(group.ask(1).await, Err(Failed::Act(error)) if error.to_string() == "away")
        );
        assert_eq!(group.ask(2).await.unwrap(), 2);
    }
}
