//! What every list understands.

use crate::tui::command::{Command, Run, When};

macro_rules! list {
    ($name:literal, $keys:expr, $doc:literal, $hint:literal, $do:expr) => {
        Command {
            name: $name,
            keys: $keys,
            when: When::List,
            doc: $doc,
            hint: $hint,
            run: Run::List($do),
        }
    };
}

/// Commands of the list that has the focus.
pub const LIST_COMMANDS: &[Command] = &[
    list!("list.down", &["j", "down"], "Next row", "", |l| l.step(1)),
    list!("list.up", &["k", "up"], "Row before", "", |l| l.step(-1)),
    list!("list.page-down", &["pagedown", "ctrl-d"], "A page down", "", |l| l.page(1)),
    list!("list.page-up", &["pageup", "ctrl-u"], "A page up", "", |l| l.page(-1)),
    list!("list.first", &["home", "g"], "First row", "", |l| l.first()),
    list!("list.last", &["end", "G"], "Last row", "", |l| l.last()),
    list!("list.mark", &["space"], "Mark or unmark the row", "mark", |l| l.mark()),
    list!("list.mark-all", &["*"], "Mark every row that passes the filter, or none", "", |l| l
        .mark_all()),
    list!("list.sort", &["s"], "Sort by the next column", "sort", |l| l.next_order()),
];
