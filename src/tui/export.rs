//! What `e` exports, in bytes. Pictures take a while: this runs on a lane.

use super::screen::Exportable;
use crate::chart;

impl Exportable {
    /// The file of one format: `svg`, `png`, `csv`, `md`.
    ///
    /// # Errors
    /// There is nothing to export in it, or the picture cannot be drawn: in words.
    pub fn bytes(&self, format: &str) -> Result<Vec<u8>, String> {
        let palette = chart::Palette::PAGE;
        let size = (960, 540);
        let bytes = match (format, &self.chart, &self.table) {
            ("svg", Some(c), _) => c.svg(size, &palette).into_bytes(),
            ("png", Some(c), _) => {
                chart::png(&c.svg(size, &palette), 2.0).map_err(|e| e.to_string())?
            }
            ("csv", _, Some((head, rows))) => {
                let mut w = csv::Writer::from_writer(Vec::new());
                w.write_record(head).map_err(|e| e.to_string())?;
                for row in rows {
                    w.write_record(row).map_err(|e| e.to_string())?;
                }
                w.into_inner().map_err(|e| e.to_string())?
            }
            ("csv", Some(c), None) => c.csv().into_bytes(),
            (_, _, Some((head, rows))) => markdown(head, rows).into_bytes(),
            (_, Some(c), None) => c.markdown().into_bytes(),
            (_, None, None) => return Err("there is nothing to export".into()),
        };
        Ok(bytes)
    }
}

fn markdown(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> =
            cells.iter().map(|c| c.replace('|', "\\|").replace('\n', " ")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut out = line(head);
    out += &format!("|{}\n", "---|".repeat(head.len()));
    rows.iter().for_each(|r| out += &line(r));
    out
}
