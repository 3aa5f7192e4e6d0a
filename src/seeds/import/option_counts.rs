//! Option counts as CSV: country, question, code, respondents; negative codes are missing answers
//! by kind. A column `name` may stand beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use crate::domain::{AnswerCode, CountryCode, OptionCounts, QuestionId, Weighting};
use crate::seeds::{FileKind, FileReport, SeedsError};
use crate::table::{CsvReader, CsvRow, TableError};

use super::Imported;
use super::released::question_id;
use super::sniff::{COUNTRY, QUESTION, RESPONDENTS};

type Counts = BTreeMap<(CountryCode, QuestionId), OptionCounts>;

pub(super) fn import(path: &Path, out: &mut Imported) -> Result<(), SeedsError> {
    let (counts, mut report) = read_counts(CsvReader::open(path)?)?;
    out.add_counts(counts, &BTreeMap::new(), &mut report);
    out.files.push(report);
    Ok(())
}

/// Reads option counts from anything.
pub(in crate::seeds) fn read_counts<R: Read>(
    mut reader: CsvReader<R>,
) -> Result<(Counts, FileReport), SeedsError> {
    let mut report = FileReport::new(reader.path(), FileKind::OptionCounts);
    let places = [
        reader.require(COUNTRY)?,
        reader.require(QUESTION)?,
        reader.require(&["code"])?,
        reader.require(RESPONDENTS)?,
    ];
    let mut counts = Counts::new();
    let mut seen: BTreeSet<(CountryCode, QuestionId, i64)> = BTreeSet::new();
    loop {
        let (line, read) = match reader.next_row() {
            Ok(None) => break,
            Ok(Some(CsvRow::Record { line, fields })) => {
                let cell = |i: usize| fields.get(places[i]).map_or("", |s| s.trim());
                (line, row(cell(0), cell(1), cell(2), cell(3)))
            }
            Ok(Some(CsvRow::Ragged { line, found, expected })) => {
                (line, Err(format!("{found} fields, expected {expected} as in the header")))
            }
            Err(e @ TableError::Io { .. }) => return Err(e.into()),
            Err(e) => (e.line().unwrap_or_default(), Err(e.to_string())),
        };
        match read {
            Err(text) => report.left_out.push(line, text),
            Ok((country, question, code, answer, n)) => {
                if !seen.insert((country.clone(), question.clone(), code)) {
                    let text = format!("{country} {question} code {code} stands twice; left out");
                    report.left_out.push(line, text);
                    continue;
                }
                counts
                    .entry((country, question))
                    .or_insert_with(|| OptionCounts::new(Weighting::Unweighted))
                    .add_many(answer, n);
            }
        }
    }
    let mut people: BTreeMap<CountryCode, u64> = BTreeMap::new();
    let mut questions = BTreeSet::new();
    for ((country, question), c) in &counts {
        let n = people.entry(country.clone()).or_default();
        *n = (*n).max(c.valid_n() + c.missing_n());
        questions.insert(question.clone());
    }
    report.questions = questions.len();
    report.respondents = people.values().sum();
    report.countries = people.into_iter().collect();
    report.weighting = Some(Weighting::Unweighted.label());
    Ok((counts, report))
}

type Row = (CountryCode, QuestionId, i64, AnswerCode, u64);

fn row(country: &str, question: &str, code: &str, respondents: &str) -> Result<Row, String> {
    let country = CountryCode::new(country).map_err(|e| e.to_string())?;
    let question = question_id(question)?;
    let number: i64 = code
        .parse()
        .map_err(|_| format!("the code is `{code}`: expected a whole number such as 1 or -2"))?;
    let answer = AnswerCode::from_code(number)
        .ok_or_else(|| format!("the code is {number}: expected at most 255"))?;
    let n: u64 = respondents.parse().map_err(|_| {
        format!("the respondents are `{respondents}`: expected a whole number of 0 or more")
    })?;
    if n > 1_000_000_000 {
        return Err(format!("{n} respondents: more than a survey can have"));
    }
    Ok((country, question, number, answer, n))
}
