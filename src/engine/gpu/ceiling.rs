//! The submitter's `CUDA_VISIBLE_DEVICES`: which GPUs a run may use at most. CUDA itself ignores
//! what it cannot read, and all that follows it; here that is refused, in words.

use std::collections::BTreeMap;

use super::Device;

/// The variable that CUDA reads.
pub const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
/// The variable that says in which order CUDA counts.
pub const ORDER: &str = "CUDA_DEVICE_ORDER";
/// The order of NVML.
pub const PCI_ORDER: &str = "PCI_BUS_ID";

/// What a run may use at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceiling {
    /// `None`: nothing was said.
    entries: Option<Vec<Entry>>,
    /// Indices count in the order of NVML.
    by_bus: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Index(u32),
    /// A UUID, or a beginning of one that fits no other GPU: so CUDA reads it.
    Uuid(String),
}

impl Ceiling {
    /// Reads the two variables out of the environment that a run was submitted with.
    ///
    /// # Errors
    /// A value that CUDA would misread: what is wrong and what was expected.
    pub fn of(env: &BTreeMap<String, String>) -> Result<Self, String> {
        let by_bus = env.get(ORDER).is_some_and(|o| o == PCI_ORDER);
        let Some(text) = env.get(VISIBLE) else { return Ok(Self { entries: None, by_bus }) };
        // What SLURM and CUDA's own documentation use for "none".
        if matches!(text.trim(), "" | "-1" | "NoDevFiles") {
            return Ok(Self { entries: Some(Vec::new()), by_bus });
        }
        let mut entries: Vec<Entry> = Vec::new();
        for word in text.split(',').map(str::trim) {
            let entry = entry(word).ok_or_else(|| {
                format!(
                    "{VISIBLE}={text}: `{word}` is no GPU: expected numbers (0,1), or UUIDs \
                     (GPU-.., MIG-..) as `nvidia-smi -L` shows them, with commas between"
                )
            })?;
            if entries.contains(&entry) {
                return Err(format!("{VISIBLE}={text}: `{word}` stands there twice"));
            }
            entries.push(entry);
        }
        Ok(Self { entries: Some(entries), by_bus })
    }

    /// The devices of the list that the ceiling lets through, in its order.
    ///
    /// # Errors
    /// It names a GPU that is not there, or by a number that means different ones.
    pub fn pass<'a>(&self, devices: &'a [Device]) -> Result<Vec<&'a Device>, String> {
        let Some(entries) = &self.entries else { return Ok(devices.iter().collect()) };
        let mut passed: Vec<&Device> = Vec::new();
        for entry in entries {
            match entry {
                Entry::Index(i) => {
                    self.check_order(devices)?;
                    let before = passed.len();
                    passed.extend(devices.iter().filter(|d| d.index == *i));
                    if passed.len() == before {
                        return Err(format!(
                            "{VISIBLE} names GPU {i}, and this machine has {}",
                            listed(devices)
                        ));
                    }
                }
                Entry::Uuid(beginning) => {
                    let found: Vec<&Device> =
                        devices.iter().filter(|d| starts(&d.uuid, beginning)).collect();
                    match found[..] {
                        [] => {
                            return Err(format!(
                                "{VISIBLE} names {beginning}, and this machine has {}",
                                listed(devices)
                            ));
                        }
                        [one] => passed.push(one),
                        _ => {
                            return Err(format!(
                                "{VISIBLE} names {beginning}, with which several GPUs begin: write \
                                 more of it"
                            ));
                        }
                    }
                }
            }
        }
        // A GPU that is cut into instances stands for all of them.
        let whole: Vec<&str> = passed.iter().filter(|d| d.mig).map(|d| d.uuid.as_str()).collect();
        let inside = devices.iter().filter(|d| {
            d.parent.as_deref().is_some_and(|p| whole.contains(&p))
                && !passed.iter().any(|q| q.uuid == d.uuid)
        });
        let more: Vec<&Device> = inside.collect();
        passed.extend(more);
        Ok(passed)
    }

    /// By itself CUDA counts the fastest first; NVML counts by bus. Among equal GPUs the two agree.
    fn check_order(&self, devices: &[Device]) -> Result<(), String> {
        let mut names = devices.iter().filter(|d| d.parent.is_none()).map(|d| &d.name);
        let first = names.next();
        if self.by_bus || names.all(|n| Some(n) == first) {
            return Ok(());
        }
        Err(format!(
            "{VISIBLE} names GPUs by number, and this machine has different ones, which CUDA and \
             nvidia-smi count differently: set {ORDER}={PCI_ORDER}, or name them by UUID"
        ))
    }
}

fn entry(word: &str) -> Option<Entry> {
    if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
        return word.parse().ok().map(Entry::Index);
    }
    let rest = word.strip_prefix("GPU-").or_else(|| word.strip_prefix("MIG-"))?;
    let fine = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    fine.then(|| Entry::Uuid(word.to_owned()))
}

fn starts(uuid: &str, beginning: &str) -> bool {
    uuid.get(..beginning.len()).is_some_and(|u| u.eq_ignore_ascii_case(beginning))
}

fn listed(devices: &[Device]) -> String {
    let names: Vec<String> = devices.iter().map(|d| format!("{} = {}", d.index, d.uuid)).collect();
    if names.is_empty() { "no GPU".to_owned() } else { names.join(", ") }
}
