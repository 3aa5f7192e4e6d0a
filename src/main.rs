//! The `polyculture` binary: parses the command line and hands over.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use polyculture::domain::RunId;
use polyculture::engine::{Client, EngineError, daemon, follow, ingest, shim, wait_in_foreground};
use polyculture::job::{NewRun, RunKind};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["__shim", dir] => shim::main(Path::new(dir)),
        ["engine", "run"] => daemon::main(ingest::none()),
        words => match ask(words) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                let hint = match &e {
                    EngineError::Refused(r) => r.hint.clone(),
                    _ => None,
                };
                let error =
                    serde_json::json!({ "code": e.code(), "message": e.to_string(), "hint": hint });
                eprintln!("{}", serde_json::json!({ "error": error }));
                ExitCode::from(e.exit_code())
            }
        },
    }
}

fn ask(words: &[&str]) -> Result<(), EngineError> {
    match words {
        ["engine", "start"] => print(&Client::connect_or_start()?.status()?),
        ["engine", "stop"] => {
            if let Some(mut client) = Client::connect()? {
                client.stop()?;
            }
        }
        ["engine", "status"] => match Client::connect()? {
            Some(mut client) => print(&client.status()?),
            None => println!("null"),
        },
        ["runs", "add", "--", argv @ ..] => {
            let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
            let mut new = NewRun::new(RunKind::Command, &here);
            new.argv = argv.iter().map(|a| (*a).to_owned()).collect();
            new.request_id = std::env::var("POLYCULTURE_REQUEST_ID").ok();
            print(&Client::connect_or_start()?.add(new, &here.join("runs"), |_| Ok(()))?);
        }
        ["runs", "list"] => print(&Client::connect_or_start()?.list(None, None, 10_000)?),
        ["runs", verb, id] => {
            let run =
                RunId::new(*id).map_err(|e| polyculture::job::JobError::Work(e.to_string()))?;
            let mut client = Client::connect_or_start()?;
            match *verb {
                "show" => print(&client.show(&run)?),
                "cancel" => print(&client.cancel(&run)?),
                "retry" => print(&client.retry(&run)?),
                "wait" => print(&client.wait(&run, &mut |_, _| ())?),
                "attach" => {
                    let _ = wait_in_foreground(&mut client, &run)?;
                }
                "logs" => {
                    let mut out = std::io::stdout();
                    follow::follow_logs(&mut client, &run, None, 0, true, &mut out)?;
                    let _ = out.flush();
                }
                _ => eprintln!("usage: runs show|cancel|retry|wait|logs ID"),
            }
        }
        _ => eprintln!("usage: engine run|start|stop|status, runs add|list|show|cancel|retry|logs"),
    }
    Ok(())
}

fn print<T: serde::Serialize>(value: &T) {
    if let Ok(text) = serde_json::to_string(value) {
        println!("{text}");
    }
}
