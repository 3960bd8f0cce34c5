/** Runs each step over HTTP. `allowed`: the statuses that are valid if nothing else happens concurrently. */
import { call, put, type Answer, type Caller } from '../api/caller.ts'
import { connect, rawHead } from '../fixtures/raw-http.ts'
import { begin, create, noteUrl } from './grant.ts'
import { pick, type Acted, type Step, type StepOf } from './step.ts'
import { confirmWithin, quota, type Known, type World } from './world.ts'

const nothing: Acted = { status: 0, allowed: [0] }

export function act(world: World, step: Step): Promise<Acted> {
  switch (step.do) {
    case 'create':
      return create(world, step)
    case 'begin':
      return begin(world, step)
    case 'expire':
      return expire(world, step)
    case 'crossExpiry':
      return crossExpiry(world, step)
    default:
      return touch(world, step)
  }
}

type Touching = Exclude<Step, { do: 'create' | 'begin' | 'expire' | 'crossExpiry' }>

async function touch(world: World, step: Touching): Promise<Acted> {
  const file = pick(world, step.which)
  if (file === undefined) return nothing
  if (step.do === 'put') return send(world, file, step)
  if (step.do === 'misuse') return misuse(world, file)
  const { stranger } = step
  const caller = callerOf(world, file, stranger)
  const answered = (answer: Answer, allowed: number[], after?: () => void): Acted => ({
    status: answer.status,
    text: answer.text,
    allowed: stranger ? [404] : allowed,
    ...(after && !stranger ? { after } : {}),
  })
  const byStatus = (pending: number[], confirmed: number[]): number[] =>
    ({ pending, confirmed, gone: [404] })[file.status]
  const isPut = file.kind === 'put'
  const path =
    isPut && step.do !== 'complete' && step.do !== 'abort' ? `/files/${file.id}` : `/files/multipart/${file.id}`

  // How a confirmed file was sent is forgotten with its grant: it then reads as one whose parts are joined.
  switch (step.do) {
    case 'confirm': {
      const claims = step.lie ? { size: 999 } : {}
      const answer = await caller.post('/files/confirm', { id: file.id, ...claims })
      const settled = isPut && file.status === 'pending' ? settles(world, file, step.lie) : null
      return answered(answer, byStatus(settled === null ? [409] : [settled], [200]), () => settle(file, answer))
    }
    case 'complete': {
      const answer = await caller.post(`${path}/complete`, {})
      const whole = file.stored?.length === file.declared
      const allowed = isPut ? byStatus([400], [400, 200]) : byStatus([whole ? 201 : 409], [200])
      if (!stranger) file.confirmBy = Math.max(file.confirmBy, world.now() + confirmWithin * 1000)
      return answered(answer, allowed, () => settle(file, answer))
    }
    case 'abort': {
      const answer = await caller.delete(path)
      return answered(answer, isPut ? byStatus([400], [400, 409]) : byStatus([204], [409]), () => {
        if (answer.status === 204) file.status = 'gone'
      })
    }
    case 'delete': {
      const answer = await caller.delete(`/files/${file.id}`)
      return answered(answer, byStatus([204], [204]), () => {
        if (answer.status === 204) file.status = 'gone'
      })
    }
    case 'renew': {
      const answer = await caller.post(`/files/${file.id}/upload-url`, { expiresIn: 900 })
      if (answer.status === 200) noteUrl(file, answer.json)
      return answered(answer, byStatus([isPut ? 200 : 400], [409]))
    }
    case 'part':
      return sendPart(world, file, step, answered, byStatus)
    case 'download': {
      const answer = await caller.get(`/files/${file.id}/download-url`)
      return answered(answer, byStatus([409], [200]))
    }
  }
}

const callerOf = (world: World, { owner }: Known, stranger: boolean): Caller =>
  world.callers[(owner === 'alice') === stranger ? 'bob' : 'alice']

/** 201, or the refusal that ends the upload; null while nothing is there. */
function settles(world: World, file: Known, lie: boolean): number | null {
  if (file.stored === null) return null
  if (lie) return 422
  const { bytes, reservedBytes } = world.usage[file.owner] as unknown as { bytes: number; reservedBytes: number }
  const size = file.stored.length
  const fits = size <= file.reserved || bytes + reservedBytes - file.reserved + size <= quota.userBytes
  return fits ? 201 : 403
}

function settle(file: Known, { status }: Answer): void {
  if (status === 201) Object.assign(file, { status: 'confirmed', content: file.stored })
  if (status === 422 || status === 403) file.status = 'gone'
}

async function send(world: World, file: Known, step: StepOf<'put'>): Promise<Acted> {
  const url = file.urls.at(step.url % Math.max(1, file.urls.length))
  if (url === undefined) return nothing
  const text = world.newText(step.rightSize ? (file.declared ?? step.bytes) : step.bytes)
  file.sent.add(text)
  const expired = url.expiresAt <= world.now()
  const answer = await put(url, text)
  const misfit = file.declared !== null && text.length !== file.declared
  const whilePending = expired || misfit ? [403] : text.length > file.reserved ? [400] : [200]
  const allowed = { pending: whilePending, confirmed: [403, 409, 412], gone: [200, 403, 404, 409, 412] }[file.status]
  const after = (): void => {
    if (answer.status !== 200 || file.status !== 'pending') return
    file.stored = text
    if (!file.autoConfirm) return
    const settled = settles(world, file, false)
    Object.assign(file, settled === 201 ? { status: 'confirmed', content: text } : { status: 'gone' })
  }
  return { status: answer.status, text: answer.text, allowed, after }
}

type Answered = (answer: Answer, allowed: number[], after?: () => void) => Acted

async function sendPart(
  world: World,
  file: Known,
  step: StepOf<'part'>,
  answered: Answered,
  byStatus: (pending: number[], confirmed: number[]) => number[],
): Promise<Acted> {
  const issued = await callerOf(world, file, step.stranger).post(`/files/multipart/${file.id}/parts`, {
    partNumbers: [1],
  })
  const allowed = file.kind === 'put' ? byStatus([400], [400, 409]) : byStatus([200], [409])
  const [part] = (issued.json as unknown as { parts?: { url: string; headers: Record<string, string> }[] }).parts ?? []
  if (issued.status !== 200 || part === undefined) return answered(issued, allowed)
  const text = world.newText(Math.max(1, file.declared! - (step.short ? 1 : 0)))
  file.sent.add(text)
  const answer = await call(part.url, { method: 'PUT', headers: part.headers, body: text })
  file.confirmBy = Math.max(file.confirmBy, world.now() + confirmWithin * 1000)
  const after = (): void => {
    if (answer.status === 200) file.stored = text
  }
  return answered(answer, [200], after)
}

/** URLs for one thing, used for another. */
async function misuse(world: World, file: Known): Promise<Acted> {
  const tries: [string, string][] = file.urls.flatMap(({ uploadUrl }) => [
    ['GET', uploadUrl],
    ['DELETE', uploadUrl],
    ['PUT', uploadUrl.replace(file.key, 'uploads/another.txt')],
  ])
  if (file.status === 'confirmed') {
    const { json } = await world.callers[file.owner].get(`/files/${file.id}/download-url`)
    for (const method of ['PUT', 'DELETE', 'POST', 'HEAD']) if (json.downloadUrl) tries.push([method, json.downloadUrl])
  }
  if (tries.length === 0) return nothing
  const answers = await Promise.all(
    tries.map(([method, url]) => call(url, { method, ...(method === 'PUT' ? { body: 'misuse' } : {}) })),
  )
  // A form POST carries its signature in its fields: a URL's is none.
  const worst = answers.find(({ status }) => ![403, 405, 412, 400].includes(status))
  return { status: worst?.status ?? 403, text: worst?.text ?? '', allowed: [403] }
}

async function expire(world: World, step: StepOf<'expire'>): Promise<Acted> {
  world.advance(step.seconds)
  const { failed } = await world.collect()
  const after = (): void => {
    for (const file of world.known) {
      if (file.status === 'pending' && file.confirmBy <= world.now()) file.status = 'gone'
    }
  }
  return { status: failed, allowed: [0], after }
}

/** An upload whose bytes are on their way when its time runs out: it is neither cut off nor forgotten. */
async function crossExpiry(world: World, step: StepOf<'crossExpiry'>): Promise<Acted> {
  const created = await create(world, {
    ...step,
    do: 'create',
    declared: true,
    isPublic: false,
    autoConfirm: false,
    expiresIn: 60,
  })
  if (created.status !== 200) return created
  const file = world.known.at(-1)!
  const text = world.newText(step.bytes)
  file.sent.add(text)
  const { uploadUrl, headers } = file.urls[0]!
  const { origin } = new URL(uploadUrl)
  const connection = await connect(origin)
  try {
    const all = { ...headers, 'content-length': String(text.length), expect: '100-continue' }
    await connection.send(rawHead(origin, 'PUT', uploadUrl.slice(origin.length), all))
    // The body is being read now.
    await connection.interim()
    await connection.send(text.slice(0, 2))
    world.advance(confirmWithin + 120)
    await world.collect()
    await connection.send(text.slice(2))
    const { status } = await connection.answer()
    const confirmed = await world.callers[step.by].post('/files/confirm', { id: file.id })
    const after = (): void => {
      for (const other of world.known) {
        if (other !== file && other.status === 'pending' && other.confirmBy <= world.now()) other.status = 'gone'
      }
      Object.assign(file, { status: 'confirmed', stored: text, content: text })
    }
    return { status: status === 200 ? confirmed.status : status, text: confirmed.text, allowed: [201], after }
  } finally {
    connection.close()
  }
}
