//! The deployment: ministack with the template's stack on it, and a projection behind the bus.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::python::Ministack;
use crate::{binaries, transform};

const NAME: &str = "booking";
/// How long the deployment may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is deployed.
pub(crate) struct Stack {
    server: Ministack,
    /// The template's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// Physical ids by logical ids.
    pub(crate) resources: BTreeMap<String, String>,
    /// The queue behind a rule that takes everything the bus gets.
    pub(crate) projection: String,
    /// What came out of that queue so far, in order.
    pub(crate) delivered: Mutex<Vec<Value>>,
}

impl Stack {
    /// Builds, uploads and deploys.
    pub(crate) async fn deploy() -> Self {
        let zips = tokio::task::spawn_blocking(binaries::zips).await.unwrap();
        let server = Ministack::start(&[("AUTH", "true")]);
        let aws = Aws::new(server.endpoint(), None);
        aws.path("s3", "PUT", &format!("/{}", transform::BUCKET), Vec::new()).await;
        for (name, zip) in zips {
            aws.path("s3", "PUT", &format!("/{}/{name}.zip", transform::BUCKET), zip).await;
        }
        // From a bucket, as `sam deploy` does it: a template in the request may have 51,200 bytes only.
        let template = format!("/{}/template.yaml", transform::BUCKET);
        aws.path("s3", "PUT", &template, transform::template().into_bytes()).await;
        let template = format!("{}{template}", server.endpoint());
        let parameters = [
            ("StackName", NAME),
            ("TemplateURL", template.as_str()),
            ("Capabilities.member.1", "CAPABILITY_IAM"),
            ("Capabilities.member.2", "CAPABILITY_AUTO_EXPAND"),
        ];
        aws.query("cloudformation", "CreateStack", &parameters).await;
        let described = created(&aws).await;
        let outputs = pairs(&described, "OutputKey", "OutputValue");
        let resources = aws.query("cloudformation", "DescribeStackResources", &[("StackName", NAME)]).await;
        let resources = pairs(&resources, "LogicalResourceId", "PhysicalResourceId");
        let projection = projection(&aws, &outputs).await;
        Self { server, outputs, resources, projection, delivered: Mutex::default() }
    }

    /// A client of its own: connections belong to the runtime of the test that opened them.
    pub(crate) fn client(&self) -> Aws {
        Aws::new(self.server.endpoint(), Some(&self.api_host()))
    }

    fn api_host(&self) -> String {
        let url = reqwest::Url::parse(&self.outputs["ApiUrl"]).unwrap();
        url.host_str().unwrap().to_owned()
    }

    /// The ARN of a table.
    pub(crate) fn table_arn(&self, logical_id: &str) -> String {
        format!("arn:aws:dynamodb:{}:{ACCOUNT}:table/{}", crate::python::REGION, self.resources[logical_id])
    }

    /// The ARN of the queue behind a URL.
    pub(crate) fn queue_arn(&self, url: &str) -> String {
        queue_arn(url)
    }
}

/// ministack's account.
const ACCOUNT: &str = "000000000000";

fn queue_arn(url: &str) -> String {
    format!("arn:aws:sqs:{}:{ACCOUNT}:{}", crate::python::REGION, url.rsplit('/').next().unwrap())
}

/// Waits for the stack; its description.
async fn created(aws: &Aws) -> String {
    let waiting = async {
        loop {
            let described = aws.query("cloudformation", "DescribeStacks", &[("StackName", NAME)]).await;
            if !described.contains("CREATE_IN_PROGRESS") {
                return described;
            }
            crate::system::pause(Duration::from_millis(100)).await;
        }
    };
    let described = tokio::time::timeout(PATIENCE, waiting).await.expect("the stack is created in time");
    if !described.contains("<StackStatus>CREATE_COMPLETE</StackStatus>") {
        let events = aws.query("cloudformation", "DescribeStackEvents", &[("StackName", NAME)]).await;
        panic!("the stack is not created: {described}\n{events}");
    }
    described
}

/// A projection as a team would deploy it: a rule on the bus, its target a queue. FIFO, so that the order shows.
async fn projection(aws: &Aws, outputs: &BTreeMap<String, String>) -> String {
    let attributes = json!({"FifoQueue": "true", "ContentBasedDeduplication": "true"});
    let queue = json!({"QueueName": "projection.fifo", "Attributes": attributes});
    let queue = aws.json("sqs", "AmazonSQS.CreateQueue", &queue).await["QueueUrl"].as_str().unwrap().to_owned();
    let statement = json!({"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": queue_arn(&queue)});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let allow = json!({"QueueUrl": queue, "Attributes": {"Policy": policy}});
    aws.json("sqs", "AmazonSQS.SetQueueAttributes", &allow).await;
    let bus = &outputs["EventBusName"];
    let pattern = json!({"source": ["booking.events"]}).to_string();
    aws.json("events", "AWSEvents.PutRule", &json!({"Name": "all", "EventBusName": bus, "EventPattern": pattern}))
        .await;
    let target = json!({"Id": "projection", "Arn": queue_arn(&queue), "SqsParameters": {"MessageGroupId": "all"}});
    let targets = json!({"Rule": "all", "EventBusName": bus, "Targets": [target]});
    let put = aws.json("events", "AWSEvents.PutTargets", &targets).await;
    assert_eq!(put["FailedEntryCount"], 0, "{put}");
    queue
}

/// The texts of two elements that stand beside each other in the members of a list.
fn pairs(xml: &str, key: &str, value: &str) -> BTreeMap<String, String> {
    let element = |member: &str, name: &str| {
        let (_, rest) = member.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text.replace("&amp;", "&"))
    };
    xml.split("<member>").filter_map(|member| Some((element(member, key)?, element(member, value)?))).collect()
}
