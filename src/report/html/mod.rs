//! The report as one page of HTML: no script, nothing from elsewhere, light and dark. It holds
//! names, numbers and charts; no text of a sample, an item or a reply is on it.

mod agreement;
mod leaderboard;
mod page;
mod pipeline;
mod provenance;
mod study;
#[cfg(test)]
mod tests;
mod training;

use super::{RunsPart, WorkspaceReport};
use page::Page;

pub use study::html_of_study;

/// The whole page. It is well-formed XML after its first line, and every text in it is escaped.
pub fn html(r: &WorkspaceReport, runs: &RunsPart) -> String {
    let mut p = Page::new("Polyculture report");
    p.raw("<header><h1>Polyculture report</h1>");
    p.line(&format!("Made {} by polyculture {}.", r.created, r.version));
    p.raw("<nav aria-label=\"Sections\"><ul>");
    for (id, title) in SECTIONS {
        p.raw(&format!("<li><a href=\"#{id}\">{title}</a></li>"));
    }
    p.raw("</ul></nav></header>\n<main>\n");
    for (id, title) in SECTIONS {
        p.raw(&format!("<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n"));
        p.raw(&format!("<h2 id=\"h-{id}\">{title}</h2>\n"));
        match id {
            "pipeline" => pipeline::pipeline(&mut p, r, runs),
            "agreement" => agreement::agreement(&mut p, r),
            "training" => training::training(&mut p, r, runs),
            "leaderboard" => leaderboard::leaderboard(&mut p, r),
            _ => provenance::provenance(&mut p, r, runs),
        }
        p.raw("</section>\n");
    }
    p.raw("</main>\n<footer>");
    p.line(
        "Names, numbers and charts only: no text of a sample, an item or a reply is on this page.",
    );
    p.raw("</footer>\n");
    p.done()
}

/// Ids and titles, in the order of the page.
const SECTIONS: [(&str, &str); 5] = [
    ("pipeline", "Pipeline"),
    ("agreement", "Agreement of raters"),
    ("training", "Training"),
    ("leaderboard", "Leaderboard"),
    ("provenance", "Provenance"),
];
