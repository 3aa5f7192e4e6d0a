//! `polyculture study new`: items from kept samples, or from a file of models' answers.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::{Context, Failure};
use crate::domain::{CultureId, Lease, QuestionId, RunId, Stage, StudyId, StudyType};
use crate::launch::{answers_of_run, encoders_of_runs};
use crate::store::{Item, Workspace as Store};
use crate::study::{
    Band, Material, Stratum, StudySpec, create_from, item_warnings, items_of, read_answers,
    read_raters, strata,
};
use crate::text;

/// What `study new` takes. A flag outdoes the same setting of `--spec`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Its name; that of the file where only --spec is given
    #[arg(required_unless_present = "spec")]
    name: Option<StudyId>,
    /// Settings in a TOML file: every flag has a setting there
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// What raters judge: similarity, preference (two models' answers), appropriateness (one)
    #[arg(long = "type", value_name = "TYPE")]
    study_type: Option<StudyType>,
    /// Answers of models for preference and appropriateness: CSV or JSONL with question, language,
    /// culture, model_a, answer_a, model_b, answer_b (or model, answer), sensitive
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Answers of a run of `evaluate --task win-rate` instead
    #[arg(long, value_name = "RUN", conflicts_with = "answers")]
    answers_of: Option<RunId>,
    /// Items drawn, controls and repeats come on top [default: 100]
    #[arg(long)]
    items: Option<usize>,
    /// Raters per item [default: 3]
    #[arg(short, long)]
    k: Option<u32>,
    /// Random seed [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Only for these cultures, each in its language
    #[arg(long, value_delimiter = ',', value_name = "CULTURE")]
    culture: Vec<CultureId>,
    /// Only in these languages; `en` lets English stand in for a culture's own
    #[arg(long, value_delimiter = ',', value_name = "TAG")]
    language: Vec<String>,
    /// Only samples of these runs
    #[arg(long, value_delimiter = ',', value_name = "RUN")]
    run: Vec<String>,
    /// Only samples of these stages
    #[arg(long, value_delimiter = ',', value_name = "STAGE")]
    stage: Vec<Stage>,
    /// Only samples of these providers
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    provider: Vec<String>,
    /// Only samples of this similarity with their seed, such as 0.8..0.9
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    similarity: Option<Band>,
    /// Draw evenly over these: culture, language, stage, band, run, provider, seed
    /// [default: culture,seed]
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    strata: Vec<Stratum>,
    /// Items that everybody rates who may
    #[arg(long)]
    anchors: Option<usize>,
    /// Items with a known answer
    #[arg(long)]
    controls: Option<usize>,
    /// Share of items shown twice, 0 to 0.5 [default: 0.08]
    #[arg(long)]
    repeats: Option<f64>,
    /// Pairs of practice before the first item [default: 5]
    #[arg(long, value_name = "N")]
    qualification: Option<usize>,
    /// Raters may look at the word difference; every look is logged
    #[arg(long)]
    word_diff: bool,
    /// How long items wait for a rater who does not come, such as 14d
    #[arg(long)]
    lease: Option<Lease>,
    /// Seeds whose texts stay hidden until a key
    #[arg(long, value_delimiter = ',', value_name = "Q..")]
    sensitive_seeds: Vec<QuestionId>,
    /// Who rates: CSV with id, languages, cultures
    #[arg(long, value_name = "FILE")]
    raters_file: Option<PathBuf>,
    /// Whom raters may ask
    #[arg(long, value_name = "WORDS")]
    contact: Option<String>,
    /// The ethics board's approval
    #[arg(long, value_name = "WORDS")]
    ethics: Option<String>,
    /// What raters are paid
    #[arg(long, value_name = "WORDS")]
    pay: Option<String>,
    /// What in the texts may hurt
    #[arg(long, value_name = "WORDS")]
    content_warning: Option<String>,
    /// Show what it would be, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the settings as TOML instead of making the study
    #[arg(long)]
    print_spec: bool,
}

impl NewArgs {
    fn spec(&self) -> Result<StudySpec, Failure> {
        let from_file = self.spec.as_deref().map(StudySpec::read).transpose()?;
        let mut spec = match (from_file, &self.name) {
            (Some(file), name) => {
                StudySpec { name: name.clone().unwrap_or(file.name.clone()), ..file }
            }
            (None, Some(name)) => {
                let n = self.items.unwrap_or(100);
                StudySpec::named(name.clone(), n, 1).over(self.culture.len())
            }
            (None, None) => return Err(Failure::usage("give the study a name, or --spec FILE")),
        };
        fn set<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(x) = from {
                *to = x.clone();
            }
        }
        fn list<T: Clone>(to: &mut Vec<T>, from: &[T]) {
            if !from.is_empty() {
                *to = from.to_vec();
            }
        }
        fn say(to: &mut Option<String>, from: Option<&String>) {
            if from.is_some() {
                *to = from.cloned();
            }
        }
        set(&mut spec.study_type, self.study_type.as_ref());
        set(&mut spec.items, self.items.as_ref());
        set(&mut spec.k, self.k.as_ref());
        set(&mut spec.seed, self.seed.as_ref());
        set(&mut spec.anchors, self.anchors.as_ref());
        set(&mut spec.controls, self.controls.as_ref());
        set(&mut spec.repeats, self.repeats.as_ref());
        set(&mut spec.qualification, self.qualification.as_ref());
        spec.lease = self.lease.or(spec.lease);
        spec.word_diff |= self.word_diff;
        spec.select.similarity = self.similarity.or(spec.select.similarity);
        list(&mut spec.select.cultures, &self.culture);
        list(&mut spec.select.languages, &self.language);
        list(&mut spec.select.runs, &self.run);
        list(&mut spec.select.stages, &self.stage);
        list(&mut spec.select.providers, &self.provider);
        list(&mut spec.strata, &self.strata);
        list(&mut spec.sensitive_seeds, &self.sensitive_seeds);
        say(&mut spec.people.contact, self.contact.as_ref());
        say(&mut spec.people.ethics, self.ethics.as_ref());
        say(&mut spec.people.pay, self.pay.as_ref());
        say(&mut spec.people.content_warning, self.content_warning.as_ref());
        if let Some(file) = &self.raters_file {
            spec.raters = read_raters(file)?;
        }
        // fewer items than a file's anchors were meant for
        spec.anchors = spec.anchors.min(spec.items);
        spec.check()?;
        Ok(spec)
    }
}

/// Makes the study.
///
/// # Errors
/// A setting that cannot be; nothing can enter; the name is taken.
pub fn run(ctx: &Context, args: &NewArgs) -> Result<(), Failure> {
    let spec = args.spec()?;
    if args.print_spec {
        let toml = spec.to_toml()?;
        return ctx.out.show(&spec, || toml);
    }
    let mut store = if args.dry_run { ctx.read()? } else { ctx.write_ratings()? };
    let material = match (&args.answers, &args.answers_of, spec.study_type) {
        (Some(file), _, of) => Material::Answers(read_answers(file, of)?),
        (None, Some(run), of) => Material::Answers(answers_of_run(&ctx.place()?, run, of)?),
        (None, None, StudyType::Similarity) => material(ctx, &store)?,
        (None, None, other) => {
            return Err(Failure::usage(format!(
                "a study of {other} is made of models' answers: give --answers FILE or \
                 --answers-of RUN"
            )));
        }
    };
    let items = if args.dry_run {
        items_of(&spec, &material)?
    } else {
        create_from(&mut store, &spec, &material)?
    };
    let warnings = item_warnings(&spec, &items);
    let spread: Vec<_> = spec
        .strata
        .iter()
        .filter(|s| **s != Stratum::Seed)
        .map(|s| (*s, strata(&items, *s)))
        .collect();
    let doc = json!({"study": spec.name, "items": items, "strata": spread, "warnings": warnings});
    ctx.out.show(&doc, || {
        let mut out = head(&spec, &items, args.dry_run);
        for (stratum, labels) in &spread {
            let parts: Vec<String> = labels.iter().map(|(l, n)| format!("{l} {n}")).collect();
            out += &format!("  by {}: {}\n", stratum.as_str(), parts.join(", "));
        }
        for w in &warnings {
            out += &format!("  note: {}\n", text::display(w));
        }
        let raters = if spec.raters.is_empty() { " --raters-file raters.csv" } else { "" };
        if !args.dry_run {
            let name = &spec.name;
            out += &format!("  next: polyculture study plan --study {name}{raters} --dry-run");
        }
        out
    })
}

/// Samples, seeds, and what measured similarity.
pub(super) fn material(ctx: &Context, store: &Store) -> Result<Material, Failure> {
    let mut material = Material::read(store.read())?;
    if let Material::Samples { encoders, .. } = &mut material {
        *encoders = encoders_of_runs(&ctx.place()?);
    }
    Ok(material)
}

fn head(spec: &StudySpec, items: &[Item], dry: bool) -> String {
    let made = if dry { "would have" } else { "has" };
    let rated = items.iter().filter(|i| i.kind.enters_estimates()).count();
    let controls = items.iter().filter(|i| i.kind.is_control()).count();
    format!(
        "{} ({}) {made} {} items: {rated} to rate, {controls} controls, {} repeats\n",
        spec.name,
        spec.study_type,
        items.len(),
        items.len() - rated - controls
    )
}
