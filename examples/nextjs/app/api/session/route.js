import { signIn } from '../../../server/session.js'

/** Lets in whoever says a name. Check a password here, or send people to your identity provider. */
export async function POST(request) {
  const { name } = await request.json()
  if (typeof name !== 'string' || name.trim() === '') {
    return Response.json({ error: 'Say who you are.' }, { status: 400 })
  }
  await signIn(name.trim())
  return Response.json({ name: name.trim() })
}
