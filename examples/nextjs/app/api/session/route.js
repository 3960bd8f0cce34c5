import { signIn } from '../../../server/session.js'

/** Signs in anyone who enters a name. Check a password here, or redirect to your identity provider. */
export async function POST(request) {
  const { name } = await request.json()
  if (typeof name !== 'string' || name.trim() === '') {
    return Response.json({ error: 'Enter a name.' }, { status: 400 })
  }
  await signIn(name.trim())
  return Response.json({ name: name.trim() })
}
