/** Multipart uploads through the JSON API, over real HTTP. Both drivers run this suite. */
import { withGateway, type Start } from './invariants.ts'
import { multipartEndings } from './multipart-endings.ts'
import { multipartFlow } from './multipart-flow.ts'
import { multipartRefusals } from './multipart-refusals.ts'
import { multipartRequests } from './multipart-requests.ts'

export const multipartSuite = (name: string, start: Start): void =>
  withGateway(`${name}, a multipart upload`, start, (bench) => {
    multipartFlow(bench)
    multipartRequests(bench)
    multipartRefusals(bench)
    multipartEndings(bench)
  })
