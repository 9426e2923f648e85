//! Whether work may enter a space. Rights are judged once, when an envelope first arrives; what is
//! missing holds the work, it never refuses it.

use crate::access::roles::Action;
use crate::access::standing::Grant;

/// Work saved inside a membership that ended by plan is taken for this long after its end: 14
/// days, so that a substitute without signal on the last day loses nothing.
pub const GRACE_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// What the judge says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// May enter.
    Allowed,
    /// May enter, marked late.
    Late,
    /// Kept until the right is given or the office decides; the reason code.
    Held(&'static str),
}

/// Judges work of someone with these grants in the space, saved at `saved_ms` and arriving at
/// `now_ms`, both on the relay's clock. `disabled_ms`: the account was closed then.
pub fn judge(grants: &[Grant], disabled_ms: Option<i64>, saved_ms: i64, now_ms: i64) -> Judgement {
    let writing = || grants.iter().filter(|grant| grant.role.may(Action::Write));
    let closed = disabled_ms.is_some();
    if !closed && writing().any(|grant| grant.holds(now_ms)) {
        return Judgement::Allowed;
    }
    // A device clock that runs ahead does not make tomorrow's grant of today's work.
    let saved_ms = saved_ms.min(now_ms);
    let (mut late, mut removed) = (false, false);
    for grant in writing().filter(|grant| grant.from_ms <= saved_ms) {
        match (grant.removed_ms, grant.until_ms) {
            (Some(_), _) => removed = true,
            (None, _) if closed => removed = true,
            (None, Some(until)) if saved_ms < until => {
                if now_ms - until <= GRACE_MS {
                    return Judgement::Late;
                }
                late = true;
            }
            (None, Some(_) | None) => {}
        }
    }
    match (removed, late) {
        (true, _) => Judgement::Held("removed"),
        (false, true) => Judgement::Held("late"),
        (false, false) => Judgement::Held("right_missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    fn grant(role: Role, from: i64, until: Option<i64>, removed: Option<i64>) -> Grant {
        Grant {
            role,
            from_ms: from * DAY,
            until_ms: until.map(|d| d * DAY),
            removed_ms: removed.map(|d| d * DAY),
        }
    }

    fn verdict(grants: &[Grant], saved: i64, now: i64) -> Judgement {
        judge(grants, None, saved * DAY, now * DAY)
    }

    #[test]
    fn a_member_in_the_field_may_write_and_a_reader_may_not() {
        assert_eq!(
            verdict(&[grant(Role::Field, 0, None, None)], 1, 1),
            Judgement::Allowed
        );
        assert_eq!(
            verdict(&[grant(Role::Reader, 0, None, None)], 1, 1),
            Judgement::Held("right_missing")
        );
        assert_eq!(verdict(&[], 1, 1), Judgement::Held("right_missing"));
    }

    #[test]
    fn work_saved_inside_a_window_is_taken_late_for_fourteen_days() {
        let window = [grant(Role::Field, 5, Some(10), None)];
        assert_eq!(verdict(&window, 9, 12), Judgement::Late);
        assert_eq!(verdict(&window, 9, 24), Judgement::Late);
        assert_eq!(verdict(&window, 9, 25), Judgement::Held("late"));
        assert_eq!(
            verdict(&window, 11, 12),
            Judgement::Held("right_missing"),
            "saved after the end"
        );
        assert_eq!(
            verdict(&window, 4, 12),
            Judgement::Held("right_missing"),
            "saved before the start"
        );
    }

    #[test]
    fn work_of_a_removed_person_is_held_for_the_office() {
        assert_eq!(
            verdict(&[grant(Role::Field, 0, None, Some(10))], 9, 11),
            Judgement::Held("removed")
        );
        let member = [grant(Role::Owner, 0, None, None)];
        assert_eq!(
            judge(&member, Some(10 * DAY), 9 * DAY, 11 * DAY),
            Judgement::Held("removed")
        );
    }

    #[test]
    fn a_removal_holds_also_when_the_relays_clock_is_set_back() {
        let removed = [grant(Role::Field, 0, None, Some(10))];
        assert_eq!(verdict(&removed, 4, 5), Judgement::Held("removed"));
        let member = [grant(Role::Owner, 0, None, None)];
        assert_eq!(
            judge(&member, Some(10 * DAY), 4 * DAY, 5 * DAY),
            Judgement::Held("removed")
        );
    }

    #[test]
    fn a_removal_does_not_hide_another_grant_that_holds() {
        let both = [
            grant(Role::Field, 0, None, Some(10)),
            grant(Role::Office, 20, None, None),
        ];
        assert_eq!(verdict(&both, 9, 21), Judgement::Allowed);
    }
}
