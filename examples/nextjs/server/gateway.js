/** Calls the gateway on behalf of the signed-in user, with a token that is valid for one minute and signed with auth.secret. */
import { SignJWT } from 'jose'
import { signedInUser } from './session.js'

const gateway = process.env.POSTERN_URL ?? 'http://127.0.0.1:4000'
const secret = new TextEncoder().encode(process.env.POSTERN_AUTH_SECRET)

/** Returns the gateway's response, or 401 if no user is signed in. */
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

/** The same for a route handler that forwards its JSON body. */
export async function forward(path, request) {
  const answer = await askGateway(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await request.json()),
  })
  return Response.json(await answer.json(), { status: answer.status })
}
