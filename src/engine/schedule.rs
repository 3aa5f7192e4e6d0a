//! Which queued runs may start: pure, given the queue and the room that is left.

use std::collections::HashMap;

/// What a run at its turn takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want<'a> {
    /// CPU threads.
    pub(super) threads: u32,
    /// Its pool.
    pub(super) pool: Option<&'a str>,
}

/// What becomes of a run at its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It starts, and what it takes is taken.
    Start,
    /// Its pool is full: runs of other pools may go first.
    PoolFull,
    /// It waits for CPU slots, and nobody overtakes it.
    NoSlots,
}

/// The room that is left while the queue is gone through.
#[derive(Debug)]
pub(super) struct Room {
    slots: u32,
    free: u32,
    pools: HashMap<String, u32>,
}

impl Room {
    /// `pools`: places left in each that somebody has made. A pool that is not known (the database
    /// was lost) holds nobody back.
    pub(super) fn new(slots: u32, taken: u32, pools: HashMap<String, u32>) -> Self {
        Self { slots, free: slots.saturating_sub(taken), pools }
    }

    /// Pools without a place.
    pub(super) fn full_pools(&self) -> Vec<String> {
        self.pools.iter().filter(|(_, n)| **n == 0).map(|(p, _)| p.clone()).collect()
    }

    /// True when no run of this pool may start.
    pub(super) fn is_full(&self, pool: Option<&str>) -> bool {
        pool.is_some_and(|p| self.pools.get(p) == Some(&0))
    }

    /// The turn of a run. Strictly in order: a large run at the head is not starved by small ones
    /// behind it. A run that wants more than all slots gets them all.
    pub(super) fn turn(&mut self, want: Want<'_>) -> Turn {
        if self.is_full(want.pool) {
            return Turn::PoolFull;
        }
        let slots = slots(want.threads, self.slots);
        if slots > self.free {
            return Turn::NoSlots;
        }
        self.free -= slots;
        if let Some(places) = want.pool.and_then(|p| self.pools.get_mut(p)) {
            *places -= 1;
        }
        Turn::Start
    }
}

/// Slots that a run takes of so many: none where it runs elsewhere.
pub(super) fn slots(want: u32, capacity: u32) -> u32 {
    if want == 0 {
        return 0;
    }
    want.clamp(1, capacity.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(wants: &[(u32, Option<&str>)], slots: u32, taken: u32) -> Vec<usize> {
        let pools = HashMap::from([("one".to_owned(), 1), ("none".to_owned(), 0)]);
        let mut room = Room::new(slots, taken, pools);
        let mut out = Vec::new();
        for (i, (threads, pool)) in wants.iter().enumerate() {
            match room.turn(Want { threads: *threads, pool: *pool }) {
                Turn::Start => out.push(i),
                Turn::PoolFull => {}
                Turn::NoSlots => break,
            }
        }
        out
    }

    #[test]
    fn the_head_waits_for_slots_and_nobody_overtakes_it() {
        let none = None;
        let cases: [(&[(u32, Option<&str>)], u32, u32, &[usize]); 7] = [
            (&[], 4, 0, &[]),
            (&[(1, none), (1, none), (1, none)], 2, 0, &[0, 1]),
            (&[(1, none)], 2, 2, &[]),
            (&[(3, none), (1, none)], 4, 2, &[]),
            (&[(2, none), (2, none), (1, none)], 4, 0, &[0, 1]),
            (&[(64, none)], 4, 0, &[0]),
            (&[(64, none)], 4, 1, &[]),
        ];
        for (wants, slots, taken, expected) in cases {
            assert_eq!(starts(wants, slots, taken), expected, "{wants:?}");
        }
    }

    #[test]
    fn a_full_pool_holds_back_its_own_runs_only() {
        let (one, shut) = (Some("one"), Some("none"));
        assert_eq!(starts(&[(1, one), (1, one), (1, None), (1, shut)], 4, 0), [0, 2]);
        // Places of a pool are no slots: who waits for slots waits.
        assert_eq!(starts(&[(1, one), (1, None), (1, None)], 2, 0), [0, 1]);
        let mut room = Room::new(4, 0, HashMap::from([("none".to_owned(), 0)]));
        assert_eq!(room.full_pools(), ["none"]);
        assert_eq!(room.turn(Want { threads: 1, pool: shut }), Turn::PoolFull);
    }
}
