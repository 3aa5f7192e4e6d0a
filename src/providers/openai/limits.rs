//! How fast calls go out. Nothing here looks at a clock or waits: times come in as seconds since
//! some start, so that tests can run a minute in no time.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Units (calls, tokens) per minute, spaced evenly: in no minute more than the limit, and no burst
/// at its start. A call that comes late, because the machine was busy, may be followed sooner by
/// the next, up to 50 ms: without that, lateness would add up to a lower rate.
#[derive(Debug)]
pub struct Pace {
    /// Seconds per unit.
    interval: f64,
    tolerance: f64,
    /// When the next unit would come if all were evenly spaced.
    due: f64,
}

impl Pace {
    /// A limit in units per minute.
    pub fn new(per_minute: f64) -> Self {
        // Room for the catching up, where it does not cost more than a hundredth.
        let (rate, tolerance) =
            if per_minute >= 100.0 { (per_minute * 0.99, 0.05) } else { (per_minute, 0.0) };
        // A hair more: sums of rounded numbers come out a hair less.
        Self { interval: 60.0 / rate * (1.0 + 1e-9), tolerance, due: f64::NEG_INFINITY }
    }

    /// When the next may go.
    pub fn earliest(&self, now: f64) -> f64 {
        now.max(self.due - self.tolerance)
    }

    /// Counts units that go now.
    pub fn take(&mut self, now: f64, units: f64) {
        self.due = self.due.max(now) + units * self.interval;
    }

    /// Corrects what was counted by guess: negative units are given back.
    pub fn correct(&mut self, units: f64) {
        self.due += units * self.interval;
    }
}

/// How many calls may be under way: grows while the service keeps up, halves when it says that it
/// is too much (additive increase, multiplicative decrease, as TCP does).
#[derive(Debug)]
pub struct Window {
    size: f64,
    most: f64,
    /// Doubling per round until the service first complains.
    young: bool,
    /// Complaints about calls that were sent before this are about the old size.
    cut_at: f64,
}

impl Window {
    /// At most this many; it starts with 16.
    pub fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { size: most.min(16.0), most, young: true, cut_at: f64::NEG_INFINITY }
    }

    /// Calls that may be under way now.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// A call was answered.
    pub fn answered(&mut self) {
        let step = if self.young { 1.0 } else { 1.0 / self.size };
        self.size = (self.size + step).min(self.most);
    }

    /// A call that was sent at `sent` was turned away as too much.
    pub fn too_much(&mut self, sent: f64, now: f64) {
        self.young = false;
        if sent >= self.cut_at {
            self.size = (self.size / 2.0).max(1.0);
            self.cut_at = now;
        }
    }
}

/// Both paces, the window and the pauses that the service asked for.
#[derive(Debug)]
pub struct Gate {
    calls: Option<Pace>,
    tokens: Option<Pace>,
    /// Calls under way.
    pub window: Window,
    pause: f64,
    random: Xoshiro256PlusPlus,
}

/// First wait before a call is tried again, and the longest, in seconds.
const LONGEST_BACKOFF: f64 = 60.0;

impl Gate {
    /// From the user's limits.
    pub fn new(calls: Option<f64>, tokens: Option<f64>, in_flight: usize, seed: u64) -> Self {
        Self {
            calls: calls.map(Pace::new),
            tokens: tokens.map(Pace::new),
            window: Window::new(in_flight),
            pause: f64::NEG_INFINITY,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// When the next call may go, the window apart.
    pub fn earliest(&self, now: f64) -> f64 {
        let paced = |p: &Option<Pace>| p.as_ref().map_or(now, |p| p.earliest(now));
        paced(&self.calls).max(paced(&self.tokens)).max(self.pause)
    }

    /// Counts a call that goes now, with the tokens it may take.
    pub fn take(&mut self, now: f64, tokens: u64) {
        if let Some(p) = &mut self.calls {
            p.take(now, 1.0);
        }
        if let Some(p) = &mut self.tokens {
            p.take(now, tokens as f64);
        }
    }

    /// Puts the tokens it took in place of those it might have taken.
    pub fn took(&mut self, guessed: u64, real: u64) {
        if let Some(p) = &mut self.tokens {
            p.correct(real as f64 - guessed as f64);
        }
    }

    /// Nothing goes before this; a little later, so that not all clients of a service come back at
    /// once.
    pub fn pause(&mut self, now: f64, seconds: f64) {
        let until = now + seconds * self.random.random_range(1.0..1.1);
        self.pause = self.pause.max(until);
    }

    /// How long to wait before the `n`th try after the first: doubling, half of it by chance.
    pub fn backoff(&mut self, n: u32, first: f64) -> f64 {
        let whole = (first * 2f64.powi(n.saturating_sub(1).min(30) as i32)).min(LONGEST_BACKOFF);
        whole * self.random.random_range(0.5..1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute and a half of calls that wake up `late` seconds late; their times.
    fn sent(limit: f64, late: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut pace = Pace::new(limit);
        let (mut now, mut times) = (0.0, Vec::new());
        while now < 90.0 {
            let at = pace.earliest(now);
            if at > now {
                now = at + late(times.len());
            } else {
                pace.take(now, 1.0);
                times.push(now);
            }
        }
        times
    }

    fn most_in(times: &[f64], span: f64) -> usize {
        let (mut most, mut first) = (0, 0);
        for (last, t) in times.iter().enumerate() {
            while times[first] + span <= *t {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }

    #[test]
    fn no_minute_has_more_calls_than_the_limit_and_few_are_left_unused() {
        for limit in [1.0, 7.0, 60.0, 99.0, 100.0, 500.0, 3_000.0, 30_000.0, 60_000.0] {
            // A timer of one millisecond, and a busy machine that stalls now and then.
            for late in [|_| 0.0, |_| 0.001, |i| if i % 50 == 0 { 0.03 } else { 0.000_5 }] {
                let times = sent(limit, late);
                let most = most_in(&times, 60.0);
                assert!(most as f64 <= limit, "{limit}: {most} in a minute");
                let used = times.iter().filter(|t| **t < 60.0).count() as f64;
                assert!(used >= 0.95 * limit, "{limit}: only {used}");
                let burst = most_in(&times, 1.0) as f64;
                assert!(burst <= limit / 60.0 * 1.05 + 2.0, "{limit}: {burst} in a second");
            }
        }
    }

    #[test]
    fn tokens_that_were_not_taken_are_given_back() {
        let mut gate = Gate::new(None, Some(6_000.0), 4, 1);
        gate.take(0.0, 990);
        let guessed = gate.earliest(0.0);
        assert!((guessed - 9.95).abs() < 0.01, "{guessed}");
        gate.took(990, 99);
        assert!((gate.earliest(0.0) - 0.95).abs() < 0.01);
        gate.took(99, 198);
        assert!((gate.earliest(0.0) - 1.95).abs() < 0.01);
    }

    #[test]
    fn the_window_grows_while_all_is_well_and_halves_once_per_complaint() {
        let mut w = Window::new(100);
        assert_eq!(w.size(), 16);
        (0..200).for_each(|_| w.answered());
        assert_eq!(w.size(), 100);
        // A hundred calls of one round are turned away: one cut, not a hundred.
        (0..100).for_each(|_| w.too_much(0.0, 1.0));
        assert_eq!(w.size(), 50);
        (0..50).for_each(|_| w.answered());
        assert_eq!(w.size(), 50, "one more a round, not one more a call");
        (0..3).for_each(|_| w.answered());
        assert_eq!(w.size(), 51);
        (2..20).for_each(|t| w.too_much(f64::from(t), f64::from(t)));
        assert_eq!(w.size(), 1, "never none");
    }

    #[test]
    fn a_service_that_allows_ten_at_a_time_gets_about_ten() {
        let mut w = Window::new(64);
        let mut sizes = Vec::new();
        for round in 0..400 {
            let (now, n) = (f64::from(round), w.size());
            sizes.push(n);
            for call in 0..n {
                if call < 10 { w.answered() } else { w.too_much(now, now + 0.5) }
            }
        }
        let late = &sizes[100..];
        let mean = late.iter().sum::<usize>() as f64 / late.len() as f64;
        assert!((6.0..=11.0).contains(&mean), "{mean}");
    }

    #[test]
    fn backoff_doubles_with_chance_and_has_an_end() {
        let mut gate = Gate::new(None, None, 4, 7);
        for n in 1..40 {
            let whole = (0.5 * 2f64.powi(n - 1)).min(60.0);
            let wait = gate.backoff(n as u32, 0.5);
            assert!((whole / 2.0..=whole).contains(&wait), "{n}: {wait}");
        }
        gate.pause(10.0, 20.0);
        let at = gate.earliest(11.0);
        assert!((30.0..=32.0).contains(&at));
        gate.pause(10.0, 1.0);
        assert_eq!(gate.earliest(11.0), at, "a longer pause stands");
    }
}
