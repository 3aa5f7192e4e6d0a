//! `polyculture study adjudicate`: the word of whoever leads the study on items that divide raters.

use clap::Args;
use serde_json::json;

use crate::cli::output::table;
use crate::cli::{Context, Failure};
use crate::domain::{ItemId, Score, StudyId};
use crate::store::RaterKind;
use crate::study::live::{LiveInput, WideItem, live};
use crate::study::{Case, Decision, adjudicate, case};
use crate::text;

/// What `study adjudicate` takes.
#[derive(Debug, Args)]
pub struct AdjudicateArgs {
    /// The study
    #[arg(long)]
    study: StudyId,
    /// The item; without one the items with the widest disagreement are listed
    #[arg(long)]
    item: Option<ItemId>,
    /// The final score, 1 to 5 (preferences: 1 first, 2 tie, 3 second); without one the item is
    /// shown
    #[arg(long, requires = "item", requires = "reason")]
    score: Option<u8>,
    /// Take the decision that stands back
    #[arg(long, requires = "item", requires = "reason", conflicts_with = "score")]
    undo: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// What else there is to say
    #[arg(long)]
    note: Option<String>,
    /// Who decides; your login name by default
    #[arg(long)]
    who: Option<String>,
    /// Show raters' pseudonyms beside their scores
    #[arg(long)]
    names: bool,
    /// Items listed
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

/// Lists, shows or decides.
///
/// # Errors
/// No such study or item, no reason, a score that does not exist.
pub fn run(ctx: &Context, args: AdjudicateArgs) -> Result<(), Failure> {
    let AdjudicateArgs { study, item, score, undo, reason, note, who, names, limit } = args;
    let Some(item) = item else { return list(ctx, &study, limit) };
    if score.is_none() && !undo {
        let store = ctx.read()?;
        let found = case(store.read(), &study, &item)?;
        return ctx.out.show(&found, || shown(&found, names));
    }
    let score = score.map(Score::new).transpose().map_err(Failure::bad_input)?;
    let login = |name| std::env::var(name).ok().filter(|u| !u.is_empty());
    let who = who.or_else(|| login("USER")).or_else(|| login("LOGNAME"));
    let who = who.unwrap_or_else(|| "nobody".into());
    let reason = reason.unwrap_or_default();
    let decision = Decision { item, who, score, reason, note };
    let mut store = ctx.write_ratings()?;
    let done = adjudicate(&mut store, &study, &decision)?;
    ctx.out.show(&json!({"study": study, "decision": done}), || match done.score {
        Some(s) => format!(
            "{study}, item {}: decided {} by {} (decision {} on it); ratings stay as they are\n",
            done.item,
            s.get(),
            text::display(&done.who),
            done.n
        ),
        None => format!("{study}, item {}: the decision is taken back\n", done.item),
    })
}

fn list(ctx: &Context, study: &StudyId, limit: usize) -> Result<(), Failure> {
    let store = ctx.read()?;
    let now = live(&LiveInput::read(store.read(), study)?, jiff::Timestamp::now());
    let shown: Vec<&WideItem> = now.widest.iter().take(limit).collect();
    let doc =
        json!({"study": study, "compared": now.compared, "divided": now.divided, "items": shown});
    ctx.out.show(&doc, || {
        if shown.is_empty() {
            return format!(
                "{study}: {} items have two scores or more, and raters agree on all of them\n",
                now.compared
            );
        }
        let mut out = format!(
            "{study}: {} of {} items with two scores or more divide raters; {} decided\n",
            now.divided, now.compared, now.decided
        );
        out += &wide_table(&shown);
        out += &format!(
            "one of them in full: polyculture study adjudicate --study {study} --item {}\n",
            shown[0].item
        );
        out
    })
}

/// Items with their scores, without a name.
pub(super) fn wide_table(items: &[&WideItem]) -> String {
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|i| {
            vec![
                i.item.to_string(),
                i.culture.as_ref().map_or_else(|| "-".into(), ToString::to_string),
                i.language.clone(),
                i.scores.iter().map(u8::to_string).collect::<Vec<_>>().join(" "),
                i.range.to_string(),
                format!("{:.2}", i.variance),
                i.decided.map_or_else(|| "-".into(), |s| s.get().to_string()),
            ]
        })
        .collect();
    table(&["item", "culture", "language", "scores", "range", "variance", "decided"], &rows)
}

fn shown(c: &Case, names: bool) -> String {
    let texts = |t: &str| if c.item.sensitive { "(hidden)".into() } else { text::display(t) };
    let mut out = format!("item {} ({}), seed {}\n", c.item.id, c.item.language, c.item.seed);
    if let Some(question) = &c.item.context {
        out += &format!("asked: {}\n", texts(question));
    }
    if !c.item.seed_text.is_empty() {
        out += &format!("first:  {}\n", texts(&c.item.seed_text));
    }
    out += &format!("second: {}\n", texts(&c.item.sample_text));
    for (i, s) in c.scores.iter().enumerate() {
        let who = if names { s.rater.to_string() } else { format!("rater {}", i + 1) };
        let kind = match s.kind {
            RaterKind::Human => "",
            RaterKind::Scripted => " SCRIPTED",
            RaterKind::Judge => " model judge",
        };
        let score = match (s.score, s.cannot_judge) {
            (Some(n), _) => n.to_string(),
            (None, true) => "cannot judge".into(),
            (None, false) => "-".into(),
        };
        let broken = if s.broken { ", broken text" } else { "" };
        let flagged = if s.flagged { ", flagged" } else { "" };
        out += &format!("  {who}{kind}: {score}{broken}{flagged}\n");
        for words in &s.comments {
            out += &format!("    \"{}\"\n", text::display(words));
        }
    }
    for d in &c.decisions {
        let score = d.score.map_or_else(|| "taken back".into(), |s| s.get().to_string());
        out += &format!(
            "decision {}: {score} by {} at {}: {}\n",
            d.n,
            text::display(&d.who),
            d.at,
            text::display(&d.reason)
        );
    }
    out
}
