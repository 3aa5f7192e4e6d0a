//! Forms: labelled fields, checked as they are typed, sent by one key.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;

use super::LineInput;
use crate::text;
use crate::tui::pen::Pen;
use crate::tui::theme::Role;

/// Says what is wrong with a value; `None`: nothing.
pub type Check = fn(&str) -> Option<String>;

/// What a field holds.
#[derive(Debug, Clone)]
pub enum FieldKind {
    /// A line of text.
    Line {
        /// The text.
        input: LineInput,
        /// What is wrong with it.
        check: Check,
    },
    /// One of several.
    Choice {
        /// All of them, as shown.
        options: Vec<String>,
        /// The chosen one.
        at: usize,
    },
    /// Any of several.
    Many {
        /// All of them, and whether each is chosen.
        options: Vec<(String, bool)>,
        /// The one under the cursor.
        at: usize,
    },
    /// Yes or no.
    Toggle(bool),
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in code.
    pub name: &'static str,
    /// What stands before it.
    pub label: String,
    /// A word on it, shown below the form while it has the focus.
    pub help: String,
    /// Its value.
    pub kind: FieldKind,
}

impl Field {
    /// A line of text; `check` says what is wrong with a value.
    pub fn line(name: &'static str, label: &str, value: &str, check: Check, help: &str) -> Self {
        let kind = FieldKind::Line { input: LineInput::new(value), check };
        Self { name, label: label.to_owned(), help: help.to_owned(), kind }
    }

    /// One of several.
    pub fn choice(
        name: &'static str,
        label: &str,
        options: Vec<String>,
        at: usize,
        help: &str,
    ) -> Self {
        let kind = FieldKind::Choice { at: at.min(options.len().saturating_sub(1)), options };
        Self { name, label: label.to_owned(), help: help.to_owned(), kind }
    }

    /// Any of several.
    pub fn many(name: &'static str, label: &str, options: Vec<(String, bool)>, help: &str) -> Self {
        let kind = FieldKind::Many { options, at: 0 };
        Self { name, label: label.to_owned(), help: help.to_owned(), kind }
    }

    /// Yes or no.
    pub fn toggle(name: &'static str, label: &str, on: bool, help: &str) -> Self {
        Self { name, label: label.to_owned(), help: help.to_owned(), kind: FieldKind::Toggle(on) }
    }

    /// What is wrong with its value.
    pub fn wrong(&self) -> Option<String> {
        match &self.kind {
            FieldKind::Line { input, check } => check(input.text()),
            FieldKind::Choice { options, .. } if options.is_empty() => {
                Some("nothing to choose".into())
            }
            FieldKind::Many { options, .. } if !options.iter().any(|o| o.1) => {
                Some("choose at least one with Space".into())
            }
            _ => None,
        }
    }
}

/// What a key did to a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormEvent {
    /// A value changed: estimates may be asked for again.
    Changed,
    /// Only the focus moved.
    Moved,
    /// Send it: every field is right.
    Send,
    /// It cannot be sent: the focus is on the first wrong field.
    Wrong,
    /// Leave it.
    Back,
    /// The key is not the form's.
    Ignored,
}

/// The form.
#[derive(Debug, Clone)]
pub struct Form {
    /// Its heading.
    pub title: String,
    /// Word for the key that sends it: `Start`, `Save`.
    pub verb: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What is wrong with a field that only the whole tells (a file that is not there, too few
    /// raters); gone with the next change.
    pub refused: Option<(&'static str, String)>,
    focus: usize,
}

impl Form {
    /// A form; Enter sends it, from any field.
    pub fn new(title: impl Into<String>, verb: &str, fields: Vec<Field>) -> Self {
        Self { title: title.into(), verb: verb.to_owned(), fields, refused: None, focus: 0 }
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// A line's or a choice's value; empty where there is no such field.
    pub fn value(&self, name: &str) -> &str {
        match self.field(name).map(|f| &f.kind) {
            Some(FieldKind::Line { input, .. }) => input.text().trim(),
            Some(FieldKind::Choice { options, at }) => options.get(*at).map_or("", String::as_str),
            _ => "",
        }
    }

    /// The chosen ones of a [`FieldKind::Many`].
    pub fn values(&self, name: &str) -> Vec<&str> {
        match self.field(name).map(|f| &f.kind) {
            Some(FieldKind::Many { options, .. }) => {
                options.iter().filter(|o| o.1).map(|o| o.0.as_str()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A toggle's value.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.field(name).map(|f| &f.kind), Some(FieldKind::Toggle(true)))
    }

    /// Sets a line's text.
    pub fn set(&mut self, name: &str, text: &str) {
        if let Some(Field { kind: FieldKind::Line { input, .. }, .. }) =
            self.fields.iter_mut().find(|f| f.name == name)
        {
            input.set(text);
        }
    }

    /// Sets the index of a choice.
    pub fn choose(&mut self, name: &str, to: usize) {
        if let Some(Field { kind: FieldKind::Choice { options, at }, .. }) =
            self.fields.iter_mut().find(|f| f.name == name)
        {
            *at = to.min(options.len().saturating_sub(1));
        }
    }

    /// Other options for a choice among several; those that stay keep their mark.
    pub fn set_options(&mut self, name: &str, to: Vec<(String, bool)>) {
        if let Some(Field { kind: FieldKind::Many { options, at }, .. }) =
            self.fields.iter_mut().find(|f| f.name == name)
        {
            *at = (*at).min(to.len().saturating_sub(1));
            *options = to;
        }
    }

    /// The first thing that is wrong.
    pub fn wrong(&self) -> Option<(usize, String)> {
        self.fields.iter().enumerate().find_map(|(i, f)| Some((i, self.wrong_with(f)?)))
    }

    /// What is wrong with a field, by itself or as the whole tells.
    fn wrong_with(&self, f: &Field) -> Option<String> {
        let refused = || self.refused.as_ref().filter(|r| r.0 == f.name).map(|r| r.1.clone());
        f.wrong().or_else(refused)
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> FormEvent {
        let event = self.pressed(key);
        if event == FormEvent::Changed {
            self.refused = None;
        }
        event
    }

    fn pressed(&mut self, key: KeyEvent) -> FormEvent {
        let n = self.fields.len().max(1);
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => return FormEvent::Back,
            KeyCode::Enter => {
                return match self.wrong() {
                    Some((at, _)) => {
                        self.focus = at;
                        FormEvent::Wrong
                    }
                    None => FormEvent::Send,
                };
            }
            KeyCode::Tab | KeyCode::Down => {
                self.focus = (self.focus + 1) % n;
                return FormEvent::Moved;
            }
            KeyCode::BackTab | KeyCode::Up => {
                self.focus = (self.focus + n - 1) % n;
                return FormEvent::Moved;
            }
            _ => {}
        }
        let Some(field) = self.fields.get_mut(self.focus) else { return FormEvent::Ignored };
        match (&mut field.kind, key.code) {
            (FieldKind::Line { input, .. }, _) => {
                let before = input.text().to_owned();
                match input.key(key) {
                    super::super::screen::Taken::No => FormEvent::Ignored,
                    super::super::screen::Taken::Yes if before == input.text() => FormEvent::Moved,
                    super::super::screen::Taken::Yes => FormEvent::Changed,
                }
            }
            (FieldKind::Choice { options, at }, KeyCode::Left | KeyCode::Char('h')) if !ctrl => {
                *at = (*at + options.len().max(1) - 1) % options.len().max(1);
                FormEvent::Changed
            }
            (FieldKind::Choice { options, at }, KeyCode::Right | KeyCode::Char(' ' | 'l'))
                if !ctrl =>
            {
                *at = (*at + 1) % options.len().max(1);
                FormEvent::Changed
            }
            (FieldKind::Many { options, at }, KeyCode::Left | KeyCode::Char('h')) => {
                *at = (*at + options.len().max(1) - 1) % options.len().max(1);
                FormEvent::Moved
            }
            (FieldKind::Many { options, at }, KeyCode::Right | KeyCode::Char('l')) => {
                *at = (*at + 1) % options.len().max(1);
                FormEvent::Moved
            }
            (FieldKind::Many { options, at }, KeyCode::Char(' ')) => {
                if let Some(o) = options.get_mut(*at) {
                    o.1 = !o.1;
                }
                FormEvent::Changed
            }
            (FieldKind::Many { options, .. }, KeyCode::Char('*')) => {
                let all = options.iter().all(|o| o.1);
                options.iter_mut().for_each(|o| o.1 = !all);
                FormEvent::Changed
            }
            (FieldKind::Toggle(on), KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right) => {
                *on = !*on;
                FormEvent::Changed
            }
            _ => FormEvent::Ignored,
        }
    }

    /// Pasted text goes into the line that has the focus.
    pub fn paste(&mut self, pasted: &str) {
        self.refused = None;
        if let Some(Field { kind: FieldKind::Line { input, .. }, .. }) =
            self.fields.get_mut(self.focus)
        {
            input.insert(pasted);
        }
    }

    /// Draws the form; `below` are lines about the whole (calls, cost, the command it stands for).
    pub fn draw(&self, pen: &mut Pen<'_>, area: Rect, below: &[(String, Role)]) {
        pen.clear(area);
        let inner = pen.pane(area, &self.title, true);
        let label =
            self.fields.iter().map(|f| text::width(&f.label)).max().unwrap_or(0).min(24) as u16;
        let gap = label + 2;
        let mut y = inner.y;
        // The focused field is always in view, whatever the height.
        let room = usize::from(inner.height.saturating_sub(4)).max(1);
        let skip = (self.focus + 1).saturating_sub(room);
        for (i, f) in self.fields.iter().enumerate().skip(skip).take(room) {
            if y >= inner.bottom() {
                return;
            }
            let here = i == self.focus;
            let style = pen.style(if here { Role::Accent } else { Role::Text });
            pen.put_safe(inner.x, y, 1, if here { ">" } else { " " }, style);
            pen.put(inner.x + 2, y, label, &f.label, style);
            let value = Rect {
                x: inner.x + 2 + gap,
                y,
                width: inner.width.saturating_sub(gap + 2),
                height: 1,
            };
            draw_value(pen, value, f, here, self.wrong_with(f).is_some());
            y += 1;
        }
        let wrong = self.fields.get(self.focus).and_then(|f| self.wrong_with(f));
        let help = self.fields.get(self.focus).map_or("", |f| f.help.as_str());
        y += 1;
        let rest = |y: u16| Rect { y, height: inner.bottom().saturating_sub(y), ..inner };
        let (line, role) = match &wrong {
            Some(w) => (w.as_str(), Role::Bad),
            None => (help, Role::Muted),
        };
        let style = pen.style(role);
        y += pen.text(rest(y), line, style).min(3) as u16;
        for (line, role) in below {
            if y >= inner.bottom() {
                return;
            }
            let style = pen.style(*role);
            y += pen.text(rest(y), line, style) as u16;
        }
    }
}

fn draw_value(pen: &mut Pen<'_>, area: Rect, f: &Field, here: bool, bad: bool) {
    let muted = pen.style(Role::Muted);
    match &f.kind {
        FieldKind::Line { input, .. } => {
            let style = pen.style(Role::Input);
            input.draw(pen, area, style, here);
            if bad && !here {
                let style = pen.style(Role::Bad);
                pen.right(area, "!", style);
            }
        }
        FieldKind::Choice { options, at } => {
            let style = pen.style(Role::Text);
            let name = options.get(*at).map_or("(none)", String::as_str);
            let n = format!("  {} of {}", (*at + 1).min(options.len()), options.len());
            let (left, right) = if here { ("< ", " >") } else { ("", "") };
            pen.line(
                area.x,
                area.y,
                area.width,
                &[
                    (left, muted),
                    (name, style),
                    (right, muted),
                    (if here { n.as_str() } else { "" }, muted),
                ],
            );
        }
        FieldKind::Many { options, at } => {
            let mut x = area.x;
            // From the one under the cursor back as far as it fits.
            let wide = |o: &(String, bool)| text::width(&o.0) as u16 + 5;
            let mut first = 0;
            while first < *at && options[first..=*at].iter().map(wide).sum::<u16>() > area.width {
                first += 1;
            }
            for (i, o) in options.iter().enumerate().skip(first) {
                if x >= area.right() {
                    break;
                }
                let style = match (here && i == *at, o.1) {
                    (true, _) => pen.style(Role::Selection),
                    (false, true) => pen.style(Role::Text),
                    (false, false) => muted,
                };
                let text = format!("[{}] {} ", if o.1 { 'x' } else { ' ' }, o.0);
                x += pen.put(x, area.y, area.right() - x, &text, style);
            }
        }
        FieldKind::Toggle(on) => {
            let style = pen.style(Role::Text);
            pen.put_safe(area.x, area.y, area.width, if *on { "[x] yes" } else { "[ ] no" }, style);
        }
    }
}

/// Checks that nothing is asked of: any text will do.
pub fn anything(_: &str) -> Option<String> {
    None
}

/// A whole number of at least one.
pub fn positive(text: &str) -> Option<String> {
    match text.trim().parse::<u64>() {
        Ok(n) if n > 0 => None,
        _ => Some("a whole number from 1".into()),
    }
}

/// A number from 0 to 1, or nothing.
pub fn share_or_nothing(text: &str) -> Option<String> {
    match (text.trim().is_empty(), text.trim().parse::<f64>()) {
        (true, _) => None,
        (_, Ok(x)) if (0.0..=1.0).contains(&x) => None,
        _ => Some("a number from 0 to 1, or nothing".into()),
    }
}

/// Something has to stand there.
pub fn something(text: &str) -> Option<String> {
    text.trim().is_empty().then(|| "something has to stand here".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        Form::new(
            "Grow",
            "Start",
            vec![
                Field::line("keep", "Keep", "10", positive, "Samples kept, per seed"),
                Field::choice("by", "Provider", vec!["offline".into(), "vllm".into()], 0, ""),
                Field::many("of", "Cultures", vec![("A".into(), false), ("B".into(), false)], ""),
                Field::toggle("fresh", "Ask again", false, ""),
            ],
        )
    }

    #[test]
    fn a_wrong_value_keeps_the_form_and_takes_the_focus_there() {
        let mut f = form();
        assert_eq!(f.key(KeyCode::Enter.into()), FormEvent::Wrong);
        assert_eq!(f.key(KeyCode::Char(' ').into()), FormEvent::Changed);
        assert_eq!(f.values("of"), ["A"]);
        f.set("keep", "-3");
        assert_eq!(f.key(KeyCode::Enter.into()), FormEvent::Wrong);
        f.key(KeyCode::Home.into());
        f.key(KeyCode::Delete.into());
        assert_eq!(f.value("keep"), "3");
        assert_eq!(f.key(KeyCode::Enter.into()), FormEvent::Send);
    }

    #[test]
    fn values_change_by_arrows_and_blanks() {
        let mut f = form();
        f.key(KeyCode::Tab.into());
        assert_eq!(f.key(KeyCode::Left.into()), FormEvent::Changed);
        assert_eq!(f.value("by"), "vllm");
        f.key(KeyCode::BackTab.into());
        f.key(KeyCode::Up.into());
        f.key(KeyCode::Char(' ').into());
        assert!(f.is_on("fresh"));
        assert_eq!(f.key(KeyCode::Esc.into()), FormEvent::Back);
    }
}
