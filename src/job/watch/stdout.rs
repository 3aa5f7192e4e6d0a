//! What transformers prints: dictionaries of 4.x (numbers) and 5.x (texts of four digits), between
//! progress bars that are drawn over each other. A dictionary has no step: the bar has it.

use super::loose::read_loose;
use super::names;

/// A progress bar as tqdm draws it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Done.
    pub n: u64,
    /// Of.
    pub total: u64,
    /// Seconds since the bar began.
    pub elapsed: f64,
}

/// A dictionary that was printed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Printed {
    /// Values by our names.
    pub values: Vec<(String, f64)>,
    /// It holds a training loss: what is printed every `logging_steps`.
    pub train: bool,
    /// It is the last word of a training.
    pub end: bool,
}

/// A piece of the output between line breaks and carriage returns.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// The bar of the training or of an evaluation: those have no words before them.
    Bar(Bar),
    /// Metrics.
    Printed(Printed),
    /// Anything else.
    Other,
}

/// What a piece is.
pub fn piece(bytes: &[u8]) -> Piece {
    // Most pieces of a log are neither: they are told by one look.
    if let Some(at) =
        memchr::memmem::find(bytes, b"{'").or_else(|| memchr::memmem::find(bytes, b"{\""))
    {
        return printed(&bytes[at..]).map_or(Piece::Other, Piece::Printed);
    }
    match memchr::memmem::find(bytes, b"%|") {
        Some(at) => bar(bytes, at).map_or(Piece::Other, Piece::Bar),
        None => Piece::Other,
    }
}

fn printed(bytes: &[u8]) -> Option<Printed> {
    let text = match std::str::from_utf8(bytes) {
        Ok(t) => t,
        Err(e) => std::str::from_utf8(&bytes[..e.valid_up_to()]).ok()?,
    };
    let mut out = Printed::default();
    read_loose(text, &mut |path, value| {
        if let ([name], Some(x)) = (path, value.number()) {
            out.train |= matches!(*name, "loss");
            out.end |= *name == "train_runtime";
            if !names::is_position(name) {
                out.values.push((names::ours(name), x));
            }
        }
    })?;
    // A dictionary of something else (a config that was printed) is no row of metrics.
    let known = |n: &str| {
        matches!(n, "loss" | "epoch" | "train_runtime" | "lr" | "reward") || n.starts_with("eval_")
    };
    out.values.iter().any(|(n, _)| known(n)).then_some(out)
}

fn bar(bytes: &[u8], percent: usize) -> Option<Bar> {
    // Before the percentage stand blanks, and at most a colour or the cursor's way up.
    let mut head = &bytes[..percent];
    while let Some(rest) = head.strip_prefix(b"\x1b[") {
        let n = rest.iter().position(u8::is_ascii_alphabetic)?;
        head = &rest[n + 1..];
    }
    if !head.iter().all(|b| b.is_ascii_digit() || *b == b' ') {
        return None;
    }
    let rest = &bytes[percent + 2..];
    let close = memchr::memchr(b'|', rest)?;
    let counts = std::str::from_utf8(&rest[close + 1..]).ok()?.trim_start();
    let (n, rest) = counts.split_once('/')?;
    let (total, rest) = rest.split_once(" [")?;
    let (elapsed, _) = rest.split_once(['<', ','])?;
    Some(Bar { n: n.parse().ok()?, total: total.parse().ok()?, elapsed: clock(elapsed)? })
}

/// Seconds of `00:07`, `1:02:03` or `2 days, 1:02:03`.
pub fn clock(text: &str) -> Option<f64> {
    let text = text.trim();
    let (days, text) = match text.split_once(" day") {
        Some((d, rest)) => (d.trim().parse::<f64>().ok()?, rest.split_once(", ")?.1),
        None => (0.0, text),
    };
    let mut seconds = 0.0;
    for part in text.split(':') {
        seconds = seconds * 60.0 + part.parse::<f64>().ok().filter(|x| *x >= 0.0)?;
    }
    Some(days * 86_400.0 + seconds)
}

/// Where the steps of printed rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepsFrom {
    /// From the progress bar drawn after each row.
    #[default]
    Bar,
    /// Counted by `logging_steps`, which `trainer_state.json` names.
    LoggingSteps,
    /// Nothing says them: rows are counted 1, 2, 3.
    Rows,
}

/// Gives printed rows their steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steps {
    waiting: Vec<Printed>,
    bar: Option<Bar>,
    any_bar: bool,
    total: Option<u64>,
    rows: u64,
    last: u64,
    /// `logging_steps`, where a file beside the log says it.
    pub every: Option<u64>,
    /// Where they come from.
    pub from: StepsFrom,
}

impl Steps {
    /// Steps in all, as the bar says.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// A bar was drawn; `told` is given each row that it settles.
    pub fn bar(&mut self, bar: Bar, told: &mut dyn FnMut(u64, Printed)) {
        self.any_bar = true;
        let waits = self.waiting.iter().any(|p| p.train);
        // After a row with a loss the bar that is drawn again is the training's. An evaluation
        // before the first step draws another one.
        match self.total {
            _ if waits => self.total = Some(bar.total),
            None => self.total = Some(bar.total),
            Some(t) if t != bar.total => return,
            Some(_) => {}
        }
        self.bar = Some(bar);
        self.settle(bar.n, told);
    }

    /// The training's bar as last drawn.
    pub fn newest(&self) -> Option<Bar> {
        self.bar.filter(|b| Some(b.total) == self.total)
    }

    fn settle(&mut self, n: u64, told: &mut dyn FnMut(u64, Printed)) {
        let rows = std::mem::take(&mut self.waiting);
        if rows.iter().filter(|p| p.train).count() > 1 {
            // Rows that came in one block, as from a buffered output: the bar is past them.
            self.no_bar();
        }
        for p in rows {
            if self.from == StepsFrom::Bar {
                self.rows += u64::from(p.train);
                self.last = n;
                told(n, p);
            } else {
                self.count(p, told);
            }
        }
    }

    fn no_bar(&mut self) {
        if self.every.is_none() && self.rows > 0 && self.from == StepsFrom::Bar {
            // The rows that bars did settle tell how far they lie from each other.
            self.every = Some((self.last / self.rows).max(1));
        }
        self.from = match self.every {
            Some(_) => StepsFrom::LoggingSteps,
            None => StepsFrom::Rows,
        };
    }

    fn count(&mut self, p: Printed, told: &mut dyn FnMut(u64, Printed)) {
        if p.train {
            self.rows += 1;
            self.last = self.rows * self.every.unwrap_or(1);
        } else if p.end
            && let Some(t) = self.total
        {
            self.last = self.last.max(t);
        }
        told(self.last, p);
    }

    /// A row was printed.
    pub fn printed(&mut self, p: Printed, told: &mut dyn FnMut(u64, Printed)) {
        if !self.any_bar {
            self.no_bar();
            self.count(p, told);
            return;
        }
        if self.from != StepsFrom::Bar && self.rows == 0 {
            self.from = StepsFrom::Bar;
        }
        if self.from != StepsFrom::Bar {
            self.count(p, told);
            return;
        }
        let again = p.train && self.waiting.iter().any(|w| w.train);
        let end = p.end;
        self.waiting.push(p);
        if again {
            let n = self.bar.map_or(0, |b| b.n);
            self.settle(n, told);
        } else if end
            && let Some(total) = self.total.filter(|t| self.bar.is_some_and(|b| b.n == *t))
        {
            self.settle(total, told);
        }
    }
}
