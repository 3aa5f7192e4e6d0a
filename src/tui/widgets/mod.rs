//! Pieces that screens are made of.

mod budget;
mod curves_view;
mod filter;
mod form;
mod list;
mod list_commands;
mod log_view;
mod paged;
mod shell;
mod table;
mod text_box;

pub use budget::{budget_args, budget_fields, count_or_nothing};
pub use curves_view::{CurvesView, Drawn, figure, metric_words, says};
pub use filter::LineInput;
pub use form::{
    Check, Field, FieldKind, Form, FormEvent, anything, positive, share_or_nothing, something,
};
pub use list::{ListControl, Memory, Position};
pub use list_commands::LIST_COMMANDS;
pub use log_view::LogView;
pub use paged::{Ask, Page, PageEdge, Paged};
pub use shell::shell_line;
pub use table::{Column, draw_rows, draw_scrollbar, said, thousands};
pub use text_box::TextBox;
