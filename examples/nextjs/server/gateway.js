/** The gateway, asked on behalf of the signed-in user: `sub` of a token of one minute, signed with auth.secret. */
import { SignJWT } from 'jose'
import { signedInUser } from './session.js'

const gateway = process.env.POSTERN_URL ?? 'http://127.0.0.1:4000'
const secret = new TextEncoder().encode(process.env.POSTERN_AUTH_SECRET)

/** What the gateway answers. 401 where nobody is signed in. */
export async function askGateway(path, init = {}) {
  const sub = await signedInUser()
  if (sub === null) return Response.json({ error: 'Sign in first.' }, { status: 401 })
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub)
    .setExpirationTime('1m')
    .sign(secret)
  return fetch(`${gateway}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}` },
    cache: 'no-store',
  })
}

/** The same for a route handler that passes its JSON body on. */
export async function forward(path, request) {
  const answer = await askGateway(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await request.json()),
  })
  return Response.json(await answer.json(), { status: answer.status })
}
