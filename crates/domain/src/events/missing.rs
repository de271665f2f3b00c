//! When a missing event is believed gone.
//!
//! A tombstone alone is no proof, and neither is one listing: moving an event, accepting an invitation or restoring an item
//! deletes one and creates another with the same UID, and a server in trouble lists nothing at all. So a missing event is
//! `suspected` first. It is gone when a grace later no calendar of that side has its UID.

/// What a pass knows about a missing event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When it was first missing.
    pub since_ms: u64,
    /// Every calendar of the side could be looked at in this pass.
    pub saw_everything: bool,
    /// Some calendar was not listed completely: it has to be asked for the UID.
    pub needs_question: bool,
    /// What such a question found, once it was asked.
    pub found: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    Wait,
    /// Ask for the UID first.
    Ask,
    Gone,
}

#[must_use]
pub fn believe(evidence: Evidence, now_ms: u64, grace_ms: u64) -> Belief {
    if !evidence.saw_everything || now_ms < evidence.since_ms.saturating_add(grace_ms) {
        return Belief::Wait;
    }
    match (evidence.needs_question, evidence.found) {
        (_, Some(true)) => Belief::Wait,
        (true, None) => Belief::Ask,
        _ => Belief::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_gone_when_a_grace_later_nobody_has_it() {
        let evidence = Evidence { since_ms: 10, saw_everything: true, needs_question: true, found: Some(false) };
        assert_eq!(believe(evidence, 70, 60), Belief::Gone);
        assert_eq!(believe(evidence, 69, 60), Belief::Wait);
        assert_eq!(believe(Evidence { found: None, ..evidence }, 70, 60), Belief::Ask);
        assert_eq!(believe(Evidence { found: Some(true), ..evidence }, 70, 60), Belief::Wait);
        assert_eq!(believe(Evidence { saw_everything: false, ..evidence }, 70, 60), Belief::Wait);
        let listed = Evidence { needs_question: false, found: None, ..evidence };
        assert_eq!(believe(listed, 70, 60), Belief::Gone, "complete listings need no question");
    }
}
