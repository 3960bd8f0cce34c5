"""The clients of both users, from what the suite says on standard input."""

import json
import sys
from urllib.parse import urlsplit

import boto3
import minio
from botocore.config import Config

spec = json.load(sys.stdin)


def boto(who="alice", **config):
    keys = spec["bob"] if who == "bob" else spec
    settings = {"signature_version": "s3v4", "s3": {"addressing_style": "path"}, "retries": {"total_max_attempts": 1}}
    return boto3.client(
        "s3",
        endpoint_url=spec["endpoint"],
        region_name=spec["region"],
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        config=Config(**(settings | config)),
    )


def minio_client():
    return minio.Minio(
        urlsplit(spec["endpoint"]).netloc,
        access_key=spec["accessKeyId"],
        secret_key=spec["secretAccessKey"],
        region=spec["region"],
        secure=False,
    )
