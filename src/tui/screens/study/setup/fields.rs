//! The fields of the forms, and the commands they stand for.

use super::{Kind, Setup, people};
use crate::domain::{Lease, Stage, StudyId, StudyType, Survey};
use crate::study::live::Live;
use crate::study::{Band, SECONDS_A_PAIR, Stratum};
use crate::tui::widgets::{Field, Form, anything, count_or_nothing, positive, something};

/// The choice among pilots that stands for none.
pub(super) const NO_PILOT: &str = "none: 12 s a pair, usual spread";
/// The choice among cultures that stands for none.
const NO_CULTURE: &str = "none";

/// Kinds of words, as the command names them.
const TEXTS: [&str; 4] = ["consent", "guideline", "examples", "qualification"];

const STAGES: [Stage; 4] = [Stage::Template, Stage::Synonym, Stage::Imported, Stage::Translation];

fn a_study(text: &str) -> Option<String> {
    StudyId::new(text.trim()).err().map(|e| e.to_string())
}

fn whole(text: &str) -> Option<String> {
    text.trim().parse::<u64>().err().map(|_| "a whole number".into())
}

fn share(text: &str) -> Option<String> {
    let fits = text.trim().parse::<f64>().is_ok_and(|x| (0.0..=0.5).contains(&x));
    (!fits).then(|| "a number from 0 to 0.5: 0.08 shows 8 % of the items twice".into())
}

fn band(text: &str) -> Option<String> {
    if text.trim().is_empty() { None } else { text.trim().parse::<Band>().err() }
}

fn lease(text: &str) -> Option<String> {
    if text.trim().is_empty() { None } else { text.trim().parse::<Lease>().err() }
}

fn seconds(text: &str) -> Option<String> {
    let fits = text.trim().parse::<f64>().is_ok_and(|x| x.is_finite() && x > 0.0);
    (!fits).then(|| "seconds, a number above 0".into())
}

/// The form of a new study.
pub(super) fn new_study(survey: Option<&Survey>) -> Form {
    let mut cultures = vec![(NO_CULTURE.to_owned(), true)];
    let known = survey.into_iter().flat_map(|s| &s.cultures);
    cultures.extend(known.map(|c| (c.id.to_string(), false)));
    let types = StudyType::ALL.map(|t| t.to_string()).to_vec();
    let stages = STAGES.map(|s| (s.as_str().to_owned(), true)).to_vec();
    let usual = [Stratum::Culture, Stratum::Seed];
    let strata = Stratum::ALL.map(|s| (s.as_str().to_owned(), usual.contains(&s))).to_vec();
    Form::new(
        "A new study",
        "Make",
        vec![
            Field::line("name", "Name", "study-1", a_study, "Letters, digits, - and _"),
            Field::choice(
                "type",
                "Type",
                types,
                0,
                "similarity: a sample beside its seed, 1 to 5. preference: two models' answers, A, B or tie. appropriateness: one answer, 1 to 5, by raters of its culture",
            ),
            Field::line(
                "answers",
                "Answers",
                "",
                anything,
                "A file of models' answers (CSV, JSONL), for preference and appropriateness only",
            ),
            Field::many(
                "cultures",
                "Cultures",
                cultures,
                "Each gets items in its own language. Space chooses, * all; `none`: items of no culture",
            ),
            Field::line(
                "languages",
                "Languages",
                "",
                anything,
                "Tags such as `ar bn`; empty: those of the cultures, or all. `en` lets English stand in",
            ),
            Field::many(
                "stages",
                "Stages",
                stages,
                "Stages of augmentation whose samples may enter",
            ),
            Field::line("runs", "Runs", "", anything, "Only samples of these runs; empty: of all"),
            Field::line(
                "similarity",
                "Similarity",
                "",
                band,
                "Of sample and seed, such as 0.8..0.9; empty: any",
            ),
            Field::many(
                "strata",
                "Even over",
                strata,
                "Items are drawn evenly over these, by the random seed",
            ),
            Field::line(
                "items",
                "Items",
                "100",
                positive,
                "Samples to rate; controls and repeats come on top",
            ),
            Field::line(
                "k",
                "Raters an item",
                "3",
                positive,
                "2 or more tell something on agreement",
            ),
            Field::line(
                "anchors",
                "Anchors",
                "20",
                whole,
                "Of the items: rated by everybody who may, they tie raters together",
            ),
            Field::line(
                "repeats",
                "Repeats",
                "0.08",
                share,
                "Share of items shown a second time to the same rater",
            ),
            Field::line(
                "controls",
                "Controls",
                "5",
                whole,
                "Pairs with a known answer, rated by everybody who may",
            ),
            Field::line(
                "practice",
                "Practice",
                "5",
                whole,
                "Pairs with feedback before the first one; 0 for none",
            ),
            Field::line(
                "raters",
                "Raters file",
                "",
                anything,
                "CSV with id, languages, cultures; languages or cultures of one rater stand apart by blanks. Needed to fix the plan",
            ),
            Field::toggle(
                "diff",
                "Word diff",
                false,
                "Raters may look at the word difference; every look is logged",
            ),
            Field::choice(
                "pilot",
                "Pilot",
                vec![NO_PILOT.into()],
                0,
                "An earlier study whose pace and spread the estimate takes",
            ),
            Field::line(
                "seed",
                "Random seed",
                "1",
                whole,
                "The same seed chooses the same items and the same plan",
            ),
            Field::toggle(
                "fix",
                "Fix the plan",
                true,
                "Fixed, a study changes only by an amendment that is logged",
            ),
        ],
    )
}

/// The form of a plan.
pub(super) fn plan(live: &Live) -> Form {
    let pace = live.speed.median_s.unwrap_or(SECONDS_A_PAIR);
    Form::new(
        format!("Who rates {}", live.study),
        "Fix",
        vec![
            Field::line(
                "raters",
                "Raters file",
                "",
                anything,
                "CSV with id, languages, cultures; empty: the raters of the study's own settings",
            ),
            Field::line(
                "seconds",
                "Seconds an item",
                &format!("{pace:.0}"),
                seconds,
                "For the hours; 12 is what we assume without a pilot",
            ),
            Field::line(
                "lease",
                "Lease",
                "",
                lease,
                "How long items wait for a rater who does not come, such as 14d; empty: for ever",
            ),
        ],
    )
}

/// The form of an amendment.
pub(super) fn amend(live: &Live) -> Form {
    let release = format!("Their unrated items go to others. There are {}", people(live).join(" "));
    Form::new(
        format!("Amend {}", live.study),
        "Amend",
        vec![
            Field::line(
                "reason",
                "Reason",
                "",
                something,
                "It is logged with your name and the time, for good",
            ),
            Field::line(
                "raters",
                "Raters who come",
                "",
                anything,
                "CSV with id, languages, cultures; also raters who declare something else",
            ),
            Field::line("release", "Release", "", anything, &release),
            Field::line("items", "More items", "0", whole, "Chosen as the others were"),
            Field::line(
                "answers",
                "Answers",
                "",
                anything,
                "Where new items of models' answers are from (not for similarity)",
            ),
            Field::line(
                "k",
                "Raters an item",
                "",
                count_or_nothing,
                "From now on; empty: as it is",
            ),
            Field::line("lease", "Lease", "", lease, "From now on, such as 14d; empty: as it is"),
            Field::choice(
                "kind",
                "Text",
                TEXTS.map(str::to_owned).to_vec(),
                0,
                "Words that raters read: another version from now on, the ones before stay in the log",
            ),
            Field::line(
                "text",
                "Text file",
                "",
                anything,
                "TOML, or plain text for a consent; empty: all texts stay",
            ),
            Field::line("language", "Text language", "en", something, "Tag such as ar"),
        ],
    )
}

/// Words that stand apart by blanks or commas, with commas.
fn list(text: &str) -> String {
    text.split([' ', ',', ';']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(",")
}

/// The chosen cultures.
pub(super) fn cultures(form: &Form) -> Vec<&str> {
    form.values("cultures").into_iter().filter(|c| *c != NO_CULTURE).collect()
}

/// The chosen stages; none where all are.
pub(super) fn stages(form: &Form) -> Vec<&str> {
    let chosen = form.values("stages");
    if chosen.len() == STAGES.len() { Vec::new() } else { chosen }
}

/// What is wrong, and at which field.
pub(super) type Wrong = (&'static str, String);

/// The command lines that the form stands for, in order.
pub(super) fn lines(setup: &Setup) -> Result<Vec<Vec<String>>, Wrong> {
    let f = &setup.form;
    let words = |w: &[&str]| w.iter().map(|w| (*w).to_owned()).collect::<Vec<String>>();
    match &setup.kind {
        Kind::New => {
            let mut all = vec![new_line(f)?];
            if f.is_on("fix") {
                if f.value("raters").is_empty() {
                    let why = "who rates? a CSV file, or switch `Fix the plan` off and plan later";
                    return Err(("raters", why.into()));
                }
                all.push(words(&["study", "plan", "--study", f.value("name")]));
            }
            Ok(all)
        }
        Kind::Plan(study) => {
            let mut line = words(&["study", "plan", "--study", study.as_str()]);
            for (name, flag) in [("raters", "--raters-file"), ("lease", "--lease")] {
                if !f.value(name).is_empty() {
                    line.extend(words(&[flag, f.value(name)]));
                }
            }
            Ok(vec![line])
        }
        Kind::Amend(study) => {
            let mut line = words(&["study", "amend", "--study", study.as_str()]);
            // with an equals sign, so that words that begin with a dash stay words
            line.push(format!("--reason={}", f.value("reason")));
            let before = line.len();
            for (name, flag) in [("raters", "--add-raters"), ("k", "--k"), ("lease", "--lease")] {
                if !f.value(name).is_empty() {
                    line.extend(words(&[flag, f.value(name)]));
                }
            }
            if !list(f.value("release")).is_empty() {
                line.extend(words(&["--release", &list(f.value("release"))]));
            }
            if f.value("items").parse::<u64>().is_ok_and(|n| n > 0) {
                line.extend(words(&["--add-items", f.value("items")]));
                if !f.value("answers").is_empty() {
                    line.extend(words(&["--answers", f.value("answers")]));
                }
            }
            if !f.value("text").is_empty() {
                let flag = format!("--{}", f.value("kind"));
                line.extend(words(&[&flag, f.value("text"), "--language", f.value("language")]));
            }
            if line.len() == before {
                let why =
                    "nothing changes yet: raters, released items, more items, k, a lease or a text";
                return Err(("raters", why.into()));
            }
            Ok(vec![line])
        }
    }
}

fn new_line(f: &Form) -> Result<Vec<String>, Wrong> {
    let mut line: Vec<String> = vec!["study".into(), "new".into(), f.value("name").into()];
    let mut add = |flag: &str, value: &str| {
        line.push(flag.to_owned());
        line.push(value.to_owned());
    };
    if f.value("type") != StudyType::Similarity.as_str() {
        add("--type", f.value("type"));
    }
    match (f.value("type") == StudyType::Similarity.as_str(), f.value("answers")) {
        (false, "") => {
            return Err(("answers", "this type is made of models' answers: give a file".into()));
        }
        (true, file) if !file.is_empty() => {
            return Err(("answers", "only for preference and appropriateness".into()));
        }
        (true, _) => {}
        (false, file) => add("--answers", file),
    }
    for (flag, value) in [
        ("--culture", cultures(f).join(",")),
        ("--language", list(f.value("languages"))),
        ("--stage", stages(f).join(",")),
        ("--run", list(f.value("runs"))),
        ("--strata", f.values("strata").join(",")),
    ] {
        if !value.is_empty() && value != "culture,seed" {
            add(flag, &value);
        }
    }
    // the usual numbers of anchors and controls follow from others: they are always said
    for (flag, name, usual) in [
        ("--items", "items", Some("100")),
        ("--k", "k", Some("3")),
        ("--anchors", "anchors", None),
        ("--repeats", "repeats", Some("0.08")),
        ("--controls", "controls", None),
        ("--qualification", "practice", Some("5")),
        ("--seed", "seed", Some("1")),
    ] {
        // what the command takes by itself is not said
        if usual.is_none_or(|u| u != f.value(name)) {
            add(flag, f.value(name));
        }
    }
    if !f.value("raters").is_empty() {
        add("--raters-file", f.value("raters"));
    }
    if !f.value("similarity").is_empty() {
        line.push(format!("--similarity={}", f.value("similarity")));
    }
    if f.is_on("diff") {
        line.push("--word-diff".into());
    }
    Ok(line)
}

/// What is asked before it is sent.
pub(super) fn question(setup: &Setup) -> String {
    let name = setup.study().map_or_else(String::new, |s| s.to_string());
    let fixed = "From then on it changes only by an amendment that is logged with its reason.";
    match setup.kind {
        Kind::New if setup.form.is_on("fix") => {
            format!("Make the study {name} and fix its plan? {fixed}")
        }
        Kind::New => format!("Make the study {name}? Its items are frozen; a plan fixes it later."),
        Kind::Plan(_) => format!("Fix the plan of {name}? {fixed}"),
        Kind::Amend(_) => {
            format!("Amend {name}? The amendment and its reason stay in the log for good.")
        }
    }
}
