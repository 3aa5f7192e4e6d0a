//! Drawing a form of a study: fields, and beside them what it would be.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::{Kind, Leading, Setup, fields};
use crate::domain::RaterId;
use crate::store::ItemKind;
use crate::study::{Outlook, StratumCount};
use crate::tui::pen::Pen;
use crate::tui::theme::Role;
use crate::tui::widgets::shell_line;

/// Columns from which the estimate stands beside the fields.
const BESIDE: u16 = 72;
/// Raters whose load is named one by one.
const NAMED: usize = 12;

impl Leading {
    pub(in crate::tui::screens::study) fn draw_setup(&self, pen: &mut Pen<'_>, area: Rect) {
        let Some(setup) = &self.setup else { return };
        let beside = area.width >= BESIDE;
        let (left, right) = if beside {
            let width = (area.width * 11 / 20).min(72);
            let right = Rect { x: area.x + width, width: area.width - width, ..area };
            (Rect { width, ..area }, right)
        } else {
            let height = area.height * 3 / 5;
            let below = Rect { y: area.y + height, height: area.height - height, ..area };
            (Rect { height, ..area }, below)
        };
        setup.form.draw(pen, left, &below(setup));
        let (right, line) = match right.height {
            16.. => {
                let height = 6;
                let line = Rect { y: right.bottom() - height, height, ..right };
                (Rect { height: right.height - height, ..right }, Some(line))
            }
            _ => (right, None),
        };
        if let Some(at) = line {
            let inner = pen.pane(at, "The commands it stands for", false);
            let (said, role) = commands(setup);
            let style = pen.style(role);
            pen.text(inner, &said, style);
        }
        let lines = would_be(setup);
        let title = match setup.kind {
            Kind::New => "What it would be",
            Kind::Plan(_) => "What the plan would be",
            Kind::Amend(_) => "What an amendment does",
        };
        let inner = pen.pane(right, title, false);
        let mut y = inner.y;
        for (line, role) in &lines {
            if y >= inner.bottom() {
                break;
            }
            let style = pen.style(*role);
            let rest = Rect { y, height: inner.bottom() - y, ..inner };
            y += (pen.text(rest, line, style) as u16).min(rest.height);
        }
    }
}

/// Below the fields: what was refused, what is at work.
fn below(setup: &Setup) -> Vec<(String, Role)> {
    let mut out = Vec::new();
    if let Some(wrong) = &setup.wrong {
        out.push((wrong.clone(), Role::Bad));
    }
    if setup.is_sending() {
        out.push(("at work ..".into(), Role::Accent));
    }
    out.push(("Enter asks once more, Esc leaves".into(), Role::Muted));
    out
}

/// The command lines, or what is missing for them.
fn commands(setup: &Setup) -> (String, Role) {
    match fields::lines(setup) {
        Ok(lines) => {
            let all: Vec<String> = lines.iter().map(|l| shell_line(l)).collect();
            (all.join(" && "), Role::Muted)
        }
        Err((_, why)) => (why, Role::Muted),
    }
}

fn kinds(items: &BTreeMap<ItemKind, usize>) -> String {
    let of = |k: ItemKind| items.get(&k).copied().unwrap_or(0);
    let controls: usize = items.iter().filter(|(k, _)| k.is_control()).map(|(_, n)| n).sum();
    format!(
        "{} items: {} by k raters, {} anchors, {} repeats, {controls} controls",
        items.values().sum::<usize>(),
        of(ItemKind::Sample),
        of(ItemKind::Anchor),
        of(ItemKind::Repeat)
    )
}

fn strata_lines(strata: &[StratumCount]) -> Vec<(String, Role)> {
    let mut by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    // where nothing tells items apart there is nothing to say
    let told = |s: &&StratumCount| {
        s.label != "-" || strata.iter().any(|o| o.stratum == s.stratum && o.label != "-")
    };
    for s in strata.iter().filter(told) {
        let part = format!("{} {}", s.label, s.items);
        by.entry(s.stratum.as_str()).or_default().push(part);
    }
    by.into_iter().map(|(s, parts)| (format!("by {s}: {}", parts.join(", ")), Role::Text)).collect()
}

fn load_line(load: &BTreeMap<RaterId, usize>) -> String {
    let (low, high) =
        (load.values().min().copied().unwrap_or(0), load.values().max().copied().unwrap_or(0));
    if low == high {
        return format!("load: {high} pairs each of {} raters", load.len());
    }
    let named: Vec<String> = load.iter().take(NAMED).map(|(r, n)| format!("{r} {n}")).collect();
    let more = load.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("load: {low} to {high} pairs a rater ({}{rest})", named.join(", "))
}

fn would_be(setup: &Setup) -> Vec<(String, Role)> {
    if let Kind::Amend(_) = setup.kind {
        return [
            "The plan stays as it was fixed; the amendment names what it lets in, and nothing else can enter.",
            "Raters who come get their part of what is open. Released pairs go to those who may rate them and have least.",
            "Ratings that are there stay as they are.",
            "Everybody who reads the results sees the log: polyculture study verify, and the exports.",
        ]
        .map(|l| (l.to_owned(), Role::Text))
        .to_vec();
    }
    let Some(looked) = setup.look.get() else {
        return match setup.look.error() {
            Some(e) => vec![(e.to_string(), Role::Bad)],
            None => vec![("counting ..".into(), Role::Muted)],
        };
    };
    match &looked.outcome {
        Err((_, why)) => vec![(why.clone(), Role::Bad)],
        Ok((o, from)) => study_lines(o, from),
    }
}

fn study_lines(o: &Outlook, from: &str) -> Vec<(String, Role)> {
    let matching = o.matching.map(|n| (format!("{n} samples match"), Role::Title));
    let mut out: Vec<(String, Role)> = matching.into_iter().collect();
    out.extend([(kinds(&o.items), Role::Text), (format!("of {} seeds", o.seeds), Role::Text)]);
    out.extend(strata_lines(&o.strata));
    match (&o.power, o.longest_hours) {
        (Some(p), Some(longest)) => {
            out.push((load_line(&o.load), Role::Text));
            out.push((
                format!(
                    "{} ratings: {:.1} hours in all, {longest:.1} for the busiest, at {:.1} s an item ({from})",
                    o.ratings, o.hours, o.seconds
                ),
                Role::Text,
            ));
            let width = |w: Option<f64>| w.map_or_else(|| "undefined".into(), |w| format!("{w:.2}"));
            out.push((
                format!(
                    "95 % interval to expect: {} points wide for the mean, {} for alpha",
                    width(p.mean_width),
                    width(p.alpha_width)
                ),
                Role::Accent,
            ));
            out.push((p.assumed.clone(), Role::Muted));
        }
        _ => out.push((
            format!(
                "at least {:.1} hours at {:.1} s an item ({from}); a raters file shows load, hours of each and interval widths",
                o.hours, o.seconds
            ),
            Role::Text,
        )),
    }
    out.extend(o.warnings.iter().map(|w| (w.clone(), Role::Warn)));
    out
}
