//! What a setting is, beside the list.

use ratatui::layout::Rect;
use serde_json::Value;

use super::Settings;
use super::rows::{Known, Row, What, key_words};
use crate::config::PROVIDER_EXAMPLE;
use crate::text::{self, BidiMode, Resolved};
use crate::tui::command;
use crate::tui::pen::Pen;
use crate::tui::screen::Shared;
use crate::tui::theme::{Paint, Role, contrast_ratio};
use crate::tui::widgets::thousands;

/// One sentence in scripts that are hard on terminals.
const SAMPLES: [(&str, &str); 5] = [
    ("Arabic", "العائلة أولا: 3 من 10 (Q27)."),
    ("Hebrew", "המשפחה קודמת: 3 מתוך 10 (Q27)."),
    ("Bengali", "পরিবার সবার আগে: ১০-এর মধ্যে ৩ (Q27)।"),
    ("Korean", "가족이 먼저입니다: 10 중 3 (Q27)."),
    ("Chinese", "家庭第一：10 分之 3（Q27）。"),
];

type Lines = Vec<(String, Role)>;

fn line(out: &mut Lines, text: impl Into<String>, role: Role) {
    out.push((text.into(), role));
}

impl Settings {
    /// Draws what is known of the row under the cursor.
    pub(super) fn draw_detail(&self, pen: &mut Pen<'_>, area: Rect, shared: &Shared) {
        let Some(row) = self.list.current().cloned() else {
            pen.pane(area, "", false);
            return;
        };
        let inner = pen.pane(area, &row.key(), false);
        let Some(known) = self.known.get() else { return };
        match &row.what {
            What::Theme(_) => draw_theme(pen, inner),
            What::Bidi(mode) => draw_bidi(pen, inner, *mode, known),
            what => {
                let lines = match what {
                    What::Provider(name) => self.of_provider(name, known),
                    What::Local(name) => of_local(name, known),
                    What::Define => of_config(known),
                    What::Plain => of_plain(shared),
                    What::Mouse => of_mouse(known),
                    What::Doctor => self.of_doctor(),
                    What::Key(name) => of_key(name, &row, known),
                    What::Theme(_) | What::Bidi(_) => Vec::new(),
                };
                draw_lines(pen, inner, &lines);
            }
        }
    }

    fn of_provider(&self, name: &str, known: &Known) -> Lines {
        let mut out = Lines::new();
        let Some(p) = known.config.as_ref().ok().and_then(|c| c.providers.get(name)) else {
            return out;
        };
        line(&mut out, "kind      openai: chat completions", Role::Text);
        line(&mut out, format!("address   {}", super::rows::host(&p.base_url)), Role::Text);
        line(
            &mut out,
            format!("model     {}", p.model.as_deref().unwrap_or("none: name one as NAME/MODEL")),
            Role::Text,
        );
        let missing = p.key.is_there() == Some(false);
        line(
            &mut out,
            format!("key       {}", key_words(&p.key)),
            if missing { Role::Bad } else { Role::Text },
        );
        let limit = |what: &str, n: Option<f64>| {
            n.map_or_else(String::new, |n| format!(", {} {what} a minute", thousands(n as u64)))
        };
        line(
            &mut out,
            format!(
                "limits    {} at a time{}{}; {} tries after the first",
                p.in_flight,
                limit("calls", p.requests_per_minute),
                limit("tokens", p.tokens_per_minute),
                p.retries
            ),
            Role::Text,
        );
        let price = p.model.as_deref().and_then(|m| p.prices(m));
        line(
            &mut out,
            match price {
                Some(x) => format!(
                    "price     {} + {} {} a million tokens (prompt + reply)",
                    x.prompt, x.completion, x.currency
                ),
                None => "price     not set: costs are then not known".into(),
            },
            Role::Text,
        );
        line(&mut out, "", Role::Text);
        match (self.testing.as_deref() == Some(name), self.tested.get(name)) {
            (true, _) => line(&mut out, "asking it ..", Role::Accent),
            (_, None) => {
                line(&mut out, "t asks it for a word: some tokens, which may cost", Role::Muted);
            }
            (_, Some(Err(e))) => {
                line(&mut out, format!("it did not answer: {}", e.message), Role::Bad);
                if let Some(h) = &e.hint {
                    line(&mut out, h.clone(), Role::Muted);
                }
            }
            (_, Some(Ok(doc))) => out.extend(of_probe(doc)),
        }
        out
    }

    fn of_doctor(&self) -> Lines {
        let mut out = Lines::new();
        if self.doctor.is_asked() {
            line(&mut out, "looking around ..", Role::Accent);
        }
        if let Some(e) = self.doctor.error() {
            line(&mut out, e.to_string(), Role::Bad);
        }
        match self.doctor.get() {
            None if self.doctor.is_asked() => {}
            None => line(
                &mut out,
                "Enter runs `polyculture doctor`: workspace, database, engine, logout, GPUs, SLURM, Python, providers. It reads the whole database once.",
                Role::Text,
            ),
            Some(doc) => {
                for item in doc["items"].as_array().into_iter().flatten() {
                    let ok = item["ok"].as_bool().unwrap_or(false);
                    let (word, role) =
                        if ok { ("ok   ", Role::Good) } else { ("MEND ", Role::Bad) };
                    let what = item["check"].as_str().unwrap_or("?");
                    let says = item["says"].as_str().unwrap_or("");
                    line(&mut out, format!("{word} {what}: {says}"), role);
                    if let Some(mend) = item["mend"].as_str() {
                        line(&mut out, format!("      $ {mend}"), Role::Accent);
                    }
                }
            }
        }
        out
    }
}

fn of_probe(doc: &Value) -> Lines {
    let mut out = Lines::new();
    let yes = |name: &str| if doc[name].as_bool() == Some(true) { "yes" } else { "no" };
    let word = |name: &str| doc[name].as_str().unwrap_or("?").to_owned();
    line(
        &mut out,
        format!(
            "it answered in {:.0} ms as {}",
            doc["latency_ms"].as_f64().unwrap_or(0.0),
            word("answered_by")
        ),
        Role::Good,
    );
    line(
        &mut out,
        format!(
            "structured output {}, log-probabilities {}, token counts {}",
            word("structured"),
            yes("log_probs"),
            yes("usage")
        ),
        Role::Text,
    );
    let refuses = word("refuses");
    if !refuses.is_empty() && refuses != "?" {
        line(&mut out, format!("does not take {refuses}"), Role::Warn);
    }
    let tokens = doc["tokens"]["prompt"].as_u64().unwrap_or(0)
        + doc["tokens"]["completion"].as_u64().unwrap_or(0);
    line(
        &mut out,
        format!(
            "the test took {} calls, {} tokens",
            doc["calls"].as_u64().unwrap_or(0),
            thousands(tokens)
        ),
        Role::Muted,
    );
    out
}

fn of_local(name: &str, known: &Known) -> Lines {
    let mut out = Lines::new();
    let Some(l) = known.config.as_ref().ok().and_then(|c| c.local.get(name)) else { return out };
    line(&mut out, "kind      local: model folders on this machine", Role::Text);
    line(&mut out, format!("folder    {}", l.path.display()), Role::Text);
    line(
        &mut out,
        format!("model     {}", l.model.as_deref().unwrap_or("none: name one as NAME/MODEL")),
        Role::Text,
    );
    if let Some(a) = &l.adapter {
        line(&mut out, format!("adapter   {}", a.display()), Role::Text);
    }
    line(&mut out, "key       takes no key", Role::Text);
    let memory =
        l.memory_gb.map_or_else(|| "as it needs".into(), |g| format!("{g} GiB of keys and values"));
    line(
        &mut out,
        format!(
            "limits    {} replies side by side, {memory}",
            l.lanes.map_or_else(|| "some".into(), |n| n.to_string())
        ),
        Role::Text,
    );
    out
}

fn of_config(known: &Known) -> Lines {
    let mut out = Lines::new();
    if let Err(e) = &known.config {
        line(&mut out, e.to_string(), Role::Bad);
        line(&mut out, "Mend the line and press r.", Role::Text);
        line(&mut out, "", Role::Text);
    }
    line(&mut out, format!("Providers stand in {}", known.config_file.display()), Role::Text);
    line(
        &mut out,
        "Keys never do: the file names a variable, a command or a file. y copies this example:",
        Role::Muted,
    );
    line(&mut out, "", Role::Text);
    for l in PROVIDER_EXAMPLE.lines() {
        line(&mut out, l, Role::Accent);
    }
    out
}

fn of_plain(shared: &Shared) -> Lines {
    let on = if shared.looks.plain { "on" } else { "off" };
    vec![
        (format!("Plain drawing is {on}; Enter switches it."), Role::Title),
        ("No boxes, no braille, ASCII charts, lines in a stable order: for screen readers, for terminals without the letters, for copying.".into(), Role::Text),
        ("`polyculture --plain` starts with it.".into(), Role::Muted),
    ]
}

fn of_mouse(known: &Known) -> Lines {
    let on = if known.mouse { "on" } else { "off" };
    vec![
        (format!("The mouse is {on}; Enter switches it."), Role::Title),
        ("On: clicks choose rows and tabs, the wheel scrolls. Off: the terminal selects text without Shift. Keys do everything either way.".into(), Role::Text),
    ]
}

fn of_key(name: &str, row: &Row, known: &Known) -> Lines {
    let mut out = Lines::new();
    if let Some(c) = command::all().find(|c| c.name == name) {
        line(&mut out, c.doc, Role::Title);
        line(&mut out, row.said.clone(), Role::Text);
        line(&mut out, "", Role::Text);
        if let Err(e) = &known.keymap {
            line(&mut out, format!("your keys are not used: {}", e.message), Role::Bad);
        }
        line(
            &mut out,
            format!("Other keys stand in {}; y copies this line:", known.files[0].display()),
            Role::Muted,
        );
        line(&mut out, key_example(c), Role::Accent);
    }
    out
}

/// The lines of `keys.toml` that say what a command's keys are now.
pub fn key_example(c: &command::Command) -> String {
    let keys: Vec<String> = c.keys.iter().map(|k| format!("\"{k}\"")).collect();
    format!("[keys]\n\"{}\" = [{}]", c.name, keys.join(", "))
}

fn draw_lines(pen: &mut Pen<'_>, area: Rect, lines: &Lines) {
    let mut y = area.y;
    for (text, role) in lines {
        if y >= area.bottom() {
            break;
        }
        let style = pen.style(*role);
        let rest = Rect { y, height: area.bottom() - y, ..area };
        y += if text.is_empty() {
            1
        } else {
            pen.text(rest, text, style).min(usize::from(rest.height)) as u16
        };
    }
}

/// All roles and series of the theme in use, with their contrast.
fn draw_theme(pen: &mut Pen<'_>, area: Rect) {
    let theme = pen.looks.theme.clone();
    let ground = theme.background;
    let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
    let made_for = ground.map_or_else(
        || "any background".to_owned(),
        |[r, g, b]| format!("a background of #{r:02x}{g:02x}{b:02x}"),
    );
    let head =
        format!("{}: made for {made_for}. Enter keeps it, Esc puts the old one back.", theme.name);
    let mut y = area.y + pen.text(area, &head, text).min(2) as u16;
    let each = 25u16.min(area.width.max(1));
    let columns = (area.width / each).max(1);
    for (i, (role, name)) in Role::ALL.iter().enumerate() {
        let (column, row) = (i as u16 % columns, i as u16 / columns);
        let (x, at) = (area.x + column * each, y + row);
        if at >= area.bottom() {
            break;
        }
        let look = theme.look(*role);
        let on = look.bg.and_then(Paint::rgb).or(ground);
        let ratio = look.fg.and_then(Paint::rgb).zip(on).map(|(a, b)| contrast_ratio(a, b));
        // 4.5 is what WCAG 2.2 asks of words; lines need 3.
        let least = if matches!(role, Role::Border | Role::Focus) { 3.0 } else { 4.5 };
        let said = match ratio {
            Some(r) if r < least => format!("{r:>4.1} low"),
            Some(r) => format!("{r:>4.1}"),
            None => "yours".into(),
        };
        let style = pen.style(*role);
        pen.put(x, at, 12, name, style);
        pen.put(x + 13, at, each.saturating_sub(14), &said, muted);
    }
    y += (Role::ALL.len() as u16).div_ceil(columns);
    if y < area.bottom() {
        let mut x = area.x + pen.put(area.x, y, area.width, "series ", muted);
        for n in 0..8 {
            let mark = crate::chart::mark(n, pen.looks.glyphs()).to_owned();
            let style = theme.series(n);
            x += 1 + pen.put(
                x,
                y,
                area.right().saturating_sub(x),
                &format!("{mark}{}", n + 1),
                style,
            );
        }
        y += 1;
    }
    if y < area.bottom() {
        let mut x = area.x + pen.put(area.x, y, area.width, "heat   ", muted);
        for n in 0..=5 {
            let share = n as f32 / 5.0;
            let style = theme.heat(share);
            x += pen.put(x, y, area.right().saturating_sub(x), &format!(" {share:.1} "), style);
        }
        y += 1;
    }
    if y < area.bottom() {
        pen.put(
            area.x,
            y,
            area.width,
            "numbers: contrast to the ground (WCAG: 4.5 for words); yours: the terminal's own",
            muted,
        );
    }
}

/// A sentence in several scripts, as it looks in this mode.
fn draw_bidi(pen: &mut Pen<'_>, area: Rect, mode: BidiMode, known: &Known) {
    let means = match mode {
        BidiMode::Auto => known.auto,
        BidiMode::App => Resolved::App,
        BidiMode::Terminal => Resolved::Terminal,
        BidiMode::Off => Resolved::Off,
    };
    let words = match means {
        Resolved::App => {
            "this program shapes, reorders and right-aligns; the terminal is told to leave rows alone"
        }
        Resolved::Terminal => {
            "text goes out in reading order and the terminal turns whole rows around: nothing may stand beside it"
        }
        Resolved::Off => "text goes out in reading order, and is drawn from left to right",
    };
    let (text, muted) = (pen.style(Role::Text), pen.style(Role::Muted));
    let auto = if mode == BidiMode::Auto { "auto means here: " } else { "" };
    let mut y =
        area.y + pen.text(area, &format!("{auto}{words}. Enter keeps it."), text).min(4) as u16;
    for (name, sample) in SAMPLES {
        if y + 1 >= area.bottom() {
            break;
        }
        pen.put(area.x, y, area.width, name, muted);
        let laid = text::lay_line(sample, usize::from(area.width), means);
        let width = (laid.width as u16).min(area.width);
        let x = if laid.rtl { area.right() - width } else { area.x };
        pen.put_safe(x, y + 1, width, &laid.text, text);
        y += 2;
    }
    if y < area.bottom() {
        let said = "right: Arabic letters join, Q27 and 10 read from left to right, the full stop is at the left end";
        pen.text(Rect { y, height: area.bottom() - y, ..area }, said, muted);
    }
}
