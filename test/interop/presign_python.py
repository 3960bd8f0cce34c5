"""Signs every task of the suite; `boto3`, `boto3-default` or `minio` is the one argument. Prints a list of {url, fields?}."""

import json
import sys
from datetime import datetime, timedelta, timezone

from minio.datatypes import PostPolicy

from python_clients import boto, minio_client, spec

OPERATIONS = {
    "PUT": "put_object",
    "HEAD": "head_object",
    "GET": "get_object",
    "DELETE": "delete_object",
    "UPLOAD_PART": "upload_part",
    "DESCRIBED_PUT": "put_object",
}


def by_boto3(client, task):
    if task["operation"] == "POST":
        form = client.generate_presigned_post(task["bucket"], task["key"], ExpiresIn=600)
        return {"url": form["url"], "fields": form["fields"]}
    params = {"Bucket": task["bucket"], "Key": task["key"]}
    if task["operation"] == "UPLOAD_PART":
        params |= {"UploadId": task["uploadId"], "PartNumber": task["partNumber"]}
    headers = {}
    if task["operation"] == "DESCRIBED_PUT":
        params |= {"Metadata": {"album": "2026"}, "ACL": "public-read", "ExpectedBucketOwner": "alice"}
        # boto3 signs these as headers and does not return them: the caller has to know what to send.
        headers = {"x-amz-meta-album": "2026", "x-amz-acl": "public-read", "x-amz-expected-bucket-owner": "alice"}
    return {"headers": headers, "url": client.generate_presigned_url(OPERATIONS[task["operation"]], Params=params, ExpiresIn=600)}


def by_minio(client, task):
    bucket, key = task["bucket"], task["key"]
    if task["operation"] == "POST":
        policy = PostPolicy(bucket, datetime.now(timezone.utc) + timedelta(minutes=10))
        policy.add_equals_condition("key", key)
        fields = client.presigned_post_policy(policy)
        return {"url": f"{spec['endpoint']}/{bucket}", "fields": fields | {"key": key}}
    query = {}
    if task["operation"] == "UPLOAD_PART":
        query = {"uploadId": task["uploadId"], "partNumber": str(task["partNumber"])}
    method = "PUT" if query else task["operation"]
    return {"url": client.get_presigned_url(method, bucket, key, timedelta(minutes=10), extra_query_params=query)}


client, sign = {
    "boto3": (boto, by_boto3),
    # Without a signature version boto3 presigns with version 2.
    "boto3-default": (lambda: boto(signature_version=None), by_boto3),
    "minio": (minio_client, by_minio),
}[sys.argv[1]]
made = client()
print(json.dumps([sign(made, task) for task in spec["tasks"]]))
