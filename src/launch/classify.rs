//! Classification: tasks, texts and models, checked, frozen and locked.

use std::collections::BTreeMap;
use std::path::Path;

use super::runs::new_run;
use super::{LaunchError, Place, Prepared, named_source};
use crate::domain::{Culture, CultureId};
use crate::evaluate::classify::parser::ParserName;
use crate::evaluate::classify::{
    ClassifyError, ClassifyPlan, Items, Library, Method, PlannedSet, Unanswered,
};
use crate::evaluate::{locked, made_up_culture};
use crate::job::RunKind;
use crate::providers::{ChatRequest, ModelSource};

/// Which culture prompts name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CulturePrompt {
    /// None.
    #[default]
    None,
    /// That of the task.
    Own,
    /// One for all tasks: a foreign culture's name is a control.
    Of(CultureId),
    /// A people that does not exist: a control.
    MadeUp,
}

impl CulturePrompt {
    /// `none`, `own`, `made-up`, or a culture's id.
    ///
    /// # Errors
    /// A text that is no id.
    pub fn parse(text: &str) -> Result<Self, LaunchError> {
        Ok(match text {
            "none" => Self::None,
            "own" => Self::Own,
            "made-up" => Self::MadeUp,
            id => Self::Of(CultureId::new(id)?),
        })
    }

    fn word(&self) -> String {
        match self {
            Self::None => "none".into(),
            Self::Own => "own".into(),
            Self::MadeUp => "made-up".into(),
            Self::Of(id) => id.to_string(),
        }
    }
}

/// What a classification run is asked for.
#[derive(Debug, Clone)]
pub struct ClassifyRequest {
    /// Models, by any of their names; the others are compared with the first.
    pub models: Vec<String>,
    /// Tasks by name, `kind:`, `culture:`, `all`, `samples`.
    pub tasks: Vec<String>,
    /// The tasks' own where `None`.
    pub parser: Option<ParserName>,
    /// How labels are given.
    pub method: Method,
    /// Which culture prompts name.
    pub culture_prompt: CulturePrompt,
    /// Longest reply, in tokens.
    pub reply_tokens: u32,
    /// Run sets whose ceiling is below 1 all the same.
    pub allow_degenerate: bool,
    /// What becomes of items without a reply.
    pub unanswered: Unanswered,
    /// Draws of each interval.
    pub draws: usize,
    /// Random seed.
    pub seed: u64,
    /// Threads for embedded models.
    pub threads: u32,
}

/// A prepared run, and what it will ask.
#[derive(Debug)]
pub struct PreparedClassify {
    /// The run.
    pub run: Prepared,
    /// Sets.
    pub sets: usize,
    /// Items in them.
    pub items: u64,
    /// Tasks that were meant by a group but whose texts are not here.
    pub not_here: Vec<String>,
    /// Requests by model: for an estimate before the start.
    pub asked: Vec<(ModelSource, Vec<ChatRequest>)>,
}

/// Checks every set by the oracle, freezes texts and prompts, locks the plan.
///
/// # Errors
/// An unknown task or model, a task named alone whose texts are not here, a set that would be
/// scored to no end.
pub fn classify(place: &Place, r: &ClassifyRequest) -> Result<PreparedClassify, LaunchError> {
    let library = Library::open(&place.folder().tasks())?;
    let cultures = place.read()?.read().survey()?.cultures;
    let mut sets = Vec::new();
    let mut files = Vec::new();
    let mut not_here = Vec::new();
    let mut refused = Vec::new();
    for task in library.select(&r.tasks)? {
        let named = r.tasks.iter().any(|t| *t == task.name || task.aliases.contains(t));
        let bytes = match library.bytes(task) {
            Ok(bytes) => bytes,
            // Of a group, what is here is run, and what is not is said.
            Err(ClassifyError::Refused { .. }) if !named && library.is_missing(task)? => {
                not_here.push(task.name.clone());
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        let parser = r.parser.unwrap_or(task.parser);
        let check = library.check(task, parser)?;
        if let Err(e) = check.pass()
            && !r.allow_degenerate
        {
            refused.push(e.to_string());
            continue;
        }
        let data = format!("texts-{:03}.jsonl", sets.len() + 1);
        sets.push(PlannedSet {
            system: system(task, &r.culture_prompt, &cultures)?,
            task: task.clone(),
            parser,
            data: data.clone(),
            sha256: locked::checksum(&bytes),
            items: check.items,
            findings: check.findings,
        });
        files.push((data, bytes));
    }
    if !refused.is_empty() {
        return Err(LaunchError::Unknown(refused.join("\n")));
    }
    if sets.is_empty() {
        return Err(LaunchError::Unknown(format!(
            "the texts of none of these tasks are here: {}. `polyculture tasks show NAME` says \
             where they come from; `--tasks samples` needs none",
            not_here.join(", ")
        )));
    }
    let mut plan = ClassifyPlan::new(r.models.clone(), sets, r.seed);
    plan.method = r.method;
    plan.max_tokens = r.reply_tokens;
    plan.culture_prompt = r.culture_prompt.word();
    plan.unanswered = r.unanswered;
    plan.draws = r.draws;
    let locked = plan.lock()?;
    let mut sources: BTreeMap<String, ModelSource> = BTreeMap::new();
    for name in &plan.models {
        sources.insert(name.clone(), named_source(place, name)?);
    }
    let asked = asked(&plan, &sources, &files)?;
    let items = plan.sets.iter().map(|s| s.items).sum();
    let label = format!("{} tasks x {} models", plan.sets.len(), plan.models.len());
    let mut run = new_run(place, RunKind::Evaluate, label);
    run.resources.threads = r.threads;
    let mut prepared = Prepared::new(run)
        .file("plan.json", locked.text.into_bytes())
        .file("plan.sha256", locked.sha256.into_bytes())
        .json("models.json", &sources)?;
    for (name, bytes) in files {
        prepared = prepared.file(name, bytes);
    }
    Ok(PreparedClassify { run: prepared, sets: plan.sets.len(), items, not_here, asked })
}

/// What services will be asked. Models in folders cost nothing and are left out.
fn asked(
    plan: &ClassifyPlan,
    sources: &BTreeMap<String, ModelSource>,
    files: &[(String, Vec<u8>)],
) -> Result<Vec<(ModelSource, Vec<ChatRequest>)>, LaunchError> {
    let mut out: Vec<(ModelSource, Vec<ChatRequest>)> = Vec::new();
    let services = plan.models.iter().filter_map(|m| sources.get(m));
    for source in services.filter(|s| matches!(s, ModelSource::Endpoint { .. })) {
        if let Some((_, first)) = out.first() {
            out.push((source.clone(), first.clone()));
            continue;
        }
        let mut requests = Vec::new();
        for (set, (_, bytes)) in plan.sets.iter().zip(files) {
            for item in Items::new(bytes.as_slice(), Path::new(&set.data), &set.task)? {
                let item = item?;
                if !item.gold.is_empty() {
                    requests.push(set.request(&item.text, plan.max_tokens));
                }
            }
        }
        out.push((source.clone(), requests));
    }
    Ok(out)
}

/// The system message: whose chatbot it is, where a culture is named, then the task's own words.
fn system(
    task: &crate::evaluate::classify::Task,
    which: &CulturePrompt,
    cultures: &[Culture],
) -> Result<String, LaunchError> {
    let of = |id: &str| {
        cultures.iter().find(|c| c.id.as_str() == id).cloned().ok_or_else(|| {
            LaunchError::Unknown(format!(
                "no culture `{id}` to name in the prompts of {}: `polyculture seeds cultures` \
                 shows what there is",
                task.name
            ))
        })
    };
    let culture = match which {
        CulturePrompt::None => None,
        CulturePrompt::Own => Some(of(&task.culture)?),
        CulturePrompt::Of(id) => Some(of(id.as_str())?),
        CulturePrompt::MadeUp => made_up_culture(),
    };
    let own = task.prompt.system.as_str();
    Ok(match culture {
        // The words that a model of the paper was tuned with.
        Some(c) => format!("You are a {} chatbot that knows {} very well. {own}", c.name, c.place)
            .trim_end()
            .to_owned(),
        None => own.to_owned(),
    })
}
