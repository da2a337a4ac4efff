//! The promise between the replicas of hook-service and whoever waits for a change to count
//! everywhere (design sections 6 and 7): both halves of it, as pure rules.
//!
//! Nothing here waits, reads a clock, or knows SQL: what was asked of the database, when it was
//! asked and when the answer came are arguments. So the randomized test in `tests/it` drives the
//! very code that ships through pauses, crashes and failovers that no test could arrange for real.
//!
//! # The promise
//!
//! *When [`Wait::look`] has said that the wait for change `N` is over, no replica sends an allow
//! that `N` forbids.* Each rule that it rests on:
//!
//! 1. **A lease is committed, on disk, before the look under which it allows begins** ([`Keeper`]).
//!    Whoever commits `N` before that look is contained in it; whoever commits after finds the
//!    lease's row and waits for it. A new row says that nothing is applied, whatever the process
//!    knows from before: it may know it from another history, whose numbers mean other changes.
//! 2. **A replica allows until `H` after the instant *before* its last renewal was sent** ([`Gate`]).
//!    A waiter sees the renewal later than that. So `H` after a waiter *received* a counter, a
//!    replica that did not renew again allows no more; the tenth on top is for clocks that do not
//!    run equally fast.
//! 3. **The look that finds the counter unchanged must have been *sent* after that time** ([`Judge`]),
//!    and an answer to a renewal that arrives after the lease ran out does not revive it. So a
//!    renewal that commits behind the waiter's last look comes too late.
//! 4. **Only a renewal that is on disk, and on the synchronous standby where there is one, extends a
//!    lease.** Otherwise a crash could take the counter back and show a renewed lease as unchanged,
//!    and a replica on an old, cut-off primary could renew for ever. What was *applied* may be told
//!    without waiting for the disk: lost, the row shows less than is true, and a waiter waits longer.
//!    A renewal is sent only after a look that was carried out to its end, so a replica that follows
//!    no more ends with its lease; following does not wait for the answer. It says nothing of what is
//!    applied and counts in the followed history only, since it goes over a connection of its own.
//! 5. **The last look of a decision, just before its bytes leave, is at the deadline and at the
//!    table's edition** ([`Gate::edition`]). A decision that was begun before a change was applied
//!    and ends after is made again.
//! 6. **Another history** (epoch, system, timeline) takes everything back: the replica shuts and
//!    loads everything under a new lease; the waiter forgets what it saw and waits for the longest
//!    lease it knows of, since a lease may be lost with the old primary.
//! 7. **No wall clock is read**, and no two machines' clocks are compared.
//!
//! # What it rests on
//!
//! The monotonic clocks of two machines run equally fast within a tenth, also over a pause of the
//! process. A machine that is suspended as a whole (a snapshot or a migration of a virtual machine)
//! may stop its own clock: bound such pauses, or end the process. And between the last look and the
//! kernel's taking the bytes are some microseconds: an allow that a pause holds back exactly there
//! answers a request from before the fence, and the broker has given that up after its time-out.
//! That is why a revoke is `complete` only when the fence *and* this time-out have passed.

mod gate;
mod head;
mod judge;
mod keeper;
mod term;
mod wait;

pub use gate::{Gate, Standing};
pub use head::{Doubt, Head, History};
pub use judge::{Judge, LENGTH_MAX, Look, Row, longest_silence};
pub use keeper::{Keeper, Step};
pub use wait::{How, Verdict, Wait};

/// A lease of this length, in milliseconds, never lapses: its process goes on serving the devices it
/// knows without news (`HOOK_SERVE_KNOWN`), so whoever waits has to wait for it, or for an
/// administrator who declares it dead. No ordinary lease is that short.
pub const LENGTH_ENDLESS_MS: i32 = 1;
