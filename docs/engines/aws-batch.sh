#!/bin/sh
# A template that was not run here: an AWS Batch array job. JOB_QUEUE and the job definition's role are yours.
# AWS_BATCH_JOB_ARRAY_INDEX tells the shard. An array has at most 10,000 tasks: for more shards submit again with
# --shard-offset 10000.
set -eu
aws batch register-job-definition --job-definition-name ct-verify --type container \
    --retry-strategy '{"attempts": 3, "evaluateOnExit": [
        {"onExitCode": "2", "action": "EXIT"},
        {"onReason": "*", "action": "RETRY"}]}' \
    --container-properties '{
        "image": "REGISTRY/ct-verify:VERSION",
        "jobRoleArn": "arn:aws:iam::111122223333:role/verify-cloudtrail",
        "command": ["logs", "--plan", "s3://RESULTS/2024/plan.json", "--result", "s3://RESULTS/2024"],
        "resourceRequirements": [{"type": "VCPU", "value": "2"}, {"type": "MEMORY", "value": "1024"}]}'
aws batch submit-job --job-name ct-verify --job-queue JOB_QUEUE --job-definition ct-verify --array-properties size=200
