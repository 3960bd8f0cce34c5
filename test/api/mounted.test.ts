/** The two apps in a server of somebody else's, as `createGateway` promises. */
import request from 'supertest'
import { expect, it, onTestFinished } from 'vitest'
import { signToken, startGateway } from '../fixtures/gateway.ts'

it('answers requests without a listener of its own', async () => {
  const { gateway, close } = await startGateway()
  onTestFinished(close)
  const api = request(gateway.api.callback())
  const authorization = `Bearer ${await signToken('alice')}`
  await api.get('/files').expect(401)
  const { body } = await api.get('/files').set({ authorization }).expect(200)
  expect(body).toEqual({ files: [], nextCursor: null })
  const objects = request(gateway.objects?.callback() ?? '')
  const refused = await objects.get('/postern/uploads/none.txt').expect(403)
  expect(refused.headers['content-type']).toBe('application/xml')
})
