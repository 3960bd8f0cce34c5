/** One round: clients work on new keys during faults, the faults end, and the history is checked. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Figures } from '../figures.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { checkHistory, type Model, type Verdict } from './checker.ts'
import { FileClient } from './file-client.ts'
import { fileModel, type FileAction } from './file-model.ts'
import type { Operation } from './history.ts'
import { ObjectClient, type Endpoint } from './object-client.ts'
import { objectModel, type ObjectAction } from './object-model.ts'
import { Recorder, type Counts } from './recorder.ts'
import { Values } from './values.ts'

export type RoundOptions = {
  /** Unique in its run. */
  name: string
  endpoint: Endpoint
  random: SeededRandom
  objectClients: number
  keys: number
  /** Where the JSON API is used too. */
  files?: { api: string; token: string; clients: number; files: number }
  milliseconds: number
  /** Goes on after `milliseconds` until as many operations on objects were answered. */
  leastAnswers?: number
  /** Milliseconds for which a client waits for an answer. */
  patience: number
  /** Does harm until `isOver`, and mends all of it. Resolves to what it did. */
  disturb: (isOver: () => boolean) => Promise<string[]>
}

/** The history of one key or file, and whether it is linearizable. */
export type CheckedHistory = {
  key: string
  verdict: Verdict<unknown, unknown>
  operations: Operation<unknown>[]
}

export type RoundResult = { checked: CheckedHistory[]; protests: string[]; counts: Counts; disturbances: string[] }

export async function playRound(o: RoundOptions): Promise<RoundResult> {
  const { random, patience, endpoint } = o
  const prefix = `${o.name}/`
  const keys = Array.from({ length: o.keys }, (_, i) => `${prefix}${'abcdefghij'[i]}`)
  const objects = new Recorder<ObjectAction>()
  const values = new Values(random.split('values'))
  const objectClient = (id: number) =>
    new ObjectClient({
      id,
      endpoint,
      recorder: objects,
      values,
      random: random.split(`client ${id}`),
      keys,
      prefix,
      patience,
    })
  const files = new Recorder<FileAction>()
  const uploaded = o.files ? await uploadFiles(o, o.files) : new Map<string, string>()
  const fileClient = (id: number) =>
    new FileClient({
      ...o.files!,
      id,
      recorder: files,
      random: random.split(`client ${id}`),
      files: [...uploaded.keys()],
      patience,
    })
  const objectClients = Array.from({ length: o.objectClients }, (_, i) => objectClient(i))
  const fileClients = Array.from({ length: o.files?.clients ?? 0 }, (_, i) => fileClient(100 + i))

  const end = performance.now() + o.milliseconds
  const isOver = (): boolean => performance.now() > end && objects.counts.answered >= (o.leastAnswers ?? 0)
  const working = [...objectClients, ...fileClients].map((client) => client.work(isOver))
  const disturbances = await o.disturb(isOver)
  await Promise.all(working)
  await objectClient(1000).readAll()
  if (o.files) await fileClient(1001).readAll()

  return {
    checked: [...checkAll(objects, () => objectModel), ...checkAll(files, (id) => fileModel(uploaded.get(id)!))],
    protests: [...objects.protests, ...files.protests],
    counts: {
      answered: objects.counts.answered + files.counts.answered,
      unknown: objects.counts.unknown + files.counts.unknown,
      refused: objects.counts.refused + files.counts.refused,
    },
    disturbances,
  }
}

async function uploadFiles(
  { patience, name }: RoundOptions,
  { api, token, files }: NonNullable<RoundOptions['files']>,
): Promise<Map<string, string>> {
  const uploaded = new Map<string, string>()
  for (let tries = 0; uploaded.size < files; tries++) {
    if (tries > 0) await sleep(200)
    if (tries > 100) throw new Error('no file could be uploaded before the round')
    const filename = `${name.replaceAll('/', '-')}-${tries}.bin`
    const id = await FileClient.upload({ api, token, patience }, filename)
    if (id !== null) uploaded.set(id, filename)
  }
  return uploaded
}

const checkAll = <S, A>(recorder: Recorder<A>, modelOf: (key: string) => Model<S, A>): CheckedHistory[] =>
  [...recorder.history.byKey()].map(([key, operations]) => ({
    key,
    verdict: checkHistory(modelOf(key), operations) as Verdict<unknown, unknown>,
    operations,
  }))

const folder = join(import.meta.dirname, '../../../coverage/histories')

/** Writes what is wrong with a round to a file, and resolves to one line for each finding; nothing where nothing is. */
export function findings(result: RoundResult, o: { name: string; seed: number }): string[] {
  const wrong = result.checked.filter(({ verdict }) => verdict.kind !== 'linearizable')
  if (wrong.length === 0 && result.protests.length === 0) return []
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${o.name.replaceAll('/', '-')}-seed-${o.seed}.json`)
  const { protests, disturbances } = result
  writeFileSync(file, JSON.stringify({ ...o, disturbances, protests, histories: wrong }, null, 1))
  return [
    ...wrong.map(({ key, verdict }) => `${key} is ${verdict.kind}: see ${file}`),
    ...protests.map((answer) => `no answer of S3: ${answer}`),
  ]
}

/** The figures of several rounds. */
export function total(results: readonly RoundResult[]): Figures {
  const sum = (of: (result: RoundResult) => number): number => results.reduce((all, result) => all + of(result), 0)
  return {
    rounds: results.length,
    disturbances: sum(({ disturbances }) => disturbances.length),
    'histories checked': sum(({ checked }) => checked.length),
    'operations answered': sum(({ counts }) => counts.answered),
    'of unknown outcome': sum(({ counts }) => counts.unknown),
    'refused connections': sum(({ counts }) => counts.refused),
    'not linearizable or undecided': 0,
  }
}
