# Uploads files with the AWS SDK for Ruby, reads them back, and prints the result as JSON.
require 'aws-sdk-s3'
require 'digest'
require 'json'
require 'net/http'
require 'stringio'

spec = JSON.parse($stdin.read)
files = spec['files'].to_h { |name, path| [name, File.binread(path)] }
client = Aws::S3::Client.new(
  endpoint: spec['endpoint'], region: spec['region'], force_path_style: true,
  access_key_id: spec['accessKeyId'], secret_access_key: spec['secretAccessKey'], retry_limit: 0
)
name = spec['bucket']
bucket = Aws::S3::Resource.new(client: client).bucket(name)
small = 5 * 1024 * 1024
digest = ->(bytes) { Digest::SHA256.hexdigest(bytes) }
read_all = ->(prefix) { files.to_h { |file, _| [file, digest.(bucket.object("#{prefix}/#{file}").get.body.read)] } }

read = {}
files.each { |file, bytes| client.put_object(bucket: name, key: "put/#{file}", body: bytes, metadata: { 'a' => 'b' }) }
read['put'] = read_all.('put')
files.each { |file, _| bucket.object("file/#{file}").upload_file(spec['files'][file], multipart_threshold: small) }
read['file'] = read_all.('file')
# A stream without a byte is one that the SDK itself cannot send.
read['stream'] = files.reject { |_, bytes| bytes.empty? }.to_h do |file, bytes|
  object = bucket.object("stream/#{file}")
  object.upload_stream(part_size: small) { |out| out.binmode; out << bytes }
  [file, digest.(object.get.body.read)]
end

checksums = %w[CRC32 SHA1 SHA256].to_h do |algorithm|
  client.put_object(bucket: name, key: algorithm, body: files['large.bin'], checksum_algorithm: algorithm)
  got = client.get_object(bucket: name, key: algorithm, checksum_mode: 'ENABLED')
  [algorithm, got.public_send("checksum_#{algorithm.downcase}") != nil]
end

bucket.object('file/large.bin').copy_to("#{name}/copied é", multipart_copy: true)
bucket.object('copied é').move_to("#{name}/moved +%")
copied = digest.(bucket.object('moved +%').get.body.read) == digest.(files['large.bin'])

form = bucket.presigned_post(key: 'posted ü', content_length_range: 1..100, success_action_status: '201')
post = Net::HTTP::Post.new(URI(form.url))
post.set_form(form.fields.to_a + [['file', StringIO.new('by form'), { filename: 'x' }]], 'multipart/form-data')
posted = Net::HTTP.start(URI(form.url).host, URI(form.url).port) { |http| http.request(post) }.code
put = URI(bucket.object('signed ü+').presigned_url(:put, content_type: 'text/x-r'))
request = Net::HTTP::Put.new(put, 'content-type' => 'text/x-r')
request.body = 'by URL'
Net::HTTP.start(put.host, put.port) { |http| http.request(request) }
described = URI(bucket.object('described').presigned_url(:put, metadata: { 'album' => '2026' }, acl: 'public-read'))
Net::HTTP.start(described.host, described.port) { |http| http.request(Net::HTTP::Put.new(described), 'by URL') }
album = Net::HTTP.get_response(URI("#{spec['endpoint']}/#{name}/described"))['x-amz-meta-album']
signed = Net::HTTP.get(URI(bucket.object('signed ü+').presigned_url(:get)))

client.wait_until(:object_exists, bucket: name, key: 'signed ü+')
missing = begin
  client.get_object(bucket: name, key: 'none')
rescue Aws::S3::Errors::ServiceError => e
  e.code
end
listed = bucket.objects(max_keys: 5).map(&:key)
bucket.objects(prefix: 'put/').batch_delete!
left = bucket.objects(prefix: 'put/').map(&:key)
puts JSON.generate(
  read: read, checksums: checksums, copied: copied, posted: posted, signed: signed, missing: missing, album: album,
  listed: listed, left: left
)
