//! Which samples are meant, and in which order.

use rusqlite::types::Value;
use serde::{Deserialize, Serialize};

use crate::domain::{Decision, QuestionId, RatedAtLeast, Stage};
use crate::text::fold;

/// Words of a filter that are looked at; a pasted page would be more than SQLite takes.
const MOST_WORDS: usize = 64;

/// The three fates of a proposal, without their reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionKind {
    /// In use.
    Kept,
    /// Turned down.
    Rejected,
    /// Never became a text.
    Failed,
}

impl DecisionKind {
    /// `kept`, `rejected`, `failed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }
}

impl From<&Decision> for DecisionKind {
    fn from(d: &Decision) -> Self {
        match d {
            Decision::Kept => Self::Kept,
            Decision::Rejected(_) => Self::Rejected,
            Decision::Failed(_) => Self::Failed,
        }
    }
}

/// Conditions that must all hold; the default holds for every sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SampleFilter {
    /// Of this seed.
    pub seed: Option<QuestionId>,
    /// In this language (BCP 47).
    pub language: Option<String>,
    /// Of this stage.
    pub stage: Option<Stage>,
    /// With this fate.
    pub decision: Option<DecisionKind>,
    /// With this reason: `broken/quotes`, or `broken` for all of its guards.
    pub reason: Option<String>,
    /// Made by this run.
    pub run: Option<String>,
    /// Made by this provider.
    pub provider: Option<String>,
    /// Of this template family.
    pub family: Option<String>,
    /// Similarity at least this.
    pub min_similarity: Option<f64>,
    /// Similarity below this.
    pub max_similarity: Option<f64>,
    /// Text holds this (ASCII letters in either case).
    pub contains: Option<String>,
    /// Every blank-separated word occurs, in any case, in the text, the seed's id, the fate, the
    /// reason, the stage, the language, or the name of a culture of that language.
    pub words: Option<String>,
    /// Decided by a person, or not.
    pub by_hand: Option<bool>,
    /// Only what a threshold decides on: kept samples and those rejected as too dissimilar.
    pub by_threshold: bool,
    /// What people have to have said about it.
    pub rated: Option<RatedAtLeast>,
}

/// Order of a list of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleOrder {
    /// As they came.
    #[default]
    Arrival,
    /// Least similar first; without similarity at the front.
    SimilarityUp,
    /// Most similar first; without similarity at the end.
    SimilarityDown,
}

/// A WHERE clause under construction.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    clauses: Vec<String>,
    pub(super) params: Vec<Value>,
}

impl Conditions {
    /// Adds a clause in which `?` stands for the value.
    pub(super) fn add(&mut self, clause: &str, value: impl Into<Value>) {
        self.params.push(value.into());
        self.clauses.push(clause.replace('?', &format!("?{}", self.params.len())));
    }

    /// Adds a clause in which each `?` stands for the next of the values.
    pub(super) fn add_all(&mut self, clause: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        let mut parts = clause.split('?');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            self.params.extend(values.next());
            sql += &format!("?{}{part}", self.params.len());
        }
        self.clauses.push(sql);
    }

    /// Adds a clause without values.
    pub(super) fn plain(&mut self, clause: impl Into<String>) {
        self.clauses.push(clause.into());
    }

    /// ` WHERE ..`, or nothing.
    pub(super) fn sql(&self) -> String {
        if self.clauses.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.clauses.join(" AND "))
        }
    }
}

/// Text as a pattern for LIKE .. ESCAPE '\'.
fn like(text: &str) -> String {
    let mut out = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('%');
    out
}

impl SampleFilter {
    /// For counts and exports: SQLite chooses among all indexes.
    pub(super) fn conditions(&self) -> Conditions {
        self.built(None)
    }

    /// For a page of a list: only an index that yields the order wanted may be used. An index on
    /// another column would fetch and sort all that it finds for every page.
    pub(super) fn listed(&self, order: SampleOrder) -> Conditions {
        self.built(Some(order))
    }

    fn built(&self, list: Option<SampleOrder>) -> Conditions {
        let mut c = Conditions::default();
        // the narrowest of the indexed columns leads; `+` keeps SQLite from using the others
        let run = self.run.is_some();
        let seed = self.seed.is_some() && !run;
        let decision = self.decision.is_some() && !run && !seed;
        let column = |name: &str, leads: bool| {
            if list.is_none() || leads { name.to_owned() } else { format!("+{name}") }
        };
        if let Some(x) = &self.run {
            c.add(&format!("{} = ?", column("run", run)), x.clone());
        }
        if let Some(x) = &self.seed {
            c.add(&format!("{} = ?", column("seed", seed)), x.as_str().to_owned());
        }
        if let Some(x) = self.decision {
            c.add(&format!("{} = ?", column("decision", decision)), x.as_str().to_owned());
        }
        if let Some(x) = &self.reason {
            // `broken` means `broken/..` too; '0' is the character after '/'
            let r = column("reason", false);
            c.add(&format!("({r} = ? OR ({r} > ? || '/' AND {r} < ? || '0'))"), x.clone());
        }
        if self.by_threshold {
            // kept samples have no reason, and nothing else has none
            let d = column("decision", false);
            c.plain(format!("{d} IN ('kept', 'rejected') AND +reason IN ('', 'dissimilar')"));
        }
        if let Some(x) = &self.language {
            c.add("language = ?", x.clone());
        }
        if let Some(x) = self.stage {
            c.add("stage = ?", x.as_str().to_owned());
        }
        if let Some(x) = &self.provider {
            c.add("provider = ?", x.clone());
        }
        if let Some(x) = &self.family {
            c.add("family = ?", x.clone());
        }
        let similarity = column("similarity", list != Some(SampleOrder::Arrival));
        if let Some(x) = self.min_similarity {
            c.add(&format!("{similarity} >= ?"), x);
        }
        if let Some(x) = self.max_similarity {
            c.add(&format!("{similarity} < ?"), x);
        }
        if let Some(x) = &self.contains {
            c.add("text LIKE ? ESCAPE '\\'", like(x));
        }
        if let Some(x) = self.by_hand {
            c.add("by_hand = ?", i64::from(x));
        }
        if let Some(x) = &self.rated {
            super::study::rated_at_least(&mut c, x);
        }
        for word in self.words.iter().flat_map(|w| w.split_whitespace()).take(MOST_WORDS) {
            c.add(
                "(holds_word(?, text, seed, decision, reason, stage, language) OR +language IN \
                 (SELECT language FROM culture WHERE holds_word(?, name, id)))",
                fold(word),
            );
        }
        c
    }
}
