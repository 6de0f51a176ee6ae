//! A virtual environment below `target/` with what `requirements.txt` lists.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const REQUIREMENTS: &str = include_str!("requirements.txt");

/// Where the environment's programs are. Installs it on the first run, and anew when `requirements.txt` has changed.
///
/// # Panics
/// It can't be installed. The tests that need it must fail then: what they prove would be unproven.
pub(crate) fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let venv = booking_tests::target_directory().join("tests-python");
        // Held until it is installed: other test binaries may want it at the same time.
        let lock = File::create(venv.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let installed = venv.join("requirements.txt");
        if fs::read_to_string(&installed).ok().as_deref() != Some(REQUIREMENTS) {
            install(&venv);
            // Written last, so that an interrupted install is done again.
            fs::write(installed, REQUIREMENTS).unwrap();
        }
        venv.join("bin")
    })
}

fn install(venv: &Path) {
    // It may not be there.
    drop(fs::remove_dir_all(venv));
    run(Command::new("python3").args(["-m", "venv"]).arg(venv));
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/requirements.txt");
    // The list is complete, so nothing is left for pip to resolve.
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r"];
    run(Command::new(venv.join("bin/python")).args(pip).arg(requirements));
}

fn run(command: &mut Command) {
    let said = match command.output() {
        Ok(output) if output.status.success() => return,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "these tests need python3 (3.10 or later) with venv and, on their first run, a package index from which to \
         install tests/python/requirements.txt. {command:?} failed: {said}"
    );
}
