package main

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
)

type signed struct {
	URL    string            `json:"url"`
	Fields map[string]string `json:"fields,omitempty"`
	// To be sent with the URL.
	Headers map[string]string `json:"headers,omitempty"`
}

const expiry = 10 * time.Minute

func presignByAws(ctx context.Context, s spec) ([]signed, error) {
	client := s3.NewPresignClient(awsClient(s), s3.WithPresignExpires(expiry))
	results := make([]signed, 0, len(s.Tasks))
	for _, t := range s.Tasks {
		bucket, key := aws.String(t.Bucket), aws.String(t.Key)
		var request *v4.PresignedHTTPRequest
		var err error
		switch t.Operation {
		case "PUT":
			request, err = client.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key})
		case "DESCRIBED_PUT":
			request, err = client.PresignPutObject(ctx, &s3.PutObjectInput{
				Bucket: bucket, Key: key, Metadata: map[string]string{"album": "2026"},
				ACL: types.ObjectCannedACLPublicRead, ExpectedBucketOwner: aws.String("alice"),
			})
		case "HEAD":
			request, err = client.PresignHeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: key})
		case "GET":
			request, err = client.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		case "DELETE":
			request, err = client.PresignDeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
		case "UPLOAD_PART":
			request, err = client.PresignUploadPart(ctx, &s3.UploadPartInput{
				Bucket: bucket, Key: key, UploadId: aws.String(t.UploadID), PartNumber: aws.Int32(int32(t.PartNumber)),
			})
		case "POST":
			form, err := client.PresignPostObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key})
			if err != nil {
				return nil, err
			}
			results = append(results, signed{URL: form.URL, Fields: form.Values})
			continue
		default:
			err = fmt.Errorf("no operation %q", t.Operation)
		}
		if err != nil {
			return nil, err
		}
		headers := map[string]string{}
		for name := range request.SignedHeader {
			if name != "Host" {
				headers[name] = request.SignedHeader.Get(name)
			}
		}
		results = append(results, signed{URL: request.URL, Headers: headers})
	}
	return results, nil
}

func presignByMinio(ctx context.Context, s spec) ([]signed, error) {
	client, err := minioClient(s)
	if err != nil {
		return nil, err
	}
	results := make([]signed, 0, len(s.Tasks))
	for _, t := range s.Tasks {
		if t.Operation == "POST" {
			form, err := postByMinio(ctx, client, t)
			if err != nil {
				return nil, err
			}
			results = append(results, form)
			continue
		}
		method, query := t.Operation, url.Values{}
		if method == "UPLOAD_PART" {
			method = "PUT"
			query.Set("uploadId", t.UploadID)
			query.Set("partNumber", strconv.Itoa(t.PartNumber))
		}
		location, err := client.Presign(ctx, method, t.Bucket, t.Key, expiry, query)
		if err != nil {
			return nil, err
		}
		results = append(results, signed{URL: location.String()})
	}
	return results, nil
}

func postByMinio(ctx context.Context, client *minio.Client, t task) (signed, error) {
	policy := minio.NewPostPolicy()
	if err := policy.SetBucket(t.Bucket); err != nil {
		return signed{}, err
	}
	if err := policy.SetKey(t.Key); err != nil {
		return signed{}, err
	}
	if err := policy.SetExpires(time.Now().UTC().Add(expiry)); err != nil {
		return signed{}, err
	}
	location, fields, err := client.PresignedPostPolicy(ctx, policy)
	if err != nil {
		return signed{}, err
	}
	return signed{URL: location.String(), Fields: fields}, nil
}
