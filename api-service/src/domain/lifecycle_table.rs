//! What may happen to a device in which state: the one table, asked by every command.
//!
//! Who may do it is another question (`access`). The database refuses a way back from `revoked` by
//! itself; everything else rests on this table and on the device's row lock.

use schema::Lifecycle;

/// Where a device stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its place in life.
    pub(crate) lifecycle: Lifecycle,
    /// Whether it is kept out for a while.
    pub(crate) suspended: bool,
}

/// What is to happen to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Move {
    /// Somebody claims it.
    Claim,
    /// It confirms the claim.
    Confirm,
    /// The claim ends without confirmation.
    Lapse,
    /// Its owner gives it up, or it is taken from them.
    Unbind,
    /// Its owner hands it to another.
    Transfer,
    /// It is kept out for a while.
    Suspend,
    /// It is let in again.
    Resume,
    /// It gets another certificate.
    Certify,
    /// It is out for good.
    Revoke,
}

/// Why something cannot happen to a device as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Illegal {
    /// It is out for good.
    Revoked,
    /// It is kept out for a while.
    Suspended,
    /// It has an owner.
    Bound,
    /// It has a claimant.
    Pending,
    /// It has no owner.
    NotBound,
    /// It has no claimant.
    NotPending,
}

impl Standing {
    /// Where the device stands after a move, or why it cannot be made.
    pub(crate) fn after(self, to_happen: Move) -> Result<Self, Illegal> {
        use Lifecycle::{Bound, Pending, Revoked, Unbound};
        let at = |lifecycle| Ok(Self { lifecycle, ..self });
        match (to_happen, self.lifecycle) {
            // For good, also for one that is suspended or claimed. Repeating it changes nothing.
            (Move::Revoke, _) => at(Revoked),
            // The owner of a revoked device may be rid of it; it stays revoked.
            (Move::Unbind, Revoked) => Ok(self),
            (_, Revoked) => Err(Illegal::Revoked),

            // A suspended device cannot confirm, so nobody begins or ends waiting for it.
            (Move::Claim, Unbound) if self.suspended => Err(Illegal::Suspended),
            (Move::Claim, Unbound) => at(Pending),
            (Move::Claim, Pending) => Err(Illegal::Pending),
            (Move::Claim, Bound) => Err(Illegal::Bound),

            (Move::Confirm, Pending) if self.suspended => Err(Illegal::Suspended),
            (Move::Confirm, Pending) => at(Bound),
            (Move::Lapse, Pending) => at(Unbound),
            (Move::Confirm | Move::Lapse, Unbound | Bound) => Err(Illegal::NotPending),

            (Move::Unbind, Bound) => at(Unbound),
            (Move::Transfer, Bound) => Ok(self),
            (Move::Unbind | Move::Transfer, Unbound | Pending) => Err(Illegal::NotBound),

            (Move::Suspend, _) => Ok(Self {
                suspended: true,
                ..self
            }),
            (Move::Resume, _) => Ok(Self {
                suspended: false,
                ..self
            }),
            (Move::Certify, _) => Ok(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVES: [Move; 9] = [
        Move::Claim,
        Move::Confirm,
        Move::Lapse,
        Move::Unbind,
        Move::Transfer,
        Move::Suspend,
        Move::Resume,
        Move::Certify,
        Move::Revoke,
    ];

    /// What each move does from each state: the lifecycle after it, or why not.
    #[test]
    fn the_table_of_moves() {
        use Illegal as No;
        use Lifecycle::{Bound, Pending, Revoked, Unbound};
        type Row = (Lifecycle, bool, [Result<Lifecycle, Illegal>; 9]);
        #[rustfmt::skip]
        let table: [Row; 8] = [
            // from, suspended:     claim               confirm              lapse                unbind              transfer            suspend           resume            certify           revoke
            (Unbound, false, [Ok(Pending),        Err(No::NotPending), Err(No::NotPending), Err(No::NotBound), Err(No::NotBound), Ok(Unbound),      Ok(Unbound),      Ok(Unbound),      Ok(Revoked)]),
            (Unbound, true,  [Err(No::Suspended), Err(No::NotPending), Err(No::NotPending), Err(No::NotBound), Err(No::NotBound), Ok(Unbound),      Ok(Unbound),      Ok(Unbound),      Ok(Revoked)]),
            (Pending, false, [Err(No::Pending),   Ok(Bound),           Ok(Unbound),         Err(No::NotBound), Err(No::NotBound), Ok(Pending),      Ok(Pending),      Ok(Pending),      Ok(Revoked)]),
            (Pending, true,  [Err(No::Pending),   Err(No::Suspended),  Ok(Unbound),         Err(No::NotBound), Err(No::NotBound), Ok(Pending),      Ok(Pending),      Ok(Pending),      Ok(Revoked)]),
            (Bound,   false, [Err(No::Bound),     Err(No::NotPending), Err(No::NotPending), Ok(Unbound),       Ok(Bound),         Ok(Bound),        Ok(Bound),        Ok(Bound),        Ok(Revoked)]),
            (Bound,   true,  [Err(No::Bound),     Err(No::NotPending), Err(No::NotPending), Ok(Unbound),       Ok(Bound),         Ok(Bound),        Ok(Bound),        Ok(Bound),        Ok(Revoked)]),
            (Revoked, false, [Err(No::Revoked),   Err(No::Revoked),    Err(No::Revoked),    Ok(Revoked),       Err(No::Revoked),  Err(No::Revoked), Err(No::Revoked), Err(No::Revoked), Ok(Revoked)]),
            (Revoked, true,  [Err(No::Revoked),   Err(No::Revoked),    Err(No::Revoked),    Ok(Revoked),       Err(No::Revoked),  Err(No::Revoked), Err(No::Revoked), Err(No::Revoked), Ok(Revoked)]),
        ];
        for (lifecycle, suspended, expected) in table {
            let from = Standing {
                lifecycle,
                suspended,
            };
            for (to_happen, expected) in MOVES.into_iter().zip(expected) {
                let after = from.after(to_happen);
                assert_eq!(
                    after.map(|to| to.lifecycle),
                    expected,
                    "{from:?} {to_happen:?}"
                );
                let Ok(after) = after else { continue };
                let still = match to_happen {
                    Move::Suspend => true,
                    Move::Resume => false,
                    _ => suspended,
                };
                assert_eq!(after.suspended, still, "{from:?} {to_happen:?}");
            }
        }
    }
}
