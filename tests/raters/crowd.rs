//! All raters together, on one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use polyculture::stats::dice::Dice;
use rusqlite::{Connection, OpenFlags};

use super::seat::{Seat, Shown, Wants};
use super::{Tally, World};
use crate::pty::DEADLINE;

/// How raters behave; all of it drawn from `seed`.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    pub seed: u64,
    /// Mean time of thinking before a key.
    pub think: Duration,
    /// Raters sit down one by one within this time.
    pub arrive: Duration,
    /// Share of pairs that are put off, and of ratings that are taken back.
    pub doubts: f64,
    /// How often programs are killed in all, and within which time after a key.
    pub kills: usize,
    pub dies_within: Duration,
}

impl Manners {
    /// As fast as the program answers.
    pub fn quick(seed: u64) -> Self {
        Self {
            seed,
            think: Duration::ZERO,
            arrive: Duration::ZERO,
            doubts: 0.1,
            kills: 0,
            dies_within: Duration::from_millis(25),
        }
    }
}

/// One rater's chances, and what is to happen to their program.
struct Fate {
    dice: Dice,
    /// Numbers of the keys after which the program is killed.
    deaths: BTreeSet<usize>,
    dies: Option<Instant>,
    /// Pairs put off so far: each once at most.
    put_off: BTreeSet<usize>,
    /// The pair rated last, where it can be taken back.
    last: Option<usize>,
}

pub struct Crowd<'a> {
    world: &'a World,
    manners: Manners,
    seats: Vec<Seat>,
    fates: Vec<Fate>,
    seen: Connection,
    newest: i64,
    tally: Tally,
}

impl<'a> Crowd<'a> {
    pub fn new(world: &'a World, manners: Manners) -> Self {
        let seen = Connection::open_with_flags(
            world.database(),
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .expect("a second connection");
        let fates = (world.raters().iter())
            .enumerate()
            .map(|(i, name)| {
                let mut dice = Dice::new(manners.seed, &["rater", name]);
                let n = manners.kills / world.raters().len()
                    + usize::from(i < manners.kills % world.raters().len());
                let mut keys: Vec<usize> = (1..=world.load(name).max(n)).collect();
                dice.shuffle(&mut keys);
                let deaths = keys.into_iter().take(n).collect();
                Fate { dice, deaths, dies: None, put_off: BTreeSet::new(), last: None }
            })
            .collect();
        let tally = Tally::default();
        Self { world, manners, seats: Vec::new(), fates, seen, newest: 0, tally }
    }

    /// Until every rater has come to the end of their pairs.
    pub fn run(mut self) -> Tally {
        let start = Instant::now();
        let names = self.world.raters();
        let apart = self.manners.arrive / u32::try_from(names.len()).expect("a crowd");
        while self.seats.len() < names.len() || self.seats.iter().any(|s| !s.ended) {
            let n = u32::try_from(self.seats.len()).expect("a crowd");
            if self.seats.len() < names.len() && start.elapsed() >= apart * n {
                self.seats.push(Seat::new(self.world, &names[self.seats.len()]));
            }
            self.listen();
            self.look_for_rows();
            for i in 0..self.seats.len() {
                self.go_on(i);
            }
        }
        self.look_for_rows();
        self.tally.seconds = start.elapsed().as_secs_f64();
        self.tally.bytes = self.seats.iter().map(|s| s.bytes).sum();
        self.tally
    }

    /// Sleeps until a program writes or a key is due; a millisecond at most while a row is awaited,
    /// which nothing announces.
    fn listen(&mut self) {
        let now = Instant::now();
        let awaited = |s: &Seat| s.asked.as_ref().is_some_and(|a| a.is_event() && a.row.is_none());
        let due = (self.seats.iter().filter_map(|s| s.due))
            .chain(self.fates.iter().filter_map(|f| f.dies))
            .map(|at| at.saturating_duration_since(now))
            .min()
            .unwrap_or(Duration::from_millis(20))
            .min(Duration::from_millis(20));
        let sleep =
            if self.seats.iter().any(awaited) { due.min(Duration::from_millis(1)) } else { due };
        let living: Vec<usize> = (0..self.seats.len()).filter(|i| !self.seats[*i].ended).collect();
        let mut fds: Vec<PollFd> = (living.iter())
            .map(|i| PollFd::new(self.seats[*i].master(), PollFlags::POLLIN))
            .collect();
        let ms = u16::try_from(sleep.as_millis()).expect("a short time");
        match poll(&mut fds, PollTimeout::from(ms)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(e) => panic!("{e}"),
        }
        let ready: Vec<bool> = fds.iter().map(|f| f.any().unwrap_or(false)).collect();
        drop(fds);
        for (i, ready) in living.into_iter().zip(ready) {
            if ready && !self.seats[i].read() {
                self.left(i);
            }
        }
    }

    fn left(&mut self, i: usize) {
        let seat = &mut self.seats[i];
        let wanted = seat.asked.as_ref().is_some_and(|a| a.wants == Wants::End);
        let status = seat.wait();
        let text = seat.text();
        assert!(wanted && status.success(), "{} ended by itself ({status}):\n{text}", seat.name);
        seat.ended = true;
        self.fates[i].dies = None;
    }

    /// Rows that became visible: a reader sees them only once the log that holds them is synced.
    fn look_for_rows(&mut self) {
        let sql = "SELECT id, rater FROM rating_event WHERE id > ?1 ORDER BY id";
        let mut rows = self.seen.prepare_cached(sql).expect("the log");
        let found: Vec<(i64, String)> = rows
            .query_map([self.newest], |r| Ok((r.get(0)?, r.get(1)?)))
            .expect("the log")
            .map(|r| r.expect("a row"))
            .collect();
        let now = Instant::now();
        for (id, rater) in found {
            self.newest = id;
            let seat = self.seats.iter_mut().find(|s| s.name == rater);
            if let Some(asked) = seat.and_then(|s| s.asked.as_mut()).filter(|a| a.is_event()) {
                asked.row = Some((now - asked.at).as_secs_f64() * 1e3);
            }
        }
    }

    fn go_on(&mut self, i: usize) {
        if self.seats[i].ended {
            return;
        }
        if self.fates[i].dies.is_some_and(|at| Instant::now() >= at) {
            self.kill(i);
            return;
        }
        self.hear(i);
        let seat = &mut self.seats[i];
        if let Some(asked) = &seat.asked {
            let what = &asked.wants;
            assert!(asked.at.elapsed() < DEADLINE, "{}: no {what:?}:\n{}", seat.name, seat.text());
            return;
        }
        let shown = seat.shown();
        if shown == Shown::Nothing {
            return;
        }
        let think = self.manners.think;
        let due = *seat.due.get_or_insert_with(|| {
            // a part of it is always there, the rest is exponential
            let spread = -self.fates[i].dice.unit().max(1e-3).ln();
            Instant::now() + think.mul_f64(0.25 + 0.75 * spread)
        });
        if Instant::now() >= due {
            self.act(i, shown);
        }
    }

    /// Takes note of an answer that is complete: row and screen.
    fn hear(&mut self, i: usize) {
        let seat = &mut self.seats[i];
        if !seat.answered() {
            return;
        }
        let now = Instant::now();
        let Some(asked) = seat.asked.as_mut() else { return };
        if asked.screen.is_none() {
            asked.screen = Some((now - asked.at).as_secs_f64() * 1e3);
        }
        if asked.is_event() && asked.row.is_none() {
            // said to be saved: it has to be there already
            self.look_for_rows();
        }
        let seat = &mut self.seats[i];
        let Some(asked) = seat.asked.take() else { return };
        assert!(
            !asked.is_event() || asked.row.is_some(),
            "{}: said, not stored: {asked:?}",
            seat.name
        );
        if let Wants::Saved(n, _) = asked.wants {
            self.fates[i].last = Some(n);
        }
        self.tally.heard(&seat.name, &asked);
    }

    fn act(&mut self, i: usize, shown: Shown) {
        let doubts = self.manners.doubts;
        let (seat, fate) = (&mut self.seats[i], &mut self.fates[i]);
        match shown {
            Shown::Nothing => {}
            Shown::Page => seat.press(b"\r", Wants::Change(seat.text())),
            Shown::Practice => seat.press(b"3", Wants::Change(seat.text())),
            // whoever is still to be killed is killed at the end
            Shown::Done if fate.dies.is_some() => return,
            Shown::Done if fate.deaths.pop_first().is_some() => {
                fate.dies = Some(Instant::now());
                return;
            }
            Shown::Done => seat.press(b"q", Wants::End),
            Shown::Pair(n) => {
                let (taken_back, put_off) = (fate.dice.unit() < doubts, fate.dice.unit() < doubts);
                let score = u8::try_from(fate.dice.below(5) + 1).expect("a score");
                match fate.last.take() {
                    Some(last) if taken_back => seat.press(b"u", Wants::TakenBack(last)),
                    _ if put_off && fate.put_off.insert(n) => {
                        // why: later
                        seat.press(b"ss", Wants::PutOff(n));
                    }
                    _ => seat.press(&[b'0' + score], Wants::Saved(n, score)),
                }
            }
        }
        if fate.dies.is_none() && fate.deaths.first().is_some_and(|at| *at <= seat.keys) {
            fate.deaths.pop_first();
            let after = self.manners.dies_within.mul_f64(fate.dice.unit());
            fate.dies = Some(Instant::now() + after);
        }
    }

    fn kill(&mut self, i: usize) {
        self.fates[i].dies = None;
        self.fates[i].last = None;
        self.seats[i].kill();
        self.tally.kills += 1;
        // what it had said before it died, its rater has read
        self.hear(i);
        let seat = &mut self.seats[i];
        if let Some(asked) = seat.asked.take() {
            self.look_for_rows();
            let seat = &mut self.seats[i];
            self.tally.cut_off(&seat.name, &asked);
            if asked.wants == Wants::End {
                seat.ended = true;
                return;
            }
        }
        self.seats[i].again(self.world);
    }

    /// Counts of rows by kind, as the database has them.
    pub fn kinds(world: &World) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for e in world.events() {
            *kinds.entry(format!("{:?}", e.kind)).or_default() += 1;
        }
        kinds
    }
}
