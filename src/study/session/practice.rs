//! The session in practice.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::Score;
use crate::store::Practice;
use crate::study::qualification::{Nearness, nearness, practice_name, practice_next};

use super::state::{Failed, Place};
use super::{Effect, PracticeView, Session, What, Write};

impl Session {
    /// To the next pair of practice, or past it.
    pub(super) fn practise(&mut self, now: Timestamp) {
        match practice_next(&self.loaded.texts.practice, &self.loaded.practised) {
            Some((round, i)) => self.place = Place::Practice { round, i, given: None },
            None if self.loaded.practised.is_empty() => self.show_next(now),
            None => self.place = Place::PracticeOver,
        }
    }

    pub(super) fn answer_practice(
        &mut self,
        round: u32,
        i: usize,
        given: Score,
        now: Timestamp,
    ) -> Option<Effect> {
        let expected = Score::new(self.loaded.texts.practice.get(i)?.score).ok()?;
        if given.get() > self.loaded.about.study_type.top() {
            return None;
        }
        if self.stale {
            return self.retry(now);
        }
        if let Some(Failed { write: Write { what: What::Practice(p), .. }, unsure, .. }) =
            &self.failed
        {
            if (p.round, &p.item, p.given) == (round, &practice_name(i), given) {
                return self.retry(now);
            }
            if *unsure {
                // it may have been stored after all: one answer a pair and round is logged
                self.notice = Some("the study is read again; then repeat the key".into());
                self.stale = true;
                return Some(Effect::Reload);
            }
        }
        let answer = Practice {
            uuid: Uuid::now_v7(),
            rater: self.loaded.rater.clone(),
            round,
            item: practice_name(i),
            given,
            expected: (expected, expected),
        };
        Some(self.send(What::Practice(answer), now))
    }

    /// After the study was read again: an answer that was thought lost and is there gets its
    /// feedback.
    pub(super) fn practice_reloaded(&mut self) {
        let Place::Practice { round, i, given } = &mut self.place else { return };
        let name = practice_name(*i);
        let mut mine = self.loaded.practised.iter().rev();
        *given = mine.find(|p| p.round == *round && p.item == name).map(|p| p.given);
    }

    pub(super) fn practised(&mut self, answer: &Practice) {
        self.loaded.practised.push(answer.clone());
        if let Place::Practice { given, .. } = &mut self.place {
            *given = Some(answer.given);
        }
    }

    pub(super) fn practice_view(
        &self,
        round: u32,
        i: usize,
        given: Option<Score>,
    ) -> Option<PracticeView<'_>> {
        let pairs = &self.loaded.texts.practice;
        let pair = pairs.get(i)?;
        // of the first round all, of the second those that were far off
        let asked: Vec<usize> = (0..pairs.len())
            .filter(|j| {
                round == 1
                    || self.loaded.practised.iter().any(|a| {
                        a.round == round - 1
                            && a.item == practice_name(*j)
                            && nearness(a.given.get(), pairs[*j].score) == Nearness::Far
                    })
            })
            .collect();
        Some(PracticeView {
            pair,
            number: asked.iter().position(|j| *j == i).map_or(1, |n| n + 1),
            of: asked.len(),
            round,
            given: given.map(|g| (g, nearness(g.get(), pair.score))),
            saving: self.saving(),
        })
    }

    pub(super) fn practice_counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for a in self.loaded.practised.iter().filter(|a| a.round == 1) {
            counts[nearness(a.given.get(), a.expected.0.get()) as usize] += 1;
        }
        counts
    }
}
