"""ListObjects and ListObjectsV2: which keys, in which order, rolled up by which delimiters."""

from checks import alice, bob, check, equal, fresh_bucket, keys_of, prefixes_of, refused, run_checks, signed, target

FLAT = ["bar", "baz", "cab", "foo"]


TREE = ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"]


def v1(bucket, **kwargs):
    return alice.list_objects(Bucket=bucket, **kwargs)


def v2(bucket, **kwargs):
    return alice.list_objects_v2(Bucket=bucket, **kwargs)


@check
def empty():
    """Both list versions return nothing for an empty bucket"""
    bucket = fresh_bucket()
    equal((keys_of(v1(bucket)), v1(bucket)["IsTruncated"]), ([], False))
    page = v2(bucket)
    equal((keys_of(page), page["KeyCount"], page["IsTruncated"]), ([], 0, False))


@check
def order():
    """Keys are sorted by their UTF-8 bytes"""
    names = ["a", "a\u00e9", "a\U0001f642", "a\uff5e", "A", "a/", "a0", "a!", "B", "\u00e9"]
    equal(keys_of(v2(fresh_bucket(names))), sorted(names, key=lambda name: name.encode()))


@check
def surrogates():
    """A key beyond the BMP sorts after one at its end, by bytes and not by UTF-16 units"""
    equal(keys_of(v2(fresh_bucket(["\U0001f642", "\uff5e"]))), ["\uff5e", "\U0001f642"])


@check
def delimiter_slash():
    """A delimiter groups keys into common prefixes"""
    bucket = fresh_bucket(TREE)
    for page in v1(bucket, Delimiter="/"), v2(bucket, Delimiter="/"):
        equal((keys_of(page), prefixes_of(page), page["Delimiter"]), (["asdf"], ["boo/", "cquux/"], "/"))


@check
def delimiter_counts():
    """KeyCount counts keys and common prefixes"""
    equal(v2(fresh_bucket(TREE), Delimiter="/")["KeyCount"], 3)


def delimits(delimiter, names, keys, prefixes):
    bucket = fresh_bucket(names)
    for page in v1(bucket, Delimiter=delimiter), v2(bucket, Delimiter=delimiter):
        equal((keys_of(page), prefixes_of(page), page.get("Delimiter")), (keys, prefixes, delimiter))


@check
def delimiter_letter():
    """Any letter can be the delimiter"""
    delimits("a", FLAT, ["foo"], ["ba", "ca"])


@check
def delimiter_percent():
    """A percent sign can be the delimiter"""
    delimits("%", ["b%ar", "b%az", "c%ab", "foo"], ["foo"], ["b%", "c%"])


@check
def delimiter_space():
    """A space can be the delimiter"""
    delimits(" ", ["b ar", "b az", "c ab", "foo"], ["foo"], ["b ", "c "])


@check
def delimiter_dot():
    """A dot can be the delimiter"""
    delimits(".", ["b.ar", "b.az", "c.ab", "foo"], ["foo"], ["b.", "c."])


@check
def delimiter_underscore():
    """An underscore is not a wildcard"""
    delimits("_", ["b_ar", "bxaz", "c_ab"], ["bxaz"], ["b_", "c_"])


@check
def delimiter_unicode():
    """A character of several bytes can be the delimiter"""
    delimits("\u65e5", ["a\u65e5b", "a\u65e5c", "z"], ["z"], ["a\u65e5"])


@check
def delimiter_long():
    """A delimiter can have several characters"""
    delimits("--", ["a--1", "a--2", "b-1"], ["b-1"], ["a--"])


@check
def delimiter_unreadable():
    """A delimiter that no key contains changes nothing"""
    page = v2(fresh_bucket(FLAT), Delimiter="\n")
    equal((keys_of(page), prefixes_of(page)), (FLAT, []))


@check
def delimiter_empty():
    """An empty delimiter counts as absent, and is not echoed"""
    bucket = fresh_bucket(TREE)
    for page in v1(bucket, Delimiter=""), v2(bucket, Delimiter=""):
        equal((keys_of(page), "Delimiter" in page), (sorted(TREE), False))


@check
def delimiter_at_end():
    """A key that ends with the delimiter is a common prefix"""
    page = v2(fresh_bucket(["dir/", "dir/a", "file"]), Delimiter="/")
    equal((keys_of(page), prefixes_of(page)), (["file"], ["dir/"]))


@check
def prefix_is_key():
    """A key that equals the prefix is listed next to the keys below it"""
    page = v2(fresh_bucket(["dir/", "dir/a", "dir/b/c"]), Prefix="dir/", Delimiter="/")
    equal((keys_of(page), prefixes_of(page)), (["dir/", "dir/a"], ["dir/b/"]))


@check
def prefix():
    """A prefix selects keys and is echoed"""
    for page in v1(bucket := fresh_bucket(TREE), Prefix="boo/"), v2(bucket, Prefix="boo/"):
        equal((keys_of(page), page["Prefix"]), (["boo/bar", "boo/baz/xyzzy"], "boo/"))


@check
def prefix_wildcards():
    """Wildcard characters are literal in a prefix"""
    bucket = fresh_bucket(["a%b", "a_b", "a*b", "a[b", "axb"])
    for text in ["a%", "a_", "a*", "a["]:
        equal(keys_of(v2(bucket, Prefix=text)), [f"{text}b"])


@check
def prefix_case():
    """Prefixes are case-sensitive"""
    equal(keys_of(v2(fresh_bucket(["A1", "a1"]), Prefix="a")), ["a1"])


@check
def prefix_delimiter():
    """Prefix and delimiter together list one level below the prefix"""
    page = v2(fresh_bucket(TREE), Prefix="boo/", Delimiter="/")
    equal((keys_of(page), prefixes_of(page)), (["boo/bar"], ["boo/baz/"]))


@check
def prefix_delimiter_partial():
    """A prefix can end within a segment"""
    page = v2(fresh_bucket(["foo/bar", "foo/baz/x", "fob/y"]), Prefix="fo", Delimiter="/")
    equal((keys_of(page), prefixes_of(page)), ([], ["fob/", "foo/"]))


@check
def prefix_absent():
    """A prefix that no key has returns nothing"""
    page = v2(fresh_bucket(TREE), Prefix="nothing")
    equal((keys_of(page), page["KeyCount"]), ([], 0))


@check
def encoding():
    """encoding-type=url encodes keys, prefixes and delimiters, and keeps slashes"""
    bucket = fresh_bucket(["a b+c/%d", "\u00e9\u65e5/x", "plain*~!'()"])
    answer = signed("GET", target(bucket, query={"list-type": "2", "encoding-type": "url"}))
    for text in [b"<Key>a+b%2Bc/%25d</Key>", b"<Key>a%20b%2Bc/%25d</Key>"]:
        if text in answer.body:
            break
    else:
        raise AssertionError(answer.body)
    equal(b"<Key>%C3%A9%E6%97%A5/x</Key>" in answer.body, True, "the other scripts' key")
    answer = signed("GET", target(bucket, query={"encoding-type": "url", "delimiter": " ", "prefix": "a"}))
    equal((answer.text("EncodingType"), answer.text("Prefix")), ("url", "a"))


@check
def encoding_unknown():
    """An unknown encoding-type is InvalidArgument"""
    answer = signed("GET", target(fresh_bucket(), query={"encoding-type": "rot13"}))
    equal((answer.status, answer.code), (400, "InvalidArgument"))


@check
def list_type_unknown():
    """An unknown list-type is InvalidArgument"""
    answer = signed("GET", target(fresh_bucket(), query={"list-type": "3"}))
    equal((answer.status, answer.code), (400, "InvalidArgument"))


@check
def owner():
    """Version 1 returns owners, version 2 only with fetch-owner"""
    bucket = fresh_bucket(["a"])
    owned = v1(bucket)["Contents"][0]["Owner"]["ID"]
    equal("Owner" in v2(bucket)["Contents"][0], False)
    equal(v2(bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"], owned)
    equal(alice.list_buckets()["Owner"]["ID"], owned)


@check
def contents():
    """An entry has the size, ETag, date and storage class of its object"""
    bucket = fresh_bucket(["a"], body=b"12345")
    (entry,) = v2(bucket)["Contents"]
    head = alice.head_object(Bucket=bucket, Key="a")
    equal((entry["Size"], entry["ETag"], entry["StorageClass"]), (5, head["ETag"], "STANDARD"))
    equal(entry["LastModified"].replace(microsecond=0), head["LastModified"])


@check
def missing_bucket():
    """An absent bucket is NoSuchBucket"""
    refused("NoSuchBucket", 404, v1, "no-such-bucket-here")
    refused("NoSuchBucket", 404, v2, "no-such-bucket-here")


@check
def foreign_bucket():
    """Another user's bucket is AccessDenied"""
    refused("AccessDenied", 403, bob.list_objects_v2, Bucket=fresh_bucket(FLAT))


@check
def escaping():
    """Keys that contain markup are listed unchanged"""
    names = ["<a>&amp;\"'", "]]>", "a&b"]
    equal(keys_of(v2(fresh_bucket(names))), sorted(names))


run_checks()
