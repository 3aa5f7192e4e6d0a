//! Which of the texts that passed are kept.
//!
//! Not the most similar ones: those are the least new. Stage 1 gives up to `templates` texts,
//! families in turn; stage 2 fills the rest, parents in turn, so that no family and no parent
//! crowds out the others; where stage 2 falls short, left-over texts of stage 1 take the places. Within a turn the order of the provider decides, which is seeded.

/// A text that passed, as far as the choice needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Position in the caller's list.
    pub index: usize,
    /// What takes turns: the family in stage 1, the parent in stage 2.
    pub group: String,
}

/// Up to `n` candidates, groups in turn, in the order of their first member.
pub(super) fn in_turn(candidates: &[Candidate], n: usize) -> Vec<usize> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for c in candidates {
        match groups.iter_mut().find(|(g, _)| *g == c.group) {
            Some((_, members)) => members.push(c.index),
            None => groups.push((&c.group, vec![c.index])),
        }
    }
    let mut chosen = Vec::new();
    let rounds = groups.iter().map(|(_, m)| m.len()).max().unwrap_or(0);
    for round in 0..rounds {
        for (_, members) in &groups {
            if chosen.len() == n {
                return chosen;
            }
            if let Some(&index) = members.get(round) {
                chosen.push(index);
            }
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_crowds_out_the_others() {
        let groups = ["a", "a", "a", "b", "c", "b"];
        let c: Vec<Candidate> = groups
            .iter()
            .enumerate()
            .map(|(index, g)| Candidate { index, group: (*g).into() })
            .collect();
        assert_eq!(in_turn(&c, 4), [0, 3, 4, 1]);
        assert_eq!(in_turn(&c, 99).len(), 6);
        assert!(in_turn(&[], 3).is_empty());
    }
}
