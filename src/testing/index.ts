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
export type { Fault, FaultInput, Narrowed } from './faults/fault.ts'
export type { PresetName } from './faults/presets.ts'
export type { Rule as FaultRule, RuleInput as FaultRuleInput } from './faults/rule.ts'
export type { Clock, ClockReading, ClockStep } from './test-clock.ts'
export type { FileFacts, FileMatch } from './file-events.ts'
export type { RequestJournal, RequestMatch, TestRequest } from './request-journal.ts'
