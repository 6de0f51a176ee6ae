//! Rules of the source that no linter knows.

use std::path::{Path, PathBuf};

/// Longest Rust file, in lines before its unit tests.
const MAX_FILE_LINES: usize = 400;
/// Longest function, in lines.
const MAX_FUNCTION_LINES: usize = 70;

pub(crate) fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(&crate::root().join(below), &mut found);
    assert!(!found.is_empty(), "nothing below {below}");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    ["shared", "functions", "infra", "tests"].into_iter().flat_map(sources).collect()
}

#[test]
fn files_and_functions_stay_small() {
    for (path, text) in all() {
        let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        let lines = code.lines().count();
        assert!(lines <= MAX_FILE_LINES, "{} has {lines} lines", path.display());
        let mut start = None;
        for (i, line) in text.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let head = line.trim_start();
            let head = head.trim_start_matches("pub ").trim_start_matches("pub(crate) ").trim_start_matches("async ");
            if head.starts_with("fn ") && !line.ends_with(';') {
                start = Some((i, indent));
            }
            if let Some((from, at)) = start.filter(|(_, at)| line.starts_with(&format!("{}}}", " ".repeat(*at)))) {
                assert!(i - from <= MAX_FUNCTION_LINES, "{}:{} {} lines", path.display(), from + 1, i - from);
                assert_eq!(at, indent);
                start = None;
            }
        }
    }
}

/// Adapters know the protocol's types; the protocol knows no adapter. Functions know the heart, not each other.
#[test]
fn dependencies_point_one_way() {
    for (path, text) in sources("shared/booking-store/src/protocol") {
        for adapter in ["dynamodb", "sqs::", "eventbridge", "aws_", "memory", "breaker"] {
            assert!(
                !text.contains(&format!("crate::{adapter}")) && !text.contains(&format!("use {adapter}")),
                "{} {adapter}",
                path.display()
            );
        }
    }
    for entry in std::fs::read_dir(crate::root().join("functions")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        let functions = std::fs::read_dir(crate::root().join("functions")).unwrap();
        let functions = functions.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        for other in functions.chain(["local".to_owned()]) {
            assert!(!dependencies.contains(&format!("\n{other}.workspace")), "{} depends on {other}", folder.display());
        }
    }
}

#[test]
fn every_condition_says_which_race_it_closes() {
    for (path, text) in ["shared", "functions"].into_iter().flat_map(sources) {
        let conditions = text.matches(".condition_expression(").count();
        let reasons = text.matches("// Closes the race").count();
        assert!(reasons >= conditions, "{}: {conditions} conditions, {reasons} reasons", path.display());
    }
}

#[test]
fn no_file_is_dead() {
    for (path, _) in all() {
        let (Some(stem), Some(folder)) = (path.file_stem().and_then(|s| s.to_str()), path.parent()) else { continue };
        let place = path.to_string_lossy();
        let root = ["main", "lib", "mod", "handler"].contains(&stem)
            || place.contains("/examples/")
            // `every_function_has_its_binary_and_a_role_of_its_own` asks what these are for.
            || (place.contains("/functions/") && folder.ends_with("src/bin"));
        let named = || {
            let parents = [folder.to_owned(), folder.parent().unwrap().to_owned()];
            let beside = parents.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
            let files =
                beside.map(|entry| entry.unwrap().path()).filter(|file| file.extension().is_some_and(|e| e == "rs"));
            files
                .map(|file| std::fs::read_to_string(file).unwrap())
                .any(|text| text.contains(&format!("mod {stem};")) || text.contains(&format!("\"{stem}.rs\"")))
        };
        let is_test_root = folder.ends_with("tests");
        assert!(root || is_test_root || named(), "{} is part of no crate", path.display());
    }
}

/// Words that name nothing.
#[test]
fn nothing_is_called_a_helper() {
    for (path, _) in all() {
        let name = path.to_string_lossy().to_lowercase();
        let relative = name.strip_prefix(&*crate::root().to_string_lossy().to_lowercase()).unwrap_or(&name).to_owned();
        for word in ["util", "helper", "manager", "common", "misc"] {
            assert!(!relative.contains(word), "{relative}");
        }
    }
}
