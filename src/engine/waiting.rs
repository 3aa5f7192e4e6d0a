//! Where a run stands that has no attempt going: what it waits for, or that it never will start.

use jiff::Timestamp;

use crate::job::{Condition, RunState, StateName};
use crate::store::engine::Awaited;

/// What may hold a run back.
#[derive(Debug, Default)]
pub(super) struct Holds<'a> {
    /// Other runs.
    pub(super) awaited: &'a [Awaited],
    /// Not before this time.
    pub(super) not_before: Option<Timestamp>,
    /// A secret that nobody has given yet.
    pub(super) missing_secret: Option<&'a str>,
}

/// The state of a run that is not live: first the others, then the clock, then secrets.
pub(super) fn standing(queued_at: Timestamp, now: Timestamp, holds: &Holds<'_>) -> RunState {
    let never: Vec<String> =
        holds.awaited.iter().filter(|a| met(a) == Some(false)).map(ended_otherwise).collect();
    if !never.is_empty() {
        let reason = never.join("; ");
        return RunState::Skipped { queued_at, ended_at: now, reason };
    }
    let open: Vec<String> =
        holds.awaited.iter().filter(|a| met(a).is_none()).map(waits_for).collect();
    if !open.is_empty() {
        return RunState::Blocked { queued_at, reason: open.join("; ") };
    }
    if let Some(until) = holds.not_before.filter(|t| *t > now) {
        return RunState::Delayed { queued_at, until, reason: None };
    }
    match holds.missing_secret {
        Some(name) => {
            RunState::Blocked { queued_at, reason: format!("waits for the secret {name}") }
        }
        None => RunState::Queued { queued_at },
    }
}

/// Whether a dependency is met; `None` while it is open.
fn met(a: &Awaited) -> Option<bool> {
    let state = a.state.filter(|s| s.is_final());
    match (a.condition, state) {
        // Gone from the engine's memory: nobody can say that it ended well.
        (_, None) if a.state.is_none() => Some(false),
        (_, None) => None,
        (Condition::Any, Some(_)) => Some(true),
        (Condition::Ok, Some(s)) => Some(s == StateName::Succeeded),
        // A run that never started did not fail.
        (Condition::Fail, Some(s)) => Some(!matches!(s, StateName::Succeeded | StateName::Skipped)),
    }
}

fn waits_for(a: &Awaited) -> String {
    let end = match a.condition {
        Condition::Ok => "to succeed",
        Condition::Any => "to end",
        Condition::Fail => "to fail",
    };
    format!("waits for {} {end}", a.other)
}

fn ended_otherwise(a: &Awaited) -> String {
    let what = match a.condition {
        Condition::Ok => "its success",
        Condition::Any => "its end",
        Condition::Fail => "its failure",
    };
    match a.state {
        Some(s) => format!("{} ended as {}: this run waited for {what}", a.other, s.word()),
        None => format!("{} is not known any more: this run waited for {what}", a.other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(condition: Condition, state: Option<StateName>) -> RunState {
        let t = Timestamp::UNIX_EPOCH;
        let awaited = [Awaited { other: "x".into(), condition, state }];
        standing(t, t, &Holds { awaited: &awaited, ..Holds::default() })
    }

    #[test]
    fn a_dependency_starts_blocks_or_skips_by_its_condition_and_the_others_end() {
        use Condition::{Any, Fail, Ok};
        use StateName::{Blocked, Cancelled, Failed, Lost, Queued, Running, Skipped, Succeeded};
        for (condition, state, stands) in [
            (Ok, Running, Blocked),
            (Ok, Succeeded, Queued),
            (Ok, Failed, Skipped),
            (Ok, Lost, Skipped),
            (Ok, Skipped, Skipped),
            (Any, Queued, Blocked),
            (Any, Succeeded, Queued),
            (Any, Cancelled, Queued),
            (Any, Skipped, Queued),
            (Fail, Running, Blocked),
            (Fail, Succeeded, Skipped),
            (Fail, Failed, Queued),
            (Fail, Lost, Queued),
            (Fail, Skipped, Skipped),
        ] {
            let found = one(condition, Some(state)).name();
            assert_eq!(found, stands, "{condition:?} {state:?}");
        }
        assert_eq!(one(Any, None).name(), Skipped, "a run that nobody knows");
    }

    #[test]
    fn others_come_before_the_clock_and_the_clock_before_secrets() {
        let t = |s| Timestamp::from_second(s).unwrap();
        let open = [Awaited {
            other: "x".into(),
            condition: Condition::Ok,
            state: Some(StateName::Running),
        }];
        let holds =
            |awaited| Holds { awaited, not_before: Some(t(9)), missing_secret: Some("KEY") };
        assert!(matches!(standing(t(1), t(5), &holds(&open)), RunState::Blocked { reason, .. }
            if reason == "waits for x to succeed"));
        assert_eq!(
            standing(t(1), t(5), &holds(&[])),
            RunState::Delayed { queued_at: t(1), until: t(9), reason: None }
        );
        assert!(matches!(standing(t(1), t(9), &holds(&[])), RunState::Blocked { reason, .. }
            if reason.contains("KEY")));
        assert_eq!(standing(t(1), t(9), &Holds::default()), RunState::Queued { queued_at: t(1) });
    }
}
