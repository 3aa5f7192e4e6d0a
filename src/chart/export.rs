//! The numbers of a chart as CSV and as a Markdown table.

/// A table before it is written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Its columns.
    pub head: Vec<String>,
    /// As many cells a row as there are columns.
    pub body: Vec<Vec<String>>,
}

impl Rows {
    /// With these columns.
    pub fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self { head: head.into_iter().map(Into::into).collect(), body: Vec::new() }
    }

    /// One row more.
    pub fn push<S: Into<String>>(&mut self, row: impl IntoIterator<Item = S>) {
        self.body.push(row.into_iter().map(Into::into).collect());
    }

    /// RFC 4180, the original text of every label.
    pub fn csv(&self) -> String {
        let mut w = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for row in std::iter::once(&self.head).chain(&self.body) {
            // A Vec takes everything: there is no error to report.
            let _ = w.write_record(row);
        }
        String::from_utf8_lossy(&w.into_inner().unwrap_or_default()).into_owned()
    }

    /// A Markdown table: the first column to the left, the others to the right.
    pub fn markdown(&self, title: &str) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|c| cell(c)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut out = String::new();
        if !title.is_empty() {
            out += &format!("**{}**\n\n", cell(title));
        }
        out += &line(&self.head);
        let sides: Vec<&str> =
            (0..self.head.len()).map(|i| if i == 0 { "---" } else { "---:" }).collect();
        out += &format!("|{}|\n", sides.join("|"));
        self.body.iter().for_each(|r| out += &line(r));
        out
    }
}

/// Text that stays inside of its table cell.
fn cell(text: &str) -> String {
    crate::text::display(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}

/// A value in full; empty where there is none.
pub fn value(v: Option<f64>) -> String {
    v.map_or_else(String::new, |v| v.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_leave_its_cell() {
        let mut t = Rows::new(["a", "b"]);
        t.push(["x | y\n,\"z\"", "<b>1"]);
        assert_eq!(t.csv(), "a,b\n\"x | y\n,\"\"z\"\"\",<b>1\n");
        assert_eq!(
            t.markdown("T"),
            "**T**\n\n| a | b |\n|---|---:|\n| x \\| y␊,\"z\" | &lt;b>1 |\n"
        );
    }
}
