//! What `e` exports here. Texts of items never go out: they may abuse somebody, and the rows say
//! which item it was.

use super::{Evaluate, Level};
use crate::chart::Chart;
use crate::evaluate::inspect::Comparison;
use crate::tui::screen::{Exportable, Shared};

fn name(parts: &[&str]) -> String {
    let all = parts.join("-");
    all.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).take(80).collect()
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

impl Evaluate {
    /// The chart or table in view.
    pub(super) fn exported(&self, _shared: &Shared) -> Option<Exportable> {
        let id = self.board.head.as_ref().map_or("evaluation", |h| h.task.as_str());
        let metric = self.board.slice.as_ref().map_or("", |s| s.metric.as_str());
        let chart = |what: &str, chart: Chart| {
            Some(Exportable { name: name(&[id, metric, what]), chart: Some(chart), table: None })
        };
        match self.level {
            Level::List => Some(self.exported_list()),
            Level::Table if self.board.radar => {
                chart("radar", Chart::Radar(self.board.radar_chart()?))
            }
            Level::Table => chart("table", Chart::Heat(self.board.heat_table()?)),
            Level::Bars if self.board.lines => {
                chart("arms", Chart::Intervals(self.board.lines_chart()?))
            }
            Level::Bars => chart("arms", Chart::Bars(self.board.bars()?)),
            Level::Items => self.exported_items(id),
            Level::Confusion => {
                let c = self.behind.confusion()?;
                let head = std::iter::once("gold".to_owned()).chain(c.columns.iter().cloned());
                let rows = c.labels.iter().zip(&c.counts).map(|(l, n)| {
                    std::iter::once(l.clone()).chain(n.iter().map(u64::to_string)).collect()
                });
                let table = Some((head.collect(), rows.collect()));
                Some(Exportable { name: name(&[id, "confusion"]), chart: None, table })
            }
            Level::Compare => Some(exported_pairs(id, self.duel.load.get()?)),
            Level::Document => None,
        }
    }

    fn exported_list(&self) -> Exportable {
        let rows = self
            .listed
            .list
            .rows()
            .iter()
            .map(|e| {
                vec![
                    e.id.clone(),
                    e.task.clone(),
                    e.created.to_string(),
                    e.models.join("; "),
                    e.n.map_or_else(String::new, |n| n.to_string()),
                    e.plan_sha256.clone(),
                ]
            })
            .collect();
        let head = strings(&["id", "task", "created", "models", "n", "plan_sha256"]);
        Exportable { name: "evaluations".into(), chart: None, table: Some((head, rows)) }
    }

    fn exported_items(&self, id: &str) -> Option<Exportable> {
        let aim = self.behind.aim.as_ref()?;
        let show = |v: Option<f64>| v.map_or_else(String::new, |v| v.to_string());
        let rows = self
            .behind
            .list
            .rows()
            .iter()
            .map(|r| {
                vec![
                    r.key.clone(),
                    r.fate.word().to_owned(),
                    r.gold.clone(),
                    r.said.clone(),
                    show(r.score),
                    show(r.baseline),
                ]
            })
            .collect();
        let head = strings(&["item", "became", "gold", "read_as", "score", "baseline"]);
        let table = Some((head, rows));
        Some(Exportable { name: name(&[id, &aim.model, &aim.split]), chart: None, table })
    }
}

fn exported_pairs(id: &str, c: &Comparison) -> Exportable {
    let rows = c
        .items
        .iter()
        .map(|i| vec![i.key.clone(), i.gold.clone(), i.a.clone(), i.b.clone(), i.diff.to_string()])
        .collect();
    let head = vec!["item".into(), "gold".into(), c.a.clone(), c.b.clone(), "difference".into()];
    Exportable { name: name(&[id, "compared"]), chart: None, table: Some((head, rows)) }
}
