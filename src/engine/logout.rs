//! Whether runs outlive a logout here. logind ends a session's processes where
//! `KillUserProcesses=yes`; the user's own systemd ends with the last session unless the user
//! lingers; `RemoveIPC=yes` takes the shared memory of users who are gone. `logind.conf(5)`,
//! `loginctl(1)`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What decides, as this machine has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    /// systemd runs the machine.
    pub systemd: bool,
    /// `KillUserProcesses` as it applies to this user; none where nothing says it.
    pub kills: Option<bool>,
    /// `RemoveIPC`; none where nothing says it.
    pub removes_ipc: Option<bool>,
    /// The user's services go on without a session.
    pub linger: bool,
    /// A systemd of the user's own answers.
    pub user_manager: bool,
    /// The account.
    pub user: String,
    /// System accounts (below 1000) keep their shared memory.
    pub uid: u32,
    /// The job of a cluster that this shell is in.
    pub slurm_job: Option<String>,
}

/// What becomes of runs at logout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// They go on.
    pub survives: bool,
    /// Why, in words.
    pub why: String,
    /// The one command that mends it.
    pub mend: Option<String>,
}

impl Host {
    /// This machine and user.
    pub fn here() -> Self {
        let uid = nix::unistd::geteuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten().map(|u| u.name);
        let mut host = Self::read(Path::new("/"), &user.unwrap_or_default(), uid.as_raw());
        host.slurm_job = std::env::var("SLURM_JOB_ID").ok();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        host.user_manager = runtime.is_some_and(|d| d.join("systemd/private").exists());
        if host.systemd {
            // The running logind knows what was compiled in; the files may not say it.
            host.kills = property("KillUserProcesses").or(host.kills);
            host.removes_ipc = property("RemoveIPC").or(host.removes_ipc);
        }
        host
    }

    /// By the files below `root`.
    pub fn read(root: &Path, user: &str, uid: u32) -> Self {
        let settings = logind_settings(root);
        let set = |name: &str| settings.get(name).map(|v| is_yes(v));
        let listed = |name: &str| {
            settings.get(name).is_some_and(|v| v.split_whitespace().any(|u| u == user))
        };
        let only = settings.get("KillOnlyUsers").is_some_and(|v| !v.trim().is_empty());
        let mut kills = set("KillUserProcesses");
        // root is left out unless the list says otherwise.
        let spared = if settings.contains_key("KillExcludeUsers") {
            listed("KillExcludeUsers")
        } else {
            user == "root"
        };
        if spared || (only && !listed("KillOnlyUsers")) {
            kills = Some(false);
        }
        Self {
            systemd: root.join("run/systemd/system").is_dir(),
            kills,
            removes_ipc: set("RemoveIPC"),
            linger: root.join("var/lib/systemd/linger").join(user).exists(),
            user_manager: false,
            user: user.to_owned(),
            uid,
            slurm_job: None,
        }
    }

    /// Whether runs go on after a logout.
    pub fn logout(&self) -> Outlook {
        let says = |survives, why: &str, mend: Option<&str>| Outlook {
            survives,
            why: why.to_owned(),
            mend: mend.map(str::to_owned),
        };
        if let Some(job) = &self.slurm_job {
            return says(
                false,
                &format!(
                    "this shell is inside SLURM job {job}: the engine and its runs end with that \
                     job. Start the engine on the login node, and hand runs to SLURM"
                ),
                None,
            );
        }
        if !self.systemd {
            return says(
                true,
                "there is no systemd here, so nothing ends a user's processes at logout; the \
                 engine and its runs have sessions of their own, which a closed terminal does not \
                 reach",
                None,
            );
        }
        if self.linger {
            return says(true, "you linger: your processes go on after a logout", None);
        }
        match self.kills {
            Some(false) => {
                says(true, "logind leaves processes alone at logout (KillUserProcesses=no)", None)
            }
            Some(true) => says(
                false,
                "logind ends all of your processes at logout (KillUserProcesses=yes), and you do \
                 not linger",
                Some("loginctl enable-linger"),
            ),
            None => says(
                false,
                "nothing says what logind does with your processes at logout, and many systems end \
                 them",
                Some("loginctl enable-linger"),
            ),
        }
    }

    /// Whether shared memory stays: loaders of training data and NCCL keep theirs there.
    pub fn shared_memory(&self) -> Outlook {
        let gone =
            self.systemd && !self.linger && self.uid >= 1000 && self.removes_ipc.unwrap_or(true);
        if gone {
            Outlook {
                survives: false,
                why: "logind removes your shared memory when your last session ends \
                      (RemoveIPC=yes): runs with data loaders or several GPUs then fail"
                    .into(),
                mend: Some("loginctl enable-linger".into()),
            }
        } else {
            Outlook { survives: true, why: "it stays after a logout".into(), mend: None }
        }
    }
}

/// Asks the running logind.
fn property(name: &str) -> Option<bool> {
    let out = Command::new("busctl")
        .args(["--system", "--timeout=2", "get-property", "org.freedesktop.login1"])
        .args(["/org/freedesktop/login1", "org.freedesktop.login1.Manager", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    match String::from_utf8_lossy(&out.stdout).trim() {
        "b true" => Some(true),
        "b false" => Some(false),
        _ => None,
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "yes" | "true" | "1" | "on" | "y" | "t")
}

/// The settings of `[Login]`: the main file, then the drop-ins by name, those in `/etc` in the
/// place of others of the same name; the last word counts. In the main file a commented line
/// tells what was compiled in.
fn logind_settings(root: &Path) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mains = ["usr/lib/systemd/logind.conf", "etc/systemd/logind.conf"];
    for main in mains {
        if let Ok(text) = fs::read_to_string(root.join(main)) {
            read_settings(&text, true, &mut settings);
        }
    }
    let mut drop_ins: BTreeMap<std::ffi::OsString, PathBuf> = BTreeMap::new();
    for folder in ["usr/lib", "usr/local/lib", "run", "etc"] {
        let Ok(entries) = fs::read_dir(root.join(folder).join("systemd/logind.conf.d")) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.path().extension().is_some_and(|e| e == "conf") {
                drop_ins.insert(entry.file_name(), entry.path());
            }
        }
    }
    for path in drop_ins.values() {
        if let Ok(text) = fs::read_to_string(path) {
            read_settings(&text, false, &mut settings);
        }
    }
    settings
}

fn read_settings(text: &str, commented: bool, into: &mut BTreeMap<String, String>) {
    let mut defaults = BTreeMap::new();
    let mut own = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let (target, line) = match line.strip_prefix(['#', ';']) {
            Some(rest) if commented => (&mut defaults, rest),
            Some(_) => continue,
            None => (&mut own, line),
        };
        if let Some((name, value)) = line.split_once('=')
            && !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            target.insert(name.to_owned(), value.trim().to_owned());
        }
    }
    for (name, value) in defaults {
        into.entry(name).or_insert(value);
    }
    into.extend(own);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)], user: &str, uid: u32) -> Host {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Host::read(root.path(), user, uid)
    }

    const SYSTEMD: (&str, &str) = ("run/systemd/system/x", "");
    const MAIN: &str = "etc/systemd/logind.conf";

    #[test]
    fn without_systemd_nothing_ends_runs_and_that_is_said() {
        let none = host(&[(MAIN, "[Login]\nKillUserProcesses=yes\n")], "ada", 1000);
        let outlook = none.logout();
        assert!(outlook.survives && outlook.why.contains("no systemd"), "{outlook:?}");
        assert!(none.shared_memory().survives);
    }

    #[test]
    fn what_logind_would_end_is_said_with_the_one_command() {
        for (files, survives) in [
            (vec![SYSTEMD, (MAIN, "[Login]\nKillUserProcesses=yes\n")], false),
            (vec![SYSTEMD, (MAIN, "[Login]\n#KillUserProcesses=no\n")], true),
            (vec![SYSTEMD, (MAIN, "[Login]\n#KillUserProcesses=yes\n")], false),
            (vec![SYSTEMD], false),
            (
                vec![
                    SYSTEMD,
                    (MAIN, "[Login]\n#KillUserProcesses=no\n"),
                    ("etc/systemd/logind.conf.d/50-site.conf", "[Login]\nKillUserProcesses=yes\n"),
                ],
                false,
            ),
            // The last name counts, whichever folder it is in; /etc replaces the same name.
            (
                vec![
                    SYSTEMD,
                    ("usr/lib/systemd/logind.conf.d/50.conf", "KillUserProcesses=yes\n"),
                    ("etc/systemd/logind.conf.d/50.conf", "#KillUserProcesses=yes\n"),
                    ("run/systemd/logind.conf.d/40.conf", "KillUserProcesses=no\n"),
                ],
                true,
            ),
            (vec![SYSTEMD, (MAIN, "KillUserProcesses=yes\nKillExcludeUsers=root ada\n")], true),
            (vec![SYSTEMD, (MAIN, "KillUserProcesses=yes\nKillOnlyUsers=eve\n")], true),
            (
                vec![
                    SYSTEMD,
                    (MAIN, "KillUserProcesses=yes\n"),
                    ("var/lib/systemd/linger/ada", ""),
                ],
                true,
            ),
        ] {
            let outlook = host(&files, "ada", 1000).logout();
            assert_eq!(outlook.survives, survives, "{files:?}: {outlook:?}");
            let mend = (!survives).then(|| "loginctl enable-linger".to_owned());
            assert_eq!(outlook.mend, mend, "{files:?}");
        }
        let root = host(&[SYSTEMD, (MAIN, "KillUserProcesses=yes\n")], "root", 0);
        assert!(root.logout().survives, "root is spared");
        let job = Host { slurm_job: Some("7".into()), ..root };
        assert!(job.logout().why.contains("SLURM job 7"));
    }

    #[test]
    fn shared_memory_goes_with_the_last_session_of_people_who_do_not_linger() {
        let removes = (MAIN, "[Login]\n#RemoveIPC=yes\n");
        assert!(!host(&[SYSTEMD, removes], "ada", 1000).shared_memory().survives);
        assert!(host(&[SYSTEMD, removes], "slurm", 64).shared_memory().survives);
        assert!(host(&[SYSTEMD, (MAIN, "RemoveIPC=no")], "ada", 1000).shared_memory().survives);
        let lingers = [SYSTEMD, removes, ("var/lib/systemd/linger/ada", "")];
        assert!(host(&lingers, "ada", 1000).shared_memory().survives);
    }
}
