//! Commands of the Evaluate screen.

use super::{Evaluate, Level};
use crate::tui::command::{Command, Run, When};
use crate::tui::screen::{Cx, Effect, ScreenId, Told, Tone};
use crate::tui::widgets::ListControl;

macro_rules! command {
    ($name:literal, $keys:expr, $mode:literal, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::In(ScreenId::Evaluate, $mode),
            doc: $doc,
            hint: $hint,
            run: Run::Evaluate($do),
        }
    };
    ($name:literal, $keys:expr, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::On(ScreenId::Evaluate),
            doc: $doc,
            hint: $hint,
            run: Run::Evaluate($do),
        }
    };
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command!(
        "evaluate.open",
        &["enter"],
        "browse",
        "Open the table of this evaluation",
        "table",
        Evaluate::open_current
    ),
    command!(
        "evaluate.items",
        &["enter"],
        "table",
        "Show the questions or items behind this figure",
        "items",
        Evaluate::open_items
    ),
    command!("evaluate.right", &["right"], "table", "Next column", "", |s, _| s.board.across_by(1)),
    command!("evaluate.left", &["left"], "table", "Column before", "", |s, _| s
        .board
        .across_by(-1)),
    command!(
        "evaluate.view",
        &["v"],
        "table",
        "Next view: cultures, tasks, each as a table and as a radar",
        "view",
        |s, _| s.board.next_view()
    ),
    command!("evaluate.metric", &["m"], "table", "Next metric", "metric", |s, _| s
        .board
        .next_metric()),
    command!(
        "evaluate.part",
        &["p"],
        "table",
        "Next part: held-out questions, paraphrases and so on",
        "part",
        |s, _| s.board.next_part()
    ),
    command!(
        "evaluate.compare",
        &["c"],
        "table",
        "Compare two models side by side: the marked ones, or the marked one and this",
        "compare",
        Evaluate::open_duel
    ),
    command!(
        "evaluate.bars",
        &["b"],
        "table",
        "Show all arms as bars with their intervals",
        "bars",
        |s, _| s.level = Level::Bars
    ),
    command!(
        "evaluate.bars-view",
        &["v"],
        "bars",
        "Bars, or lines over the arms in their order: the chart of a sweep",
        "lines",
        |s, _| s.board.lines = !s.board.lines
    ),
    command!("evaluate.bars-metric", &["m"], "bars", "Next metric", "metric", |s, _| s
        .board
        .next_metric()),
    command!("evaluate.bars-part", &["p"], "bars", "Next part", "part", |s, _| s.board.next_part()),
    command!("evaluate.bars-right", &["right"], "bars", "Next culture or task", "", |s, _| s
        .board
        .across_by(1)),
    command!("evaluate.bars-left", &["left"], "bars", "Culture or task before", "", |s, _| s
        .board
        .across_by(-1)),
    command!(
        "evaluate.reply",
        &["enter"],
        "items",
        "Show this item in full: prompt, reply, gold",
        "in full",
        Evaluate::open_page
    ),
    command!(
        "evaluate.matrix",
        &["v"],
        "items",
        "Show the confusion matrix",
        "confusion",
        |s, _| s.level = Level::Confusion
    ),
    command!(
        "evaluate.every-item",
        &["a"],
        "items",
        "Show the items of the whole figure again",
        "",
        |s, _| {
            s.behind.only = None;
            s.behind.fill();
        }
    ),
    command!(
        "evaluate.narrow",
        &["enter"],
        "confusion",
        "Show the items of this cell",
        "items",
        |s, _| {
            s.behind.narrow();
            s.level = Level::Items;
        }
    ),
    command!("evaluate.all-items", &["v"], "confusion", "Show all items", "all items", |s, _| {
        s.behind.only = None;
        s.behind.fill();
        s.level = Level::Items;
    }),
    command!("evaluate.matrix-down", &["j", "down"], "confusion", "Next gold label", "", |s, _| s
        .behind
        .step(1, 0)),
    command!("evaluate.matrix-up", &["k", "up"], "confusion", "Gold label before", "", |s, _| s
        .behind
        .step(-1, 0)),
    command!("evaluate.matrix-right", &["right"], "confusion", "Next column", "", |s, _| s
        .behind
        .step(0, 1)),
    command!("evaluate.matrix-left", &["left"], "confusion", "Column before", "", |s, _| s
        .behind
        .step(0, -1)),
    command!(
        "evaluate.pair",
        &["enter"],
        "compare",
        "Show this item in full",
        "in full",
        Evaluate::open_pair
    ),
    command!(
        "evaluate.show",
        &["h"],
        "document",
        "Show or hide a text that may abuse somebody",
        "show hidden",
        |s, cx| s.page.show(cx)
    ),
    command!(
        "evaluate.other",
        &["tab"],
        "document",
        "The same item by the other model of the comparison",
        "other model",
        Evaluate::other_model
    ),
    command!("evaluate.next-item", &["right"], "document", "Next item", "next", |s, cx| s
        .step_page(1, cx)),
    command!("evaluate.item-before", &["left"], "document", "Item before", "", |s, cx| s
        .step_page(-1, cx)),
    command!("evaluate.scroll-down", &["j", "down"], "document", "Scroll down", "", |s, _| s
        .page
        .scroll(1)),
    command!("evaluate.scroll-up", &["k", "up"], "document", "Scroll up", "", |s, _| s
        .page
        .scroll(-1)),
    command!(
        "evaluate.page-down",
        &["pagedown", "space"],
        "document",
        "A page down",
        "",
        |s, _| s.page.page(1)
    ),
    command!("evaluate.page-up", &["pageup"], "document", "A page up", "", |s, _| s.page.page(-1)),
    command!(
        "evaluate.pager",
        &["o"],
        "document",
        "Show the page in your pager; hidden text stays hidden",
        "pager",
        |s, cx| {
            if let Some(words) = s.page.words() {
                cx.ask(Effect::Pager(words));
            }
        }
    ),
    command!("evaluate.send", &["enter"], "form", "Start what the form says", "start", |s, cx| {
        s.form_key(crossterm::event::KeyCode::Enter.into(), cx);
    }),
    command!("evaluate.field", &["tab", "down"], "form", "Next field", "next field", |s, cx| {
        s.form_key(crossterm::event::KeyCode::Tab.into(), cx);
    }),
    command!(
        "evaluate.choose",
        &["right"],
        "form",
        "Another choice; Space chooses among several",
        "choose",
        |s, cx| {
            s.form_key(crossterm::event::KeyCode::Right.into(), cx);
        }
    ),
    command!("evaluate.new", &["n"], "Start an evaluation", "new", |s, cx| s.open_form(cx, None)),
    command!(
        "evaluate.source",
        &["i"],
        "Show where the figures came from: run, plan, rule of summing up",
        "source",
        Evaluate::source
    ),
    command!("evaluate.run", &["w"], "Show the run of this evaluation", "", Evaluate::show_run),
    command!(
        "evaluate.follow",
        &["f"],
        "Follow the run that was started last",
        "",
        |s, cx| match s.started.clone() {
            Some(run) => cx.go(ScreenId::Runs, Some(Told::Run(run))),
            None => cx.note(Tone::Plain, "no evaluation was started here yet: n starts one"),
        }
    ),
    command!("evaluate.refresh", &["r"], "Read again what is shown", "", Evaluate::refresh),
    command!(
        "evaluate.back",
        &["esc"],
        "Back: close what is open, clear the filter",
        "back",
        Evaluate::back
    ),
];

impl Evaluate {
    fn open_items(&mut self, cx: &mut Cx<'_>) {
        let Some(aim) = self.board.aim() else { return };
        let dir = self.run_dir(cx.shared);
        let id = self.board.head.as_ref().map_or_else(String::new, |h| h.id.clone());
        self.behind.open(cx, &id, dir, aim);
        self.level = Level::Items;
    }

    fn open_page(&mut self, cx: &mut Cx<'_>) {
        let Some(key) = self.behind.list.current_key() else { return };
        let Some(aim) = self.behind.aim.clone() else { return };
        let dir = self.run_dir(cx.shared);
        self.page.open(cx, dir, aim, key);
        self.under = Level::Items;
        self.level = Level::Document;
    }

    fn open_pair(&mut self, cx: &mut Cx<'_>) {
        let Some(key) = self.duel.list.current_key() else { return };
        let Some((aim, _)) = self.duel.asked.clone() else { return };
        let dir = self.run_dir(cx.shared);
        self.page.open(cx, dir, aim, key);
        self.under = Level::Compare;
        self.level = Level::Document;
    }

    fn other_model(&mut self, cx: &mut Cx<'_>) {
        let (Level::Compare, Some((a, b))) = (self.under, self.duel.asked.clone()) else { return };
        let Some(key) = self.page.key().map(str::to_owned) else { return };
        let now = self.page.aim().map_or("", |x| x.model.as_str());
        let model = if now == b { a.model.clone() } else { b };
        let dir = self.run_dir(cx.shared);
        self.page.open(cx, dir, crate::evaluate::inspect::Aim { model, ..a }, key);
    }

    fn step_page(&mut self, by: i64, cx: &mut Cx<'_>) {
        if self.under == Level::Compare {
            self.duel.list.step(by);
            self.open_pair(cx);
        } else if self.under == Level::Items {
            self.behind.list.step(by);
            self.open_page(cx);
        }
    }

    fn open_duel(&mut self, cx: &mut Cx<'_>) {
        let Some(mut aim) = self.board.aim() else { return };
        let marked: Vec<String> = self
            .board
            .list
            .rows()
            .iter()
            .filter(|l| self.board.list.is_marked(l))
            .map(|l| l.row.model.clone())
            .collect();
        let pair = self.board.head.as_ref().is_some_and(|h| h.task == "win-rate");
        let (a, b) = match marked.as_slice() {
            // A win rate is such a comparison itself.
            _ if pair => (aim.model.clone(), "the other".to_owned()),
            [a, b] => (a.clone(), b.clone()),
            [one] if *one != aim.model => (one.clone(), aim.model.clone()),
            _ => {
                let said = "mark the two models to compare with Space, then press c";
                cx.note(Tone::Plain, said);
                return;
            }
        };
        aim.model = a;
        let dir = self.run_dir(cx.shared);
        self.duel.open(cx, dir, aim, b);
        self.level = Level::Compare;
    }

    fn source(&mut self, cx: &mut Cx<'_>) {
        if self.level == Level::List {
            self.open_current(cx);
            self.level = Level::List;
        }
        let Some(head) = &self.board.head else { return };
        let id = head.id.clone();
        let mut words = format!(
            "Evaluation {id}\n\ntask      {}\nrun       {}\nwhen      {}\nplan      {} (SHA-256, locked before scoring)\nfigures   {}\n",
            head.task,
            head.run.as_ref().map_or("none: stored by hand or imported", |r| r.as_str()),
            head.created,
            head.plan_sha256,
            head.rows,
        );
        if let Some(dir) = self.run_dir(cx.shared) {
            words += &format!("files     {}\n", dir.display());
        }
        words += "\nThe plan names models, texts, metrics, the rule of summing up and the seed. It \
                  stands in plan.json of the run; `polyculture evaluate` refuses a changed one.\n";
        for (text, _) in self.board.told() {
            words += &format!("\n{text}");
        }
        cx.ask(Effect::Pager(words));
    }

    fn show_run(&mut self, cx: &mut Cx<'_>) {
        let head = match self.level {
            Level::List => self.listed.list.current(),
            _ => self.board.head.as_ref(),
        };
        match head.and_then(|h| h.run.clone()) {
            Some(run) => cx.go(ScreenId::Runs, Some(Told::Run(run))),
            None => cx.note(Tone::Plain, "no run of this workspace made it"),
        }
    }

    fn refresh(&mut self, cx: &mut Cx<'_>) {
        match self.level {
            Level::List => self.listed.ask(cx),
            Level::Table | Level::Bars => self.board.ask(cx),
            Level::Items | Level::Confusion => self.open_items(cx),
            Level::Compare => {
                if let Some((aim, with)) = self.duel.asked.clone() {
                    let dir = self.run_dir(cx.shared);
                    self.duel.open(cx, dir, aim, with);
                }
            }
            Level::Document => {}
        }
    }

    fn back(&mut self, cx: &mut Cx<'_>) {
        use crate::tui::screen::Screen;
        if let Some(list) = self.list()
            && !list.filter().is_empty()
        {
            list.set_filter("");
            self.moved(cx);
            return;
        }
        if self.level == Level::Items && self.behind.only.is_some() {
            self.behind.only = None;
            self.behind.fill();
            self.level = Level::Confusion;
            return;
        }
        self.level = match self.level {
            Level::List | Level::Table => Level::List,
            Level::Bars | Level::Items | Level::Confusion | Level::Compare => Level::Table,
            Level::Document => self.under,
        };
    }
}
