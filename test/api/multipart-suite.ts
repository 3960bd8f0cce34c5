/** Multipart uploads through the JSON API, over real HTTP. Both drivers run this suite. */
import { withGateway, type Start } from './invariants.ts'
import { multipartEndings } from './multipart-endings.ts'
import { multipartFlow } from './multipart-flow.ts'
import { multipartRefusals, type Delivery } from './multipart-refusals.ts'
import { multipartRequests } from './multipart-requests.ts'

/** `delivery`: whether parts go to a bucket past us, or through our own endpoint. */
export const multipartSuite = (name: string, start: Start, delivery: Delivery): void =>
  withGateway(`${name}, a multipart upload`, start, (bench) => {
    multipartFlow(bench)
    multipartRequests(bench)
    multipartRefusals(bench, delivery)
    multipartEndings(bench)
  })
