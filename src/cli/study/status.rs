//! `polyculture study status`: how far each rater is, how fast, how careful, and what they agree on.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::output::table;
use crate::cli::{Context, Failure};
use crate::domain::StudyId;
use crate::stats::Estimate;
use crate::store::RaterKind;
use crate::study::live::{Drift, Grown, Live, RaterLive, snapshot};
use crate::study::{StudyStatus, changes_since_plan, status};

/// Missed controls and divided items that are named one by one.
const NAMED: usize = 10;

/// What `study status` takes.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The study; all by default
    #[arg(long)]
    study: Option<StudyId>,
}

/// One study, as the JSON has it.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    status: StudyStatus,
    live: Live,
}

/// Prints it.
///
/// # Errors
/// No such study.
pub fn run(ctx: &Context, args: &StatusArgs) -> Result<(), Failure> {
    let store = ctx.read()?;
    let names: Vec<StudyId> = match &args.study {
        Some(s) => vec![s.clone()],
        None => store.read().studies()?.into_iter().map(|s| s.id).collect(),
    };
    let now = Timestamp::now();
    let mut all = Vec::new();
    for name in &names {
        let status = status(store.read(), name)?;
        let mut live = snapshot(store.read(), name, now)?;
        live.notes.extend(changes_since_plan(store.read(), name)?);
        all.push(Whole { status, live });
    }
    ctx.out.list(&all, None, || {
        if all.is_empty() {
            return "No studies yet. Make one with `polyculture study new NAME`.".into();
        }
        all.iter().map(|s| lines(&s.live)).collect::<Vec<_>>().join("\n")
    })
}

fn lines(s: &Live) -> String {
    let planned = if s.planned.is_some() { "planned" } else { "not planned yet" };
    let mut out = format!(
        "{}: {}, k = {}, {planned}, {} of {} rated",
        s.study, s.study_type, s.k, s.all.rated, s.all.of
    );
    if let Some(left) = s.left_s.filter(|s| *s > 0.0) {
        out += &format!(", about {:.1} hours of work left", left / 3600.0);
    }
    out.push('\n');
    for n in &s.notes {
        out += &format!("  {}\n", crate::text::display(n));
    }
    if s.raters.is_empty() {
        out += &format!(
            "  no raters yet: `polyculture study plan --study {} --raters NAMES` gives it some\n",
            s.study
        );
        return out;
    }
    out += &raters(s);
    if s.cultures.iter().any(|c| c.culture.is_some()) {
        let rows: Vec<Vec<String>> = s
            .cultures
            .iter()
            .map(|c| {
                vec![
                    c.culture.as_ref().map_or_else(|| "none".into(), ToString::to_string),
                    c.items.to_string(),
                    c.raters.to_string(),
                    c.tally.rated.to_string(),
                    c.tally.of.to_string(),
                    c.tally.skipped.to_string(),
                    c.tally.left.to_string(),
                ]
            })
            .collect();
        let head = ["culture", "items", "raters", "rated", "of", "skipped", "left"];
        out += &format!("\n{}", table(&head, &rows));
    }
    out += &quality(s);
    out
}

fn raters(s: &Live) -> String {
    let rows: Vec<Vec<String>> = s
        .raters
        .iter()
        .map(|r| {
            let speed = &r.speed;
            let number = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.1}"));
            vec![
                r.rater.to_string(),
                standing(r),
                r.tally.rated.to_string(),
                r.tally.of.to_string(),
                r.tally.skipped.to_string(),
                r.tally.left.to_string(),
                number(speed.median_s),
                number(speed.per_minute),
                format!("{}/{}", r.missed, r.controls),
                format!("{}/{}", r.repeats.same, r.repeats.pairs),
                r.practice
                    .as_ref()
                    .map_or_else(|| "-".into(), |p| format!("{}/{}", p.right, p.asked)),
            ]
        })
        .collect();
    let head = [
        "rater", "kind", "rated", "of", "skipped", "left", "median s", "a minute", "missed",
        "same", "practice",
    ];
    table(&head, &rows)
}

fn standing(r: &RaterLive) -> String {
    let kind = match r.kind {
        RaterKind::Human => "person",
        RaterKind::Scripted => "SCRIPTED",
        RaterKind::Judge => "model judge",
    };
    if r.withdrawn.is_some() { format!("{kind}, left the study") } else { kind.into() }
}

fn quality(s: &Live) -> String {
    let mut out = format!(
        "\ncontrols: {} rated, {} missed (shown, never dropped)\n",
        s.controls,
        s.misses.len()
    );
    for m in s.misses.iter().take(NAMED) {
        out += &format!(
            "  {} gave {} to {}, expected {} to {}\n",
            m.rater, m.given, m.item, m.expected.0, m.expected.1
        );
    }
    if s.misses.len() > NAMED {
        out += &format!("  and {} more: --json has all\n", s.misses.len() - NAMED);
    }
    let r = s.repeats;
    out += &format!(
        "repeats: {} rated twice, {} the same, {} within one point\n",
        r.pairs, r.same, r.within_one
    );
    let m = s.marks;
    out += &format!(
        "marks: {} broken texts, {} flags, {} not to be judged, {} with a comment\n",
        m.broken, m.flagged, m.cannot_judge, m.commented
    );
    out += &drift(&s.drift);
    let Some(now) = s.growth.now() else {
        return out + "agreement: no ratings of samples yet\n";
    };
    out += &format!(
        "agreement on {} ratings, {} items rated twice or more, {} raters ({} draws over {} seeds):\n",
        now.ratings, now.paired, now.raters, s.growth.draws, now.alpha.seeds
    );
    for (name, g) in
        [("alpha, ordinal", &now.alpha), ("AC2, quadratic", &now.ac2), ("raw", &now.raw)]
    {
        out += &format!("  {name}: {}\n", grown(g));
    }
    out += &format!(
        "widest: {} of {} items divide raters, {} decided; `study adjudicate` lists them\n",
        s.divided, s.compared, s.decided
    );
    out
}

fn grown(g: &Grown) -> String {
    match (g.value, g.interval, &g.undefined) {
        (Some(v), Some(i), _) => format!("{v:.3} [{:.3}, {:.3}]", i.lo, i.hi),
        (Some(v), None, _) => format!("{v:.3} (one seed: no interval)"),
        (None, _, why) => format!("undefined: {}", why.as_deref().unwrap_or("no value")),
    }
}

fn drift(d: &Drift) -> String {
    let cell = |e: &Option<Estimate>| {
        e.as_ref().map_or_else(|| "-".into(), |e| format!("{e:+.2}").replace("+-", "-"))
    };
    let rows: Vec<Vec<String>> = ["first", "middle", "last"]
        .iter()
        .zip(d)
        .map(|(name, t)| {
            vec![(*name).into(), t.ratings.to_string(), cell(&t.anchors), cell(&t.repeats)]
        })
        .collect();
    "drift over the thirds of each rater's time, in points:\n".to_owned()
        + &table(
            &["third", "ratings", "anchors, from the others", "repeats, from the first"],
            &rows,
        )
}
