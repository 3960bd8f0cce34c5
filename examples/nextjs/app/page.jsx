import { signedInUser } from '../server/session.js'
import { SignIn } from './sign-in.jsx'
import { Upload } from './upload.jsx'

export default async function Page() {
  const name = await signedInUser()
  if (name === null) return <SignIn />
  return (
    <>
      <p>Signed in as {name}.</p>
      <Upload />
    </>
  )
}
