"""Buckets: names, owners, life; and what is not implemented."""

import base64
import hashlib
from urllib.parse import quote

from checks import alice, bob, check, equal, fresh_bucket, read, refused, run_checks, signed, target

ORIGIN = "https://app.example.com"


@check
def names():
    """Invalid bucket names are InvalidBucketName"""
    for good in ["a-1", "a.b-c", "0numbers9", "x" * 63, "foo.bar.baz"]:
        alice.create_bucket(Bucket=good)
        alice.delete_bucket(Bucket=good)
    for bad in [
        "ab",
        "x" * 64,
        "Upper",
        "under_score",
        "-dash",
        "dash-",
        ".dot",
        "dot.",
        "two..dots",
        "dot.-dash",
        "192.168.5.4",
        "xn--puny",
        "bang!",
        "a%20b",
    ]:
        answer = signed("PUT", f"/{quote(bad)}")
        equal((answer.status, answer.code), (400, "InvalidBucketName"), bad)


@check
def created():
    """A new bucket exists, is empty, and has a location"""
    name = fresh_bucket()
    answer = alice.head_bucket(Bucket=name)
    equal((answer["ResponseMetadata"]["HTTPStatusCode"], answer["BucketRegion"]), (200, "us-east-1"))
    equal(name in [bucket["Name"] for bucket in alice.list_buckets()["Buckets"]], True)
    equal(alice.get_bucket_location(Bucket=name)["LocationConstraint"], None)
    equal("Status" in alice.get_bucket_versioning(Bucket=name), False)


@check
def location_header():
    """CreateBucket answers with a Location"""
    equal(signed("PUT", "/located-bucket").headers["location"], "/located-bucket")


@check
def created_again():
    """In us-east-1, creating one's own bucket again is 200 and keeps its objects"""
    name = fresh_bucket(["k"])
    alice.create_bucket(Bucket=name)
    equal(read(name, "k"), b"x")


@check
def created_by_another():
    """Creating another user's bucket is BucketAlreadyExists"""
    refused("BucketAlreadyExists", 409, bob.create_bucket, Bucket=fresh_bucket())


@check
def created_elsewhere():
    """A location other than the endpoint's region is rejected"""
    settings = {"LocationConstraint": "eu-west-1"}
    refused(
        "IllegalLocationConstraintException",
        400,
        alice.create_bucket,
        Bucket="elsewhere",
        CreateBucketConfiguration=settings,
    )


@check
def deleted():
    """A deleted bucket no longer exists, and deleting it again is NoSuchBucket"""
    name = fresh_bucket()
    alice.delete_bucket(Bucket=name)
    refused("404", 404, alice.head_bucket, Bucket=name)
    refused("NoSuchBucket", 404, alice.delete_bucket, Bucket=name)


@check
def deleted_full():
    """A bucket with objects is BucketNotEmpty"""
    name = fresh_bucket(["k"])
    refused("BucketNotEmpty", 409, alice.delete_bucket, Bucket=name)
    alice.delete_object(Bucket=name, Key="k")
    alice.delete_bucket(Bucket=name)


@check
def deleted_foreign():
    """Another user's bucket cannot be deleted, and a HEAD of it is 403"""
    name = fresh_bucket()
    refused("AccessDenied", 403, bob.delete_bucket, Bucket=name)
    refused("403", 403, bob.head_bucket, Bucket=name)


@check
def listed_apart():
    """Each user lists their own buckets"""
    hers, his = fresh_bucket(), fresh_bucket(owner=bob)
    names = lambda client: {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}  # noqa: E731
    equal((hers in names(alice), his in names(alice), his in names(bob)), (True, False, True))


@check
def listed_in_pages():
    """ListBuckets returns pages, also with a prefix"""
    for letter in "abc":
        alice.create_bucket(Bucket=f"paged-{letter}")
    first = alice.list_buckets(MaxBuckets=2, Prefix="paged-")
    rest = alice.list_buckets(MaxBuckets=2, Prefix="paged-", ContinuationToken=first["ContinuationToken"])
    equal([bucket["Name"] for page in (first, rest) for bucket in page["Buckets"]], ["paged-a", "paged-b", "paged-c"])
    equal("ContinuationToken" in rest, False)


@check
def expected_owner():
    """x-amz-expected-bucket-owner with another owner is AccessDenied"""
    name = fresh_bucket(["k"])
    alice.head_bucket(Bucket=name, ExpectedBucketOwner="alice")
    refused("AccessDenied", 403, alice.get_object, Bucket=name, Key="k", ExpectedBucketOwner="bob")


@check
def malformed_xml():
    """A document that is not XML, or has a document type, is MalformedXML"""
    name = fresh_bucket()
    for body in [b"<CORSConfiguration>", b"no xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><CORSConfiguration/>", b"<Other/>"]:
        digest = base64.b64encode(hashlib.md5(body).digest()).decode()
        answer = signed("PUT", target(name, query={"cors": ""}), {"content-md5": digest}, body)
        equal((answer.status, answer.code), (400, "MalformedXML"), body)


@check
def not_implemented():
    """Unsupported sub-resources are NotImplemented, and never run another operation"""
    name = fresh_bucket(["k"])
    for method, path in [
        ("PUT", target(name, query={"replication": ""})),
        ("PUT", target(name, query={"website": ""})),
        ("PUT", target(name, query={"encryption": ""})),
        ("GET", target(name, "k", {"torrent": ""})),
        ("POST", target(name, "k", {"restore": ""})),
    ]:
        answer = signed(method, path)
        equal((answer.status, answer.code), (501, "NotImplemented"), f"{method} {path}")
    equal(read(name, "k"), b"x")


@check
def nothing_configured():
    """Settings without a value are read with AWS's error code, and deleted without an error"""
    name = fresh_bucket()
    for code, call in [
        ("NoSuchTagSet", alice.get_bucket_tagging),
        ("OwnershipControlsNotFoundError", alice.get_bucket_ownership_controls),
        ("NoSuchPublicAccessBlockConfiguration", alice.get_public_access_block),
        ("ServerSideEncryptionConfigurationNotFoundError", alice.get_bucket_encryption),
        ("NoSuchLifecycleConfiguration", alice.get_bucket_lifecycle_configuration),
        ("NoSuchBucketPolicy", alice.get_bucket_policy),
        ("NoSuchBucketPolicy", alice.get_bucket_policy_status),
        ("ReplicationConfigurationNotFoundError", alice.get_bucket_replication),
        ("NoSuchWebsiteConfiguration", alice.get_bucket_website),
        ("ObjectLockConfigurationNotFoundError", alice.get_object_lock_configuration),
    ]:
        refused(code, 404, call, Bucket=name)
    for call in [
        alice.delete_bucket_tagging,
        alice.delete_bucket_ownership_controls,
        alice.delete_public_access_block,
        alice.delete_bucket_encryption,
        alice.delete_bucket_lifecycle,
        alice.delete_bucket_policy,
        alice.delete_bucket_replication,
        alice.delete_bucket_website,
    ]:
        equal(call(Bucket=name)["ResponseMetadata"]["HTTPStatusCode"], 204, call.__name__)
    equal(alice.get_bucket_request_payment(Bucket=name)["Payer"], "BucketOwner")
    for call, field in [
        (alice.get_bucket_logging, "LoggingEnabled"),
        (alice.get_bucket_accelerate_configuration, "Status"),
        (alice.get_bucket_notification_configuration, "QueueConfigurations"),
        (alice.list_bucket_inventory_configurations, "InventoryConfigurationList"),
        (alice.list_bucket_metrics_configurations, "MetricsConfigurationList"),
        (alice.list_bucket_analytics_configurations, "AnalyticsConfigurationList"),
        (alice.list_bucket_intelligent_tiering_configurations, "IntelligentTieringConfigurationList"),
    ]:
        equal(field in call(Bucket=name), False, call.__name__)


@check
def configured():
    """Tags, ownership controls and the public access block of a bucket are set, read and removed"""
    name = fresh_bucket()
    tags = [{"Key": "team", "Value": "storage"}]
    alice.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    equal(alice.get_bucket_tagging(Bucket=name)["TagSet"], tags)
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    alice.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    equal(alice.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"], controls)
    refused(
        "AccessControlListNotSupported", 400, alice.put_object, Bucket=name, Key="k", Body=b"x", ACL="public-read"
    )
    alice.delete_bucket_ownership_controls(Bucket=name)
    block = {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    alice.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    equal(alice.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"], block)
    refused("AccessDenied", 403, alice.put_bucket_acl, Bucket=name, ACL="public-read")
    alice.delete_public_access_block(Bucket=name)
    alice.put_bucket_acl(Bucket=name, ACL="public-read")
    alice.delete_bucket(Bucket=name)


@check
def method_not_allowed():
    """A method that a resource does not have is MethodNotAllowed"""
    answer = signed("POST", target(fresh_bucket(["k"]), "k"))
    equal((answer.status, answer.code), (405, "MethodNotAllowed"))
    equal(signed("DELETE", "/").status, 405)


run_checks()
