//! Where cargo builds.

use std::path::PathBuf;

/// The target directory, found from the running program, for cargo tells it to tests and not to programs.
pub fn target_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let built = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    built.expect("the program is where cargo has built it").to_owned()
}
