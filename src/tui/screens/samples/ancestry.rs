//! Where a sample came from: seed, template, exchanged words, parents, run, the raw reply.

use super::Samples;
use crate::domain::{Sample, SampleId, language_name};
use crate::launch::reply_files;
use crate::providers::replies::{ReplyKey, StoredReply, find};
use crate::store::{DecisionChange, SampleRow};
use crate::tui::data::{Access, Lane, WorkError};
use crate::tui::load::Load;
use crate::tui::screen::{Answer, Cx, Shared};
use crate::tui::theme::Role;

/// Parents of parents are followed so far.
const GENERATIONS: usize = 8;
/// Of a raw reply so much is shown; the pager has the rest.
const SHOWN: usize = 64 << 10;

/// What is read for it.
#[derive(Debug)]
pub struct Ancestry {
    pub id: SampleId,
    history: Vec<DecisionChange>,
    parents: Vec<SampleRow>,
    reply: Option<StoredReply>,
}

/// The pane's state.
#[derive(Debug, Default)]
pub struct Pane {
    read: Load<Ancestry>,
    pub top: usize,
    pub rows: usize,
}

fn read(a: &mut Access, sample: &Sample) -> Result<Ancestry, WorkError> {
    let (history, parents) = a.read(|r| {
        let history = r.decisions_of(&sample.id)?;
        let mut parents: Vec<SampleRow> = Vec::new();
        let mut next = sample.provenance.parent.clone();
        while let Some(id) = next.take() {
            let known = id == sample.id || parents.iter().any(|p| p.sample.id == id);
            if known || parents.len() >= GENERATIONS {
                break;
            }
            if let Some(row) = r.sample(&id)? {
                next.clone_from(&row.sample.provenance.parent);
                parents.push(row);
            }
        }
        Ok((history, parents))
    })?;
    let p = &sample.provenance;
    let key = p.reply.as_deref().and_then(|k| k.parse::<ReplyKey>().ok());
    let reply = match key {
        Some(key) => {
            let run = p.run.as_deref().and_then(|r| crate::domain::RunId::new(r).ok());
            match find(&reply_files(a.place(), run.as_ref()), &key)? {
                Some(found) => Some(found),
                // A reply of an earlier run that was not paid for again.
                None => find(&reply_files(a.place(), None), &key)?,
            }
        }
        None => None,
    };
    Ok(Ancestry { id: sample.id.clone(), history, parents, reply })
}

impl Pane {
    /// Asks for one sample's.
    pub fn ask(&mut self, sample: &Sample, cx: &mut Cx<'_>) {
        if self.read.get().is_none_or(|r| r.id != sample.id) {
            self.top = 0;
        }
        let sample = sample.clone();
        self.read.ask(cx, Lane::Read, move |a| read(a, &sample));
    }

    /// Takes an answer that belongs here.
    pub fn accept(&mut self, answer: &mut Answer) -> bool {
        self.read.accept(answer)
    }
}

impl Samples {
    /// The lines of the pane.
    pub(super) fn ancestry_lines(&self, shared: &Shared) -> Vec<(String, Role)> {
        let Some(row) = self.list.current() else { return Vec::new() };
        let s = &row.sample;
        let p = &s.provenance;
        let mut out = vec![(format!("Sample {}", s.id), Role::Title)];
        out.push((super::draw::fate_in_full(row), super::draw::fate_role(row)));
        out.push((s.text.clone(), Role::Text));
        out.push((String::new(), Role::Text));
        let seed = shared.survey.as_ref().and_then(|v| v.question(&s.seed));
        out.push((format!("Seed {}", s.seed), Role::Title));
        out.push(match seed {
            Some(q) => (q.text.clone(), Role::Text),
            None => ("this seed is not in the workspace".into(), Role::Warn),
        });
        out.push((String::new(), Role::Text));
        out.push(("Made by".into(), Role::Title));
        let stage = match &p.template {
            Some(t) => format!("stage {}, template {t}", s.stage.as_str()),
            None => format!("stage {}", s.stage.as_str()),
        };
        let family = p.family.as_ref().map_or(String::new(), |f| format!(", family {f}"));
        let held = if p.held_out { ", held out for tests" } else { "" };
        out.push((format!("{stage}{family}{held}"), Role::Text));
        out.push((
            format!(
                "provider {}, rules or prompt version {}, random seed {}, in {}",
                p.provider,
                p.version,
                p.seed,
                language_name(&s.language)
            ),
            Role::Text,
        ));
        out.push(match &p.run {
            Some(run) => (format!("run {run} (R goes there)"), Role::Text),
            None => ("no run: it was imported or written by hand".into(), Role::Muted),
        });
        for x in &p.substitutions {
            out.push((format!("exchanged: {} -> {}  ({})", x.from, x.to, x.rule), Role::Text));
        }
        self.read_lines(s, &mut out);
        out
    }

    fn read_lines(&self, s: &Sample, out: &mut Vec<(String, Role)>) {
        if let Some(e) = self.ancestry.read.error() {
            out.push((format!("the rest could not be read: {e}; r tries again"), Role::Bad));
        }
        let Some(read) = self.ancestry.read.get().filter(|r| r.id == s.id) else {
            if self.ancestry.read.is_asked() {
                out.push(("looking for parents and the raw reply ..".into(), Role::Muted));
            }
            return;
        };
        if s.provenance.parent.is_some() {
            out.push((String::new(), Role::Text));
            out.push(("Made from".into(), Role::Title));
            for parent in &read.parents {
                let of = &parent.sample;
                out.push((
                    format!("{} ({}, {})", of.id, of.stage.as_str(), of.decision.as_str()),
                    Role::Muted,
                ));
                out.push((of.text.clone(), Role::Text));
            }
            if read.parents.is_empty() {
                out.push(("its parent is not in the workspace".into(), Role::Warn));
            }
        }
        if !read.history.is_empty() {
            out.push((String::new(), Role::Text));
            out.push(("Decisions by people".into(), Role::Title));
        }
        for h in &read.history {
            let note = if h.note.is_empty() { String::new() } else { format!(": {}", h.note) };
            let at = h.at.strftime("%Y-%m-%d %H:%M");
            let line = format!("{at} {}: {} -> {}{note}", h.who, h.from.as_str(), h.to.as_str());
            out.push((line, Role::Text));
        }
        out.push((String::new(), Role::Text));
        out.push(("Raw reply".into(), Role::Title));
        match (&read.reply, &s.provenance.reply) {
            (Some(reply), _) => {
                out.push((
                    format!(
                        "{}, {}, status {}, {} + {} tokens, {} call(s)",
                        reply.by,
                        reply.at,
                        reply.status,
                        reply.usage.prompt,
                        reply.usage.completion,
                        reply.tries
                    ),
                    Role::Muted,
                ));
                let end = reply.body.floor_char_boundary(SHOWN);
                out.push((reply.body[..end].to_owned(), Role::Text));
                if end < reply.body.len() {
                    out.push((
                        format!("(cut here: {} bytes in all)", reply.body.len()),
                        Role::Muted,
                    ));
                }
            }
            (None, Some(key)) => out.push((
                format!("the reply {key} is in no file of this workspace: its run was removed"),
                Role::Warn,
            )),
            (None, None) => {
                out.push(("none: rules, a file or a person made it".into(), Role::Muted));
            }
        }
    }
}
