// The clients of alice, from what the suite says on standard input.
package main

import (
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
)

type task struct {
	Operation  string `json:"operation"`
	Bucket     string `json:"bucket"`
	Key        string `json:"key"`
	UploadID   string `json:"uploadId"`
	PartNumber int    `json:"partNumber"`
}

type spec struct {
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	// What to sign.
	Tasks []task `json:"tasks"`
	// What to drive the SDK with: a bucket that is there, and files by key.
	Bucket string            `json:"bucket"`
	Files  map[string]string `json:"files"`
}

func awsClient(s spec) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:     aws.String(s.Endpoint),
		Region:           s.Region,
		Credentials:      credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, ""),
		UsePathStyle:     true,
		RetryMaxAttempts: 1,
	})
}

func minioClient(s spec) (*minio.Client, error) {
	endpoint, err := url.Parse(s.Endpoint)
	if err != nil {
		return nil, err
	}
	return minio.New(endpoint.Host, &minio.Options{
		Creds:      miniocredentials.NewStaticV4(s.AccessKeyID, s.SecretAccessKey, ""),
		Region:     s.Region,
		MaxRetries: 1,
	})
}
