//! The form of a sweep: one thing varied, everything else equal, as one command.

use super::forms::{FormKind, Open, base, recipe_word, seed, share, words};
use crate::domain::Survey;
use crate::finetune::preset_names;
use crate::tui::widgets::{Field, Form, anything, positive};

/// What is varied: as the form shows it, and as the command names it.
const WHAT: [(&str, &str); 4] = [
    ("sample counts", "samples"),
    ("seeds only, + stage 1, + both stages", "ablation"),
    ("label policies", "policies"),
    ("language of the texts", "language"),
];
/// Where it runs.
const HERE: &str = "this machine";
const SLURM: &str = "SLURM, as one array";

fn counts(text: &str) -> Option<String> {
    let wrong = text.split(',').any(|n| n.trim().parse::<usize>().ok().is_none_or(|n| n == 0));
    wrong.then(|| "whole numbers from 1 with commas between, such as 50,100,500".into())
}

/// The form of a sweep.
pub fn sweep_form(survey: Option<&Survey>) -> Open {
    let what = WHAT.map(|w| w.0.to_owned()).to_vec();
    let presets: Vec<String> = preset_names().map(str::to_owned).collect();
    let cultures: Vec<(String, bool)> =
        survey.into_iter().flat_map(|s| &s.cultures).map(|c| (c.id.to_string(), true)).collect();
    let mut fields = vec![
        Field::choice(
            "what",
            "Varied",
            what,
            0,
            "One thing differs between the arms, nothing else",
        ),
        Field::line(
            "counts",
            "Sample counts",
            "50,100,500,1000",
            counts,
            "Texts of each arm, seeds counted first; for `sample counts`",
        ),
        Field::line(
            "language",
            "Language",
            "",
            anything,
            "A tag such as ar, of texts that `translate` made; for `language of the texts`",
        ),
        Field::line("seeds", "Training seeds", "5", positive, "Models of every arm: 1, 2, .."),
        Field::choice(
            "recipe",
            "Recipe",
            presets,
            0,
            "tiny: a small new model. lora: an adapter. full: all weights. paper: CultureLLM's",
        ),
        Field::line("base", "Base model", "", base, "path:DIR or hub:ORG/NAME; tiny needs none"),
        Field::line("steps", "Steps", "", positive, "Of the optimiser, the same for every model"),
        Field::line("hold", "Held out", "8", share, "Questions that no model is trained on"),
        Field::line("seed", "Seed", "1", seed, "Of the split and of the tests"),
        Field::choice(
            "on",
            "Runs on",
            vec![HERE.into(), SLURM.into()],
            0,
            "All fine-tunes are handed over at once; on a cluster they are one array",
        ),
        Field::line(
            "more",
            "Asked of SLURM",
            "",
            anything,
            "Options of a job, such as --partition long --time 2:00:00; nothing: the cluster's own",
        ),
    ];
    if !cultures.is_empty() {
        let help = "Whose answers are taught and tested. Space chooses, * all";
        fields.insert(9, Field::many("cultures", "Cultures", cultures, help));
    }
    let form = Form::new("Sweep", "Start", fields);
    let mut open =
        Open { kind: FormKind::Sweep, form, filled_by: String::new(), touched: false, wrong: None };
    open.fill();
    open
}

impl Open {
    /// The command line of a sweep; `how`: `--start` or `--dry-run`.
    ///
    /// # Errors
    /// What is wrong with the whole, where each field is right by itself.
    pub(super) fn sweep_line(&self, how: &str) -> Result<Vec<String>, String> {
        let f = &self.form;
        let what = WHAT.iter().find(|w| w.0 == f.value("what")).map_or("samples", |w| w.1);
        let mut line = words(&["sweep", what]);
        match what {
            "samples" => {
                let counts = f.value("counts").replace(' ', "");
                line.extend(words(&["--counts", &counts]));
            }
            "language" if f.value("language").is_empty() => {
                return Err(
                    "which language? A tag such as ar, of texts that `translate` made".into()
                );
            }
            "language" => line.extend(words(&["--language", f.value("language")])),
            _ => {}
        }
        line.extend(words(&["--seeds", f.value("seeds"), "--recipe", f.value("recipe")]));
        if f.value("base").is_empty() {
            if self.needs_base() {
                return Err(recipe_word(f.value("recipe")));
            }
        } else {
            line.extend(words(&["--base", f.value("base")]));
        }
        line.extend(words(&["--steps", f.value("steps")]));
        line.extend(words(&["--hold-out-questions", f.value("hold"), "--seed", f.value("seed")]));
        let all = f.fields.iter().find(|field| field.name == "cultures");
        if let Some(crate::tui::widgets::FieldKind::Many { options, .. }) = all.map(|f| &f.kind)
            && !options.iter().all(|o| o.1)
        {
            line.extend(words(&["--cultures", &f.values("cultures").join(",")]));
        }
        if f.value("on") == SLURM {
            line.extend(words(&["--on", "slurm"]));
            line.extend(f.value("more").split_whitespace().map(str::to_owned));
        } else if !f.value("more").is_empty() {
            return Err("options of a job are asked of SLURM: it runs on this machine".into());
        }
        line.push(how.to_owned());
        Ok(line)
    }
}
