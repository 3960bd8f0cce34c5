/** Server-sent events over fetch. Unlike EventSource, fetch can send a token. */

export type ServerEvent = { name: string; id: string | null; data: unknown }

/** Yields each complete event. Skips comments and invalid JSON. */
export async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerEvent[]> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let pending = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (pending + value).split('\n\n')
      pending = blocks.pop() ?? ''
      yield blocks.map(parseBlock).filter((event) => event !== null)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function parseBlock(block: string): ServerEvent | null {
  const fields = new Map<string, string>()
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  const data = fields.get('data')
  if (data === undefined) return null
  try {
    return { name: fields.get('event') ?? 'message', id: fields.get('id') ?? null, data: JSON.parse(data) }
  } catch {
    return null
  }
}
