import type { RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { guardRequest, refusalStatus, RequestRefused } from '../../src/http/guard.ts'
import { createLogger } from '../../src/http/logger.ts'
import { createServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.ts'
import { connect, rawHead, rawRequest } from '../fixtures/raw-http.ts'
import { limit } from '../fixtures/time-limit.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const open: HttpServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()))
})

async function start(listener: RequestListener, o: Partial<HttpServerOptions> = {}): Promise<string> {
  const server = createServer(listener, { log, shutdownTimeout: 1, ...o })
  open.push(server)
  return server.listen({ host: '127.0.0.1', port: 0 })
}

const readAll: RequestListener = (req, res) => {
  let bytes = 0
  req.on('data', (chunk: Buffer) => (bytes += chunk.length))
  req.on('end', () => res.end(String(bytes)))
  req.on('error', () => {})
}

const guarded: RequestListener = (req, res) => {
  try {
    guardRequest(req)
    res.end('ok')
  } catch (error) {
    res.statusCode = error instanceof RequestRefused ? refusalStatus[error.code] : 500
    res.end()
  }
}

describe('requests that Node refuses or lets through', () => {
  const cases: [string, string, number][] = [
    [
      'CL and TE',
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd', 400],
    ['length +4', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd', 400],
    ['length 0x4', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x4\r\n\r\nabcd', 400],
    ['xchunked', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 400],
    ['space before the colon', 'GET / HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n', 400],
    ['obs-fold', 'GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n c\r\n\r\n', 400],
    ['NUL in a header', 'GET / HTTP/1.1\r\nHost: h\r\nX-A: b\0c\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['gzip, chunked', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['absolute form', 'GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['a raw byte above ASCII', 'GET /\xfc HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['TRACE', 'TRACE / HTTP/1.1\r\nHost: h\r\n\r\n', 405],
    ['asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', 400],
    ['headers over 16 KiB', `GET / HTTP/1.1\r\nHost: h\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['a target over 16 KiB', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: h\r\n\r\n`, 431],
  ]
  test.each(cases)('%s', async (_, bytes, status) => {
    const base = await start(guarded)
    expect((await rawRequest(base, Buffer.from(bytes, 'latin1'))).status).toBe(status)
    expect((await rawRequest(base, rawHead(base, 'GET', '/'))).text).toBe('ok')
  })

  test('a line feed alone does not end a header', async () => {
    const base = await start(guarded)
    expect((await rawRequest(base, 'GET / HTTP/1.1\nHost: h\nX: y\n\n')).status).toBe(400)
  })

  test('a huge chunk extension is 413', async () => {
    const base = await start(readAll)
    const extension = `4;a=${'b'.repeat(20_000)}\r\nabcd\r\n0\r\n\r\n`
    const answer = await rawRequest(base, rawHead(base, 'POST', '/', { 'Transfer-Encoding': 'chunked' }) + extension)
    expect(answer.status).toBe(413)
  })
})

describe('time', () => {
  test('missing headers are 408', async () => {
    const base = await start(readAll, { headersTimeout: 0.2, checkEvery: 0.1 })
    const connection = await connect(base)
    await connection.send('GET / HTTP/1.1\r\nHost: h\r\nX-Slow')
    expect((await connection.answer()).status).toBe(408)
    await connection.closed()
  })

  test('a body below the minimum rate is 408, and its reader gets an error', async () => {
    let aborted = false
    const base = await start(
      (req, res) => {
        req.on('error', () => (aborted = true))
        req.resume().on('end', () => res.end('done'))
      },
      {
        rateFloor: { bytesPerSecond: 100, window: 0.4 },
        plainAnswer: () => ({ contentType: 'application/xml', body: '<x/>' }),
      },
    )
    const connection = await connect(base)
    await connection.send(rawHead(base, 'PUT', '/', { 'Content-Length': '1000' }))
    const answer = await connection.answer()
    expect(answer.status).toBe(408)
    expect(answer.text).toBe('<x/>')
    await connection.closed()
    expect(aborted).toBe(true)
  })

  test('a slow body above the minimum rate continues', async () => {
    const base = await start(readAll, {
      rateFloor: { bytesPerSecond: 100, window: limit(400) / 1000 },
      headersTimeout: limit(300) / 1000,
      checkEvery: 0.1,
    })
    const connection = await connect(base)
    await connection.send(rawHead(base, 'PUT', '/', { 'Content-Length': '1500' }))
    for (let i = 0; i < 15; i++) {
      await connection.send('x'.repeat(100))
      await sleep(limit(100))
    }
    expect((await connection.answer()).text).toBe('1500')
    connection.close()
  })

  test('a body that the server pauses is not counted as slow', async () => {
    const base = await start(
      (req, res) => {
        req.once('readable', () => setTimeout(() => req.resume().on('end', () => res.end('done')), 900))
      },
      { rateFloor: { bytesPerSecond: 100_000, window: 0.2 } },
    )
    const connection = await connect(base)
    await connection.send(rawHead(base, 'PUT', '/', { 'Content-Length': '3000000' }))
    const sending = connection.send('x'.repeat(3_000_000))
    expect((await connection.answer()).text).toBe('done')
    await sending
    connection.close()
  })
})

describe('refusals during a body', () => {
  test('no 100 is sent before the body is read, and none after a refusal', async () => {
    const base = await start((req, res) => {
      if (req.url === '/yes') return readAll(req, res)
      res.statusCode = 403
      res.end('no')
    })
    const expecting = { 'Content-Length': '3', Expect: '100-continue' }
    const refused = await rawRequest(base, rawHead(base, 'PUT', '/no', expecting))
    expect(refused).toMatchObject({ status: 403, interim: [] })
    expect(refused.headers.get('connection')).toBe('close')

    const connection = await connect(base)
    await connection.send(rawHead(base, 'PUT', '/yes', expecting))
    expect(await connection.interim()).toBe(100)
    await connection.send('abc')
    expect((await connection.answer()).text).toBe('3')
    connection.close()
  })

  test('the response reaches a client that keeps sending', async () => {
    const base = await start((req, res) => {
      req.once('data', () => {
        req.destroy(new Error('enough'))
        res.statusCode = 413
        res.end('too much')
      })
    })
    const connection = await connect(base)
    const size = 20_000_000
    await connection.send(rawHead(base, 'PUT', '/', { 'Content-Length': String(size * 2) }))
    const sending = connection.send(Buffer.alloc(size)).catch(() => {})
    const answer = await connection.answer()
    expect(answer).toMatchObject({ status: 413, text: 'too much' })
    expect(answer.headers.get('connection')).toBe('close')
    await sending
    await connection.closed()
  })
})

describe('closing', () => {
  test('running requests finish, idle and unused connections do not delay it', async () => {
    const server = createServer((_req, res) => setTimeout(() => res.end('late'), 300), { log, shutdownTimeout: 600 })
    const base = await server.listen({ host: '127.0.0.1', port: 0 })
    const unused = await connect(base)
    const idle = await connect(base)
    await idle.send(rawHead(base, 'GET', '/'))
    await idle.answer()
    const running = await connect(base)
    await running.send(rawHead(base, 'GET', '/'))
    await sleep(50)
    const closed = server.close()
    const answer = await running.answer()
    expect(answer.text).toBe('late')
    expect(answer.headers.get('connection')).toBe('close')
    // A connection that holds it up would hold it for shutdownTimeout.
    await closed
    for (const connection of [unused, idle, running]) connection.close()
    await expect(connect(base)).rejects.toThrow('ECONNREFUSED')
  })

  test('requests that do not finish in time are aborted', async () => {
    const server = createServer(() => {}, { log, shutdownTimeout: 0.3 })
    const base = await server.listen({ host: '127.0.0.1', port: 0 })
    const stuck = await connect(base)
    await stuck.send(rawHead(base, 'GET', '/'))
    await sleep(50)
    await server.close()
    await expect(stuck.closed()).resolves.toBeUndefined()
  })
})
