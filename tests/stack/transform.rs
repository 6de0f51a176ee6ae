//! template.yaml as ministack takes it: every difference from what is deployed on AWS, with its reason.
//!
//! Parameters keep their default values, so the API asks for signed requests (`Authorization` is `AWS_IAM`) and the
//! functions have the template's roles and no others.

use serde_norway::{Mapping, Value};

/// One change.
struct Transformation {
    what: &'static str,
    why: &'static str,
    apply: fn(&mut Mapping),
}

const TRANSFORMATIONS: &[Transformation] = &[
    Transformation {
        what: "CodeUri of each function: its zip in a bucket instead of its folder",
        why: "on AWS `sam build` and `sam deploy` do the same",
        apply: code_from_bucket,
    },
    Transformation {
        what: "Architectures: x86_64 instead of arm64",
        why: "the binaries run on the machine that tests",
        apply: |template| set(template, &["Globals", "Function", "Architectures"], vec!["x86_64"]),
    },
    Transformation {
        what: "without EventArchive",
        why: "ministack refuses templates with an AWS::Events::Archive; nothing else refers to it",
        apply: |template| drop(section(template, "Resources").remove("EventArchive").unwrap()),
    },
    Transformation {
        what: "PriceProjectionFunction's MaximumConcurrency: the default instead of the parameter",
        why: "ministack compares the parameter's text with a number and stops polling the queue",
        apply: |template| {
            let source = ["PriceProjectionFunction", "Properties", "Events", "BookingEvents", "Properties"];
            let resources = section(template, "Resources");
            drop(source.iter().fold(resources, |place, name| section(place, name)).remove("ScalingConfig").unwrap());
        },
    },
];

/// The bucket of the functions' zips.
pub(crate) const BUCKET: &str = "code";

/// template.yaml after every transformation.
pub(crate) fn template() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let mut template: Mapping = serde_norway::from_str(&text).unwrap();
    for transformation in TRANSFORMATIONS {
        let before = template.clone();
        (transformation.apply)(&mut template);
        assert_ne!(template, before, "{} changes nothing any more", transformation.what);
        println!("template.yaml, {}: {}", transformation.what, transformation.why);
    }
    serde_norway::to_string(&template).unwrap()
}

fn code_from_bucket(template: &mut Mapping) {
    for (name, resource) in section(template, "Resources") {
        let function = resource.as_mapping_mut().filter(|resource| resource["Type"] == "AWS::Serverless::Function");
        let Some(function) = function else { continue };
        let binary = function["Metadata"]["BuildProperties"]["Binary"].as_str();
        let binary = binary.unwrap_or_else(|| panic!("{name:?} names no binary")).to_owned();
        let uri = format!("s3://{BUCKET}/{binary}.zip");
        function["Properties"]["CodeUri"] = uri.into();
    }
}

fn section<'a>(template: &'a mut Mapping, name: &str) -> &'a mut Mapping {
    template.get_mut(name).and_then(Value::as_mapping_mut).unwrap()
}

fn set(template: &mut Mapping, path: &[&str], to: Vec<&str>) {
    let (last, folders) = path.split_last().unwrap();
    let place = folders.iter().fold(template, |place, name| section(place, name));
    place.insert((*last).into(), to.into());
}
