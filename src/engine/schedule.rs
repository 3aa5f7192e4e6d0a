//! Which queued runs may start: a pure function of the queue and the free slots.

/// How many runs from the head of the queue start now, given the slots each wants. Strictly in
/// order: a large run at the head is not starved by small ones behind it. A run that wants more
/// than the whole pool gets the whole pool.
pub(super) fn startable(wants: impl IntoIterator<Item = u32>, capacity: u32, taken: u32) -> usize {
    let mut free = capacity.saturating_sub(taken);
    wants
        .into_iter()
        .take_while(|want| {
            let slots = slots(*want, capacity);
            let fits = slots <= free;
            if fits {
                free -= slots;
            }
            fits
        })
        .count()
}

/// Slots that a run takes in a pool of this capacity: none where it runs elsewhere.
pub(super) fn slots(want: u32, capacity: u32) -> u32 {
    if want == 0 {
        return 0;
    }
    want.clamp(1, capacity.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_waits_for_room_and_nobody_overtakes_it() {
        let cases: [(&[u32], u32, u32, usize); 7] = [
            (&[], 4, 0, 0),
            (&[1, 1, 1], 2, 0, 2),
            (&[1, 1], 2, 2, 0),
            (&[3, 1], 4, 2, 0),
            (&[2, 2, 1], 4, 0, 2),
            (&[64], 4, 0, 1),
            (&[64], 4, 1, 0),
        ];
        for (wants, capacity, taken, starts) in cases {
            assert_eq!(startable(wants.iter().copied(), capacity, taken), starts, "{wants:?}");
        }
    }
}
