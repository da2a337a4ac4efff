//! A connection's turn: everything that it has read, and not a part of it.
//!
//! What the HTTP library answers needs help for that: it goes to the end of the queue after every 8
//! requests. A broker writes up to a hundred at once, and answers leave together, so in a thread that
//! has many connections each would wait for a dozen rounds instead of one.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::endpoints::Watch;
use crate::overload::Overload;

/// The library goes to the end of the queue after 16 steps of its own, which are some 8 requests; half
/// of them tell that it may have.
const MANY: u32 = 4;

/// A connection goes on so often in one turn at most: for a little more than what EMQX pipelines.
const STEPS_MAX: usize = 20;

/// A connection that is served turn by turn.
pub(super) struct Whole<'a, C> {
    connection: C,
    watch: &'a Watch,
    overload: &'a Overload,
}

/// Serves `connection` turn by turn.
pub(super) fn whole<'a, C>(connection: C, watch: &'a Watch, overload: &'a Overload) -> Whole<'a, C>
where
    C: Future + Unpin,
{
    Whole {
        connection,
        watch,
        overload,
    }
}

impl<C: Unpin> Whole<'_, C> {
    /// The connection itself.
    pub(super) fn wrapped(self: Pin<&mut Self>) -> Pin<&mut C> {
        Pin::new(&mut self.get_mut().connection)
    }
}

impl<C: Future + Unpin> Future for Whole<'_, C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        self.watch
            .turn_begins(self.overload.turn_begins(self.watch.turn_ended_ns()));
        let first = self.watch.begun();
        let mut polled = Poll::Pending;
        for step in 1..=STEPS_MAX {
            let begun = self.watch.begun();
            polled = self.as_mut().wrapped().poll(context);
            let requests = self.watch.begun().wrapping_sub(begun);
            let enough = if self.watch.is_between_requests() {
                MANY
            } else {
                1
            };
            if polled.is_ready() || !(self.watch.goes_on() || requests >= enough) {
                break;
            }
            if step == STEPS_MAX {
                context.waker().wake_by_ref();
            }
        }
        let decided = self.watch.has_answered_at_once() || self.watch.begun() != first;
        self.watch.turn_ended(self.overload.turn_ends(decided));
        polled
    }
}
