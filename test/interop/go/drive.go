package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

// What an SDK made of the files it was given.
type driven struct {
	// SHA-256 of the bytes read back, by key.
	Read map[string]string `json:"read"`
	// Keys as listed, in the order they came.
	Listed []string `json:"listed"`
	// Keys that were left after all of `removed/` had been deleted.
	Left []string `json:"left"`
	// User metadata and content type of one object, as read back.
	Metadata    map[string]string `json:"metadata"`
	ContentType string            `json:"contentType"`
	// SHA-256 of a range of the largest file.
	Range string `json:"range"`
	// The code of the error for a key that is not there.
	Missing string `json:"missing"`
}

const rangeStart, rangeEnd = 5_000_000, 9_000_000

func digest(r io.Reader) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// A reader that cannot be rewound and does not know its length, as a pipe is.
type pipe struct{ io.Reader }

func keysOf(files map[string]string) []string {
	keys := make([]string, 0, len(files))
	for key := range files {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func driveAws(ctx context.Context, s spec) (*driven, error) {
	client := awsClient(s)
	bucket := aws.String(s.Bucket)
	result := &driven{Read: map[string]string{}}
	uploader := manager.NewUploader(client)
	for _, key := range keysOf(s.Files) {
		file, err := os.Open(s.Files[key])
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if _, err := uploader.Upload(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: aws.String(key), Body: pipe{file}, ContentType: aws.String("text/x-go"),
			Metadata: map[string]string{"from": "go"},
		}); err != nil {
			return nil, fmt.Errorf("upload %q: %w", key, err)
		}
		got, err := client.GetObject(ctx, &s3.GetObjectInput{
			Bucket: bucket, Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled,
		})
		if err != nil {
			return nil, fmt.Errorf("get %q: %w", key, err)
		}
		result.Metadata, result.ContentType = got.Metadata, aws.ToString(got.ContentType)
		if result.Read[key], err = digest(got.Body); err != nil {
			return nil, err
		}
		got.Body.Close()
	}

	part, err := client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: bucket, Key: aws.String("large.bin"), Range: aws.String(fmt.Sprintf("bytes=%d-%d", rangeStart, rangeEnd)),
	})
	if err != nil {
		return nil, err
	}
	if result.Range, err = digest(part.Body); err != nil {
		return nil, err
	}
	part.Body.Close()

	for i := range 5 {
		if _, err := client.CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: bucket, Key: aws.String(fmt.Sprintf("removed/%d", i)), CopySource: aws.String(s.Bucket + "/plain.txt"),
		}); err != nil {
			return nil, fmt.Errorf("copy: %w", err)
		}
	}
	list := func(prefix string) ([]string, error) {
		var keys []string
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
			Bucket: bucket, Prefix: aws.String(prefix), MaxKeys: aws.Int32(2),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			for _, object := range page.Contents {
				keys = append(keys, aws.ToString(object.Key))
			}
		}
		return keys, nil
	}
	if result.Listed, err = list(""); err != nil {
		return nil, err
	}
	removed, err := list("removed/")
	if err != nil {
		return nil, err
	}
	objects := make([]types.ObjectIdentifier, 0, len(removed))
	for _, key := range removed {
		objects = append(objects, types.ObjectIdentifier{Key: aws.String(key)})
	}
	if _, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: objects}}); err != nil {
		return nil, fmt.Errorf("delete objects: %w", err)
	}
	if result.Left, err = list(""); err != nil {
		return nil, err
	}
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("no such key")})
	if err != nil && strings.Contains(err.Error(), "NoSuchKey") {
		result.Missing = "NoSuchKey"
	}
	return result, nil
}

func driveMinio(ctx context.Context, s spec) (*driven, error) {
	client, err := minioClient(s)
	if err != nil {
		return nil, err
	}
	result := &driven{Read: map[string]string{}}
	for _, key := range keysOf(s.Files) {
		file, err := os.Open(s.Files[key])
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if _, err := client.PutObject(ctx, s.Bucket, key, pipe{file}, -1, minio.PutObjectOptions{
			ContentType: "text/x-go", UserMetadata: map[string]string{"from": "go"}, PartSize: 5 << 20,
		}); err != nil {
			return nil, fmt.Errorf("put %q: %w", key, err)
		}
		object, err := client.GetObject(ctx, s.Bucket, key, minio.GetObjectOptions{})
		if err != nil {
			return nil, err
		}
		if result.Read[key], err = digest(object); err != nil {
			return nil, fmt.Errorf("get %q: %w", key, err)
		}
		info, err := client.StatObject(ctx, s.Bucket, key, minio.StatObjectOptions{})
		if err != nil {
			return nil, err
		}
		result.ContentType = info.ContentType
		result.Metadata = map[string]string{"from": info.UserMetadata["From"]}
	}

	options := minio.GetObjectOptions{}
	if err := options.SetRange(rangeStart, rangeEnd); err != nil {
		return nil, err
	}
	part, err := client.GetObject(ctx, s.Bucket, "large.bin", options)
	if err != nil {
		return nil, err
	}
	if result.Range, err = digest(part); err != nil {
		return nil, err
	}

	for i := range 5 {
		target := minio.CopyDestOptions{Bucket: s.Bucket, Object: fmt.Sprintf("removed/%d", i)}
		if _, err := client.CopyObject(ctx, target, minio.CopySrcOptions{Bucket: s.Bucket, Object: "plain.txt"}); err != nil {
			return nil, fmt.Errorf("copy: %w", err)
		}
	}
	list := func(prefix string) ([]string, error) {
		var keys []string
		for object := range client.ListObjects(ctx, s.Bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: 2}) {
			if object.Err != nil {
				return nil, object.Err
			}
			keys = append(keys, object.Key)
		}
		return keys, nil
	}
	if result.Listed, err = list(""); err != nil {
		return nil, err
	}
	doomed := client.ListObjects(ctx, s.Bucket, minio.ListObjectsOptions{Prefix: "removed/", Recursive: true})
	for failure := range client.RemoveObjects(ctx, s.Bucket, doomed, minio.RemoveObjectsOptions{}) {
		return nil, failure.Err
	}
	if result.Left, err = list(""); err != nil {
		return nil, err
	}
	_, err = client.StatObject(ctx, s.Bucket, "no such key", minio.StatObjectOptions{})
	result.Missing = minio.ToErrorResponse(err).Code
	return result, nil
}
