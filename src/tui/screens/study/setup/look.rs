//! What a study would be, worked out off the screen's task: the same choice and the same plan that
//! the commands would make, with nothing written.

use std::path::Path;
use std::sync::Arc;

use super::fields::{NO_PILOT, Wrong, cultures, stages};
use super::{Kind, Setup};
use crate::domain::{CultureId, StudyId, StudyType};
use crate::store::Rater;
use crate::study::live::{LiveInput, live};
use crate::study::{
    Material, Outlook, RaterSpec, SECONDS_A_PAIR, Selection, Spread, StudyError, StudySpec,
    outlook, outlook_of, pilot, read_answers, read_raters,
};
use crate::tui::data::{Access, WorkError};
use crate::tui::widgets::Form;

/// What is asked.
pub(super) enum Ask {
    /// A new study of these settings.
    New {
        spec: Box<StudySpec>,
        answers: String,
        raters: String,
        pilot: Option<StudyId>,
        known: Option<(String, Arc<Material>)>,
    },
    /// A plan of a study that is made: its raters file and the seconds of an item.
    Plan { study: StudyId, raters: String, seconds: f64 },
}

/// What came out.
#[derive(Debug)]
pub(super) struct Looked {
    /// What items are made of, kept while the form is open; with the file it is from.
    pub material: Option<(String, Arc<Material>)>,
    /// Studies that can serve as a pilot.
    pub studies: Vec<String>,
    /// Names of all studies.
    pub taken: Vec<String>,
    /// What it would be, or what is wrong at which field.
    pub outcome: Result<Found, Wrong>,
}

/// What a form would make, and where the pace comes from.
pub(super) type Found = (Box<Outlook>, String);

impl Ask {
    /// Of a form whose fields are right; `None` where there is nothing to look at.
    pub fn of(setup: &Setup) -> Option<Self> {
        let f = &setup.form;
        match &setup.kind {
            Kind::New => Some(Self::New {
                spec: Box::new(spec(f)?),
                answers: f.value("answers").to_owned(),
                raters: f.value("raters").to_owned(),
                pilot: Some(f.value("pilot"))
                    .filter(|p| *p != NO_PILOT)
                    .and_then(|p| StudyId::new(p).ok()),
                known: setup.look.get().and_then(|l| l.material.clone()),
            }),
            Kind::Plan(study) => Some(Self::Plan {
                study: study.clone(),
                raters: f.value("raters").to_owned(),
                seconds: f.value("seconds").parse().ok()?,
            }),
            Kind::Amend(_) => None,
        }
    }
}

/// The settings of the form of a new study, without raters.
fn spec(f: &Form) -> Option<StudySpec> {
    let words = |name: &str| -> Vec<String> {
        let apart = f.value(name).split([' ', ',', ';']).filter(|w| !w.is_empty());
        apart.map(str::to_owned).collect()
    };
    let name = StudyId::new(f.value("name")).ok()?;
    let usual =
        StudySpec::named(name, f.value("items").parse().ok()?, f.value("seed").parse().ok()?);
    Some(StudySpec {
        study_type: f.value("type").parse().ok()?,
        k: f.value("k").parse().ok()?,
        anchors: f.value("anchors").parse().ok()?,
        repeats: f.value("repeats").parse().ok()?,
        controls: f.value("controls").parse().ok()?,
        qualification: f.value("practice").parse().ok()?,
        word_diff: f.is_on("diff"),
        strata: f.values("strata").into_iter().filter_map(|s| s.parse().ok()).collect(),
        select: Selection {
            cultures: cultures(f).into_iter().filter_map(|c| CultureId::new(c).ok()).collect(),
            languages: words("languages"),
            runs: words("runs"),
            stages: stages(f).into_iter().filter_map(|s| s.parse().ok()).collect(),
            providers: Vec::new(),
            similarity: f.value("similarity").parse().ok(),
        },
        ..usual
    })
}

/// The look.
pub(super) fn look(a: &mut Access, ask: Ask) -> Result<Looked, WorkError> {
    match ask {
        Ask::Plan { study, raters, seconds } => {
            let outcome = plan(a, &study, &raters, seconds)?;
            Ok(Looked { material: None, studies: Vec::new(), taken: Vec::new(), outcome })
        }
        Ask::New { mut spec, answers, raters, pilot: from, known } => {
            let place = a.place().clone();
            let store = place.read()?;
            let all = store.read().studies()?;
            let taken: Vec<String> = all.iter().map(|s| s.id.to_string()).collect();
            let fixed = all.iter().filter(|s| s.fixed.is_some());
            let studies: Vec<String> = fixed.map(|s| s.id.to_string()).collect();
            let done = |material, outcome| Ok(Looked { material, studies, taken, outcome });
            if store.read().study(&spec.name)?.is_some() {
                let why = format!("there is a study {} already: take another name", spec.name);
                return done(known, Err(("name", why)));
            }
            let file = if spec.study_type == StudyType::Similarity { "" } else { &answers };
            let material = match known.filter(|k| k.0 == file) {
                Some(known) => known,
                None if file.is_empty() && spec.study_type != StudyType::Similarity => {
                    let why = "this type is made of models' answers: give a file".to_owned();
                    return done(None, Err(("answers", why)));
                }
                None => {
                    let read = match file {
                        "" => Material::read(store.read()),
                        path => {
                            read_answers(Path::new(path), spec.study_type).map(Material::Answers)
                        }
                    };
                    match read {
                        Ok(m) => (file.to_owned(), Arc::new(m)),
                        Err(e) if !file.is_empty() => {
                            return done(None, Err(("answers", e.to_string())));
                        }
                        Err(e) => return Err(e.into()),
                    }
                }
            };
            if !raters.is_empty() {
                match read_raters(Path::new(&raters)) {
                    Ok(people) => spec.raters = people,
                    Err(e) => return done(Some(material), Err(("raters", e.to_string()))),
                }
            }
            let people: Vec<Rater> = spec.raters.iter().map(RaterSpec::person).collect();
            let mut seconds = SECONDS_A_PAIR;
            let mut spread = Spread::default_of(spec.study_type);
            let mut source = "12 s assumed, no pilot".to_owned();
            if let Some(name) = from {
                let median =
                    live(&LiveInput::read(store.read(), &name)?, jiff::Timestamp::UNIX_EPOCH)
                        .speed
                        .median_s;
                seconds = median.unwrap_or(seconds);
                source = match median {
                    Some(_) => format!("the median of {name}"),
                    None => format!("12 s assumed: nothing was timed in {name}"),
                };
                if let Some(s) = pilot(store.read(), &name)? {
                    spread = s;
                }
            }
            let found = outlook(&spec, &material.1, &people, seconds, &spread);
            let outcome = match found {
                Ok(o) => Ok((Box::new(o), source)),
                Err(e) => Err(at_field(&e)),
            };
            done(Some(material), outcome)
        }
    }
}

/// What the plan of a study that is made would be.
fn plan(
    a: &Access,
    study: &StudyId,
    raters: &str,
    seconds: f64,
) -> Result<Result<Found, Wrong>, WorkError> {
    let store = a.place().read()?;
    let record = store.read().need_study(study)?;
    let spec = StudySpec::stored(&record.spec).unwrap_or_else(|| StudySpec::of(&record));
    let people: Vec<Rater> = match raters {
        "" => spec.people_of(),
        file => match read_raters(Path::new(file)) {
            Ok(people) => people.iter().map(RaterSpec::person).collect(),
            Err(e) => return Ok(Err(("raters", e.to_string()))),
        },
    };
    if people.is_empty() {
        let why = "who rates? a CSV file with id, languages, cultures".to_owned();
        return Ok(Err(("raters", why)));
    }
    let items = store.read().items(study)?;
    let spread = Spread::default_of(record.study_type);
    let found = outlook_of(&spec, &items, &people, seconds, &spread);
    Ok(found.map(|o| (Box::new(o), "as the form says".to_owned())).map_err(|e| at_field(&e)))
}

/// The field that an error is about.
fn at_field(e: &StudyError) -> Wrong {
    let field = match e {
        StudyError::BadSetting { what, .. } => match *what {
            "number of items" => "items",
            "k" => "k",
            "share of repeats" => "repeats",
            "number of anchors" => "anchors",
            "strata" => "strata",
            "the type of the study" => "type",
            _ => "raters",
        },
        StudyError::NoSamples { .. } => "items",
        StudyError::NoSamplesFor { .. } | StudyError::UnknownCulture { .. } => "cultures",
        StudyError::BadAnswers { .. } => "answers",
        StudyError::TooFewRaters { .. } | StudyError::BadRaters { .. } => "raters",
        _ => "name",
    };
    (field, e.to_string())
}
