import os

import boto3

bucket = os.environ["AWS_S3_BUCKET"]


def test_reads_what_it_wrote():
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="pytest.txt", Body=b"hello")
    assert s3.get_object(Bucket=bucket, Key="pytest.txt")["Body"].read() == b"hello"
