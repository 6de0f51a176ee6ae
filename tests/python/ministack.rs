//! ministack, an independent engine of DynamoDB, SQS, EventBridge, Lambda, API Gateway and CloudFormation.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server. It ends when this is dropped, or when this process ends in any other way: it watches the pipe.
pub(crate) struct Ministack {
    server: Child,
    endpoint: String,
    _files: tempfile::TempDir,
}

impl Ministack {
    /// Starts one with nothing in it and these of its settings, its log in a file that a failing start shows.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let log = files.path().join("log");
        let mut command = Command::new(super::programs().join("python"));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/serve.py"));
        // Everything it could find in the environment of whoever runs the tests is said here.
        command.envs([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_REGION", REGION),
            ("MINISTACK_REGION", REGION),
            ("MINISTACK_HOST", "localhost"),
            ("LOG_LEVEL", "WARNING"),
            ("PERSIST_STATE", "0"),
            ("S3_PERSIST", "0"),
        ]);
        command.envs(settings.iter().copied());
        command.env("TMPDIR", files.path()).env("STATE_DIR", files.path()).env("S3_DATA_DIR", files.path());
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(&log).unwrap());
        let mut server = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
        assert!(!port.is_empty(), "ministack does not start: {}", std::fs::read_to_string(&log).unwrap());
        Self { server, endpoint: format!("http://127.0.0.1:{}", port.trim()), _files: files }
    }

    /// Where it answers, every service at the same place.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        // Closing its standard input ends it and the functions it runs. It may have ended already.
        drop(self.server.stdin.take());
        drop(self.server.wait());
    }
}

/// The one Region there is.
pub(crate) const REGION: &str = "us-east-1";
