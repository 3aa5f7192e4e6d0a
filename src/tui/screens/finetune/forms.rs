//! Two of the forms: a recipe for runs, and a dataset. Their bounds are the recipe's own.

use crate::domain::{DatasetId, LabelPolicy, ModelId, Survey};
use crate::finetune::{ModelRef, Overrides, Recipe, preset, preset_names};
use crate::store::DatasetRecord;
use crate::tui::widgets::{Field, Form, anything, shell_line};

/// All cultures of the dataset in one model.
const TOGETHER: &str = "all in one";

/// Which form is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// Recipe and runs.
    Recipe,
    /// A dataset.
    Dataset,
    /// One thing varied.
    Sweep,
}

/// An open form.
#[derive(Debug)]
pub struct Open {
    /// Which.
    pub kind: FormKind,
    /// Its fields.
    pub form: Form,
    /// The recipe whose values the fields were filled with.
    pub filled_by: String,
    /// Something was typed.
    pub touched: bool,
    /// Why it cannot be sent as it is.
    pub wrong: Option<String>,
}

fn tiny() -> Option<Recipe> {
    Recipe::parse(preset("tiny")?, "tiny").ok()
}

/// What a recipe says to a change of one value.
fn bound(change: impl FnOnce(&mut Recipe)) -> Option<String> {
    let mut recipe = tiny()?;
    change(&mut recipe);
    recipe.check().err().map(|e| e.1)
}

fn rate(text: &str) -> Option<String> {
    match text.trim().parse::<f64>() {
        Ok(x) => bound(|r| r.lr = x),
        Err(_) => Some("a number such as 2e-4".into()),
    }
}

fn batch(text: &str) -> Option<String> {
    match text.trim().parse() {
        Ok(n) => bound(|r| r.batch = n),
        Err(_) => Some("a whole number from 1".into()),
    }
}

fn eval_share(text: &str) -> Option<String> {
    match text.trim().parse::<f64>() {
        Ok(x) => bound(|r| r.eval_share = x),
        Err(_) => Some("a share of the texts, 0 to 0.5".into()),
    }
}

fn threads(text: &str) -> Option<String> {
    match text.trim().parse() {
        Ok(n) => bound(|r| r.resources.threads = n),
        Err(_) => Some("a whole number from 1".into()),
    }
}

fn length(text: &str) -> Option<String> {
    match text.trim().parse() {
        Ok(n) => bound(|r| (r.steps, r.epochs) = (Some(n), None)),
        Err(_) => Some("a whole number from 1".into()),
    }
}

fn rank(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    let mut recipe = Recipe::parse(preset("lora")?, "lora").ok()?;
    match text.trim().parse() {
        Ok(r) => {
            recipe.lora.as_mut()?.r = r;
            recipe.check().err().map(|e| e.1)
        }
        Err(_) => Some("a whole number from 1 to 4096, or nothing".into()),
    }
}

pub(super) fn seed(text: &str) -> Option<String> {
    text.trim().parse::<u64>().err().map(|_| "a whole number from 0".into())
}

pub(super) fn base(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    text.trim().parse::<ModelRef>().err().map(|e| e.to_string())
}

fn alias(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    ModelId::new(text.trim()).err().map(|e| e.to_string())
}

fn dataset_name(text: &str) -> Option<String> {
    DatasetId::new(text.trim()).err().map(|e| e.to_string())
}

fn count(text: &str) -> Option<String> {
    let wrong = text.trim().parse::<usize>().is_err() && !text.trim().is_empty();
    wrong.then(|| "a whole number, or nothing for all".into())
}

pub(super) fn share(text: &str) -> Option<String> {
    text.trim().parse::<usize>().err().map(|_| "a whole number from 0".into())
}

/// Cultures that a dataset can be split into: none where it holds one, or a control.
fn cultures(d: &DatasetRecord, survey: Option<&Survey>) -> Vec<String> {
    let spec = &d.manifest["spec"];
    if spec["arm"]["arm"].as_str() != Some("one") {
        return Vec::new();
    }
    let named: Vec<String> = spec["cultures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|c| c.as_str().map(str::to_owned))
        .collect();
    if named.is_empty() {
        survey.into_iter().flat_map(|s| &s.cultures).map(|c| c.id.to_string()).collect()
    } else {
        named
    }
}

/// The recipe form on a dataset.
pub fn recipe_form(datasets: &[&DatasetRecord], at: usize, survey: Option<&Survey>) -> Open {
    let names: Vec<String> = datasets.iter().map(|d| d.name.to_string()).collect();
    let mut options = vec![(TOGETHER.to_owned(), true)];
    if let Some(d) = datasets.get(at) {
        options.extend(cultures(d, survey).into_iter().map(|c| (c, false)));
    }
    let presets: Vec<String> = preset_names().map(str::to_owned).collect();
    let form = Form::new(
        "Fine-tune",
        "Start",
        vec![
            Field::choice(
                "dataset",
                "Dataset",
                names,
                at,
                "What the model is taught; n in the list makes one",
            ),
            Field::many(
                "cultures",
                "Cultures",
                options,
                "One run each: `all in one` is one model of all cultures. Space chooses, * all",
            ),
            Field::choice(
                "recipe",
                "Recipe",
                presets,
                0,
                "tiny: a small new model. lora: an adapter. full: all weights. paper: CultureLLM's",
            ),
            Field::line(
                "base",
                "Base model",
                "",
                base,
                "path:DIR or hub:ORG/NAME; tiny needs none",
            ),
            Field::line(
                "rank",
                "Rank",
                "",
                rank,
                "Of the adapter: 1 to 4096; its strength stays the recipe's",
            ),
            Field::line("lr", "Rate", "", rate, "The top learning rate"),
            Field::choice(
                "unit",
                "Length in",
                vec!["steps".into(), "epochs".into()],
                0,
                "Steps of the optimiser, or passes over the dataset",
            ),
            Field::line("length", "Length", "", length, "How many"),
            Field::line("batch", "Batch", "", batch, "Examples a step"),
            Field::line(
                "eval",
                "Eval share",
                "0.1",
                eval_share,
                "Of the texts, held out to measure the loss on: 0 to 0.5; it tells the best checkpoint",
            ),
            Field::line("seed", "Seed", "", seed, "Of weights, order and prompts"),
            Field::line(
                "threads",
                "Threads",
                "",
                threads,
                "CPU threads; the last bits of a result depend on it",
            ),
            Field::line(
                "name",
                "Name",
                "",
                alias,
                "Of the model in the registry; nothing: the run's id",
            ),
        ],
    );
    let mut open = Open {
        kind: FormKind::Recipe,
        form,
        filled_by: String::new(),
        touched: false,
        wrong: None,
    };
    open.fill();
    open
}

/// The form of a new dataset.
pub fn dataset_form(survey: Option<&Survey>, taken: &[String]) -> Open {
    let mut whose = vec!["all cultures".to_owned()];
    whose.extend(survey.into_iter().flat_map(|s| &s.cultures).map(|c| c.id.to_string()));
    whose.extend(["control: blind".to_owned(), "control: uniform".to_owned()]);
    let name = (1..)
        .map(|n| if n == 1 { "all".to_owned() } else { format!("all-{n}") })
        .find(|n| !taken.contains(n));
    let policies = LabelPolicy::ALL.map(|p| p.as_str().to_owned()).to_vec();
    let texts = vec!["both".into(), "stage1".into(), "seeds".into()];
    let form = Form::new(
        "New dataset",
        "Build",
        vec![
            Field::line(
                "name",
                "Name",
                &name.unwrap_or_default(),
                dataset_name,
                "Letters, digits, - _ .",
            ),
            Field::choice(
                "whose",
                "Answers of",
                whose,
                0,
                "All cultures (each row names its own), one, or a control",
            ),
            Field::choice("policy", "Policy", policies, 0, "How answers become targets"),
            Field::choice(
                "texts",
                "Texts",
                texts,
                0,
                "Seeds and samples of both stages, of the first, seeds alone",
            ),
            Field::line("count", "Texts at most", "", count, "Seeds counted first; nothing: all"),
            Field::line(
                "language",
                "Language",
                "",
                anything,
                "A tag such as ar, for texts that `translate` made; nothing: the survey's",
            ),
            Field::line("hold", "Held out", "0", share, "Questions to hold out entirely"),
            Field::line("seed", "Seed", "1", seed, "Of the draw of held-out questions"),
        ],
    );
    Open { kind: FormKind::Dataset, form, filled_by: String::new(), touched: false, wrong: None }
}

impl Open {
    fn preset(&self) -> Option<Recipe> {
        let name = self.form.value("recipe");
        Recipe::parse(preset(name)?, name).ok()
    }

    /// True where the recipe tunes a model that has to be named.
    pub(super) fn needs_base(&self) -> bool {
        self.preset().is_some_and(|r| r.model == crate::finetune::ModelChoice::ANY)
    }

    /// Fills the fields with the recipe's own values where another recipe was chosen.
    pub fn fill(&mut self) {
        let name = self.form.value("recipe").to_owned();
        if self.kind == FormKind::Dataset || self.filled_by == name {
            return;
        }
        let Some(recipe) = self.preset() else { return };
        if self.kind == FormKind::Sweep {
            // Arms get equal steps; a recipe that counts epochs leaves them to the person.
            let steps = recipe.steps.map_or_else(String::new, |n| n.to_string());
            self.form.set("steps", &steps);
            self.filled_by = name;
            return;
        }
        let own = Overrides::of(&recipe);
        let word = |x: Option<u64>| x.map_or_else(String::new, |x| x.to_string());
        let size = |x: Option<usize>| x.map_or_else(String::new, |x| x.to_string());
        self.form.set("rank", &size(own.rank));
        self.form.set("lr", &own.lr.map_or_else(String::new, |x| x.to_string()));
        self.form.set("length", &word(own.steps.or(own.epochs)));
        self.form.choose("unit", usize::from(own.steps.is_none()));
        self.form.set("batch", &size(own.batch));
        self.form.set("seed", &word(own.seed));
        self.form.set("threads", &size(own.threads));
        // The paper's recipe holds nothing out; elsewhere a tenth tells whether it learns or recites.
        self.form.set("eval", if name == "paper" { "0" } else { "0.1" });
        self.filled_by = name;
    }

    /// Offers the cultures of another dataset; a mark stays where the culture is there too.
    pub fn offer_cultures(&mut self, d: &DatasetRecord, survey: Option<&Survey>) {
        let marked: Vec<String> =
            self.form.values("cultures").into_iter().map(str::to_owned).collect();
        let mut options = vec![TOGETHER.to_owned()];
        options.extend(cultures(d, survey));
        let options = options.into_iter().map(|o| (o.clone(), marked.contains(&o))).collect();
        self.form.set_options("cultures", options);
    }

    fn overrides(&self) -> Overrides {
        let f = &self.form;
        let text = |name: &str| Some(f.value(name).to_owned()).filter(|t| !t.is_empty());
        let length = f.value("length").parse().ok();
        let epochs = f.value("unit") == "epochs";
        Overrides {
            steps: length.filter(|_| !epochs),
            epochs: length.filter(|_| epochs),
            lr: f.value("lr").parse().ok(),
            batch: f.value("batch").parse().ok(),
            rank: f.value("rank").parse().ok(),
            seed: f.value("seed").parse().ok(),
            threads: f.value("threads").parse().ok(),
            eval_share: f.value("eval").parse().ok(),
            base: text("base"),
            device: None,
        }
    }

    /// The command lines that the form stands for, in their order.
    ///
    /// # Errors
    /// What is wrong with the whole, where each field is right by itself.
    pub fn lines(&self) -> Result<Vec<Vec<String>>, String> {
        match self.kind {
            FormKind::Dataset => Ok(vec![self.dataset_line()]),
            FormKind::Recipe => self.recipe_lines(),
            FormKind::Sweep => Ok(vec![self.sweep_line("--start")?]),
        }
    }

    fn recipe_lines(&self) -> Result<Vec<Vec<String>>, String> {
        let f = &self.form;
        let recipe = self.preset().ok_or("no such recipe")?;
        let changes = self.overrides();
        changes.apply(recipe.clone()).map_err(|e| e.to_string())?;
        if changes.base.is_none() && self.needs_base() {
            return Err(recipe_word(&recipe.name));
        }
        let (dataset, name) = (f.value("dataset"), f.value("name"));
        let mut lines = Vec::new();
        for culture in f.values("cultures") {
            let (data, alias) = if culture == TOGETHER {
                (dataset.to_owned(), name.to_owned())
            } else {
                let data = format!("{dataset}-{culture}");
                let alias =
                    if name.is_empty() { String::new() } else { format!("{name}-{culture}") };
                lines.push(words(&[
                    "dataset",
                    "build",
                    &data,
                    "--like",
                    dataset,
                    "--culture",
                    culture,
                ]));
                (data, alias)
            };
            let mut line = words(&["finetune", "--dataset", &data, "--recipe", &recipe.name]);
            line.extend(changes.flags(&recipe));
            if !alias.is_empty() {
                line.extend(words(&["--name", &alias]));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    /// What the estimate is asked with: the whole dataset, as the first run.
    pub fn dry_line(&self) -> Option<Vec<String>> {
        if self.kind == FormKind::Sweep {
            return self.sweep_line("--dry-run").ok();
        }
        let mut line = self.recipe_lines().ok()?.into_iter().find(|l| l[0] == "finetune")?;
        // Datasets of one culture are made when it starts: they take as much a step.
        self.form.value("dataset").clone_into(&mut line[2]);
        line.push("--dry-run".into());
        Some(line)
    }

    fn dataset_line(&self) -> Vec<String> {
        let f = &self.form;
        let mut line = words(&["dataset", "build", f.value("name")]);
        match f.value("whose") {
            "all cultures" => {}
            "control: blind" => line.extend(words(&["--control", "blind"])),
            "control: uniform" => line.extend(words(&["--control", "uniform"])),
            culture => line.extend(words(&["--culture", culture])),
        }
        let mut flag = |name: &str, value: &str, usual: &str| {
            if value != usual {
                line.extend(words(&[name, value]));
            }
        };
        flag("--policy", f.value("policy"), "distribution");
        flag("--texts", f.value("texts"), "both");
        flag("--count", f.value("count"), "");
        flag("--language", f.value("language"), "");
        flag("--hold-out-questions", f.value("hold"), "0");
        flag("--seed", f.value("seed"), "1");
        line
    }

    /// How many runs it starts.
    pub fn runs(&self) -> usize {
        if self.kind == FormKind::Recipe { self.form.values("cultures").len() } else { 0 }
    }

    /// The command lines as a person would type them; of many, the first ones.
    pub fn typed(&self) -> Vec<String> {
        let lines = self.lines().unwrap_or_default();
        let mut out: Vec<String> = lines.iter().take(4).map(|l| shell_line(l)).collect();
        if lines.len() > 4 {
            out.push(format!(".. and {} more", lines.len() - 4));
        }
        out
    }
}

/// What to say where a recipe's model is not named.
pub(super) fn recipe_word(recipe: &str) -> String {
    format!("the recipe `{recipe}` tunes a model that you name: path:DIR or hub:ORG/NAME")
}

pub(super) fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|w| (*w).to_owned()).collect()
}
