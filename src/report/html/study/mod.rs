//! A study as one page of HTML, as the workspace's: no script, nothing from elsewhere, light and
//! dark, a table beside every plot. No text of an item is on it, no comment and no rater's name.

mod design;
mod judges;
mod people;
mod scores;

use super::page::Page;
use crate::report::StudyReport;

/// Ids and titles, in the order of the page.
const SECTIONS: [(&str, &str); 9] = [
    ("design", "Design"),
    ("flow", "From the plan to the figures"),
    ("scores", "Scores and agreement"),
    ("groups", "By culture, stage, run, provider and similarity"),
    ("calibration", "The encoder beside people"),
    ("raters", "Raters"),
    ("judges", "Model judges beside people"),
    ("quality", "Controls, repeats and drift"),
    ("changes", "Changes, and what was brought from elsewhere"),
];

/// The whole page. It is well-formed XML after its first line, and every text in it is escaped.
pub fn html_of_study(r: &StudyReport) -> String {
    let mut p = Page::new(&format!("Study {}", r.record.id));
    p.raw("<header><h1>Study ");
    p.raw(&super::page::name(r.record.id.as_str()));
    p.raw("</h1>");
    p.line(&format!("Made {} by polyculture {}.", r.created, r.version));
    // what a reader must know stands first
    for note in &r.results.notes {
        p.raw("<p role=\"note\"><strong>");
        p.raw(&super::page::escape(note));
        p.raw("</strong></p>\n");
    }
    p.raw("<nav aria-label=\"Sections\"><ul>");
    for (id, title) in SECTIONS {
        p.raw(&format!("<li><a href=\"#{id}\">{title}</a></li>"));
    }
    p.raw("</ul></nav></header>\n<main>\n");
    for (id, title) in SECTIONS {
        p.raw(&format!("<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n"));
        p.raw(&format!("<h2 id=\"h-{id}\">{title}</h2>\n"));
        match id {
            "design" => design::design(&mut p, r),
            "flow" => design::flow(&mut p, r),
            "scores" => scores::scores(&mut p, r),
            "groups" => scores::groups(&mut p, r),
            "calibration" => scores::calibration(&mut p, r),
            "raters" => people::raters(&mut p, r),
            "judges" => judges::judges(&mut p, r),
            "quality" => people::quality(&mut p, r),
            _ => design::changes(&mut p, r),
        }
        p.raw("</section>\n");
    }
    p.raw("</main>\n<footer>");
    p.line(&format!(
        "Intervals are 95 % bootstrap intervals ({} draws; kappas, ICC, shares of the variance and \
         judges' correlations 2,000 at most; the live figures 200). Raters stand by pseudonym: no text \
         of an item, no comment and no rater's name is on this page; who amended the study is.",
        r.options.draws
    ));
    p.raw("</footer>\n");
    p.done()
}

/// An estimate with its interval.
fn estimate(e: Option<&crate::stats::Estimate>) -> String {
    e.map_or_else(
        || "-".into(),
        |e| {
            let ends = e.interval.map(|i| format!(" [{:.2}, {:.2}]", i.lo, i.hi));
            format!("{:.2}{}", e.value, ends.unwrap_or_default())
        },
    )
}

/// A share in percent.
fn percent(part: f64, whole: f64) -> String {
    if whole > 0.0 { format!("{:.0} %", 100.0 * part / whole) } else { "-".into() }
}
