//! Respondent rows: the official survey and the released country files.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::{OptionCounts, Scale, Survey};
use crate::seeds::survey::{self, SurveyCounts, SurveyOptions, Wanted};
use crate::seeds::{FileKind, FileReport, ImportProgress, SeedsError};

use super::{ImportOptions, Imported, needs_recoding};

pub(super) fn import(
    path: &Path,
    kind: FileKind,
    known: &Survey,
    options: &ImportOptions,
    progress: &(dyn Fn(ImportProgress<'_>) + Sync),
    out: &mut Imported,
) -> Result<(), SeedsError> {
    let wanted = match &options.questions {
        _ if options.every_question => Wanted::All,
        Some(ids) => Wanted::These(ids.clone()),
        None => {
            let ids: BTreeSet<_> =
                known.questions.iter().chain(&out.questions).map(|q| q.id.clone()).collect();
            if ids.is_empty() { Wanted::All } else { Wanted::These(ids) }
        }
    };
    let options = SurveyOptions { wanted, weighting: options.weighting, threads: options.threads };
    let mut read = survey::read(path, &options, progress)?;
    let mut report = FileReport::new(path, kind);
    flip_inverted(&mut read, known, out, &mut report);
    if read.layout.questions.is_empty() {
        return Err(SeedsError::Refused {
            path: path.to_owned(),
            reason: "all its columns are flipped (such as `Q33P`) and no scale is known to turn \
                     them back: import the questionnaire first, or the plain file"
                .into(),
        });
    }
    describe(&read, known, &mut report);
    report.left_out = read.left_out;
    report.unreadable = read.unreadable;
    out.add_counts(read.counts, &read.paper_means, &mut report);
    out.files.push(report);
    Ok(())
}

/// Turns flipped columns back on the known scale, or drops them with the reason.
fn flip_inverted(read: &mut SurveyCounts, known: &Survey, out: &Imported, report: &mut FileReport) {
    let inverted: Vec<_> =
        read.layout.questions.iter().filter(|q| q.inverted).map(|q| q.id.clone()).collect();
    for id in inverted {
        let question = known.question(&id).or_else(|| out.questions.iter().find(|q| q.id == id));
        if let Some(q) = question {
            for (_, counts) in read.counts.iter_mut().filter(|((_, i), _)| *i == id) {
                *counts = flipped(counts, &q.scale);
            }
            report.notes.push(format!("{id}P holds flipped codes: turned back on its scale"));
        } else {
            read.counts.retain(|(_, i), _| *i != id);
            read.layout.questions.retain(|q| q.id != id);
            report.warnings.push(format!(
                "{id}P holds flipped codes, and the scale of {id} is not known: left out. Import \
                 its questionnaire first, or the plain survey file"
            ));
        }
    }
}

/// Every code on the scale moves to the rank opposite; codes off the scale stay, and are flagged
/// as such wherever the cell is shown.
fn flipped(counts: &OptionCounts, scale: &Scale) -> OptionCounts {
    let mut out = OptionCounts::new(counts.weighting);
    out.missing.clone_from(&counts.missing);
    for (code, tally) in &counts.valid {
        let code = scale.rank(*code).map_or(*code, |r| scale.codes()[scale.len() - 1 - r]);
        out.valid.entry(code).or_default().merge(tally);
    }
    out
}

fn describe(read: &SurveyCounts, known: &Survey, report: &mut FileReport) {
    report.questions = read.layout.questions.len();
    report.respondents = read.respondents;
    report.countries = read.by_country.iter().map(|(c, n)| (c.clone(), *n)).collect();
    report.weighting = Some(read.layout.weighting.label());
    report.notes.extend(read.notes.iter().cloned());
    if !read.layout.has_weights {
        report.notes.push("no column W_WEIGHT: the counts are unweighted".into());
    }
    if read.summary_rows > 0 {
        report.notes.push(format!("{} summary rows were not counted as people", read.summary_rows));
    }
    if read.empty_cells > 0 {
        report
            .warnings
            .push(format!("{} empty cells were counted as missing (other)", read.empty_cells));
    }
    if let Some((line, byte)) = read.not_utf8 {
        report.warnings.push(format!(
            "line {line}, byte {byte} of the file is not UTF-8; the numbers that are read are not \
             concerned"
        ));
    }
    if read.respondents == 0 {
        report.warnings.push("no respondent in the file".into());
    }
    if !read.layout.absent.is_empty() {
        let ids: Vec<_> = read.layout.absent.iter().map(ToString::to_string).collect();
        report.warnings.push(format!("no column for {}", ids.join(", ")));
    }
    let recode: Vec<_> = read
        .layout
        .questions
        .iter()
        .filter(|q| needs_recoding(&q.id))
        .map(|q| q.id.to_string())
        .collect();
    if !recode.is_empty() {
        report.warnings.push(format!(
            "{} need recoding before their codes are an ordinal scale: use them as nominal, or \
             recode the file",
            recode.join(", ")
        ));
    }
    for country in read.by_country.keys() {
        let cells = || read.counts.iter().filter(|((c, _), _)| c == country);
        if cells().all(|(_, c)| c.valid_n() == 0) {
            report.warnings.push(format!(
                "{country}: every answer to every question is missing; it has no distribution"
            ));
        }
        let off: Vec<String> = cells()
            .filter_map(|((_, id), counts)| {
                let scale = &known.question(id)?.scale;
                let bad = |(c, t): (&u8, &crate::domain::Tally)| t.n > 0 && !scale.has(*c);
                counts.valid.iter().any(bad).then(|| id.to_string())
            })
            .collect();
        if !off.is_empty() {
            report.warnings.push(format!(
                "{country}: codes that are not on the scale in {}; they are kept apart and flagged",
                off.join(", ")
            ));
        }
    }
}
