/** A session in a signed cookie. Replace it with your identity provider. Other files only use `signedInUser()` and `signIn()`. */
import { jwtVerify, SignJWT } from 'jose'
import { cookies } from 'next/headers'

const name = 'session'
const key = new TextEncoder().encode(process.env.SESSION_SECRET)

export async function signIn(user) {
  const session = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime('8h')
    .sign(key)
  const jar = await cookies()
  jar.set(name, session, { httpOnly: true, sameSite: 'lax', path: '/' })
}

/** Returns null if no user is signed in. */
export async function signedInUser() {
  const session = (await cookies()).get(name)?.value
  if (session === undefined) return null
  const { payload } = await jwtVerify(session, key, { algorithms: ['HS256'] }).catch(() => ({ payload: {} }))
  return payload.sub ?? null
}
