import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;

class UploadsTest {
  @Test
  void readsWhatItWrote() {
    var bucket = System.getenv("AWS_S3_BUCKET");
    try (var s3 = S3Client.create()) {
      s3.putObject(put -> put.bucket(bucket).key("java.txt"), RequestBody.fromString("hello"));
      assertEquals("hello", s3.getObjectAsBytes(get -> get.bucket(bucket).key("java.txt")).asUtf8String());
    }
  }
}
