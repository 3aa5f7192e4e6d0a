//! What two models said about the same texts, resampled by text.
//!
//! A text may stand in a set more than once and in several sets (a pool): then its items are not
//! independent, and the text is the unit. Macro-F1 depends on texts only through counts, and texts
//! with the same golds and the same answers are exchangeable, so drawing texts with replacement is
//! drawing how many of each group come up: time does not grow with the number of texts.

use std::collections::BTreeMap;

use super::alias::{Alias, Binomials};
use crate::stats::bootstrap::Resampling;
use crate::stats::stream::Stream;
use crate::stats::{Estimate, Undefined};

/// One item of a text: its set, its gold label, what the two sides said. A number equal to the
/// set's count of labels stands for "none of them": a reply that is no label, or a gold value that
/// is not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answered {
    /// Which set: an index of the label counts.
    pub set: u32,
    /// The gold label.
    pub gold: u32,
    /// What A and B said; both the same where there is one side only.
    pub said: [u32; 2],
}

/// Groups of texts with the same golds and answers.
#[derive(Debug, Clone)]
pub struct Texts {
    labels: Vec<u32>,
    groups: BTreeMap<Vec<Answered>, u64>,
    texts: u64,
}

/// Two sides with their difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Mean macro-F1 over the sets, of A.
    pub a: Estimate,
    /// Of B.
    pub b: Estimate,
    /// A - B, drawn together.
    pub difference: Estimate,
    /// Two-sided: as often is the difference as large when each text's answers change sides by a
    /// coin. Never 0.
    pub p: f64,
}

/// Draws of the mean macro-F1 over the sets, side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws {
    /// On all texts.
    pub value: [f64; 2],
    /// A and B of each draw.
    pub draws: Vec<[f64; 2]>,
}

impl Texts {
    /// For sets with these numbers of labels.
    ///
    /// # Errors
    /// No set, or one with fewer than two labels.
    pub fn new(labels: &[usize]) -> Result<Self, Undefined> {
        Undefined::unless_enough("sets", labels.len(), 1)?;
        for l in labels {
            Undefined::unless_enough("labels", *l, 2)?;
        }
        let labels = labels.iter().map(|l| *l as u32).collect();
        Ok(Self { labels, groups: BTreeMap::new(), texts: 0 })
    }

    /// Adds one text with all its items.
    ///
    /// # Errors
    /// A set or a label that was not declared.
    pub fn add(&mut self, mut items: Vec<Answered>) -> Result<(), Undefined> {
        for i in &items {
            let most = self.labels.get(i.set as usize).copied();
            if most.is_none_or(|m| i.gold > m || i.said.iter().any(|s| *s > m)) {
                return Err(Undefined::BadParameter {
                    what: "answer",
                    value: format!("{i:?}"),
                    expected: "a declared set, and labels up to its number of labels",
                });
            }
        }
        items.sort_unstable();
        *self.groups.entry(items).or_default() += 1;
        self.texts += 1;
        Ok(())
    }

    /// Number of texts.
    pub fn len(&self) -> u64 {
        self.texts
    }

    /// True without texts.
    pub fn is_empty(&self) -> bool {
        self.texts == 0
    }

    fn layout(&self) -> Layout {
        let mut offsets = Vec::with_capacity(self.labels.len());
        let mut cells = 0;
        for l in &self.labels {
            offsets.push(cells);
            cells += ((l + 1) * (l + 1)) as usize;
        }
        Layout { labels: self.labels.clone(), offsets, cells }
    }

    /// The value on all texts, and `draws` values on as many texts drawn with replacement.
    ///
    /// # Errors
    /// No texts, or bad resampling parameters.
    pub fn draws(&self, how: &Resampling) -> Result<Draws, Undefined> {
        how.check()?;
        Undefined::unless_enough("texts", self.texts as usize, 1)?;
        let layout = self.layout();
        let groups = self.by_size(&layout);
        let mut tables = layout.tables();
        for g in &groups {
            g.put(&mut tables, g.count);
        }
        let value = layout.means(&tables);
        let mut sampler = Sampler::of(&groups, self.texts);
        let mut stream = Stream::of(how.seed, 0);
        let mut draws = Vec::with_capacity(how.draws);
        for _ in 0..how.draws {
            tables.iter_mut().for_each(|t| t.fill(0));
            sampler.draw(&mut stream, &mut tables);
            draws.push(layout.means(&tables));
        }
        Ok(Draws { value, draws })
    }

    /// Differences A - B when each text's answers change sides with a chance of one half.
    ///
    /// # Errors
    /// No texts.
    pub fn swapped(&self, swaps: usize, seed: u64) -> Result<Vec<f64>, Undefined> {
        Undefined::unless_enough("texts", self.texts as usize, 1)?;
        let layout = self.layout();
        let mut still = layout.tables();
        let (moving, resting): (Vec<Group>, Vec<Group>) =
            self.by_size(&layout).into_iter().partition(|g| g.cells.iter().any(|c| c[0] != c[1]));
        for g in &resting {
            g.put(&mut still, g.count);
        }
        let turned: Vec<Group> = moving
            .iter()
            .map(|g| Group { cells: g.cells.iter().map(|c| [c[1], c[0]]).collect(), ..*g })
            .collect();
        let mut coin = Binomials::of(0.5);
        let mut stream = Stream::of(seed, 1);
        let mut tables = still.clone();
        Ok((0..swaps)
            .map(|_| {
                for (t, s) in tables.iter_mut().zip(&still) {
                    t.copy_from_slice(s);
                }
                for (g, t) in moving.iter().zip(&turned) {
                    let k = coin.draw(&mut stream, g.count);
                    g.put(&mut tables, g.count - k);
                    t.put(&mut tables, k);
                }
                let [a, b] = layout.means(&tables);
                a - b
            })
            .collect())
    }

    /// Both sides with intervals, their difference, and the test of no difference.
    ///
    /// # Errors
    /// See [`Texts::draws`].
    pub fn compare(
        &self,
        unit: &str,
        how: &Resampling,
        swaps: usize,
    ) -> Result<Compared, Undefined> {
        let d = self.draws(how)?;
        let under_null = self.swapped(swaps, how.seed)?;
        let n = self.texts as usize;
        let side = |s: usize| {
            let draws: Vec<f64> = d.draws.iter().map(|x| x[s]).collect();
            Estimate::from_draws(d.value[s], &draws, how.level, n, unit)
        };
        let differences: Vec<f64> = d.draws.iter().map(|[a, b]| a - b).collect();
        let difference = d.value[0] - d.value[1];
        Ok(Compared {
            a: side(0),
            b: side(1),
            difference: Estimate::from_draws(difference, &differences, how.level, n, unit),
            p: two_sided(difference, &under_null),
        })
    }

    /// Groups, the most frequent first.
    fn by_size(&self, layout: &Layout) -> Vec<Group> {
        let mut groups: Vec<Group> = self
            .groups
            .iter()
            .map(|(items, count)| Group {
                count: *count,
                cells: items.iter().map(|i| layout.cells_of(i)).collect(),
            })
            .collect();
        groups.sort_by_key(|g| std::cmp::Reverse(g.count));
        groups
    }
}

/// Share of differences under the null that are as far from zero as the one observed; the observed
/// one counts too, so that it is never 0.
pub fn two_sided(observed: f64, under_null: &[f64]) -> f64 {
    let slack = 1e-12;
    let hits = under_null.iter().filter(|d| d.abs() >= observed.abs() - slack).count();
    (hits + 1) as f64 / (under_null.len() + 1) as f64
}

/// Where the table of each set lies in one slice.
struct Layout {
    labels: Vec<u32>,
    offsets: Vec<usize>,
    cells: usize,
}

impl Layout {
    fn tables(&self) -> [Vec<u64>; 2] {
        [vec![0; self.cells], vec![0; self.cells]]
    }

    /// The cells of the two sides' tables that an item counts in.
    fn cells_of(&self, i: &Answered) -> [u32; 2] {
        let set = i.set as usize;
        let width = self.labels[set] + 1;
        i.said.map(|s| self.offsets[set] as u32 + i.gold * width + s)
    }

    fn means(&self, tables: &[Vec<u64>; 2]) -> [f64; 2] {
        [self.mean(&tables[0]), self.mean(&tables[1])]
    }

    /// Mean over the sets of macro-F1 over the scored labels.
    fn mean(&self, counts: &[u64]) -> f64 {
        let sum: f64 = self
            .labels
            .iter()
            .zip(&self.offsets)
            .map(|(labels, at)| {
                let (labels, width) = (*labels as usize, *labels as usize + 1);
                let table = &counts[*at..at + width * width];
                let mut f1 = 0.0;
                for l in 0..labels {
                    let support: u64 = table[l * width..][..width].iter().sum();
                    let called: u64 = (0..width).map(|g| table[g * width + l]).sum();
                    if support + called > 0 {
                        f1 += 2.0 * table[l * width + l] as f64 / (support + called) as f64;
                    }
                }
                f1 / labels as f64
            })
            .sum();
        sum / self.labels.len() as f64
    }
}

/// Texts that are alike.
#[derive(Debug)]
struct Group {
    count: u64,
    /// Of each item: its cell in A's table and in B's.
    cells: Vec<[u32; 2]>,
}

impl Group {
    #[inline]
    fn put(&self, tables: &mut [Vec<u64>; 2], times: u64) {
        for [a, b] in &self.cells {
            tables[0][*a as usize] += times;
            tables[1][*b as usize] += times;
        }
    }
}

/// Draws texts: the large groups by a binomial each, the rest text by text.
struct Sampler<'a> {
    groups: &'a [Group],
    binomials: Vec<Binomials>,
    /// Over the groups after those; `None` when there are none.
    rest: Option<Alias>,
    texts: u64,
}

/// Groups drawn by binomials at most; more tables would leave the cache.
const BY_BINOMIAL: usize = 24;

impl<'a> Sampler<'a> {
    fn of(groups: &'a [Group], texts: u64) -> Self {
        let large = groups.iter().take(BY_BINOMIAL).filter(|g| g.count > 2).count();
        // A last group takes what is left over: one draw less.
        let large = if large == groups.len() { large.saturating_sub(1) } else { large };
        let mut mass = texts;
        let binomials = groups[..large]
            .iter()
            .map(|g| {
                let b = Binomials::of(g.count as f64 / mass as f64);
                mass -= g.count;
                b
            })
            .collect();
        let tail: Vec<f64> = groups[large..].iter().map(|g| g.count as f64).collect();
        let rest = (tail.len() > 1).then(|| Alias::of(large as u32, &tail));
        Self { groups, binomials, rest, texts }
    }

    fn draw(&mut self, stream: &mut Stream, tables: &mut [Vec<u64>; 2]) {
        let mut left = self.texts;
        for (g, b) in self.groups.iter().zip(&mut self.binomials) {
            let k = b.draw(stream, left);
            left -= k;
            g.put(tables, k);
        }
        match &self.rest {
            Some(rest) => {
                for _ in 0..left {
                    self.groups[rest.draw(stream) as usize].put(tables, 1);
                }
            }
            None => {
                if let Some(last) = self.groups.get(self.binomials.len()) {
                    last.put(tables, left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::bootstrap::statistic;
    use crate::stats::classification::Confusion;

    /// Gold and two answers for item `i`; 2 is "no label".
    fn item(i: usize) -> Answered {
        let gold = u32::from(i % 5 < 2);
        let say = |salt: usize, right: usize| match i * salt % 100 {
            x if x < right => gold,
            x if x < 95 => 1 - gold,
            _ => 2,
        };
        Answered { set: 0, gold, said: [say(7919, 80), say(6101, 65)] }
    }

    fn singles(n: usize) -> Texts {
        let mut t = Texts::new(&[2]).unwrap();
        (0..n).for_each(|i| t.add(vec![item(i)]).unwrap());
        t
    }

    fn f1(items: impl Iterator<Item = (u32, u32)>) -> f64 {
        Confusion::from_pairs(2, items.map(|(g, s)| (g as usize, (s < 2).then_some(s as usize))))
            .unwrap()
            .macro_f1()
            .unwrap()
    }

    #[test]
    fn the_interval_of_a_difference_is_that_of_drawing_items_one_by_one() {
        let how = Resampling { draws: 20_000, ..Resampling::default() };
        let fast = singles(400).compare("item", &how, 2000).unwrap();
        let slow_how = Resampling { draws: 4000, ..Resampling::default() };
        let slow = statistic(400, "item", &slow_how, |picked| {
            let side = |s: usize| f1(picked.iter().map(|&i| (item(i).gold, item(i).said[s])));
            Some(side(0) - side(1))
        })
        .unwrap();
        let (a, b) = (fast.difference.interval.unwrap(), slow.interval.unwrap());
        assert!((fast.difference.value - slow.value).abs() < 1e-12);
        let width = b.hi - b.lo;
        assert!((a.lo - b.lo).abs() < 0.07 * width && (a.hi - b.hi).abs() < 0.07 * width);
    }

    #[test]
    fn one_side_has_the_interval_of_its_confusion_matrix() {
        let how = Resampling { draws: 20_000, ..Resampling::default() };
        let fast = singles(400).compare("item", &how, 10).unwrap().a;
        let matrix = Confusion::from_pairs(
            2,
            (0..400).map(|i| {
                let x = item(i);
                (x.gold as usize, (x.said[0] < 2).then_some(x.said[0] as usize))
            }),
        )
        .unwrap();
        let other = crate::stats::classification::resample(&matrix, &how).unwrap();
        let (a, b) = (fast.interval.unwrap(), other.interval.unwrap());
        assert!((fast.value - other.value).abs() < 1e-12);
        assert!((a.lo - b.lo).abs() < 0.004 && (a.hi - b.hi).abs() < 0.004, "{a:?} {b:?}");
    }

    #[test]
    fn texts_that_stand_in_a_set_ten_times_widen_its_interval() {
        let how = Resampling { draws: 5000, ..Resampling::default() };
        let mut repeated = Texts::new(&[2]).unwrap();
        (0..60).for_each(|i| repeated.add(vec![item(i); 10]).unwrap());
        let mut blind = Texts::new(&[2]).unwrap();
        (0..600).for_each(|i| blind.add(vec![item(i / 10)]).unwrap());
        let width = |t: &Texts| {
            let i = t.compare("text", &how, 10).unwrap().a.interval.unwrap();
            i.hi - i.lo
        };
        assert!(width(&repeated) > 2.5 * width(&blind));
    }

    #[test]
    fn sides_that_are_equal_never_differ_and_a_large_difference_is_rare_under_the_null() {
        let mut same = Texts::new(&[2]).unwrap();
        for i in 0..100 {
            let x = item(i);
            same.add(vec![Answered { said: [x.said[0]; 2], ..x }]).unwrap();
        }
        let how = Resampling { draws: 500, ..Resampling::default() };
        assert_eq!(same.compare("item", &how, 200).unwrap().p, 1.0);
        let mut apart = Texts::new(&[2]).unwrap();
        (0..200).for_each(|i| {
            let gold = i % 2;
            let b = if i % 4 == 0 { 1 - gold } else { gold };
            apart.add(vec![Answered { set: 0, gold, said: [gold, b] }]).unwrap();
        });
        let c = apart.compare("item", &how, 999).unwrap();
        assert!((c.p - 0.001).abs() < 1e-12 && c.difference.value > 0.2, "{c:?}");
    }

    /// By hand: with 6 items, both of two labels there, B wrong on 3 of them in one class, the
    /// sides change on those 3 only: 8 patterns, of which all-as-seen and all-changed are extreme.
    #[test]
    fn the_test_counts_the_patterns_of_the_items_that_differ() {
        let mut t = Texts::new(&[2]).unwrap();
        for i in 0..6 {
            let gold = u32::from(i < 3);
            let b = if gold == 1 { 0 } else { gold };
            t.add(vec![Answered { set: 0, gold, said: [gold, b] }]).unwrap();
        }
        let how = Resampling { draws: 10, ..Resampling::default() };
        let p = t.compare("item", &how, 40_000).unwrap().p;
        assert!((p - 0.25).abs() < 0.01, "{p}");
    }

    #[test]
    fn a_pool_of_two_sets_is_drawn_together_and_averaged() {
        let mut pool = Texts::new(&[2, 3]).unwrap();
        for i in 0..200 {
            let x = item(i);
            let y = Answered { set: 1, gold: i as u32 % 3, said: [i as u32 % 3, 3] };
            pool.add(vec![x, y]).unwrap();
        }
        let d = pool.draws(&Resampling { draws: 50, ..Resampling::default() }).unwrap();
        let first = f1((0..200).map(|i| (item(i).gold, item(i).said[0])));
        assert!((d.value[0] - f64::midpoint(first, 1.0)).abs() < 1e-12);
        assert_eq!(d, pool.draws(&Resampling { draws: 50, ..Resampling::default() }).unwrap());
    }

    #[test]
    fn a_gold_value_that_is_not_scored_still_makes_a_wrong_call() {
        // scikit-learn: f1_score(["a","b","x"], ["a","b","a"], labels=["a","b"], average="macro").
        let mut t = Texts::new(&[2]).unwrap();
        for (gold, said) in [(0, 0), (1, 1), (2, 0)] {
            t.add(vec![Answered { set: 0, gold, said: [said; 2] }]).unwrap();
        }
        let d = t.draws(&Resampling { draws: 1, ..Resampling::default() }).unwrap();
        assert!((d.value[0] - f64::midpoint(2.0 / 3.0, 1.0)).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Texts::new(&[]).is_err() && Texts::new(&[1]).is_err());
        let mut t = Texts::new(&[2]).unwrap();
        assert!(t.add(vec![Answered { set: 1, gold: 0, said: [0, 0] }]).is_err());
        assert!(t.add(vec![Answered { set: 0, gold: 3, said: [0, 0] }]).is_err());
        assert!(t.is_empty() && t.draws(&Resampling::default()).is_err());
    }
}
