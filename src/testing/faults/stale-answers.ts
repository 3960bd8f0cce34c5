/** Answers that a cache would repeat: the first one for a URL, for a time. */
import type { InterceptedRequest } from '../../http/intercept.ts'
import { recordAnswer, replay, type RecordedAnswer } from './recorded-answer.ts'

/** Bytes of an answer that is remembered. Larger ones are always fresh. */
const maxBytes = 8 * 2 ** 20
/** Query parameters that differ from request to request. */
const volatile =
  /^x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token)$|^(?:signature|expires|awsaccesskeyid|x-id)$/i

type Outcome = { answer: RecordedAnswer } | { refusal: unknown }

export class StaleAnswers {
  readonly #now: () => number
  #outcomes = new Map<string, { at: number } & Outcome>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Answers as the first time within `seconds`, or runs the request and remembers its answer. */
  async answer(request: InterceptedRequest, seconds: number, run: () => Promise<void>): Promise<void> {
    const name = nameOf(request)
    const known = this.#outcomes.get(name)
    if (known && this.#now() - known.at <= seconds * 1000) return repeat(request, known)
    const outcome = await recordAnswer(request.res, run).then(
      (answer): Outcome => ({ answer }),
      (refusal: unknown): Outcome => ({ refusal }),
    )
    if (!('answer' in outcome) || outcome.answer.body.length <= maxBytes) {
      this.#outcomes.set(name, { at: this.#now(), ...outcome })
    }
    repeat(request, outcome)
  }

  clear(): void {
    this.#outcomes.clear()
  }
}

function repeat({ res }: InterceptedRequest, outcome: Outcome): void {
  if ('refusal' in outcome) throw outcome.refusal
  replay(res, outcome.answer)
}

function nameOf({ req, api, operation, bucket, key, query }: InterceptedRequest): string {
  const parameters = [...query].filter(([name]) => !volatile.test(name)).toSorted()
  return JSON.stringify([api, operation, req.method, bucket, key, parameters, req.headers.range, req.headers.origin])
}
