//! The panels' rows, and the row under the cursor in full.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Leading, Panel};
use crate::chart::{LineChart, Series};
use crate::stats::Estimate;
use crate::store::RaterKind;
use crate::study::live::{Drift, Grown, Growth, GrowthPoint, Live, RaterLive, Third, WideItem};
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::Role;
use crate::tui::widgets::{Column, ListControl, draw_rows, draw_scrollbar, said};

const RATERS: [Column; 11] = [
    Column::words("rater", 0),
    Column::number("rated", 5),
    Column::number("of", 5),
    Column::number("left", 5),
    Column::number("put off", 7).from(60),
    Column::number("sec", 5),
    Column::number("a min", 5),
    Column::number("missed", 6),
    Column::number("same", 5),
    Column::number("practice", 8).from(70),
    Column::words("seen", 9).from(90),
];
const CULTURES: [Column; 7] = [
    Column::words("culture", 0),
    Column::number("items", 6),
    Column::number("raters", 6),
    Column::number("rated", 6),
    Column::number("of", 6),
    Column::number("put off", 7),
    Column::number("left", 6),
];
const MISSES: [Column; 6] = [
    Column::words("rater", 16),
    Column::words("item", 0),
    Column::words("kind", 10),
    Column::number("given", 5),
    Column::words("expected", 8),
    Column::words("when", 10).from(60),
];
const DRIFT: [Column; 7] = [
    Column::words("rater", 0),
    Column::number("anchors 1", 9),
    Column::number("2", 6),
    Column::number("3", 6),
    Column::number("repeats 1", 9),
    Column::number("2", 6),
    Column::number("3", 6),
];
const WIDEST: [Column; 7] = [
    Column::words("item", 8),
    Column::words("culture", 14).from(56),
    Column::words("scores", 14),
    Column::number("range", 5),
    Column::number("var", 5),
    Column::number("decided", 7),
    Column::words("sample", 0),
];

/// `40 s`, `12 min`, `3.5 h`.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.0} days", s / 86_400.0),
    }
}

fn number(x: Option<f64>) -> String {
    x.map_or_else(|| "-".into(), |x| format!("{x:.1}"))
}

fn change(e: Option<&Estimate>) -> String {
    e.map_or_else(|| "-".into(), |e| format!("{:+.2}", e.value))
}

fn kind(k: RaterKind) -> &'static str {
    match k {
        RaterKind::Human => "person",
        RaterKind::Scripted => "SCRIPTED",
        RaterKind::Judge => "model judge",
    }
}

/// A coefficient with its interval.
fn grown(g: &Grown) -> String {
    match (g.value, g.interval, &g.undefined) {
        (Some(v), Some(i), _) => format!("{v:.3} [{:.3}, {:.3}]", i.lo, i.hi),
        (Some(v), None, _) => format!("{v:.3}, no interval"),
        (None, _, why) => format!("undefined: {}", why.as_deref().unwrap_or("no value")),
    }
}

/// Now in numbers, what they rest on last.
pub(super) fn agreement_lines(now: &GrowthPoint, growth: &Growth) -> Vec<String> {
    vec![
        format!("alpha {}", grown(&now.alpha)),
        format!("AC2   {}", grown(&now.ac2)),
        format!("raw   {}", grown(&now.raw)),
        format!("{} ratings, {} items rated twice or more", now.ratings, now.paired),
        format!("{} raters; {} draws over {} seeds", now.raters, growth.draws, now.raw.seeds),
    ]
}

/// The three coefficients over ratings, alpha's interval behind them.
pub(super) fn growth_chart(live: &Live) -> LineChart {
    let points = &live.growth.points;
    let over = |f: fn(&GrowthPoint) -> Option<f64>| -> Vec<(f64, f64)> {
        points.iter().filter_map(|p| Some((p.ratings as f64, f(p)?))).collect()
    };
    let one = |name: &str, points, style, faint| Series { name: name.into(), points, style, faint };
    LineChart {
        title: String::new(),
        x_label: "ratings".into(),
        y_label: String::new(),
        series: vec![
            one("", over(|p| p.alpha.interval.map(|i| i.lo)), 0, true),
            one("", over(|p| p.alpha.interval.map(|i| i.hi)), 0, true),
            one("alpha", over(|p| p.alpha.value), 0, false),
            one("AC2", over(|p| p.ac2.value), 1, false),
            one("raw", over(|p| p.raw.value), 2, false),
        ],
        log_y: false,
        markers: Vec::new(),
    }
}

fn third_words(t: &Third) -> String {
    let one = |name: &str, e: &Option<Estimate>| match e {
        Some(e) => match e.interval {
            Some(i) => format!("{name} {:+.2} [{:+.2}, {:+.2}] n {}", e.value, i.lo, i.hi, e.n),
            None => format!("{name} {:+.2} n {}", e.value, e.n),
        },
        None => format!("{name} -"),
    };
    format!("{}, {}", one("anchors", &t.anchors), one("repeats", &t.repeats))
}

fn drift_lines(d: &Drift) -> Vec<(String, Role)> {
    ["first third", "middle", "last third"]
        .iter()
        .zip(d)
        .map(|(name, t)| (format!("{name}: {}", third_words(t)), Role::Text))
        .collect()
}

/// All people together.
pub(super) fn sum_lines(live: &Live) -> Vec<(String, Role)> {
    let (r, m) = (live.repeats, live.marks);
    let missed = if live.misses.is_empty() { Role::Text } else { Role::Warn };
    let mut out = vec![
        (format!("controls: {} rated, {} missed", live.controls, live.misses.len()), missed),
        (
            format!("repeats: {} pairs, {} same, {} within 1 point", r.pairs, r.same, r.within_one),
            Role::Text,
        ),
        (
            format!(
                "marks: {} broken, {} flagged, {} not judged, {} with words",
                m.broken, m.flagged, m.cannot_judge, m.commented
            ),
            Role::Text,
        ),
        (
            format!(
                "{} of {} items divide raters, {} decided",
                live.divided, live.compared, live.decided
            ),
            Role::Text,
        ),
        ("drift in points, n raters:".into(), Role::Muted),
    ];
    out.extend(drift_lines(&live.drift));
    out
}

impl Leading {
    pub(super) fn list_position(&self) -> String {
        let p = match self.panel {
            Panel::Raters | Panel::Drift => self.raters.position(),
            Panel::Cultures => self.cultures.position(),
            Panel::Misses => self.misses.position(),
            Panel::Widest => self.widest.position(),
            Panel::Growth => return String::new(),
        };
        said(p)
    }

    /// What to say where the panel has no row.
    pub(super) fn empty_words(&self) -> Option<Vec<(String, Role)>> {
        let live = self.load.get()?;
        let says = |title: &str, then: String| {
            Some(vec![(title.to_owned(), Role::Title), (then, Role::Muted)])
        };
        if live.raters.is_empty() {
            let line = format!("polyculture study plan --study {} --raters NAMES", live.study);
            return Some(vec![
                ("Nobody rates this study yet.".into(), Role::Title),
                ("A plan gives every rater their pairs and fixes the study:".into(), Role::Text),
                ("p  says who rates, and shows what the plan would be".into(), Role::Accent),
                (line, Role::Muted),
            ]);
        }
        match self.panel {
            Panel::Misses if live.misses.is_empty() => says(
                "No control was missed.",
                format!("{} controls are rated so far.", live.controls),
            ),
            Panel::Widest if live.widest.is_empty() => says(
                "No item divides its raters.",
                format!(
                    "{} items have two scores or more; they appear here once raters differ.",
                    live.compared
                ),
            ),
            _ => None,
        }
    }

    pub(super) fn draw_table(&mut self, pen: &mut Pen<'_>, inner: Rect, shared: &Shared) {
        let height = usize::from(inner.height.saturating_sub(1));
        let text = pen.style(Role::Text);
        let (muted, warn) = (pen.style(Role::Muted), pen.style(Role::Warn));
        let now = shared.now;
        let ago = |at: jiff::Timestamp| {
            let ms = now.as_millisecond() - at.as_millisecond();
            span(ms.max(0) as f64 / 1000.0)
        };
        type Row = (Vec<(String, Style)>, bool, bool);
        let plain = |cells: Vec<String>| -> Vec<(String, Style)> {
            cells.into_iter().map(|c| (c, text)).collect()
        };
        let (columns, rows, position): (&[Column], Vec<Row>, _) = match self.panel {
            Panel::Raters => {
                let rows = self.raters.window(height).into_iter().map(|(r, here, marked)| {
                    let mut cells = plain(rater_cells(r));
                    let seen = r.last.map_or_else(|| "not yet".into(), ago);
                    cells.push((seen, muted));
                    if r.missed > 0 {
                        cells[7].1 = warn;
                    }
                    (cells, here, marked)
                });
                (&RATERS, rows.collect(), self.raters.position())
            }
            Panel::Drift => {
                let rows = self
                    .raters
                    .window(height)
                    .into_iter()
                    .map(|(r, here, marked)| (plain(drift_cells(r)), here, marked));
                (&DRIFT, rows.collect(), self.raters.position())
            }
            Panel::Cultures => {
                let rows = self.cultures.window(height).into_iter().map(|(c, here, marked)| {
                    let name = c.culture.as_ref().map_or("none", |c| c.as_str()).to_owned();
                    let t = &c.tally;
                    let numbers =
                        [c.items as u64, c.raters as u64, t.rated, t.of, t.skipped, t.left];
                    let cells =
                        std::iter::once(name).chain(numbers.map(|n| n.to_string())).collect();
                    (plain(cells), here, marked)
                });
                (&CULTURES, rows.collect(), self.cultures.position())
            }
            Panel::Misses => {
                let rows = self.misses.window(height).into_iter().map(|(m, here, marked)| {
                    let (low, high) = m.expected;
                    let range =
                        if low == high { low.to_string() } else { format!("{low} to {high}") };
                    let kind = match m.kind {
                        crate::store::ItemKind::ControlIdentical => "identical",
                        crate::store::ItemKind::ControlUnrelated => "unrelated",
                        crate::store::ItemKind::ControlNegated => "negated",
                        _ => "control",
                    };
                    let cells = vec![
                        m.rater.to_string(),
                        m.item.to_string(),
                        kind.into(),
                        m.given.to_string(),
                        range,
                        format!("{} ago", ago(m.at)),
                    ];
                    (plain(cells), here, marked)
                });
                (&MISSES, rows.collect(), self.misses.position())
            }
            Panel::Widest => {
                let rows = self
                    .widest
                    .window(height)
                    .into_iter()
                    .map(|(w, here, marked)| (plain(wide_cells(w)), here, marked));
                (&WIDEST, rows.collect(), self.widest.position())
            }
            Panel::Growth => return,
        };
        draw_rows(pen, inner, columns, &rows, true);
        draw_scrollbar(pen, inner, position);
    }

    /// The row under the cursor in words, with what its figures rest on.
    pub(super) fn told(&self, shared: &Shared) -> Vec<(String, Role)> {
        match self.panel {
            Panel::Raters => self.raters.current().map_or_else(Vec::new, |r| rater_told(r, shared)),
            Panel::Drift => self.raters.current().map_or_else(Vec::new, |r| {
                let mut out = vec![(
                    format!("{}, change in points by thirds of {} ratings", r.rater,
                        r.drift.iter().map(|t| t.ratings).sum::<usize>()),
                    Role::Muted,
                )];
                out.extend(drift_lines(&r.drift));
                out
            }),
            Panel::Cultures => self.cultures.current().map_or_else(Vec::new, |c| {
                let of = self.raters.rows().iter().filter_map(|r| {
                    let key = c.culture.as_ref().map_or("", |c| c.as_str());
                    let t = r.by_culture.get(key).filter(|t| t.of > 0)?;
                    Some(format!("{} {}/{}", r.rater, t.rated, t.of))
                });
                vec![(of.collect::<Vec<_>>().join(" · "), Role::Text)]
            }),
            Panel::Misses => self.misses.current().map_or_else(Vec::new, |m| {
                let own = self.raters.rows().iter().find(|r| r.rater == m.rater);
                let sum = own.map_or(String::new(), |r| {
                    format!("{} rated {} controls and missed {}", r.rater, r.controls, r.missed)
                });
                vec![
                    (sum, Role::Text),
                    ("Shown, never dropped: whom to leave out is decided before the results are seen.".into(), Role::Muted),
                ]
            }),
            Panel::Widest => self.widest.current().map_or_else(Vec::new, wide_told),
            Panel::Growth => Vec::new(),
        }
    }

    /// The panel as a table, for exports.
    pub(super) fn table(&self) -> Option<(&'static str, (Vec<String>, Vec<Vec<String>>))> {
        self.load.get()?;
        let head = |c: &[Column]| c.iter().map(|c| c.name.to_owned()).collect::<Vec<_>>();
        Some(match self.panel {
            Panel::Raters => {
                let rows = self.raters.rows().iter().map(rater_cells).collect();
                ("raters", (head(&RATERS[..10]), rows))
            }
            Panel::Drift => {
                let names = [
                    "rater",
                    "anchors_first",
                    "anchors_middle",
                    "anchors_last",
                    "repeats_first",
                    "repeats_middle",
                    "repeats_last",
                ];
                let rows = self.raters.rows().iter().map(drift_cells).collect();
                ("drift", (names.map(str::to_owned).to_vec(), rows))
            }
            Panel::Cultures => {
                let rows = self.cultures.rows().iter().map(|c| {
                    let t = &c.tally;
                    let name = c.culture.as_ref().map_or("none", |c| c.as_str()).to_owned();
                    let n = [c.items as u64, c.raters as u64, t.rated, t.of, t.skipped, t.left];
                    std::iter::once(name).chain(n.map(|n| n.to_string())).collect()
                });
                ("cultures", (head(&CULTURES), rows.collect()))
            }
            Panel::Misses => {
                let rows = self.misses.rows().iter().map(|m| {
                    vec![
                        m.rater.to_string(),
                        m.item.to_string(),
                        m.given.to_string(),
                        format!("{} to {}", m.expected.0, m.expected.1),
                        m.at.to_string(),
                    ]
                });
                let names =
                    ["rater", "item", "given", "expected", "at"].map(str::to_owned).to_vec();
                ("missed-controls", (names, rows.collect()))
            }
            Panel::Widest => {
                // the texts stay where they are
                let rows = self.widest.rows().iter().map(|w| wide_cells(w)[..6].to_vec());
                ("widest", (head(&WIDEST[..6]), rows.collect()))
            }
            Panel::Growth => return None,
        })
    }
}

fn rater_cells(r: &RaterLive) -> Vec<String> {
    let left = if r.withdrawn.is_some() { " (left)" } else { "" };
    let mark = match r.kind {
        RaterKind::Human => "",
        RaterKind::Scripted => " SCRIPTED",
        RaterKind::Judge => " judge",
    };
    vec![
        format!("{}{mark}{left}", r.rater),
        r.tally.rated.to_string(),
        r.tally.of.to_string(),
        r.tally.left.to_string(),
        r.tally.skipped.to_string(),
        number(r.speed.median_s),
        number(r.speed.per_minute),
        format!("{}/{}", r.missed, r.controls),
        format!("{}/{}", r.repeats.same, r.repeats.pairs),
        r.practice.as_ref().map_or_else(|| "-".into(), |p| format!("{}/{}", p.right, p.asked)),
    ]
}

fn drift_cells(r: &RaterLive) -> Vec<String> {
    let mut out = vec![r.rater.to_string()];
    out.extend(r.drift.iter().map(|t| change(t.anchors.as_ref())));
    out.extend(r.drift.iter().map(|t| change(t.repeats.as_ref())));
    out
}

fn wide_cells(w: &WideItem) -> Vec<String> {
    vec![
        w.item.to_string(),
        w.culture.as_ref().map_or("-", |c| c.as_str()).to_owned(),
        w.scores.iter().map(u8::to_string).collect::<Vec<_>>().join(" "),
        w.range.to_string(),
        format!("{:.2}", w.variance),
        w.decided.map_or_else(|| "-".into(), |s| s.get().to_string()),
        if w.sensitive { "(hidden)".into() } else { w.sample_text.clone() },
    ]
}

fn rater_told(r: &RaterLive, shared: &Shared) -> Vec<(String, Role)> {
    let s = &r.speed;
    let cultures: Vec<&str> = r.cultures.iter().map(|c| c.as_str()).collect();
    let of = if cultures.is_empty() { String::new() } else { format!(", {}", cultures.join(" ")) };
    let mut who = format!("{} · {}{of} · {}", r.rater, kind(r.kind), r.languages.join(" "));
    if let Some(at) = r.withdrawn {
        let s = (shared.now.as_millisecond() - at.as_millisecond()).max(0) as f64 / 1000.0;
        who += &format!(" · left the study {} ago", span(s));
    } else if r.kind == RaterKind::Human && !r.consented {
        who += " · has not agreed to take part yet";
    }
    if let Some(at) = r.last {
        let s = (shared.now.as_millisecond() - at.as_millisecond()).max(0) as f64 / 1000.0;
        who += &format!(" · last seen {} ago", span(s));
    }
    let mut out = vec![(who, Role::Text)];
    let practice = r.practice.as_ref().map_or_else(
        || "no practice".into(),
        |p| format!("practice {} of {} right, {} one off", p.right, p.asked, p.near),
    );
    out.push((
        format!(
            "{} · {practice}",
            match s.median_s {
                None => "no pair timed yet".to_owned(),
                Some(median) => format!(
                    "median {median:.1} s over {} pairs · {} a minute over the last {} of activity",
                    s.timed,
                    number(s.per_minute),
                    span(s.lately_s)
                ),
            }
        ),
        Role::Text,
    ));
    let (m, p) = (r.marks, r.repeats);
    out.push((
        format!(
            "missed {} of {} controls · {} of {} repeats the same, {} within 1 point · {} broken, {} flags, {} not judged, {} comments · {} taken back",
            r.missed, r.controls, p.same, p.pairs, p.within_one, m.broken, m.flagged,
            m.cannot_judge, m.commented, r.tally.released
        ),
        Role::Text,
    ));
    out
}

fn wide_told(w: &WideItem) -> Vec<(String, Role)> {
    let texts = if w.sensitive {
        vec![("Marked sensitive: Enter, then x, shows the texts".to_owned(), Role::Muted)]
    } else {
        let mut both =
            vec![(w.seed_text.clone(), Role::Text), (w.sample_text.clone(), Role::Accent)];
        both.retain(|t| !t.0.is_empty());
        both
    };
    let m = w.marks;
    let mut out = texts;
    out.push((
        format!(
            "{} · seed {} · mean {:.2} over {} people · {} broken, {} flags, {} comments · Enter decides",
            w.language, w.seed, w.mean, w.scores.len(), m.broken, m.flagged, m.commented
        ),
        Role::Muted,
    ));
    out
}
