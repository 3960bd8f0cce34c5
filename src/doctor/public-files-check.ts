/** Checks whether public files can harm the people who open them. */
import { ok, unknown, type Check } from './check.ts'

export type PublicSubject = { risks: readonly { message: string; advice: string }[] }

const content: Check<PublicSubject> = {
  name: 'public-files',
  async run({ risks }) {
    if (risks.length === 0) return ok('Public files cannot run scripts on an origin of your application.')
    return unknown(risks.map(({ message }) => message).join(' '), risks.map(({ advice }) => advice).join(' '))
  },
}

export const publicChecks: readonly Check<PublicSubject>[] = [content]
