/** What to say when this Node is older than package.json's `engines` asks for, else null. */
export function tooOld(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return null
  return [
    `postern needs Node 22.18 or newer, and this is Node ${version}.`,
    'Install a current Node from https://nodejs.org, or inside the project use the one it brings: npm run postern -- …',
  ].join('\n')
}
