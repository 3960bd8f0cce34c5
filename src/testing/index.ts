/** `postern/testing`: a gateway inside a test suite. */
export {
  startPostern,
  type Postern,
  type S3ClientConfig,
  type Settings,
  type StartOptions,
  type TestWorker,
  type UploadInput,
} from './start-postern.ts'
export type { FileFacts, FileMatch } from './file-events.ts'
export type { RequestJournal, RequestMatch, TestRequest } from './request-journal.ts'
