//! Starting with the machine, and under the user's own systemd. The texts are pure; the few calls
//! of `systemctl`, `systemd-run` and `crontab` are in `install.rs` and `launch.rs`.

use std::path::Path;

use super::logout::Host;

/// The name of the installed unit.
pub const UNIT: &str = "polyculture-engine.service";

/// The mark at the end of our line in a crontab.
pub const CRON_MARK: &str = "# polyculture engine";

/// Set for an engine that runs as a unit: its shims go into scopes of their own.
pub const IN_UNIT: &str = "POLYCULTURE_ENGINE_UNIT";

/// The unit file. `KillMode=process` and scopes: a stopped or upgraded engine takes no run along.
pub fn unit_file(program: &Path, state: &Path) -> String {
    format!(
        "[Unit]\n\
         Description=Polyculture: the engine of runs\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={program} engine run\n\
         Environment={state}\n\
         Environment={IN_UNIT}=1\n\
         StandardError=append:{log}\n\
         Restart=on-failure\n\
         RestartSec=2\n\
         KillMode=process\n\
         OOMPolicy=continue\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        program = quoted(&program.display().to_string()).replace('$', "$$"),
        state = quoted(&format!("{}={}", super::STATE_DIR_VARIABLE, state.display())),
        // A path to its end: neither quotes nor white space have a meaning there.
        log = state.join("engine.log").display().to_string().replace('%', "%%"),
    )
}

/// One word of a unit file.
fn quoted(text: &str) -> String {
    let plain = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    if text.chars().any(|c| c.is_whitespace() || "\"'\\;".contains(c)) {
        format!("\"{plain}\"")
    } else {
        plain
    }
}

/// The line of a crontab that starts the engine after a reboot.
pub fn cron_line(program: &Path, state: &Path) -> String {
    // cron takes a bare % for the end of the command.
    let shell = |p: &Path| {
        format!("'{}'", p.display().to_string().replace('\'', "'\\''").replace('%', "\\%"))
    };
    format!(
        "@reboot {}={} {} engine start >/dev/null 2>&1 {CRON_MARK}",
        super::STATE_DIR_VARIABLE,
        shell(state),
        shell(program)
    )
}

/// A crontab with our line, and without older ones of ours. Nothing else of it changes.
pub fn with_line(crontab: &str, line: Option<&str>) -> String {
    let mut out: String = crontab
        .lines()
        .filter(|l| !l.trim_end().ends_with(CRON_MARK))
        .map(|l| format!("{l}\n"))
        .collect();
    if let Some(line) = line {
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Whether a client starts the engine as a transient unit of the user's systemd. Only where that
/// outlives the last session: without lingering it ends with it, and a plain process may not.
pub fn wants_unit(host: &Host) -> bool {
    host.systemd && host.user_manager && host.linger
}

/// The words before the engine's own command that put it into a transient unit.
pub fn unit_words(state: &Path, variables: &[String]) -> Vec<String> {
    let log = state.join("engine.log").display().to_string();
    let mut words: Vec<String> = [
        "systemd-run",
        "--user",
        "--quiet",
        "--collect",
        "--property=Description=Polyculture: the engine of runs",
        "--property=KillMode=process",
        "--property=OOMPolicy=continue",
        "--property=WorkingDirectory=/",
    ]
    .map(str::to_owned)
    .into();
    words.push(format!("--property=StandardError=append:{}", log.replace('%', "%%")));
    // By name: values would stand in the list of processes.
    words.extend(variables.iter().map(|name| format!("--setenv={name}")));
    words.push(format!("--setenv={IN_UNIT}=1"));
    words.push("--".into());
    words
}

/// The words before a shim's own command that put it into a scope.
pub fn scope_words(run: &str, attempt: u32) -> Vec<String> {
    let mut words: Vec<String> =
        ["systemd-run", "--user", "--scope", "--quiet", "--collect"].map(str::to_owned).into();
    words.push(format!("--unit=polyculture-{run}-{attempt}"));
    words.push("--property=OOMPolicy=continue".into());
    words.push("--".into());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_anything_in_them_stay_one_word() {
        let unit = unit_file(Path::new("/opt/a b/po$ly%\"c"), Path::new("/s t/é%"));
        assert!(unit.contains("ExecStart=\"/opt/a b/po$$ly%%\\\"c\" engine run\n"), "{unit}");
        assert!(unit.contains("Environment=\"POLYCULTURE_STATE_DIR=/s t/é%%\"\n"), "{unit}");
        let line = cron_line(Path::new("/a b/it's 100%"), Path::new("/s"));
        assert!(line.contains("'/a b/it'\\''s 100\\%' engine start"), "{line}");
        assert!(line.starts_with("@reboot ") && line.ends_with(CRON_MARK));
    }

    #[test]
    fn only_our_line_of_a_crontab_changes() {
        let own = cron_line(Path::new("/p"), Path::new("/s"));
        let others = "MAILTO=ada\n# mine\n@reboot /other engine start\n";
        let with = with_line(others, Some(&own));
        assert_eq!(with, format!("{others}{own}\n"));
        assert_eq!(with_line(&with, Some(&own)), with, "twice is once");
        assert_eq!(with_line(&with, None), others);
        assert_eq!(with_line("", None), "");
    }

    #[test]
    fn a_unit_of_the_users_systemd_is_used_only_where_it_outlives_the_session() {
        let full = Host { systemd: true, user_manager: true, linger: true, ..Host::default() };
        assert!(wants_unit(&full));
        for less in [
            Host { linger: false, ..full.clone() },
            Host { user_manager: false, ..full.clone() },
            Host { systemd: false, ..full },
        ] {
            assert!(!wants_unit(&less), "{less:?}");
        }
        let words = unit_words(Path::new("/s"), &["HF_HOME".into()]);
        assert!(words.contains(&"--property=KillMode=process".into()));
        assert!(words.contains(&"--setenv=HF_HOME".into()));
        assert_eq!(words.last().unwrap(), "--");
        assert!(scope_words("r", 2).contains(&"--unit=polyculture-r-2".into()));
    }

    #[test]
    fn systemd_itself_finds_nothing_wrong_with_the_unit() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("a program");
        std::fs::write(&program, "#!/bin/sh\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let file = dir.path().join(UNIT);
        std::fs::write(&file, unit_file(&program, dir.path())).unwrap();
        let verified = std::process::Command::new("systemd-analyze")
            .args(["verify", "--user", "--man=no"])
            .arg(&file)
            .env("XDG_RUNTIME_DIR", dir.path())
            .output();
        match verified {
            Err(e) => eprintln!("skipped: no systemd-analyze here ({e})"),
            Ok(out) => {
                let said = String::from_utf8_lossy(&out.stderr);
                // Other units of the machine may have their own troubles.
                assert!(!said.contains("polyculture"), "{said}");
            }
        }
    }
}
