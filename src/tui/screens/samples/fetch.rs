//! Which samples are listed: what is typed into the filter, and what the screen itself asks for.

use crate::domain::{QuestionId, RatedAtLeast};
use crate::store::{
    DecisionKind, PageFrom, SampleCount, SampleCursor, SampleFilter, SampleOrder, SampleRow,
};
use crate::tui::data::{Access, WorkError};
use crate::tui::widgets::{Ask, Page, PageEdge, Paged};

/// Ways to sort, as the list names them.
pub const ORDERS: &[&str] = &["arrival", "least similar", "most similar"];

/// Which fates are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    #[default]
    All,
    Kept,
    Rejected,
    Failed,
    ByHand,
}

impl Scope {
    /// In the order of the key that cycles them.
    pub const ALL: [Self; 5] = [Self::All, Self::Kept, Self::Rejected, Self::Failed, Self::ByHand];

    /// As shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Kept => "kept",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::ByHand => "decided by hand",
        }
    }

    /// Narrows a filter.
    pub fn narrow(self, filter: SampleFilter) -> SampleFilter {
        let decision = match self {
            Self::Kept => Some(DecisionKind::Kept),
            Self::Rejected => Some(DecisionKind::Rejected),
            Self::Failed => Some(DecisionKind::Failed),
            Self::All | Self::ByHand => None,
        };
        SampleFilter { decision, by_hand: (self == Self::ByHand).then_some(true), ..filter }
    }
}

/// What the filter line says, over what the screen asks for. `seed:Q27 run:ID stage:synonym
/// lang:ar reason:broken provider:NAME family:NAME sim>=0.6 sim<0.8 rated>=4/2` (by two people);
/// anything else is a word that has to occur.
pub fn typed(base: SampleFilter, text: &str) -> SampleFilter {
    let mut f = base;
    let mut words = Vec::new();
    for token in text.split_whitespace() {
        if !special(&mut f, token) {
            words.push(token);
        }
    }
    if !words.is_empty() {
        f.words = Some(words.join(" "));
    }
    f
}

fn special(f: &mut SampleFilter, token: &str) -> bool {
    let number = |t: &str| t.parse::<f64>().ok().filter(|x| x.is_finite());
    if let Some(rest) = token.strip_prefix("sim>=").or_else(|| token.strip_prefix("sim>")) {
        let Some(x) = number(rest) else { return false };
        f.min_similarity = Some(x);
        return true;
    }
    if let Some(rest) = token.strip_prefix("sim<") {
        let Some(x) = number(rest) else { return false };
        f.max_similarity = Some(x);
        return true;
    }
    if let Some(rest) = token.strip_prefix("rated>=").or_else(|| token.strip_prefix("rated>")) {
        // `rated>=4`, or `rated>=4/2`: by at least two
        let (score, raters) = rest.split_once('/').unwrap_or((rest, "1"));
        let rated = number(score).zip(raters.parse().ok());
        let Some(rated) = rated.and_then(|(s, n)| RatedAtLeast::new(s, n, None).ok()) else {
            return false;
        };
        f.rated = Some(rated);
        return true;
    }
    let Some((name, value)) = token.split_once(':').filter(|(_, v)| !v.is_empty()) else {
        return false;
    };
    match name {
        "seed" => match QuestionId::new(value) {
            Ok(id) => f.seed = Some(id),
            Err(_) => return false,
        },
        "stage" => match value.parse() {
            Ok(stage) => f.stage = Some(stage),
            Err(_) => return false,
        },
        "run" => f.run = Some(value.to_owned()),
        "lang" => f.language = Some(value.to_owned()),
        "reason" => f.reason = Some(value.to_owned()),
        "provider" => f.provider = Some(value.to_owned()),
        "family" => f.family = Some(value.to_owned()),
        _ => return false,
    }
    true
}

/// The filter of a page: the list's scope is the screen's part, as JSON.
pub fn filter_of(scope: &str, text: &str) -> SampleFilter {
    typed(serde_json::from_str(scope).unwrap_or_default(), text)
}

/// The order by its index.
pub fn order_of(n: usize) -> SampleOrder {
    match n {
        1 => SampleOrder::SimilarityUp,
        2 => SampleOrder::SimilarityDown,
        _ => SampleOrder::Arrival,
    }
}

fn fetch(a: &mut Access, ask: &Ask<SampleCursor>) -> Result<Page<SampleRow>, WorkError> {
    let filter = filter_of(&ask.scope, &ask.filter);
    let from = match ask.edge {
        PageEdge::First => PageFrom::First,
        PageEdge::Last => PageFrom::Last,
        PageEdge::After(c) => PageFrom::After(c),
        PageEdge::Before(c) => PageFrom::Before(c),
        PageEdge::From(c) => PageFrom::At(c),
    };
    let rows = a.read(|r| r.samples_page(&filter, order_of(ask.order), from, ask.limit as u32))?;
    Ok(Page { rows })
}

/// An empty list.
pub fn list() -> Paged<SampleRow, SampleCursor> {
    Paged::new(|r| r.sample.id.as_str().to_owned(), SampleRow::cursor, ORDERS, fetch)
}

/// How many samples the filter leaves, by fate, whatever the scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// By fate and reason.
    pub counts: Vec<SampleCount>,
    /// Decided by hand.
    pub by_hand: u64,
}

impl Totals {
    /// Reads them.
    pub fn read(a: &mut Access, filter: &SampleFilter) -> Result<Self, WorkError> {
        let by_hand = SampleFilter { by_hand: Some(true), ..filter.clone() };
        a.read(|r| {
            Ok(Self { counts: r.sample_counts(filter)?, by_hand: r.count_samples(&by_hand)? })
        })
    }

    /// Of one scope.
    pub fn of(&self, scope: Scope) -> u64 {
        let fate = match scope {
            Scope::ByHand => return self.by_hand,
            Scope::All => None,
            Scope::Kept => Some(DecisionKind::Kept),
            Scope::Rejected => Some(DecisionKind::Rejected),
            Scope::Failed => Some(DecisionKind::Failed),
        };
        self.counts.iter().filter(|c| fate.is_none_or(|f| c.decision == f)).map(|c| c.n).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_condition_is_a_word() {
        for text in
            ["sim>=x", "stage:none", "seed:", "colour:red", "http://x", "rated>=6", "rated>=4/0"]
        {
            let f = typed(SampleFilter::default(), text);
            assert_eq!(f, SampleFilter { words: Some(text.into()), ..SampleFilter::default() });
        }
    }

    #[test]
    fn conditions_and_words_stand_beside_each_other() {
        let f = typed(
            SampleFilter::default(),
            "women seed:Q27 sim>=0.5 men sim<0.9 stage:synonym lang:ar rated>=3.5/2",
        );
        assert_eq!(f.words.as_deref(), Some("women men"));
        assert_eq!((f.min_similarity, f.max_similarity), (Some(0.5), Some(0.9)));
        assert_eq!(f.rated, RatedAtLeast::new(3.5, 2, None).ok());
        assert_eq!(f.seed.unwrap().as_str(), "Q27");
        assert_eq!(f.stage.unwrap().as_str(), "synonym");
        assert_eq!(f.language.as_deref(), Some("ar"));
    }
}
