//! `polyculture keys`: the workbench's commands and their keys, from the one table.

use serde_json::json;

use super::{Context, Failure};

/// Prints every command with its keys.
///
/// # Errors
/// A keymap of the user's that cannot be used.
pub fn run(ctx: &Context, markdown: bool) -> Result<(), Failure> {
    let places = (ctx.screen.keys)().map_err(Failure::usage)?;
    let items: Vec<_> = places
        .iter()
        .flat_map(|(place, rows)| {
            rows.iter()
                .map(move |r| json!({"name": r.name, "place": place, "keys": r.keys, "doc": r.doc}))
        })
        .collect();
    ctx.out.show(&json!({"items": items, "next": null}), || {
        let mut out = String::new();
        for (place, rows) in &places {
            if markdown {
                out += &format!("## {place}\n\n| key | what it does | name |\n|---|---|---|\n");
            } else {
                out += &format!("{place}\n");
            }
            for r in rows {
                let keys = r.keys.join(" ");
                out += &if markdown {
                    let keys = if keys.is_empty() {
                        String::new()
                    } else {
                        format!("`{}`", r.keys.join("` `").replace('|', "\\|"))
                    };
                    format!("| {keys} | {} | `{}` |\n", r.doc, r.name)
                } else {
                    format!("  {keys:<16} {:<62} {}\n", r.doc, r.name)
                };
            }
            out.push('\n');
        }
        out.trim_end().to_owned()
    })
}
