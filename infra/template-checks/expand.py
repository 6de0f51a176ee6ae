"""Prints a SAM template as the plain CloudFormation that SAM makes of it.

cfn-lint exempts templates with the SAM transform from some of its rules, the one that knows the names of IAM actions
among them, and overlooks misspelt properties of event sources. Expanding finds the latter; linting what comes out, the
former.
"""

import json
import os
import sys
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """Stands in for a look-up at AWS. The template spells out every policy, so there is nothing to look up."""

    @staticmethod
    def load():
        return {}


def main(path):
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # SAM asks which partition it is in
    template = yaml_parse(Path(path).read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        # As after the upload of `sam deploy`: SAM expands only code that is in a bucket.
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    try:
        expanded = transform(template, {}, NoManagedPolicies)
    except InvalidDocumentException as invalid:
        sys.exit(f"{path}: " + "; ".join(cause.message for cause in invalid.causes))
    json.dump(expanded, sys.stdout, indent=1)


main(sys.argv[1])
