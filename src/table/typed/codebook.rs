//! What the columns of a table mean, as plain text.

use super::TypedTable;

/// The columns by name, meaning and kind, one a line.
pub fn codebook(table: &TypedTable) -> String {
    let mut text = format!(
        "Codebook: {}. An empty cell (null in JSON and Parquet) means: not given.\n\n",
        table.about
    );
    for c in &table.columns {
        text += &format!("{}: {} [{}]\n", c.name, c.about, c.kind.words());
    }
    text
}
