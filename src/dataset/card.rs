//! The data card that goes with every dataset and every exported file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Arm, Dataset, ExportFormat, RatedCount, Stages};
use crate::domain::{
    Cell, Culture, CultureId, Question, RatedAtLeast, ScaleKind, Survey, Target, Weighting,
    language_name,
};
use crate::stats::divergence::{entropy, jsd};

/// A file that the card goes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardFile {
    /// Its format.
    pub format: ExportFormat,
    /// Answers that a distribution target became there.
    pub answers: u32,
    /// Its lines.
    pub lines: u64,
}

/// The card as Markdown: what the rows are, where they come from, how they may be used, how much
/// people of one culture differ among themselves, and what is missing.
pub fn card(dataset: &Dataset, survey: &Survey, file: Option<CardFile>) -> String {
    let mut s = String::new();
    let spec = &dataset.spec;
    // Writing to a String cannot fail.
    let _ = writeln!(s, "# Data card: {}\n", spec.name);
    let _ = writeln!(s, "## What it holds\n");
    let texts: BTreeSet<&str> = dataset.examples.iter().map(|e| e.text_id.as_str()).collect();
    let questions: BTreeSet<_> = dataset.examples.iter().map(|e| &e.question).collect();
    let _ = writeln!(
        s,
        "- {} rows: {} texts of {} questions; {}.",
        dataset.examples.len(),
        texts.len(),
        questions.len(),
        arm_words(&spec.arm)
    );
    let _ = writeln!(
        s,
        "- Texts: {}.",
        match spec.stages {
            Stages::SeedsOnly => "the seeds' own wording",
            Stages::Templates => "seeds and paraphrases of stage 1",
            Stages::Both => "seeds, paraphrases of stage 1 and word variants of stage 2",
        }
    );
    if let Some(language) = &spec.language {
        let frame: BTreeSet<&str> =
            survey.questions.iter().map(|q| language_name(&q.language)).collect();
        let _ = writeln!(
            s,
            "- Language: the statements and questions are in {} (`{language}`), translated by a \
             model where the survey is in another language; the frame of the prompt and the options \
             stay in {}.",
            language_name(language),
            frame.into_iter().collect::<Vec<_>>().join(", ")
        );
    }
    if let Some(rated) = &spec.rated {
        let _ = writeln!(s, "- {}", rated_words(rated, dataset.rated));
    }
    if let Some(n) = spec.texts {
        let _ = writeln!(s, "- Cut to {n} texts, spread over the questions.");
    }
    let _ = writeln!(s, "- Label policy: `{}`. {}", spec.policy.as_str(), policy_words(dataset));
    if let Some(f) = file {
        file_words(&mut s, dataset, f);
    }
    if !spec.held_out_questions.is_empty() {
        let ids: Vec<&str> = spec.held_out_questions.iter().map(AsRef::as_ref).collect();
        let _ = writeln!(s, "- Held-out questions, not in here: {}.", ids.join(", "));
    }
    provenance(&mut s, dataset);
    spread(&mut s, dataset, survey);
    let _ = writeln!(
        s,
        "\n## Risk: stereotypes\n\nA culture here is the mean of survey answers in its countries, \
         as asked in one wave. It is not what any one person of that culture thinks: within every \
         culture people differ more than cultures differ from each other on most questions (the \
         spread above). A model trained on these rows repeats majorities, and with hard labels it \
         repeats nothing else. Do not use it to judge, rank or speak for people; do not infer a \
         person's views from a language or a place; show the spread beside every answer."
    );
    missing(&mut s, dataset);
    s
}

fn rated_words(rated: &RatedAtLeast, count: Option<RatedCount>) -> String {
    let mut s = format!("Samples: only those {rated}; the seeds' own wording was not rated.");
    if let Some(n) = count {
        s += &format!(
            " Of {} kept samples {} were rated and {} rated so ({} scores). Chosen by what people \
             said: a later study on these samples is no test of them.",
            n.of, n.rated, n.used, n.scores
        );
    }
    s
}

fn arm_words(arm: &Arm) -> String {
    match arm {
        Arm::Culture { culture } => format!("the answers of one culture, {culture}"),
        Arm::One => "the answers of every culture, named in its rows".into(),
        Arm::Blind { named: true } => {
            "a control: the mixture of all cultures as everyone's answer".into()
        }
        Arm::Blind { named: false } => "a control: the mixture of all cultures, none named".into(),
        Arm::Uniform => "a control: every option equally often".into(),
    }
}

fn policy_words(dataset: &Dataset) -> String {
    let soft = dataset.examples.iter().filter(|e| matches!(e.target, Target::Soft(_))).count();
    if soft > 0 {
        "The target of a row is the shares of all options.".into()
    } else {
        "The target of a row is one option: how far people disagree is lost.".into()
    }
}

fn file_words(s: &mut String, dataset: &Dataset, f: CardFile) {
    let _ = writeln!(s, "- File: {} lines of format `{}`.", f.lines, f.format.as_str());
    let soft = dataset.examples.iter().any(|e| matches!(e.target, Target::Soft(_)));
    if soft && f.format == ExportFormat::Parquet {
        let _ = writeln!(
            s,
            "- One row an answer: `share` is its share of the target, `copies` how often the text \
             formats would write it with k = {}.",
            f.answers
        );
    } else if soft {
        let _ = writeln!(
            s,
            "- This format knows single answers only: each distribution became k = {} answers with \
             the same prompt, its shares apportioned by largest remainder. The different answers \
             to one prompt are meant; shares finer than 1/{} are lost.",
            f.answers, f.answers
        );
    }
}

fn provenance(s: &mut String, dataset: &Dataset) {
    let _ = writeln!(s, "\n## Where it comes from\n");
    let _ = writeln!(
        s,
        "- Answers: World Values Survey, wave 7 (2017-2022). Haerpfer, C., Inglehart, R., Moreno, \
         A., Welzel, C., Kizilova, K., Diez-Medrano, J., Lagos, M., Norris, P., Ponarin, E. & \
         Puranen, B. (eds.), World Values Survey: Round Seven, Country-Pooled Datafile. JD Systems \
         Institute & WVSA Secretariat. doi 10.14281/18241.24. Cite it wherever the data is used."
    );
    let _ = writeln!(
        s,
        "- Use: the survey's terms allow non-profit use with citation; its respondent rows may not \
         be redistributed, and none is in here."
    );
    let weights: Vec<&str> = dataset.weighting.iter().map(|w| w.label()).collect();
    let _ = writeln!(
        s,
        "- Weighting: {}{}. A culture is the equal-weight mean of its countries.",
        weights.join(" and "),
        if dataset.weighting.contains(&Weighting::Unweighted) {
            " (each respondent counts once: figures are not representative of the population)"
        } else {
            ""
        }
    );
    let _ = writeln!(
        s,
        "- Paraphrases: the augmentation of this project; every sample keeps its template, \
         substitutions and filter score."
    );
    let n: Vec<f64> = dataset.examples.iter().map(|e| e.effective_n).filter(|n| *n > 0.0).collect();
    if let (Some(lo), Some(hi)) =
        (n.iter().copied().reduce(f64::min), n.iter().copied().reduce(f64::max))
    {
        let _ = writeln!(s, "- Effective n behind a row: {lo:.0} to {hi:.0} respondents.");
    }
}

/// Within-culture spread, and the distance of countries that are pooled.
fn spread(s: &mut String, dataset: &Dataset, survey: &Survey) {
    let cultures: Vec<&Culture> = match &dataset.spec.arm {
        Arm::Culture { culture } => survey.culture(culture).into_iter().collect(),
        _ if dataset.spec.cultures.is_empty() => survey.cultures.iter().collect(),
        _ => dataset.spec.cultures.iter().filter_map(|c| survey.culture(c)).collect(),
    };
    let used: BTreeSet<_> = dataset.examples.iter().map(|e| &e.question).collect();
    let questions: Vec<&Question> =
        survey.questions.iter().filter(|q| used.contains(&q.id)).collect();
    let _ = writeln!(
        s,
        "\n## How much people differ\n\nWithin a culture: mean over its questions of the entropy of \
         answers as a share of the largest possible (1 = every option equally often), and of the \
         variance of ranks as a share of the largest possible (ordinal scales; 1 = half of the \
         people at each end). Between pooled countries: mean Jensen-Shannon divergence, base 2.\n"
    );
    let _ = writeln!(
        s,
        "| culture | countries | questions | valid answers a question | entropy | rank variance | \
         distance of its countries |\n|---|---|---|---|---|---|---|"
    );
    for c in cultures {
        let mut n = Vec::new();
        let (mut h, mut v, mut d) = (Vec::new(), Vec::new(), Vec::new());
        for q in &questions {
            let Ok(cell) = survey.usable(c, q) else { continue };
            let k = q.scale.len() as f64;
            n.push(cell.n);
            h.extend(entropy(cell.distribution.shares()).map(|x| x / k.log2()));
            if q.scale.kind() == ScaleKind::Ordinal {
                v.push(cell.distribution.rank_variance() / ((k - 1.0).powi(2) / 4.0));
            }
            d.extend(country_distance(survey, c, q));
        }
        let countries: Vec<&str> = c.countries.iter().map(AsRef::as_ref).collect();
        let _ = writeln!(
            s,
            "| {} | {} | {} | {} | {} | {} | {} |",
            c.name,
            countries.join(", "),
            n.len(),
            match (n.iter().min(), n.iter().max()) {
                (Some(lo), Some(hi)) => format!("{lo} to {hi}"),
                _ => "-".into(),
            },
            mean_or_dash(&h),
            mean_or_dash(&v),
            if c.countries.len() > 1 { mean_or_dash(&d) } else { "one country".into() },
        );
    }
}

/// Mean JSD over the pairs of countries that answered with the whole scale.
fn country_distance(survey: &Survey, culture: &Culture, q: &Question) -> Option<f64> {
    let cells: Vec<_> = culture
        .countries
        .iter()
        .filter_map(|c| match survey.cell(c, q) {
            Cell::Answered(cell) if cell.not_offered().is_empty() => Some(cell.distribution),
            _ => None,
        })
        .collect();
    let mut sum = (0.0, 0usize);
    for (i, a) in cells.iter().enumerate() {
        for b in &cells[i + 1..] {
            sum = (sum.0 + jsd(a.shares(), b.shares()).ok()?, sum.1 + 1);
        }
    }
    (sum.1 > 0).then(|| sum.0 / sum.1 as f64)
}

fn mean_or_dash(x: &[f64]) -> String {
    if x.is_empty() { "-".into() } else { format!("{:.3}", x.iter().sum::<f64>() / x.len() as f64) }
}

/// What is not in here, and what a reader must know of what is.
fn missing(s: &mut String, dataset: &Dataset) {
    let _ = writeln!(s, "\n## What is not in here\n");
    if dataset.refused.is_empty() {
        let _ = writeln!(s, "Every question in view has answers in every culture.");
    }
    let mut by_culture: Vec<(Option<&CultureId>, Vec<String>)> = Vec::new();
    for r in &dataset.refused {
        let word = format!("{} ({})", r.question, r.reason);
        match by_culture.iter_mut().find(|(c, _)| *c == r.culture.as_ref()) {
            Some((_, list)) => list.push(word),
            None => by_culture.push((r.culture.as_ref(), vec![word])),
        }
    }
    for (culture, list) in by_culture {
        let culture = culture.map_or("the mixture", AsRef::as_ref);
        let _ = writeln!(s, "- {culture}: {}.", list.join(", "));
    }
    if !dataset.notes.is_empty() {
        let _ = writeln!(s, "\n## Notes on labels\n");
        for n in &dataset.notes {
            let culture = n.culture.as_ref().map_or("the mixture", AsRef::as_ref);
            let _ = writeln!(s, "- {}, {culture}: {}.", n.question, n.note);
        }
    }
    let found = dataset.audit.by_kind();
    let _ = writeln!(s, "\n## Audit\n");
    if found.is_empty() {
        let _ = writeln!(s, "{} rows, no finding.", dataset.audit.rows);
    }
    for (kind, n) in found {
        let _ = writeln!(s, "- {}: {n} of {} rows (allowed).", kind.as_str(), dataset.audit.rows);
    }
}
