"""Listings page by page: max-keys, markers, continuation tokens; and ListObjectVersions."""

from checks import alice, check, equal, fresh_bucket, keys_of, prefixes_of, refused, run_checks, signed, target

FLAT = ["bar", "baz", "cab", "foo"]


TREE = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"]


def v1(bucket, **kwargs):
    return alice.list_objects(Bucket=bucket, **kwargs)


def v2(bucket, **kwargs):
    return alice.list_objects_v2(Bucket=bucket, **kwargs)


@check
def max_keys_one():
    """max-keys 1 returns one key and is truncated"""
    bucket = fresh_bucket(FLAT)
    page = v2(bucket, MaxKeys=1)
    equal((keys_of(page), page["IsTruncated"], page["MaxKeys"], page["KeyCount"]), (["bar"], True, 1, 1))
    page = v1(bucket, MaxKeys=1)
    equal((keys_of(page), page["IsTruncated"]), (["bar"], True))
    equal(keys_of(v1(bucket, Marker="bar")), FLAT[1:])


@check
def max_keys_zero():
    """max-keys 0 returns nothing and is not truncated"""
    bucket = fresh_bucket(FLAT)
    for page in v1(bucket, MaxKeys=0), v2(bucket, MaxKeys=0):
        equal((keys_of(page), page["IsTruncated"], page["MaxKeys"]), ([], False, 0))


@check
def max_keys_exact():
    """A page that contains exactly all keys is not truncated"""
    equal(v2(fresh_bucket(FLAT), MaxKeys=4)["IsTruncated"], False)


@check
def max_keys_large():
    """max-keys above 1000 is reduced to 1000, and echoed as 1000"""
    equal(v2(fresh_bucket(FLAT), MaxKeys=5000)["MaxKeys"], 1000)


@check
def max_keys_invalid():
    """max-keys that is not a number is InvalidArgument"""
    refused("InvalidArgument", 400, v2, fresh_bucket(), MaxKeys="blah")


@check
def max_keys_negative():
    """A negative max-keys is InvalidArgument"""
    refused("InvalidArgument", 400, v1, fresh_bucket(), MaxKeys=-1)


@check
def max_keys_prefixes():
    """Common prefixes count towards max-keys, each once across all pages"""
    bucket = fresh_bucket([f"{letter}/{i}" for letter in "abcde" for i in range(3)])
    found, token = [], {}
    for _ in range(10):
        page = v2(bucket, Delimiter="/", MaxKeys=2, **token)
        found += prefixes_of(page)
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    equal(found, ["a/", "b/", "c/", "d/", "e/"])


@check
def next_marker():
    """Version 1 returns a NextMarker only with a delimiter"""
    bucket = fresh_bucket(TREE)
    equal("NextMarker" in v1(bucket, MaxKeys=2), False)
    equal(v1(bucket, MaxKeys=2, Delimiter="/")["NextMarker"], "boo/")


@check
def next_marker_continues():
    """A NextMarker that is a common prefix continues after all of its keys"""
    page = v1(fresh_bucket(TREE), Marker="boo/", Delimiter="/")
    equal((keys_of(page), prefixes_of(page)), ([], ["cquux/"]))


@check
def marker_not_there():
    """A marker need not be a key"""
    page = v1(fresh_bucket(FLAT), Marker="blah")
    equal((keys_of(page), page["Marker"]), (["cab", "foo"], "blah"))


@check
def marker_after():
    """A marker after the last key returns nothing"""
    page = v1(fresh_bucket(FLAT), Marker="zzz")
    equal((keys_of(page), page["IsTruncated"]), ([], False))


@check
def marker_empty():
    """An empty marker counts as absent, and is echoed"""
    page = v1(fresh_bucket(FLAT), Marker="")
    equal((keys_of(page), page["Marker"]), (FLAT, ""))


@check
def marker_unreadable():
    """A marker that XML must escape is echoed unchanged"""
    page = v1(fresh_bucket(FLAT), Marker="\n")
    equal((keys_of(page), page["Marker"]), (FLAT, "\n"))


@check
def marker_before_prefix():
    """A marker before the prefix does not widen the list"""
    equal(keys_of(v1(fresh_bucket(TREE), Prefix="boo/", Marker="a")), ["boo/bar", "boo/baz/xyzzy"])


@check
def start_after():
    """start-after continues after any string, and is echoed"""
    bucket = fresh_bucket(FLAT)
    page = v2(bucket, StartAfter="bar")
    equal((keys_of(page), page["StartAfter"]), (["baz", "cab", "foo"], "bar"))
    equal(keys_of(v2(bucket, StartAfter="bas")), ["baz", "cab", "foo"])
    equal(keys_of(v2(bucket, StartAfter="zzz")), [])


@check
def start_after_loses():
    """A continuation token takes precedence over start-after"""
    bucket = fresh_bucket(FLAT)
    token = v2(bucket, MaxKeys=1)["NextContinuationToken"]
    equal(keys_of(v2(bucket, ContinuationToken=token, StartAfter="cab")), FLAT[1:])


@check
def token_echoed():
    """The continuation token is echoed"""
    bucket = fresh_bucket(FLAT)
    token = v2(bucket, MaxKeys=1)["NextContinuationToken"]
    equal(v2(bucket, ContinuationToken=token)["ContinuationToken"], token)


@check
def token_invalid():
    """An invalid continuation token is InvalidArgument"""
    refused("InvalidArgument", 400, v2, fresh_bucket(), ContinuationToken="no such token")


@check
def token_empty():
    """An empty continuation token counts as absent, and is echoed (AWS rejects it)"""
    answer = signed("GET", target(fresh_bucket(["a"]), query={"list-type": "2", "continuation-token": ""}))
    equal((answer.status, answer.text("ContinuationToken"), answer.text("KeyCount")), (200, None, "1"))
    equal(b"<ContinuationToken></ContinuationToken>" in answer.body, True, "the echo")


@check
def deleted_marker():
    """A list continues after a key that was deleted between two pages"""
    bucket = fresh_bucket(FLAT)
    token = v2(bucket, MaxKeys=2)["NextContinuationToken"]
    alice.delete_object(Bucket=bucket, Key="baz")
    equal(keys_of(v2(bucket, ContinuationToken=token)), ["cab", "foo"])


@check
def thousand():
    """A full page has 1000 keys"""
    bucket = fresh_bucket([f"{i:04}" for i in range(1003)], body=b"")
    page = v2(bucket)
    equal((len(page["Contents"]), page["IsTruncated"]), (1000, True))
    equal(keys_of(v2(bucket, ContinuationToken=page["NextContinuationToken"])), ["1000", "1001", "1002"])


@check
def versions():
    """Without versioning, the latest version of every object is null"""
    bucket = fresh_bucket(FLAT)
    page = alice.list_object_versions(Bucket=bucket)
    equal(
        [(item["Key"], item["VersionId"], item["IsLatest"]) for item in page["Versions"]],
        [(k, "null", True) for k in FLAT],
    )
    equal("DeleteMarkers" in page, False)


@check
def versions_pages():
    """ListObjectVersions continues at a key marker, also with common prefixes"""
    bucket = fresh_bucket(TREE)
    page = alice.list_object_versions(Bucket=bucket, Delimiter="/", MaxKeys=2)
    equal((page["NextKeyMarker"], prefixes_of(page), page["IsTruncated"]), ("boo/", ["boo/"], True))
    page = alice.list_object_versions(Bucket=bucket, Delimiter="/", KeyMarker=page["NextKeyMarker"])
    equal(prefixes_of(page), ["cquux/"])


@check
def versions_marker_alone():
    """A version marker without a key marker is InvalidArgument"""
    refused("InvalidArgument", 400, alice.list_object_versions, Bucket=fresh_bucket(), VersionIdMarker="null")


run_checks()
