'use client'
import { useRouter } from 'next/navigation'
import { ask } from './ask.js'

export function SignIn() {
  const router = useRouter()
  async function signIn(form) {
    await ask('/api/session', { name: form.get('name') })
    router.refresh()
  }
  return (
    <form action={signIn}>
      <label>
        Name <input name="name" autoComplete="username" required />
      </label>
      <button>Sign in</button>
    </form>
  )
}
