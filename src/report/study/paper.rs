//! The table that goes into a paper: one row a culture and one for all, with intervals.

use super::StudyReport;
use crate::domain::StudyType;
use crate::study::{AgreementReport, By, Figure};

/// The form of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperForm {
    /// A Markdown table.
    Markdown,
    /// A LaTeX `table` with `booktabs`.
    Latex,
}

/// Columns of figures, by the type of the study: name of the figure and title.
fn columns(of: StudyType) -> &'static [(&'static str, &'static str)] {
    match of {
        StudyType::Similarity | StudyType::Appropriateness => &[
            ("mean", "mean"),
            ("share-4-5", "share of 4 and 5"),
            ("alpha-ordinal", "alpha"),
            ("ac2-quadratic", "AC2"),
            ("raw", "raw agreement"),
        ],
        StudyType::Preference => &[
            ("win-rate", "win rate of the first"),
            ("share-tie", "share of ties"),
            ("alpha-nominal", "alpha (nominal)"),
            ("ac1", "AC1"),
            ("raw", "raw agreement"),
        ],
    }
}

/// A value with its interval; a dash where it is undefined.
fn cell(f: Option<&Figure>) -> String {
    let Some((f, value)) = f.and_then(|f| Some((f, f.value?))) else { return "--".into() };
    let ends = f.interval.map(|i| format!(" [{:.2}, {:.2}]", i.lo, i.hi));
    format!("{value:.2}{}", ends.unwrap_or_default())
}

/// Name, items, ratings, raters, figures.
fn rows(r: &StudyReport) -> Vec<Vec<String>> {
    let figures = columns(r.record.study_type);
    let row = |name: &str, a: Option<&AgreementReport>| {
        let count = |of: fn(&AgreementReport) -> usize| a.map_or("0".into(), |a| of(a).to_string());
        let mut out =
            vec![name.to_owned(), count(|a| a.items), count(|a| a.ratings), count(|a| a.raters)];
        out.extend(figures.iter().map(|(name, _)| cell(a.and_then(|a| a.figure(name)))));
        out
    };
    let cultures = r.groups.iter().find(|g| g.by == By::Culture);
    let mut out: Vec<Vec<String>> = cultures
        .into_iter()
        .flat_map(|g| &g.groups)
        .map(|g| row(&g.name, g.agreement.as_ref()))
        .collect();
    out.push(row("all", r.results.agreement.as_ref()));
    out
}

/// What must stand below the table.
fn note(r: &StudyReport) -> String {
    let scripted = r.results.notes.iter().find(|n| n.contains("scripted"));
    let unit = r.results.agreement.as_ref().map_or("seed", |a| a.unit.as_str());
    format!(
        "{}95 % bootstrap intervals, {} draws over {unit}s; those of means and shares over raters \
         too. Controls and repeats are in no figure. {} raters an item. -- is undefined, or has no \
         rating. Study {}, polyculture {}.",
        scripted.map(|n| format!("{n}. ")).unwrap_or_default(),
        r.options.draws,
        r.record.k,
        r.record.id,
        r.version
    )
}

/// The table with its note.
pub fn paper(r: &StudyReport, form: PaperForm) -> String {
    let titles = columns(r.record.study_type).iter().map(|(_, title)| (*title).to_owned());
    let head: Vec<String> = ["culture", "items", "ratings", "raters"]
        .map(str::to_owned)
        .into_iter()
        .chain(titles)
        .collect();
    let rows = rows(r);
    match form {
        PaperForm::Markdown => markdown(&head, &rows, &note(r)),
        PaperForm::Latex => latex(r, &head, &rows, &note(r)),
    }
}

fn markdown(head: &[String], rows: &[Vec<String>], note: &str) -> String {
    let escape = |t: &String| t.replace('\\', "\\\\").replace('|', "\\|");
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(escape).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<&str> = (0..head.len()).map(|i| if i == 0 { ":--" } else { "--:" }).collect();
    let body: String = rows.iter().map(|r| line(r)).collect();
    format!("{}| {} |\n{body}\n{note}\n", line(head), rule.join(" | "))
}

/// Text for LaTeX.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn latex(r: &StudyReport, head: &[String], rows: &[Vec<String>], note: &str) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| escape(c)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let mut body = String::new();
    for (n, row) in rows.iter().enumerate() {
        if n + 1 == rows.len() && n > 0 {
            body += "\\midrule\n";
        }
        body += &line(row);
    }
    let what = match r.record.study_type {
        StudyType::Similarity => "Similarity of samples to their seeds, 1 to 5, as people rated it",
        StudyType::Preference => "Which of two answers people preferred",
        StudyType::Appropriateness => {
            "How fitting answers are in a culture, 1 to 5, as its people rated them"
        }
    };
    format!(
        "% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\
         \\caption{{{what}.}}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n{}\\midrule\n{body}\
         \\bottomrule\n\\end{{tabular}}\n\n\\smallskip\\footnotesize {}\n\\end{{table}}\n",
        "r".repeat(head.len() - 1),
        line(head),
        escape(note),
    )
}
