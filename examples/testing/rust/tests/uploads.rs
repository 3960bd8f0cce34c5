use object_store::{ObjectStoreExt, aws::AmazonS3Builder, path::Path};

#[tokio::test]
async fn reads_what_it_wrote() {
    let bucket = std::env::var("AWS_S3_BUCKET").unwrap();
    let s3 = AmazonS3Builder::from_env().with_bucket_name(bucket).build().unwrap();
    let key = Path::from("rust.txt");
    s3.put(&key, "hello".into()).await.unwrap();
    assert_eq!(s3.get(&key).await.unwrap().bytes().await.unwrap(), "hello");
}
