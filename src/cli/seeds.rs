//! `polyculture seeds ..`: the survey's questions and what each culture answered.

use serde_json::{Value, json};

use super::args::SeedsCommand;
use super::output::table;
use super::{Context, Failure};
use crate::domain::{
    Cell, CellFlag, Culture, CultureCell, CultureId, Question, QuestionId, Survey, Weighting,
};
use crate::text;

/// Cells of the widest bar in `seeds show`.
const BAR: usize = 30;

/// Runs one of the commands.
///
/// # Errors
/// Unknown seeds or cultures, files that cannot be read, a workspace that cannot be used.
pub fn run(ctx: &Context, command: SeedsCommand) -> Result<(), Failure> {
    match command {
        SeedsCommand::Import { files, weight, questions, every_question, countries } => {
            let wanted =
                super::seeds_import::Wanted { weight, questions, every_question, countries };
            super::seeds_import::run(ctx, &files, wanted)
        }
        SeedsCommand::List { topic } => list(ctx, topic.as_deref()),
        SeedsCommand::Show { id, cultures } => show(ctx, &id, &cultures),
        SeedsCommand::Cultures => cultures(ctx),
        SeedsCommand::Synth { file, respondents, countries, seed } => {
            super::seeds_import::synth(ctx, &file, respondents, countries, seed)
        }
    }
}

fn list(ctx: &Context, topic: Option<&str>) -> Result<(), Failure> {
    let survey = ctx.read()?.read().survey()?;
    let chosen: Vec<&Question> = survey
        .questions
        .iter()
        .filter(|q| topic.is_none_or(|t| q.topic.0.contains(&t.to_lowercase())))
        .collect();
    let answered =
        |q: &Question| survey.cultures.iter().filter(|c| survey.usable(c, q).is_ok()).count();
    let items: Vec<Value> = chosen
        .iter()
        .map(|q| json!({"question": q, "cultures": answered(q), "of": survey.cultures.len()}))
        .collect();
    ctx.out.list(&items, None, || {
        if chosen.is_empty() {
            return "No seeds here. `polyculture seeds import FILE`, or `polyculture init DIR` for the sample ones.".into();
        }
        let rows: Vec<Vec<String>> = chosen
            .iter()
            .map(|q| {
                vec![
                    q.id.to_string(),
                    q.topic.to_string(),
                    format!("{}..{}", q.scale.codes()[0], q.scale.codes()[q.scale.len() - 1]),
                    format!("{}/{}", answered(q), survey.cultures.len()),
                    q.text.clone(),
                ]
            })
            .collect();
        table(&["seed", "topic", "scale", "cultures", "wording"], &rows)
    })
}

fn find<'a>(survey: &'a Survey, id: &QuestionId) -> Result<&'a Question, Failure> {
    survey.question(id).ok_or_else(|| {
        Failure::not_found(format!("no seed {id} in this workspace"))
            .hint("`polyculture seeds list` shows the ids")
    })
}

/// The cultures named, or all; an unknown name is an error.
pub fn pick_cultures(survey: &Survey, ids: &[CultureId]) -> Result<Vec<Culture>, Failure> {
    if ids.is_empty() {
        return Ok(survey.cultures.clone());
    }
    ids.iter()
        .map(|id| {
            survey.culture(id).cloned().ok_or_else(|| {
                let known: Vec<&str> = survey.cultures.iter().map(|c| c.id.as_str()).collect();
                Failure::not_found(format!("no culture `{id}`; there are: {}", known.join(", ")))
            })
        })
        .collect()
}

fn show(ctx: &Context, id: &QuestionId, ids: &[CultureId]) -> Result<(), Failure> {
    let survey = ctx.read()?.read().survey()?;
    let q = find(&survey, id)?;
    let chosen = pick_cultures(&survey, ids)?;
    let items: Vec<Value> = chosen.iter().map(|c| culture_json(&survey, c, q)).collect();
    ctx.out.show(&json!({"question": q, "cultures": items}), || {
        let mut out = format!("{}  {}\n{}\n", q.id, q.topic, text::display(&q.text));
        for o in q.scale.options() {
            out += &format!("  {:>2}  {}\n", o.code, text::display(&o.label));
        }
        for c in &chosen {
            out += &culture_lines(&survey, c, q);
        }
        out
    })
}

fn weighting(survey: &Survey, c: &Culture, q: &Question) -> Option<Weighting> {
    c.countries.iter().find_map(|k| survey.counts(k, &q.id)).map(|x| x.weighting)
}

fn culture_json(survey: &Survey, c: &Culture, q: &Question) -> Value {
    let countries: Vec<Value> = c
        .countries
        .iter()
        .map(|k| match survey.cell(k, q) {
            Cell::Answered(cell) => json!({
                "country": k, "status": "answered", "shares": cell.distribution, "n": cell.n,
                "effective_n": cell.effective_n, "missing": cell.missing, "flags": cell.flags,
            }),
            Cell::NotAsked => json!({"country": k, "status": "not asked"}),
            Cell::AllMissing { missing } => {
                json!({"country": k, "status": "all missing", "missing": missing})
            }
            Cell::NoData => json!({"country": k, "status": "no data"}),
        })
        .collect();
    let cell = survey.culture_cell(c, q);
    json!({
        "culture": c.id,
        "weighting": weighting(survey, c, q).map(Weighting::label),
        "codes": q.scale.codes(),
        "shares": cell.as_ref().map(|x| &x.distribution),
        "usable": survey.usable(c, q).is_ok(),
        "why_not": survey.usable(c, q).err(),
        "countries": countries,
    })
}

fn culture_lines(survey: &Survey, c: &Culture, q: &Question) -> String {
    let head = format!("\n{} ({})", text::display(&c.name), text::display(&c.place));
    let Some(cell) = survey.culture_cell(c, q) else {
        let why = survey.usable(c, q).err().unwrap_or_default();
        return format!("{head}: {why}\n");
    };
    let CultureCell { distribution, n, effective_n, .. } = &cell;
    let asked: u64 = cell
        .countries
        .iter()
        .filter_map(|k| survey.counts(k, &q.id))
        .map(|x| x.valid_n() + x.missing_n())
        .sum();
    let missing = if asked == 0 { 0.0 } else { 100.0 * (1.0 - *n as f64 / asked as f64) };
    let label = weighting(survey, c, q).map_or("", Weighting::label);
    let mut out = format!(
        "{head}: n = {n} valid answers, effective {effective_n:.0}, {missing:.1} % missing, {label}\n"
    );
    for (rank, share) in distribution.shares().iter().enumerate() {
        let code = q.scale.codes()[rank];
        if cell.flags.iter().any(
            |(_, f)| matches!(f, CellFlag::OptionNotOffered { codes } if codes.contains(&code)),
        ) {
            out += &format!("  {code:>2}  {:BAR$}  not offered\n", "");
            continue;
        }
        let bar = "#".repeat((share * BAR as f64).round() as usize);
        out += &format!("  {code:>2}  {bar:BAR$}  {:5.1} %\n", share * 100.0);
    }
    for k in &cell.without {
        let why = match survey.cell(k, q) {
            Cell::NotAsked => "not asked".to_owned(),
            Cell::AllMissing { missing } => format!("asked; none of {missing} gave a valid answer"),
            Cell::NoData => "no data imported".to_owned(),
            Cell::Answered(_) => {
                "left out: options at the ends of the scale were not offered".to_owned()
            }
        };
        out += &format!("      {k}: {why}\n");
    }
    for (k, flag) in &cell.flags {
        out += &match flag {
            CellFlag::OptionNotOffered { codes } => {
                format!(
                    "      {k}: codes {codes:?} were not offered (a shorter form); never counted as zeros\n"
                )
            }
            CellFlag::OffScale { codes } => {
                format!("      {k}: answers off the scale: {codes:?}\n")
            }
            CellFlag::Outlier { code, share, median_elsewhere } => format!(
                "      {k}: outlier: {:.0} % chose {code}, elsewhere {:.0} %\n",
                share * 100.0,
                median_elsewhere * 100.0
            ),
        };
    }
    out
}

fn cultures(ctx: &Context) -> Result<(), Failure> {
    let survey = ctx.read()?.read().survey()?;
    let mut items = Vec::new();
    let mut rows = Vec::new();
    for c in &survey.cultures {
        let usable = survey.questions.iter().filter(|q| survey.usable(c, q).is_ok()).count();
        let not_asked: Vec<&QuestionId> = survey
            .questions
            .iter()
            .filter(|q| c.countries.iter().all(|k| matches!(survey.cell(k, q), Cell::NotAsked)))
            .map(|q| &q.id)
            .collect();
        items.push(json!({
            "culture": c, "usable_questions": usable, "of": survey.questions.len(), "not_asked": not_asked,
        }));
        rows.push(vec![
            c.id.to_string(),
            c.name.clone(),
            c.countries.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            c.language.clone(),
            format!("{usable}/{}", survey.questions.len()),
            not_asked.len().to_string(),
        ]);
    }
    ctx.out.list(&items, None, || {
        table(&["culture", "name", "countries", "language", "usable seeds", "not asked"], &rows)
    })
}
