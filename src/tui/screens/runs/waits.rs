//! Why a run does not work now: what it waits for, in words, and what of it only the engine knows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::rows::clock;
use crate::domain::RunId;
use crate::engine::protocol::{ListAsk, Status};
use crate::job::{Condition, RunView, StateName};
use crate::store::engine::Pool;
use crate::tui::data::{Access, EngineNow, Link, WorkError};

/// So many of the newest waiting runs are asked after; the panes ask for their own run.
const NEWEST: u32 = 200;

/// What the engine has to give, and who waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// CPU slots, and whether it starts anything at all.
    pub status: Status,
    /// Its pools.
    pub pools: Vec<Pool>,
    /// Runs that wait, with what the engine tells only when asked: why a GPU is not leased yet, the
    /// priority now.
    pub waiting: BTreeMap<RunId, RunView>,
}

impl Room {
    /// Asks the engine; `None` where none runs. `also` is a run that may be older than the newest.
    pub fn read(a: &mut Access, also: Option<&RunId>) -> Result<Option<Self>, WorkError> {
        let ask = ListAsk {
            states: vec![StateName::Queued, StateName::Blocked, StateName::Delayed],
            limit: NEWEST,
            ..ListAsk::default()
        };
        a.look(|c| {
            let mut all = c.find(&ask)?.items;
            if let Some(id) = also
                && !all.iter().any(|v| v.id == *id)
            {
                all.push(c.show(id)?);
            }
            Ok(Self {
                status: c.status()?,
                pools: c.pools()?,
                waiting: all.into_iter().map(|v| (v.id.clone(), v)).collect(),
            })
        })
    }

    /// `pool gpu: 2 of 2 taken`.
    pub fn pool_words(&self, name: &str) -> Option<String> {
        let p = self.pools.iter().find(|p| p.name == name)?;
        Some(match p.capacity {
            0 => format!("pool {name}, which is closed (capacity 0)"),
            n => format!("pool {name}: {} of {n} taken", p.taken),
        })
    }

    /// What a queued run waits for, by what was heard last.
    fn queued(&self, v: &RunView, threads: Option<u32>) -> String {
        let told = self.waiting.get(&v.id).and_then(|w| w.reason.clone());
        if let Some(why) = told.or_else(|| v.reason.clone()) {
            return why;
        }
        if self.status.draining {
            return "the engine drains: it starts no more runs".into();
        }
        let full = |p: &&Pool| Some(&p.name) == v.pool.as_ref() && p.taken >= p.capacity;
        if let Some(p) = self.pools.iter().find(full) {
            let words = self.pool_words(&p.name).unwrap_or_default();
            return format!("waits for {words}");
        }
        let (slots, taken) = (self.status.slots, self.status.slots_taken);
        let free = slots.saturating_sub(taken);
        match threads {
            Some(n) if n.min(slots) > free => {
                format!("waits for {n} free threads: {free} of {slots} are free")
            }
            _ if free == 0 => format!("waits for free threads: {taken} of {slots} taken"),
            _ => format!("waits behind an earlier run; {free} of {slots} threads are free"),
        }
    }
}

/// Why a run does not work now; `None` where it does, or is over. `threads`: what it wants, where
/// that is known.
pub fn why(
    v: &RunView,
    engine: &EngineNow,
    room: Option<&Room>,
    threads: Option<u32>,
    now: Timestamp,
) -> Option<String> {
    let told = v.reason.as_ref().map(|r| named(r, engine));
    match v.state {
        StateName::Delayed => {
            let when = match v.until {
                Some(t) => format!("not before {}", clock(t, now)),
                None => "waits for its time".into(),
            };
            Some(told.map_or(when.clone(), |why| format!("{when} · {why}")))
        }
        StateName::Blocked => Some(told.unwrap_or_else(|| "waits".into())),
        StateName::Queued if engine.link != Link::Up => Some("waits for an engine".into()),
        StateName::Queued => Some(match room {
            Some(room) => room.queued(v, threads),
            None => told.unwrap_or_else(|| "waits its turn".into()),
        }),
        StateName::Starting => told,
        StateName::Paused => Some("keeps its memory".into()),
        _ => None,
    }
}

/// A reason with the names of runs in the place of their ids, where names are known.
fn named(reason: &str, engine: &EngineNow) -> String {
    let word = |word: &str| {
        let id = RunId::new(word.trim_end_matches([';', ',', ':'])).ok()?;
        let label = engine.runs.get(&id)?.view.label.clone()?;
        Some(word.replace(id.as_str(), &format!("`{label}`")))
    };
    let words: Vec<String> =
        reason.split(' ').map(|w| word(w).unwrap_or_else(|| w.to_owned())).collect();
    words.join(" ")
}

/// `train (20260301-..) to succeed: it is running`.
pub fn dependency(id: &RunId, condition: Condition, other: Option<&RunView>) -> String {
    let end = match condition {
        Condition::Ok => "to succeed",
        Condition::Any => "to end",
        Condition::Fail => "to fail",
    };
    match other {
        None => format!("{id} {end}"),
        Some(v) => {
            let name = match &v.label {
                Some(label) => format!("`{label}` ({id})"),
                None => id.to_string(),
            };
            format!("{name} {end}: it is {}", super::rows::state_word(v.state))
        }
    }
}
