//! Decisions on samples: written in order on a lane of their own, shown only once the database
//! answered, kept to try again where it said no.

use crate::augment::{acceptable, corrected};
use crate::config::who;
use crate::domain::{Decision, RejectReason, SampleId};
use crate::store::{SampleRow, StoreError};
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Tone};

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Accept,
    /// With the person's words.
    Reject(String),
    /// The new text.
    Edit(String),
    /// Entries of the decision log to take back.
    Undo(usize),
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The samples as they stand now.
    pub rows: Vec<SampleRow>,
    /// Entries of the decision log.
    entries: usize,
    /// Nothing was undone: the last decision of this person was made elsewhere.
    elsewhere: bool,
}

/// Rolls an undo back; it never reaches a person.
const ELSEWHERE: &str = "made elsewhere";

/// A decision on its way, or one that failed.
#[derive(Debug)]
pub struct Pending {
    pub what: What,
    pub ids: Vec<SampleId>,
    load: Load<Written>,
}

/// All of them, and what can be taken back.
#[derive(Debug, Default)]
pub struct Decisions {
    pending: Vec<Pending>,
    /// Entries of each decision made here, and its samples; the last at the end.
    undo: Vec<(usize, Vec<SampleId>)>,
}

/// What came of an answer.
#[derive(Debug)]
pub enum Came {
    /// It was not ours.
    NotOurs,
    /// Written: these rows stand so now.
    Written(What, Vec<SampleRow>),
    /// Not written; it is kept to be tried again.
    Failed,
}

fn many(n: usize) -> String {
    if n == 1 { "1 sample".into() } else { format!("{n} samples") }
}

impl Pending {
    /// In words: `accept 3 samples`.
    pub fn words(&self) -> String {
        let n = many(self.ids.len());
        match &self.what {
            What::Accept => format!("accept {n}"),
            What::Reject(note) if note.is_empty() => format!("reject {n}"),
            What::Reject(note) => format!("reject {n} ({note})"),
            What::Edit(_) => format!("save the new text of {n}"),
            What::Undo(_) => "undo the last decision".into(),
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&WorkError> {
        self.load.error()
    }
}

fn write(a: &mut Access, what: &What, ids: &[SampleId]) -> Result<Written, WorkError> {
    let who = who();
    let place = a.place().clone();
    let store = a.writer()?;
    let mut touched: Vec<SampleId> = ids.to_vec();
    let entries = match what {
        What::Accept => {
            for id in ids {
                if let Some(row) = store.read().sample(id)? {
                    acceptable(&row.sample)?;
                }
            }
            store.write(|tx| {
                ids.iter()
                    .try_for_each(|id| tx.set_decision(id, &Decision::Kept, &who, "").map(drop))
            })?;
            ids.len()
        }
        What::Reject(note) => {
            let to = Decision::Rejected(RejectReason::ByHand { note: note.clone() });
            store.write(|tx| {
                ids.iter().try_for_each(|id| tx.set_decision(id, &to, &who, note).map(drop))
            })?;
            ids.len()
        }
        What::Edit(text) => {
            let Some(id) = ids.first() else { return Err(WorkError::new("no sample to edit")) };
            let old = store.read().sample(id)?;
            let old = old.ok_or_else(|| WorkError::new(format!("{id} is not there any more")))?;
            let new = corrected(&old.sample, text)?;
            store.write(|tx| tx.edit_sample(id, &new, &who))?;
            touched.push(new.id);
            2
        }
        What::Undo(n) => {
            let path = place.folder().database();
            let changes = store.write(|tx| {
                let mut changes = Vec::new();
                for _ in 0..*n {
                    let change = tx.undo_decision(&who)?;
                    let ours = |s: &SampleId| ids.is_empty() || ids.contains(s);
                    if change.as_ref().is_some_and(|c| !ours(&c.sample)) {
                        return Err(StoreError::Refused {
                            path: path.clone(),
                            rule: ELSEWHERE.into(),
                        });
                    }
                    changes.extend(change);
                }
                Ok(changes)
            });
            let changes = match changes {
                Err(StoreError::Refused { rule, .. }) if rule == ELSEWHERE => {
                    return Ok(Written { rows: Vec::new(), entries: 0, elsewhere: true });
                }
                other => other?,
            };
            touched = changes.into_iter().map(|c| c.sample).collect();
            0
        }
    };
    let mut rows = Vec::new();
    for id in &touched {
        rows.extend(store.read().sample(id)?);
    }
    Ok(Written { rows, entries, elsewhere: false })
}

impl Decisions {
    /// Writes a decision.
    pub fn start(&mut self, what: What, ids: Vec<SampleId>, cx: &mut Cx<'_>) {
        let mut this = Pending { what, ids, load: Load::default() };
        this.ask(cx);
        self.pending.push(this);
    }

    /// Takes back the last decision made here, whole; else the last one of this person.
    pub fn undo(&mut self, cx: &mut Cx<'_>) {
        let (entries, ids) = self.undo.last().cloned().unwrap_or((1, Vec::new()));
        self.start(What::Undo(entries), ids, cx);
    }

    /// Takes an answer that belongs here.
    pub fn accept(&mut self, answer: &mut Answer, cx: &mut Cx<'_>) -> Came {
        let Some(at) = self.pending.iter_mut().position(|p| p.load.accept(answer)) else {
            return Came::NotOurs;
        };
        let Some(written) = self.pending[at].load.take() else {
            return Came::Failed;
        };
        let done = self.pending.remove(at);
        match &done.what {
            What::Undo(_) => {
                self.undo.pop();
                if written.elsewhere {
                    self.undo.clear();
                    let said = "your last decision was made elsewhere; u again takes back that one";
                    cx.note(Tone::Warn, said);
                } else if written.rows.is_empty() {
                    cx.note(Tone::Plain, "there is nothing to undo");
                } else {
                    cx.note(Tone::Good, format!("undone: {}", many(written.rows.len())));
                }
            }
            _ => {
                let ids = written.rows.iter().map(|r| r.sample.id.clone()).collect();
                self.undo.push((written.entries, ids));
                let said = match &done.what {
                    What::Accept => format!("{} kept", many(done.ids.len())),
                    What::Reject(_) => format!("{} rejected", many(done.ids.len())),
                    _ => "the new text is kept, the old one rejected".into(),
                };
                cx.note(Tone::Good, format!("{said}; u undoes it"));
            }
        }
        Came::Written(done.what, written.rows)
    }

    /// Those that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter().filter(|p| p.error().is_some())
    }

    /// How many are on their way.
    pub fn on_the_way(&self) -> usize {
        self.pending.iter().filter(|p| p.load.is_asked()).count()
    }

    /// Tries those that failed again.
    pub fn again(&mut self, cx: &mut Cx<'_>) -> bool {
        let mut any = false;
        for p in self.pending.iter_mut().filter(|p| p.error().is_some()) {
            p.ask(cx);
            any = true;
        }
        any
    }

    /// Gives up those that failed.
    pub fn forget(&mut self) -> bool {
        let before = self.pending.len();
        self.pending.retain(|p| p.error().is_none());
        self.pending.len() < before
    }

    /// An edit that failed is still in the editor: it is not kept twice.
    pub fn forget_edits(&mut self) {
        self.pending.retain(|p| p.error().is_none() || !matches!(p.what, What::Edit(_)));
    }
}

impl Pending {
    fn ask(&mut self, cx: &mut Cx<'_>) {
        let (what, ids) = (self.what.clone(), self.ids.clone());
        self.load.clear();
        self.load.ask(cx, Lane::Write, move |a| write(a, &what, &ids));
    }
}
