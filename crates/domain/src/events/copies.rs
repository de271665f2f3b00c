//! Which copy of an event stays while we move it to another calendar: each step of the move may have been taken or not, and
//! somebody else may move and edit the event at the same time.

/// In which calendar of the side a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// From where we move it.
    Old,
    /// To where we move it.
    New,
    /// Where somebody else has put it.
    Elsewhere,
}

/// One copy of the event that is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCopy {
    pub spot: Spot,
    /// It says something else than what is moved: somebody edited it.
    pub changed: bool,
}

/// What follows from the copies that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was sent may still arrive.
    Wait,
    /// There is none any more. Somebody removed it: it is missing like any other event.
    Lost,
    /// There is none, because we removed it first: it is made in the new place.
    Make,
    /// The copy with this number stays. Before another one that was changed is removed, what it says goes into this one.
    Keep(usize),
}

/// Decides which copy stays. `may_arrive`: the one in the new place was sent, and nobody knows whether it arrived.
/// `removes_first`: on this side the old one goes before the new one is made.
#[must_use]
pub fn which_stays(copies: &[EventCopy], may_arrive: bool, removes_first: bool) -> Outcome {
    let at = |spot: Spot| copies.iter().position(|copy| copy.spot == spot);
    let is_changed = |at: usize| copies.get(at).is_some_and(|copy| copy.changed);
    let (old, new, elsewhere) = (at(Spot::Old), at(Spot::New), at(Spot::Elsewhere));
    // Where the old one still is, another one is ours, and somebody moved it on.
    let arrived = new.is_some() || (old.is_some() && elsewhere.is_some());
    if may_arrive && !arrived {
        return Outcome::Wait;
    }
    match (old, new, elsewhere) {
        // Somebody's own move wins here. Whether it wins over that on the other side is decided anew.
        (_, _, Some(there)) => Outcome::Keep(there),
        (None, None, None) if removes_first => Outcome::Make,
        (None, None, None) => Outcome::Lost,
        (Some(old), Some(new), None) if is_changed(old) && !is_changed(new) => Outcome::Keep(old),
        (_, Some(new), None) => Outcome::Keep(new),
        (Some(old), None, None) => Outcome::Keep(old),
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Keep, Lost, Make, Wait};
    use super::Spot::{Elsewhere, New, Old};
    use super::*;

    fn outcome(copies: &[(Spot, bool)], may_arrive: bool) -> Outcome {
        let copies: Vec<EventCopy> =
            copies.iter().map(|(spot, changed)| EventCopy { spot: *spot, changed: *changed }).collect();
        let outcome = which_stays(&copies, may_arrive, false);
        let strict = which_stays(&copies, may_arrive, true);
        assert!(outcome == strict || copies.is_empty(), "where the old one goes first only the missing one is made");
        outcome
    }

    #[test]
    fn a_move_that_nobody_disturbs_keeps_the_new_copy() {
        assert_eq!(outcome(&[(Old, false), (New, false)], false), Keep(1));
        assert_eq!(outcome(&[(New, false)], true), Keep(0));
        assert_eq!(outcome(&[(Old, false)], false), Keep(0), "nothing of it was done");
    }

    #[test]
    fn what_was_edited_in_the_old_place_stays_there_unless_both_were_edited() {
        assert_eq!(outcome(&[(Old, true), (New, false)], false), Keep(0));
        assert_eq!(outcome(&[(Old, true), (New, true)], false), Keep(1));
        assert_eq!(outcome(&[(Old, false), (New, true)], false), Keep(1));
    }

    #[test]
    fn what_somebody_moved_stays_where_it_was_put() {
        assert_eq!(outcome(&[(Elsewhere, false)], false), Keep(0));
        assert_eq!(outcome(&[(Old, false), (Elsewhere, false)], true), Keep(1), "ours arrived and was moved on");
        assert_eq!(outcome(&[(New, true), (Elsewhere, false)], true), Keep(1));
    }

    #[test]
    fn what_may_still_arrive_is_waited_for() {
        assert_eq!(outcome(&[(Old, false)], true), Wait);
        assert_eq!(outcome(&[(Elsewhere, true)], true), Wait);
        assert_eq!(outcome(&[], true), Wait);
    }

    #[test]
    fn what_we_removed_first_is_made_again_and_what_others_removed_is_missing() {
        assert_eq!(which_stays(&[], false, true), Make);
        assert_eq!(which_stays(&[], false, false), Lost);
    }
}
