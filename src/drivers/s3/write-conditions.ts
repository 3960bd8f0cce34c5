/** Conditions on a write. Rejected if the store does not support them. */
import type { WriteConditions } from '../driver.ts'
import { StorageError } from '../../errors.ts'
import { bareEtag, present, quotedEtag } from './object-head.ts'
import type { S3Settings } from './settings.ts'

const whereTo = {
  'conditional-put': 'a write',
  conditionalComplete: 'the completion of a multipart upload',
  conditionalCopy: 'a copy',
} as const

export function conditionFields({ preset }: S3Settings, o: WriteConditions, kind: keyof typeof whereTo) {
  const { ifMatch, ifNoneMatch } = o
  if (ifMatch === undefined && ifNoneMatch === undefined) return {}
  const has = kind === 'conditional-put' ? preset.capabilities.includes(kind) : preset[kind]
  if (!has)
    throw new StorageError('NotSupported', {
      message: `The bucket's store does not support conditions on ${whereTo[kind]}.`,
    })
  const tag = ifMatch === undefined || ifMatch === '*' ? ifMatch : (preset.bareIfMatch ? bareEtag : quotedEtag)(ifMatch)
  return present({ IfMatch: tag, IfNoneMatch: ifNoneMatch })
}

export const writeConditions = ({ ifMatch, ifNoneMatch }: WriteConditions): WriteConditions =>
  present({ ifMatch, ifNoneMatch })
