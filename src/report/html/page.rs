//! Writing the page: escaped words, tables, charts.

use crate::chart::{Chart, Palette};
use crate::text::display;
use crate::text::html::escape_html;

/// A page while it is written.
#[derive(Debug)]
pub(super) struct Page {
    out: String,
}

/// Text for HTML: markup escaped, control characters made visible, bidi controls left out.
pub(super) fn escape(text: &str) -> String {
    escape_html(&display(text))
}

/// A name from data: escaped, and its direction kept to itself.
pub(super) fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape(text))
}

/// A cell of a table: ready HTML, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    /// Words, to the left. Escaped here.
    Words(String),
    /// A number, to the right. Escaped here.
    Number(String),
    /// Ready HTML with a background.
    Heat(String, String),
}

const LAYOUT: &str = "
*{box-sizing:border-box}
body{margin:0;background:var(--background);color:var(--text);font:16px/1.5 system-ui,'Segoe UI','Noto Sans',sans-serif}
header,main,footer{max-width:76rem;margin:0 auto;padding:1rem 1.25rem}
h1{font-size:1.7rem;margin:.5rem 0 0}h2{font-size:1.3rem;margin:2.5rem 0 .75rem;border-bottom:1px solid var(--grid);padding-bottom:.3rem}
h3{font-size:1.05rem;margin:1.6rem 0 .5rem}
p{max-width:60rem;margin:.5rem 0}.note,footer,header p{color:var(--muted)}
a{color:var(--series-0)}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;padding:0}
ol.flow{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;list-style:none;padding:0;margin:1rem 0}
ol.flow li{border:1px solid var(--grid);border-top:3px solid var(--series-0);border-radius:.4rem;padding:.6rem .8rem}
ol.flow strong{display:block;font-size:1.6rem;line-height:1.2}ol.flow span{color:var(--muted);font-size:.9rem}
.wide{overflow-x:auto;margin:.75rem 0}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top;white-space:nowrap}
thead th{color:var(--muted);font-weight:600}tbody th{font-weight:500}td.n,th.n{text-align:right}
tbody th,thead th:first-child{position:sticky;left:0;background:var(--background);max-width:20rem;white-space:normal}
td:not(.n){white-space:normal;min-width:6rem;max-width:44rem;overflow-wrap:anywhere}
td small{display:block;color:var(--text);opacity:.85;font-size:.78rem}
figure{margin:1rem 0;overflow-x:auto}figure svg{max-width:100%;height:auto;display:block;border:1px solid var(--grid);border-radius:.4rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(28rem,100%),1fr));gap:0 1rem}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em}
@media print{body{font-size:11pt}nav{display:none}section{break-inside:avoid-page}}
";

impl Page {
    /// Begins a page. The policy in its head forbids scripts and everything from elsewhere.
    pub(super) fn new(title: &str) -> Self {
        let out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
             'unsafe-inline'\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <title>{}</title>\n<style>:root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\
             {LAYOUT}</style>\n</head>\n<body>\n",
            escape(title),
            Palette::LIGHT.css(),
            Palette::DARK.css(),
        );
        Self { out }
    }

    /// Ready HTML.
    pub(super) fn raw(&mut self, html: &str) {
        self.out.push_str(html);
    }

    /// A heading below those of the sections; its text is escaped here.
    pub(super) fn heading(&mut self, text: &str) {
        self.out += &format!("<h3>{}</h3>\n", name(text));
    }

    /// A paragraph; escaped here.
    pub(super) fn line(&mut self, text: &str) {
        self.out += &format!("<p>{}</p>\n", escape(text));
    }

    /// A paragraph that stands back; escaped here.
    pub(super) fn note(&mut self, text: &str) {
        self.out += &format!("<p class=\"note\">{}</p>\n", escape(text));
    }

    /// A chart, so many pixels wide before the page shrinks it.
    pub(super) fn chart(&mut self, chart: &Chart, size: (u32, u32)) {
        self.out += &format!("<figure>\n{}</figure>\n", chart.svg(size, &Palette::PAGE));
    }

    /// A table. The first cell of a row is its head. A title that begins with `>` is a number's.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<Cell>]) {
        if rows.is_empty() {
            return;
        }
        self.out += "<div class=\"wide\"><table>\n<thead><tr>";
        for h in head {
            let (class, words) = match h.strip_prefix('>') {
                Some(words) => (" class=\"n\"", words),
                None => ("", *h),
            };
            self.out += &format!("<th scope=\"col\"{class}>{}</th>", name(words));
        }
        self.out += "</tr></thead>\n<tbody>\n";
        for row in rows {
            self.out += "<tr>";
            for (i, cell) in row.iter().enumerate() {
                self.out += &match cell {
                    Cell::Words(w) if i == 0 => format!("<th scope=\"row\">{}</th>", name(w)),
                    Cell::Words(w) => format!("<td>{}</td>", name(w)),
                    Cell::Number(w) => format!("<td class=\"n\">{}</td>", escape(w)),
                    Cell::Heat(html, color) => {
                        format!("<td class=\"n\" style=\"background:{color}\">{html}</td>")
                    }
                };
            }
            self.out += "</tr>\n";
        }
        self.out += "</tbody>\n</table></div>\n";
    }

    /// The finished page.
    pub(super) fn done(mut self) -> String {
        self.out.push_str("</body>\n</html>\n");
        self.out
    }
}

/// A number with three decimals, or a word where there is none.
pub(super) fn figure(v: Option<f64>) -> String {
    v.filter(|v| v.is_finite()).map_or_else(|| "undefined".into(), |v| format!("{v:.3}"))
}

/// An interval.
pub(super) fn interval(ci: Option<(f64, f64)>) -> String {
    ci.map_or_else(|| "-".into(), |(lo, hi)| format!("[{lo:.3}, {hi:.3}]"))
}

/// The first twelve places of a checksum.
pub(super) fn short(sha256: &str) -> String {
    sha256.chars().take(12).collect()
}
